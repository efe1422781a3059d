// Package simtest runs a single simulated service behind HTTP for its own tests, as a caller of the test's choosing and without
// authentication, which is the server's.
package simtest

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

// Server serves one backend.
type Server struct {
	Backend service.Backend
	State   *state.State
	Caller  service.Caller
	Region  string
	Now     time.Time
	Faults  service.Faults
	// Needs collects what the calls asked permission for.
	Needs []service.Need
	// Allow, when set, decides on each need.
	Allow func(service.Need) bool
}

// ServeHTTP handles one request as the caller.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	call := &service.Call{Region: s.Region, RequestID: "11111111-2222-4333-8444-555555555555", Caller: s.Caller, Now: s.Now, Faults: s.Faults}
	input, failure := s.Backend.Parse(r, body)
	call.Input = input
	if failure != nil {
		s.Backend.WriteError(w, call, failure)
		return
	}
	var result any
	s.State.With(func() { result, failure = s.handle(call) })
	if failure != nil {
		s.Backend.WriteError(w, call, failure)
		return
	}
	s.Backend.WriteResult(w, call, result)
}

func (s *Server) handle(call *service.Call) (any, *service.Error) {
	s.Backend.Settle(s.Now)
	for _, need := range s.Backend.Needs(call) {
		s.Needs = append(s.Needs, need)
		if s.Allow != nil && !s.Allow(need) {
			return nil, service.Denied("AccessDenied", s.Caller, need, service.ImplicitDeny)
		}
	}
	return s.Backend.Handle(call)
}

// Must returns what a call returns that is expected to succeed: Must[*T](t)(call).
func Must[T any](tb testing.TB) func(T, error) T {
	tb.Helper()
	return func(value T, err error) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return value
	}
}
