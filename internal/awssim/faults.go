package awssim

import (
	"net/http"
	"time"

	"github.com/rolecall-dev/rolecall/internal/awssim/service"
)

// FaultKind is what goes wrong with a call.
type FaultKind int

// The faults. All but DropReply keep the call from being performed.
const (
	Deny            FaultKind = iota + 1 // access denied, whatever the policies say
	Throttle                             // throttled with the status of the model, mostly 429
	ThrottleWith400                      // throttled with HTTP 400
	InternalError                        // HTTP 500
	DropReply                            // performed, then the connection breaks
	Slow                                 // performed, answered after Latency
)

// Fault says which calls go wrong and how. An empty member matches every call.
type Fault struct {
	Service   string // signing name, such as "sso" or "eks"
	Operation string
	Account   string // of the caller
	Nth       int    // only the nth matching call, counted from one; zero: all
	Times     int    // only the first so many matching calls; zero: all
	Kind      FaultKind
	Latency   time.Duration // before the reply, with any kind
}

// Faults are all deviations from a good day.
type Faults struct {
	Rules []Fault // the first that matches a call counts
	// FailAssignments makes assignments to these accounts (name or id) end as
	// FAILED with the reason given.
	FailAssignments map[string]string
	// FailUpdates makes updates of these EKS clusters (by name) that are
	// asked for from now on end as Failed with the reason given.
	FailUpdates map[string]string
	ShortPages  bool // pages hold half of what was asked for
	EmptyPages  bool // every list begins with an empty page
	OmitStatus  bool // accounts have no Status, only State
	OmitPaths   bool // accounts and units have no Paths and Path
}

// SetFaults replaces the faults and starts their counting anew.
func (s *Server) SetFaults(f Faults) { s.state.With(func() { s.setFaults(f) }) }

func (s *Server) setFaults(f Faults) {
	s.faults = f
	s.hits = make([]int, len(f.Rules))
}

// fault returns the rule for a call, with a zero Kind when there is none.
func (s *Server) fault(c *service.Call) Fault {
	for i, f := range s.faults.Rules {
		if !f.matches(c) {
			continue
		}
		s.hits[i]++
		if f.Nth > 0 && s.hits[i] != f.Nth || f.Times > 0 && s.hits[i] > f.Times {
			continue
		}
		return f
	}
	return Fault{}
}

func (f Fault) matches(c *service.Call) bool {
	return (f.Service == "" || f.Service == c.Service) &&
		(f.Operation == "" || f.Operation == c.Operation) &&
		(f.Account == "" || f.Account == c.Caller.Account)
}

func (f Fault) err(c *service.Call) *service.Error {
	switch f.Kind {
	case Deny:
		return service.Denied(deniedCode(c.Service), c.Caller, service.Need{Action: c.Service + ":" + c.Operation}, service.ExplicitDeny)
	case Throttle:
		return throttled(c.Service)
	case ThrottleWith400:
		err := throttled(c.Service)
		err.Status = http.StatusBadRequest
		return err
	case InternalError:
		return internal(c.Service)
	case DropReply, Slow:
	}
	return nil
}

func throttled(name string) *service.Error {
	switch name {
	case orgs:
		return &service.Error{
			Code: "TooManyRequestsException", Status: http.StatusTooManyRequests,
			Message: "You have sent too many requests in too short a period of time. Try again later.",
			Fields:  map[string]any{"Type": "RATE_LIMIT_EXCEEDED"},
		}
	case iamService, stsService:
		return &service.Error{Code: "Throttling", Message: "Rate exceeded", Status: http.StatusBadRequest}
	}
	return &service.Error{Code: "ThrottlingException", Message: "Rate exceeded", Status: http.StatusTooManyRequests}
}

func internal(name string) *service.Error {
	code := "InternalServerException"
	switch name {
	case orgs:
		code = "ServiceException"
	case iamService:
		code = "ServiceFailure"
	case stsService:
		code = "InternalFailure"
	case eksService:
		code = "ServerException"
	}
	return &service.Error{Code: code, Message: "An internal error occurred.", Status: http.StatusInternalServerError}
}

// replyFaults are the faults that services look at while they answer.
func (s *Server) replyFaults() service.Faults {
	failing := map[string]string{}
	for account, reason := range s.faults.FailAssignments {
		if a := s.state.AccountByName(account); a != nil {
			failing[a.ID] = reason
		}
	}
	return service.Faults{
		ShortPages: s.faults.ShortPages, EmptyPages: s.faults.EmptyPages,
		OmitStatus: s.faults.OmitStatus, OmitPaths: s.faults.OmitPaths,
		FailAssignments: failing, AssignmentDelay: s.opts.AssignmentDelay,
		UpdateDelay: s.opts.UpdateDelay, FailUpdates: s.faults.FailUpdates,
	}
}
