// Package awssim is an HTTP server that behaves like the six AWS services that
// rolecall calls: IAM Identity Center, its identity store, Organizations, IAM,
// STS and EKS, over one state and one clock.
//
// It verifies signatures, authorizes every call by the caller's policies and
// checks inputs strictly, so that what works here may be expected to work in
// AWS. It shares no code with rolecall: it must not share its mistakes.
package awssim

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

const maxBody = 4 << 20

// Options say how a Server behaves. Only State is required.
type Options struct {
	State *state.State
	// Clock tells the time; nil takes the state's.
	Clock func() time.Time
	// AssignmentDelay is how long assignments and other asynchronous requests
	// stay in progress.
	AssignmentDelay time.Duration
	// UpdateDelay is how long updates of EKS clusters stay in progress.
	UpdateDelay time.Duration
	// Lag is how far EKS is behind what was written.
	Lag         Lag
	Limits      LimitMode
	ErrorStatus ErrorStatus
	Faults      Faults
	// Log gets one line per call; nil logs nothing.
	Log *slog.Logger
	// OnCall is told of every call before its reply is written, by several
	// goroutines at a time.
	OnCall func(Call)
	// OnAccess is told, one call at a time, of every EKS cluster at first and
	// then whenever its mode or access entries become other ones to its front
	// door. Calls of EKS are answered after it was told of what they did.
	OnAccess func(Access)
}

// ErrorStatus chooses the HTTP status of errors of the JSON 1.1 services.
type ErrorStatus int

// The two statuses seen: that of the service models, and 400 for whatever is
// the client's fault, as live traces show.
const (
	ModelStatus ErrorStatus = iota + 1
	AlwaysBadRequest
)

// Call tells of one call that was answered.
type Call struct {
	Service   string // signing name
	Operation string
	Account   string // of the caller; empty when unknown
	Principal string // ARN of the caller; empty when unknown
	Region    string
	Time      time.Time
	Err       string // code of the error reply, empty when the call succeeded
}

// Server is the simulator. It is an http.Handler.
type Server struct {
	opts     Options
	state    *state.State
	clock    func() time.Time
	log      *slog.Logger
	backends map[string]service.Backend
	serial   atomic.Int64
	telling  sync.Mutex

	// Guarded by the state's lock.
	faults  Faults
	hits    []int // how often each rule of faults matched
	buckets map[string]*bucket
	calls   map[string]int
}

// New returns a server over the state of the options.
func New(opts Options) *Server {
	s := &Server{
		opts:     opts,
		state:    opts.State,
		clock:    opts.Clock,
		log:      opts.Log,
		backends: backends(opts.State),
		buckets:  map[string]*bucket{},
		calls:    map[string]int{},
	}
	if s.clock == nil {
		s.clock = opts.State.Clock
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.state.With(func() { s.state.Lag = opts.Lag })
	s.setFaults(opts.Faults)
	return s
}

// Load reads the JSON form of a state.
func Load(r io.Reader, clock func() time.Time) (*state.State, error) {
	s, err := state.Load(r, clock)
	if err != nil {
		return nil, fmt.Errorf("loading the simulated organization: %w", err)
	}
	return s, nil
}

// Save writes the whole state as JSON; a server of what Load makes of it
// behaves the same.
func (s *Server) Save(w io.Writer) error {
	if err := s.state.Save(w); err != nil {
		return fmt.Errorf("saving the simulated organization: %w", err)
	}
	return nil
}

// Calls returns how often each operation was called, by "service:Operation".
func (s *Server) Calls() map[string]int {
	var out map[string]int
	s.state.With(func() { out = maps.Clone(s.calls) })
	return out
}

// SetClusterEndpoint tells where the API server of a cluster really listens,
// and the PEM text of the authority that signed its certificate. The account
// is given by name or id.
func (s *Server) SetClusterEndpoint(account, region, name, endpoint string, ca []byte) error {
	var err error
	s.state.With(func() {
		a := s.state.AccountByName(account)
		if a == nil {
			err = fmt.Errorf("setting the endpoint of cluster %q: no account %q", name, account)
			return
		}
		c := s.state.Clusters[s.state.ClusterARN(a.ID, region, name)]
		if c == nil {
			err = fmt.Errorf("setting the endpoint of cluster %q: no such cluster in account %q and Region %q", name, account, region)
			return
		}
		c.Endpoint, c.CA = endpoint, ca
	})
	return err
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "reading the request: "+err.Error(), http.StatusBadRequest)
		return
	}
	name := serviceOf(r)
	if name == portal {
		s.servePortal(w, r)
		return
	}
	backend := s.backends[name]
	if backend == nil {
		s.refuseUnrouted(w, r, name)
		return
	}
	s.serve(w, r, exchange{backend: backend, name: name, body: body})
}

// exchange is one request on its way through the server.
type exchange struct {
	backend service.Backend
	name    string
	body    []byte

	call   *service.Call
	result any
	err    *service.Error
	drop   bool          // the reply is lost
	wait   time.Duration // before the reply
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, x exchange) {
	input, parseErr := x.backend.Parse(r, x.body)
	x.call = &service.Call{
		Input:     input,
		Service:   x.name,
		RequestID: s.state.NewID(state.KindUUID, "call", strconv.FormatInt(s.serial.Add(1), 10)),
	}
	s.state.With(func() {
		x.call.Now = s.clock()
		x.call.Faults = s.replyFaults()
		x.call.Allowed = func(action, resource string) bool { return s.allowed(x.call, action, resource) }
		s.settle()
		s.perform(r, &x, parseErr)
		s.calls[x.name+":"+x.call.Operation]++
	})
	if x.name == eksService {
		s.tellAccess()
	}
	s.report(r.Context(), x)
	if x.wait > 0 {
		pause(r.Context(), x.wait)
	}
	if x.drop {
		panic(http.ErrAbortHandler)
	}
	if x.err != nil {
		x.backend.WriteError(w, x.call, s.restate(x.name, x.err))
		return
	}
	x.backend.WriteResult(w, x.call, x.result)
}

// perform authenticates, authorizes and handles the call. The lock is held.
func (s *Server) perform(r *http.Request, x *exchange, parseErr *service.Error) {
	if x.err = s.authenticate(r, x); x.err != nil {
		return
	}
	if x.err = parseErr; x.err != nil {
		return
	}
	fault := s.fault(x.call)
	x.drop, x.wait = fault.Kind == DropReply, fault.Latency
	if x.err = fault.err(x.call); x.err != nil {
		return
	}
	if x.err = s.limit(x.call); x.err != nil {
		return
	}
	if x.err = s.authorize(x); x.err != nil {
		return
	}
	x.result, x.err = x.backend.Handle(x.call)
}

func (s *Server) report(ctx context.Context, x exchange) {
	c := Call{
		Service: x.name, Operation: x.call.Operation, Region: x.call.Region, Time: x.call.Now,
		Account: x.call.Caller.Account, Principal: x.call.Caller.ARN,
	}
	if x.err != nil {
		c.Err = x.err.Code
	}
	s.log.InfoContext(ctx, "answered call", "service", c.Service, "operation", c.Operation, "region", c.Region,
		"principal", c.Principal, "error", c.Err, "request_id", x.call.RequestID)
	if s.opts.OnCall != nil {
		s.opts.OnCall(c)
	}
}

// restate gives an error the HTTP status that the options ask for.
func (s *Server) restate(name string, err *service.Error) *service.Error {
	if s.opts.ErrorStatus != AlwaysBadRequest || !speaksJSON(name) || err.Status >= http.StatusInternalServerError {
		return err
	}
	out := *err
	out.Status = http.StatusBadRequest
	return &out
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
