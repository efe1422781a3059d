// Package apply carries a plan out through the ports, proves each part, and says
// what was done, what was not, and why.
package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/plan"
)

// Versioned names of the result document.
const (
	APIVersion = "rolecall.dev/v1alpha1"
	Kind       = "ApplyResult"
)

// Ports are what a plan is carried out through.
type Ports struct {
	Reader   access.Reader
	Identity access.IdentityWriter
	Clusters access.ClusterWriter
	Entries  access.EntryWriter
	Inside   access.ClusterReader
	Prober   access.Prober
}

// Clock tells the time and waits; in production it is the system's.
type Clock interface {
	Now() time.Time
	// Wait returns after d or, with an error, when ctx ends.
	Wait(ctx context.Context, d time.Duration) error
}

// Input is a plan and what it is to be carried out on.
type Input struct {
	Plan     *plan.Plan
	Instance access.Instance
	Clusters map[access.ClusterARN]access.Cluster
	// Backup says for whom copies of aws-auth are kept, and AllowRewrite how aws-auth may be edited; see access.RowWrite.
	Backup       *access.Backup
	AllowRewrite bool
}

// Options tune a run.
type Options struct {
	Clock Clock
	// Parallel bounds the clusters and assignments under way at once; 0 means 16.
	Parallel int
	// RoleTimeout is how long to wait for a role after its assignment has settled; 0 means 3 minutes.
	RoleTimeout time.Duration
	// ProofTimeout is how long a cluster may take to show a change; 0 means 15 seconds.
	ProofTimeout time.Duration
	// Events may be nil. It is called from one goroutine at a time.
	Events func(Event)
}

// Status is how a change ended.
type Status string

// The statuses.
const (
	Done    Status = "done"
	Failed  Status = "failed"
	Skipped Status = "skipped"
)

// Event tells that a change began (Status empty) or ended.
type Event struct {
	Change  plan.Change
	Status  Status
	Elapsed time.Duration
	Err     error
	Proof   string
}

// ChangeResult is how one change of the plan ended.
type ChangeResult struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Status Status `json:"status"`
	Error  string `json:"error,omitempty"`
	Proof  string `json:"proof,omitempty"`
	err    error
}

// Err is the cause of a failure, for errors.Is.
func (r ChangeResult) Err() error { return r.err }

// Summary counts the results.
type Summary struct {
	Done    int `json:"done"`
	Failed  int `json:"failed"`
	Skipped int `json:"skipped"`
}

// Result is what a run did, in the plan's order.
type Result struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Plan       string         `json:"plan"`
	Changes    []ChangeResult `json:"changes"`
	// Notes are allows that come from somebody else's bindings (RC3010).
	Notes []string `json:"notes"`
	// Backups are the copies of aws-auth that were kept before it was changed, by cluster. Whoever keeps them fills them in.
	Backups []Kept  `json:"backups"`
	Summary Summary `json:"summary"`
}

// Kept is a copy of a cluster's aws-auth: its number in the cluster, and its file.
type Kept struct {
	Cluster access.ClusterARN `json:"cluster"`
	Number  int               `json:"number"`
	File    string            `json:"file"`
}

// Count brings the summary up to date with the changes.
func (r *Result) Count() {
	r.Summary = Summary{}
	for _, c := range r.Changes {
		switch c.Status {
		case Done:
			r.Summary.Done++
		case Failed:
			r.Summary.Failed++
		case Skipped:
			r.Summary.Skipped++
		}
	}
}

// Run carries the plan out. A failure stops only what depends on it. The result is complete even when ctx ends:
// what was not begun is skipped.
func Run(ctx context.Context, p Ports, in Input, o Options) *Result {
	r := newRunner(p, in, o)
	for _, batch := range batches(in.Plan.Changes) {
		r.batch(ctx, batch)
	}
	return r.result()
}

type runner struct {
	ports Ports
	in    Input
	opts  Options

	mu      sync.Mutex
	results map[string]ChangeResult
	notes   []string
	roles   roleBook
}

func newRunner(p Ports, in Input, o Options) *runner {
	if o.Parallel == 0 {
		o.Parallel = 16
	}
	if o.RoleTimeout == 0 {
		o.RoleTimeout = 3 * time.Minute
	}
	if o.ProofTimeout == 0 {
		o.ProofTimeout = 15 * time.Second
	}
	return &runner{ports: p, in: in, opts: o, results: map[string]ChangeResult{}, roles: roleBook{found: map[string]access.ARN{}}}
}

// batch is changes that may run side by side; unit by unit they keep their order.
type batch []unit

// unit is changes of one place, carried out one after the other; rows of a cluster are one write.
type unit []plan.Change

// batches cuts the plan where the stage or the sort of object changes: what comes later waits for what comes earlier.
func batches(changes []plan.Change) []batch {
	var out []batch
	for start := 0; start < len(changes); {
		end := start
		for end < len(changes) && together(changes[start], changes[end]) {
			end++
		}
		out = append(out, units(changes[start:end]))
		start = end
	}
	return out
}

func together(a, b plan.Change) bool {
	return a.Stage == b.Stage && sort(a.Kind) == sort(b.Kind) && (a.Stage != plan.StageNarrow || (a.Action == plan.Create) == (b.Action == plan.Create))
}

// sort lumps both kinds of binding together.
func sort(k plan.ObjectKind) plan.ObjectKind {
	if k == plan.KindClusterRoleBinding {
		return plan.KindRoleBinding
	}
	return k
}

func units(changes []plan.Change) batch {
	var keys []string
	byPlace := map[string]unit{}
	for _, c := range changes {
		k := string(c.Cluster)
		if k == "" {
			k = c.ID
		}
		if _, ok := byPlace[k]; !ok {
			keys = append(keys, k)
		}
		byPlace[k] = append(byPlace[k], c)
	}
	var out batch
	for _, k := range keys {
		out = append(out, byPlace[k])
	}
	return out
}

// batch runs the units side by side. Their failures are results, not errors: nothing here stops the others.
func (r *runner) batch(ctx context.Context, b batch) {
	var g errgroup.Group
	g.SetLimit(r.opts.Parallel)
	for _, u := range b {
		g.Go(func() error {
			r.unit(ctx, u)
			return nil
		})
	}
	_ = g.Wait()
}

func (r *runner) unit(ctx context.Context, u unit) {
	if u[0].Kind == plan.KindAwsAuthRow {
		for _, w := range rowWrites(u) {
			r.rows(ctx, r.ready(ctx, w))
		}
		return
	}
	// Changes of a unit may wait for one another, so each is looked at when its turn has come.
	for _, c := range u {
		if len(r.ready(ctx, unit{c})) > 0 {
			r.attempt(c, func() (string, error) { return r.one(ctx, c) })
		}
	}
}

// ready skips the changes that wait for something that did not happen, and all of them once the run was interrupted.
func (r *runner) ready(ctx context.Context, u unit) unit {
	var out unit
	for _, c := range u {
		if ctx.Err() != nil {
			r.end(c, Skipped, "", fmt.Errorf("the run was interrupted: %w", context.Cause(ctx)), 0)
			continue
		}
		if cause := r.blockedBy(c); cause != "" {
			r.end(c, Skipped, "", fmt.Errorf("it waits for %q, which was not done", cause), 0)
			continue
		}
		out = append(out, c)
	}
	return out
}

// blockedBy names the change that keeps c from being done.
func (r *runner) blockedBy(c plan.Change) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range c.DependsOn {
		if d, ok := r.results[id]; !ok || d.Status != Done {
			return d.Name
		}
	}
	return ""
}

// attempt times fn and records how it ended.
func (r *runner) attempt(c plan.Change, fn func() (string, error)) {
	start := r.opts.Clock.Now()
	r.event(Event{Change: c})
	proof, err := fn()
	status := Done
	if err != nil {
		status = Failed
	}
	r.end(c, status, proof, err, r.opts.Clock.Now().Sub(start))
}

func (r *runner) event(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.opts.Events != nil {
		r.opts.Events(e)
	}
}

func (r *runner) end(c plan.Change, s Status, proof string, err error, d time.Duration) {
	res := ChangeResult{ID: c.ID, Name: c.Name, Status: s, Proof: proof, err: err}
	if err != nil {
		res.Error = err.Error()
	}
	r.mu.Lock()
	r.results[c.ID] = res
	r.mu.Unlock()
	r.event(Event{Change: c, Status: s, Elapsed: d, Err: err, Proof: proof})
}

func (r *runner) result() *Result {
	out := &Result{APIVersion: APIVersion, Kind: Kind, Plan: r.in.Plan.ID, Notes: append([]string{}, r.notes...), Changes: []ChangeResult{}, Backups: []Kept{}}
	slices.Sort(out.Notes)
	for _, c := range r.in.Plan.Changes {
		out.Changes = append(out.Changes, r.results[c.ID])
	}
	out.Count()
	return out
}

// one carries out a change that is a write of its own, and proves it.
func (r *runner) one(ctx context.Context, c plan.Change) (string, error) {
	switch c.Kind {
	case plan.KindPermissionSetTag:
		return r.tag(ctx, *c.After.Tag)
	case plan.KindAccountAssignment:
		return r.assignment(ctx, c)
	case plan.KindRoleBinding, plan.KindClusterRoleBinding:
		return r.binding(ctx, c)
	case plan.KindAccessEntry:
		return r.entry(ctx, c)
	case plan.KindPolicyAssociation:
		return r.policy(ctx, c)
	case plan.KindAwsAuthRow:
	}
	return "", fmt.Errorf("a %s is not written on its own", c.Kind)
}

func (r *runner) tag(ctx context.Context, t access.OwnerTag) (string, error) {
	if err := r.ports.Identity.TagOwner(ctx, r.in.Instance, t.PermissionSet, t.Owner); err != nil {
		return "", fmt.Errorf("tagging %q: %w", t.Name, err)
	}
	owner, err := r.ports.Reader.Owner(ctx, r.in.Instance, t.PermissionSet)
	if err != nil {
		return "", fmt.Errorf("reading the tag of %q back: %w", t.Name, err)
	}
	if owner != t.Owner {
		return "", fmt.Errorf("the tag of %q reads back as %q", t.Name, owner)
	}
	return "read back", nil
}

func (r *runner) assignment(ctx context.Context, c plan.Change) (string, error) {
	if c.Action == plan.Delete {
		a := *c.Before.Assignment
		if err := r.ports.Identity.DeleteAssignment(ctx, r.in.Instance, a); err != nil {
			return "", fmt.Errorf("deleting assignment %s: %w", c.Name, err)
		}
		return r.assigned(ctx, c, a, "gone, read back")
	}
	a := *c.After.Assignment
	if err := r.ports.Identity.CreateAssignment(ctx, r.in.Instance, a); err != nil {
		return "", fmt.Errorf("creating assignment %s: %w", c.Name, err)
	}
	return r.assigned(ctx, c, a, "read back")
}

// assigned reads an assignment back; Identity Center may take a moment to list what it has settled.
func (r *runner) assigned(ctx context.Context, c plan.Change, a access.Assignment, proof string) (string, error) {
	err := r.eventually(ctx, func() error {
		as, err := r.ports.Reader.Assignments(ctx, r.in.Instance, a.Account, a.PermissionSet)
		if errors.Is(err, access.ErrNotFound) {
			as, err = nil, nil
		}
		if err != nil {
			return fmt.Errorf("reading assignment %s back: %w", c.Name, err)
		}
		if slices.Contains(as, a) != (c.Action != plan.Delete) {
			return fmt.Errorf("the assignment %s does not read back as %sd", c.Name, c.Action)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return proof, nil
}

// eventually repeats check until it passes or the proof timeout is over.
func (r *runner) eventually(ctx context.Context, check func() error) error {
	deadline := r.opts.Clock.Now().Add(r.opts.ProofTimeout)
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := check()
		if err == nil || errors.Is(err, access.ErrDenied) || r.opts.Clock.Now().After(deadline) {
			return err
		}
		if r.opts.Clock.Wait(ctx, pause) != nil {
			return err
		}
	}
}

func (r *runner) cluster(c plan.Change) (access.Cluster, error) {
	cl, ok := r.in.Clusters[c.Cluster]
	if !ok {
		return access.Cluster{}, fmt.Errorf("cluster %q: %w", c.Cluster, access.ErrNotFound)
	}
	return cl, nil
}
