package awssim

import (
	"fmt"

	"github.com/rolecall-dev/rolecall/internal/awssim/eks"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

// Access is what the front door of an EKS cluster goes by: its authentication
// mode and access entries.
type Access = eks.Access

// Lag is how far EKS is behind what was written.
type Lag = state.Lag

// Access returns what the front door of a cluster goes by now. The account is
// given by name or id.
func (s *Server) Access(account, region, name string) (Access, error) {
	var out Access
	var err error
	s.state.With(func() {
		a := s.state.AccountByName(account)
		if a == nil {
			err = fmt.Errorf("reading the access of cluster %q: no account %q", name, account)
			return
		}
		c := s.state.Clusters[s.state.ClusterARN(a.ID, region, name)]
		if c == nil {
			err = fmt.Errorf("reading the access of cluster %q: no such cluster in account %q and Region %q", name, account, region)
			return
		}
		out = s.eks().Access(c, s.clock())
	})
	return out, err
}

// Settle finishes what is due by the clock, asynchronous work and what lagged
// behind, and tells OnAccess of it. Calls do that too, so it is only needed
// where time passes and nobody calls.
func (s *Server) Settle() {
	s.state.With(func() { s.settle() })
	s.tellAccess()
}

// settle finishes what is due. The lock is held.
func (s *Server) settle() {
	now := s.clock()
	for _, b := range s.backends {
		b.Settle(now)
	}
}

func (s *Server) eks() *eks.Service {
	e, ok := s.backends[eksService].(*eks.Service)
	if !ok {
		panic("the backend for EKS is another service")
	}
	return e
}

// tellAccess tells OnAccess of the clusters that admit others than before. It
// returns after everything was told that was due when it was called, by itself
// or by another call, so a reply never shows more than OnAccess knows.
func (s *Server) tellAccess() {
	if s.opts.OnAccess == nil {
		return
	}
	s.telling.Lock()
	defer s.telling.Unlock()
	var changed []Access
	s.state.With(func() { changed = s.eks().Changed(s.clock()) })
	for _, a := range changed {
		s.opts.OnAccess(a)
	}
}
