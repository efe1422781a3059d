package apply

import (
	"context"
	"errors"
	"fmt"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/plan"
)

// entry changes an access entry, and reads it back until EKS shows it as written.
func (r *runner) entry(ctx context.Context, c plan.Change) (string, error) {
	cl, err := r.cluster(c)
	if err != nil {
		return "", err
	}
	w := access.EntryWrite{Owner: r.in.Plan.Owner, Adopt: c.Before != nil && c.Reason == plan.ReasonAdopted}
	if c.Before != nil {
		w.Before, w.Dead = &c.Before.Mapping.Row, c.Before.Mapping.Dead && c.After == nil
	}
	if c.After != nil {
		if w.After, err = r.wantedRow(ctx, c); err != nil {
			return "", err
		}
	}
	switch c.Action {
	case plan.Create:
		err = r.ports.Entries.CreateEntry(ctx, cl, w)
	case plan.Update:
		err = r.ports.Entries.UpdateEntry(ctx, cl, w)
	case plan.Delete:
		err = r.ports.Entries.DeleteEntry(ctx, cl, w)
	}
	if err != nil {
		return "", fmt.Errorf("writing the access entry of %s in %s: %w", c.Name, cl.Name, err)
	}
	return r.proveEntry(ctx, cl, w)
}

// wantedRow is the row as it is to be; a role that was yet to come is looked up. Its ARN has the path.
func (r *runner) wantedRow(ctx context.Context, c plan.Change) (*access.Row, error) {
	row := c.After.Mapping.Row
	if c.After.Mapping.Symbolic() {
		arn, err := r.awaitRole(ctx, c.Account, c.After.Mapping.PermissionSet)
		if err != nil {
			return nil, err
		}
		row.RoleARN = arn
	}
	return &row, nil
}

func (r *runner) proveEntry(ctx context.Context, cl access.Cluster, w access.EntryWrite) (string, error) {
	err := r.eventually(ctx, func() error {
		e, err := r.ports.Reader.AccessEntry(ctx, cl, w.Principal())
		switch gone := errors.Is(err, access.ErrNotFound); {
		case gone && w.After == nil:
			return nil
		case gone:
			return fmt.Errorf("the access entry of %s in %s does not read back", w.Principal(), cl.Name)
		case err != nil:
			return fmt.Errorf("reading the access entry of %s in %s back: %w", w.Principal(), cl.Name, err)
		case w.After == nil:
			return fmt.Errorf("the access entry of %s in %s is still there", w.Principal(), cl.Name)
		case !e.Row().Equal(*w.After) || !e.Ours(w.Owner):
			return fmt.Errorf("the access entry of %s in %s reads back otherwise: username %q, groups %q", w.Principal(), cl.Name, e.Username, e.Groups)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	if w.After == nil {
		return "gone, read back", nil
	}
	return "read back", nil
}

// policy changes what an access entry has of an EKS access policy, and reads it back together with the record of it.
func (r *runner) policy(ctx context.Context, c plan.Change) (string, error) {
	cl, err := r.cluster(c)
	if err != nil {
		return "", err
	}
	o := c.After
	if o == nil {
		o = c.Before
	}
	w := access.PolicyWrite{Owner: r.in.Plan.Owner, Principal: o.Policy.Principal}
	if w.Principal == "" {
		if w.Principal, err = r.awaitRole(ctx, c.Account, o.Policy.PermissionSet); err != nil {
			return "", err
		}
	}
	if c.Before != nil {
		w.Before = &c.Before.Policy.Association
	}
	write := r.ports.Entries.DisassociatePolicy
	if c.After != nil {
		w.After, write = &c.After.Policy.Association, r.ports.Entries.AssociatePolicy
	}
	if err := write(ctx, cl, w); err != nil {
		return "", fmt.Errorf("writing %s in %s: %w", c.Name, cl.Name, err)
	}
	return r.provePolicy(ctx, cl, w)
}

func (r *runner) provePolicy(ctx context.Context, cl access.Cluster, w access.PolicyWrite) (string, error) {
	err := r.eventually(ctx, func() error {
		e, err := r.ports.Reader.AccessEntry(ctx, cl, w.Principal)
		if err != nil {
			return fmt.Errorf("reading the access entry of %s in %s back: %w", w.Principal, cl.Name, err)
		}
		if got := associated(e, w); got != "" {
			return fmt.Errorf("the access entry of %s in %s reads back with %s", w.Principal, cl.Name, got)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	if w.After == nil {
		return "gone, read back", nil
	}
	return "read back", nil
}

// associated says what an entry has otherwise than as written; "" when it is as written.
func associated(e access.AccessEntry, w access.PolicyWrite) string {
	record := access.ReadPolicyRecord(e.Tags)
	if w.After == nil {
		for _, a := range e.Associations {
			if a.Policy == w.Before.Policy {
				return a.String() + " still"
			}
		}
		if record.Names(w.Before.Policy) {
			return "a record of " + w.Before.Name() + " still"
		}
		return ""
	}
	for _, a := range e.Associations {
		if !a.Equal(*w.After) {
			continue
		}
		if !record.Has(a) {
			return "no record of " + a.String()
		}
		return ""
	}
	return "no " + w.After.String()
}
