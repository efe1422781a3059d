package snapshot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// Ports are what Collect reads through.
type Ports struct {
	Reader   access.Reader
	Clusters access.ClusterReader
}

// Progress is told how far a phase has come.
type Progress struct {
	Phase       string
	Done, Total int
}

// Options tune a collection.
type Options struct {
	// Taken is the time of the snapshot, and so the clock of the run.
	Taken time.Time
	// Parallel bounds the reads under way at once; 0 means 32.
	Parallel int
	// Progress may be nil. It is called from one goroutine at a time.
	Progress func(Progress)
}

// Collect reads the scope. What cannot be read becomes a gap; only a missing identity, a
// cancelled context or an estate that names unknown accounts is an error.
func Collect(ctx context.Context, p Ports, scope Scope, o Options) (*Snapshot, error) {
	if o.Parallel == 0 {
		o.Parallel = 32
	}
	c := &collector{ports: p, scope: scope, opts: o, control: map[access.ARN][]access.ClusterControl{}}
	c.s = &Snapshot{APIVersion: APIVersion, Kind: Kind, Taken: o.Taken.UTC().Truncate(time.Second)}
	caller, err := p.Reader.Caller(ctx)
	if err != nil {
		return nil, err
	}
	c.s.Caller = caller
	for _, phase := range []func(context.Context) error{c.organization, c.directory, c.inside} {
		if err := phase(ctx); err != nil {
			return nil, err
		}
	}
	c.controlled()
	c.s.Sort()
	return c.s, nil
}

type collector struct {
	ports Ports
	scope Scope
	opts  Options

	mu sync.Mutex
	s  *Snapshot
	// instance is false when Identity Center could not be found.
	instance bool
	setARNs  []access.ARN
	clusters []clusterName
	entries  []entryRef
	// hosts are the estate's accounts that have clusters, or may have: those whose clusters could not be listed count.
	hosts map[access.AccountID]bool
	// control is what roles may do through the EKS API.
	control map[access.ARN][]access.ClusterControl
}

type clusterName struct {
	account      access.AccountID
	region, name string
}

// task is one read; a failure becomes the gap that it describes.
type task struct {
	gap access.Gap
	run func(context.Context) error
}

// wave runs tasks side by side. Only a cancelled context or lost credentials stop it.
func (c *collector) wave(ctx context.Context, phase string, tasks []task) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(c.opts.Parallel)
	done := 0
	c.report(phase, 0, len(tasks))
	for _, t := range tasks {
		g.Go(func() error {
			err := t.run(gctx)
			c.mu.Lock()
			defer c.mu.Unlock()
			done++
			c.reportLocked(phase, done, len(tasks))
			return c.note(ctx, t.gap, err)
		})
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("reading %s: %w", phase, err)
	}
	return nil
}

// note records err as a gap; it returns what must stop the whole collection. c.mu is held.
func (c *collector) note(ctx context.Context, gap access.Gap, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err() //nolint:wrapcheck // wave says what was being read
	case errors.Is(err, access.ErrExpired) && gap.Account == "":
		return err
	}
	c.s.Gaps = append(c.s.Gaps, Fill(gap, err))
	return nil
}

// Fill completes a gap with what an error says.
func Fill(gap access.Gap, err error) access.Gap {
	gap.Reason, gap.Kind = err.Error(), access.GapFailed
	for _, k := range []struct {
		is   error
		kind access.GapKind
	}{
		{access.ErrDenied, access.GapDenied},
		{access.ErrThrottled, access.GapThrottled},
		{access.ErrUnreachable, access.GapUnreachable},
		{access.ErrExpired, access.GapExpired},
	} {
		if errors.Is(err, k.is) {
			gap.Kind = k.kind
		}
	}
	if call, ok := errors.AsType[*access.CallError](err); ok {
		gap.Service, gap.Operation, gap.Needs, gap.Reason = call.Service, call.Operation, call.Needs, call.Message
	}
	return gap
}

func (c *collector) report(phase string, done, total int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reportLocked(phase, done, total)
}

func (c *collector) reportLocked(phase string, done, total int) {
	if c.opts.Progress != nil {
		c.opts.Progress(Progress{Phase: phase, Done: done, Total: total})
	}
}

// put runs fn with the snapshot locked.
func (c *collector) put(fn func(s *Snapshot)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fn(c.s)
}

// organization reads the accounts and decides the estate.
func (c *collector) organization(ctx context.Context) error {
	r := c.ports.Reader
	err := c.wave(ctx, "organization", []task{
		{access.Gap{Part: access.PartOrganization, Service: "organizations"}, func(ctx context.Context) error {
			org, err := r.Organization(ctx)
			c.put(func(s *Snapshot) { s.Organization = org })
			return err
		}},
		{access.Gap{Part: access.PartAccounts, Service: "organizations"}, func(ctx context.Context) error {
			accounts, err := r.Accounts(ctx)
			c.put(func(s *Snapshot) { s.Accounts = accounts })
			return err
		}},
		{access.Gap{Part: access.PartInstance, Service: "sso"}, func(ctx context.Context) error {
			i, err := r.Instance(ctx)
			c.put(func(s *Snapshot) { s.Instance = i; c.instance = err == nil })
			return err
		}},
	})
	if err != nil {
		return err
	}
	if c.scope.NeedUnits || len(c.scope.Units) > 0 {
		err = c.wave(ctx, "organizational units", []task{{access.Gap{Part: access.PartUnits, Service: "organizations"}, c.units}})
	}
	c.s.Estate = Estate(c.s.Accounts, c.scope)
	return err
}

// units walks the tree once and gives every account its path.
func (c *collector) units(ctx context.Context) error {
	r := c.ports.Reader
	root, err := r.Root(ctx)
	if err != nil {
		return err
	}
	paths := map[access.OrganizationalUnitID]string{root: ""}
	for queue := []access.OrganizationalUnitID{root}; len(queue) > 0; queue = queue[1:] {
		children, err := r.ChildUnits(ctx, queue[0])
		if err != nil {
			return err
		}
		for _, u := range children {
			paths[u.ID] = joinUnit(paths[queue[0]], u.Name)
			queue = append(queue, u.ID)
		}
	}
	parents, err := c.parents(ctx, paths)
	if err != nil {
		return err
	}
	c.put(func(s *Snapshot) {
		for i := range s.Accounts {
			a := &s.Accounts[i]
			if a.UnitID == "" {
				a.UnitID = parents[a.ID]
			}
			a.Unit = paths[a.UnitID]
		}
	})
	return nil
}

func joinUnit(parent, name string) string {
	if parent == "" {
		return name
	}
	return parent + "/" + name
}

// parents finds the units of accounts whose listing did not say them.
func (c *collector) parents(ctx context.Context, paths map[access.OrganizationalUnitID]string) (map[access.AccountID]access.OrganizationalUnitID, error) {
	out := map[access.AccountID]access.OrganizationalUnitID{}
	if !slices.ContainsFunc(c.s.Accounts, func(a access.Account) bool { return a.UnitID == "" }) {
		return out, nil
	}
	for unit := range paths {
		ids, err := c.ports.Reader.AccountsIn(ctx, unit)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			out[id] = unit
		}
	}
	return out, nil
}

// active returns the estate's accounts that can be looked into; the others become gaps.
func (c *collector) active() []access.AccountID {
	state := map[access.AccountID]access.AccountState{}
	for _, a := range c.s.Accounts {
		state[a.ID] = a.State
	}
	var out []access.AccountID
	for _, id := range c.s.Estate {
		if state[id] == access.AccountActive {
			out = append(out, id)
			continue
		}
		c.s.Gaps = append(c.s.Gaps, access.Gap{
			Part: access.PartClusters, Service: "organizations", Operation: "ListAccounts", Account: id,
			Kind: access.GapInactive, Reason: fmt.Sprintf("the account is %s: nothing in it can be read", state[id]),
		})
	}
	return out
}
