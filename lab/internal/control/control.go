// Package control lets commands reach the laboratory that another process
// runs: a directory says where it is, and a server of its own answers what no
// AWS service does.
package control

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/rolecall-dev/rolecall/lab/internal/laboratory"
	"github.com/rolecall-dev/rolecall/lab/internal/organization"
)

// State is what a directory says about the laboratory that runs there.
type State struct {
	PID      int    `json:"pid"`
	Endpoint string `json:"endpoint"`
	Region   string `json:"region"`
	// Kubeconfig is the one of a member of system:masters, PeopleKubeconfig the one with which whoever has AWS
	// credentials is who these say.
	Kubeconfig       string `json:"kubeconfig"`
	PeopleKubeconfig string `json:"peopleKubeconfig"`

	Caller        laboratory.Credentials `json:"caller"`
	Administrator laboratory.Credentials `json:"administrator"`
	Clusters      []Cluster              `json:"clusters"`
	Control       Address                `json:"control"`
}

// Cluster is where a cluster of the laboratory is.
type Cluster struct {
	Context   string `json:"context"`
	Account   string `json:"account"`
	AccountID string `json:"accountId"`
	Region    string `json:"region"`
	Name      string `json:"name"`
	Endpoint  string `json:"endpoint"`
	CA        string `json:"certificateAuthority"` // PEM
}

// Address is where the laboratory's own server listens, and its secret.
type Address struct {
	URL    string `json:"url"`
	Secret string `json:"secret"`
}

// ErrNotRunning says that no laboratory runs there.
var ErrNotRunning = errors.New("no laboratory runs there; start one with `rolecall-lab up`")

const stateFile = "state.json"

// Server answers session requests for a laboratory.
type Server struct {
	Address Address

	server *http.Server
}

// Serve starts a server on the loopback interface.
func Serve(l *laboratory.Laboratory) (*Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // returns at once
	if err != nil {
		return nil, fmt.Errorf("opening the laboratory's own server: %w", err)
	}
	s := &Server{Address: Address{URL: "http://" + listener.Addr().String(), Secret: rand.Text()}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /session", func(w http.ResponseWriter, r *http.Request) { s.session(w, r, l) })
	s.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(listener) }()
	return s, nil
}

// Close ends the server.
func (s *Server) Close() error {
	if err := s.server.Close(); err != nil {
		return fmt.Errorf("closing the laboratory's own server: %w", err)
	}
	return nil
}

func (s *Server) session(w http.ResponseWriter, r *http.Request, l *laboratory.Laboratory) {
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+s.Address.Secret)) != 1 {
		http.Error(w, "the secret of state.json is needed", http.StatusUnauthorized)
		return
	}
	var in laboratory.Session
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	out, err := l.SignIn(in)
	if err != nil {
		w.WriteHeader(http.StatusForbidden)
		_ = json.NewEncoder(w).Encode(refusal{Reason: err.Error()})
		return
	}
	_ = json.NewEncoder(w).Encode(out)
}

type refusal struct {
	Reason string `json:"reason"`
}

// Describe collects the state of a running laboratory.
func Describe(l *laboratory.Laboratory, o *organization.Organization, s *Server) (State, error) {
	st := State{PID: os.Getpid(), Endpoint: l.Endpoint, Region: l.Region, Control: s.Address}
	var err error
	if st.Caller, err = l.Key(o.Caller); err != nil {
		return State{}, err
	}
	if st.Administrator, err = l.Key(o.Administrator); err != nil {
		return State{}, err
	}
	for _, c := range l.Clusters {
		st.Clusters = append(st.Clusters, Cluster{
			Context: c.Context, Account: c.Account, AccountID: c.AccountID, Region: c.Region, Name: c.Name,
			Endpoint: c.Endpoint, CA: string(c.CA),
		})
	}
	return st, nil
}

// Write writes the state into a directory, for its owner only.
func (s State) Write(dir string) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the laboratory's state: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, stateFile), append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("writing the laboratory's state: %w", err)
	}
	return nil
}

// Read reads the state of the laboratory that runs in a directory.
func Read(dir string) (State, error) {
	data, err := os.ReadFile(filepath.Join(dir, stateFile))
	if errors.Is(err, os.ErrNotExist) {
		return State{}, fmt.Errorf("looking into %q: %w", dir, ErrNotRunning)
	}
	if err != nil {
		return State{}, fmt.Errorf("reading the laboratory's state: %w", err)
	}
	var s State
	if err := json.Unmarshal(data, &s); err != nil {
		return State{}, fmt.Errorf("reading the laboratory's state: %w", err)
	}
	return s, nil
}

// SignIn asks the running laboratory for a person's credentials. A refusal is
// an error that says why.
func (s State) SignIn(ctx context.Context, in laboratory.Session) (laboratory.Credentials, error) {
	var out laboratory.Credentials
	body, err := json.Marshal(in)
	if err != nil {
		return out, fmt.Errorf("asking for a session: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Control.URL+"/session", bytes.NewReader(body))
	if err != nil {
		return out, fmt.Errorf("asking for a session: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+s.Control.Secret)
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		return out, fmt.Errorf("asking for a session: %w", errors.Join(ErrNotRunning, err))
	}
	defer func() { _ = reply.Body.Close() }()
	if reply.StatusCode == http.StatusForbidden {
		var no refusal
		if err := json.NewDecoder(reply.Body).Decode(&no); err != nil {
			return out, fmt.Errorf("asking for a session: %w", err)
		}
		return out, errors.New(no.Reason)
	}
	if reply.StatusCode != http.StatusOK {
		return out, fmt.Errorf("asking for a session: %s", reply.Status)
	}
	if err := json.NewDecoder(reply.Body).Decode(&out); err != nil {
		return out, fmt.Errorf("asking for a session: %w", err)
	}
	return out, nil
}
