package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/plan"
)

// roleBook remembers the roles that came to exist during the run.
type roleBook struct {
	mu    sync.Mutex
	found map[string]access.ARN
}

func (b *roleBook) get(key string) (access.ARN, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	arn, ok := b.found[key]
	return arn, ok
}

func (b *roleBook) put(key string, arn access.ARN) access.ARN {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.found[key] = arn
	return arn
}

// rowWrites cuts where a row changes a second time: one write makes one change of a row.
func rowWrites(u unit) []unit {
	var out []unit
	for _, c := range u {
		if last := len(out) - 1; last >= 0 && !slices.ContainsFunc(out[last], c.SameRow) {
			out[last] = append(out[last], c)
			continue
		}
		out = append(out, unit{c})
	}
	return out
}

// rows writes all row changes of a cluster at once. Rows whose role does not come to exist fail alone.
func (r *runner) rows(ctx context.Context, u unit) {
	start := r.opts.Clock.Now()
	var edits []access.RowEdit
	var ready unit
	for _, c := range u {
		r.event(Event{Change: c})
		e, err := r.rowEdit(ctx, c)
		if err != nil {
			r.end(c, Failed, "", err, r.opts.Clock.Now().Sub(start))
			continue
		}
		ready, edits = append(ready, c), append(edits, e)
	}
	if len(ready) == 0 {
		return
	}
	proof, err := r.writeRows(ctx, ready[0], edits)
	status := Done
	if err != nil {
		status = Failed
	}
	for _, c := range ready {
		r.end(c, status, proof, err, r.opts.Clock.Now().Sub(start))
	}
}

func (r *runner) rowEdit(ctx context.Context, c plan.Change) (access.RowEdit, error) {
	var e access.RowEdit
	if c.Before != nil {
		row := c.Before.Mapping.Row
		e.Before = &row
	}
	if c.After != nil {
		row, err := r.wantedRow(ctx, c)
		if err != nil {
			return e, err
		}
		row.RoleARN = row.RoleARN.WithoutPath()
		e.After = row
	}
	return e, nil
}

func (r *runner) writeRows(ctx context.Context, c plan.Change, edits []access.RowEdit) (string, error) {
	cl, err := r.cluster(c)
	if err != nil {
		return "", err
	}
	w := access.RowWrite{Owner: r.in.Plan.Owner, Edits: edits, AllowRewrite: r.in.AllowRewrite, Guard: r.in.Plan.Guards[cl.ARN], Backup: r.in.Backup}
	if _, err := r.ports.Clusters.EditRows(ctx, cl, w); err != nil {
		return "", fmt.Errorf("editing aws-auth of %s: %w", cl.Name, err)
	}
	after, err := r.ports.Inside.AwsAuth(ctx, cl)
	if err != nil {
		return "", fmt.Errorf("reading aws-auth of %s back: %w", cl.Name, err)
	}
	return "re-read as the authenticator reads it", provenRows(cl, after, edits)
}

// provenRows reads the text as the authenticator does and compares the rows that were edited.
func provenRows(cl access.Cluster, cm *access.ConfigMap, edits []access.RowEdit) error {
	if cm == nil {
		cm = &access.ConfigMap{}
	}
	doc := awsauth.Parse(cm.Data)
	for _, e := range edits {
		if e.After == nil {
			if row, still := doc.Lookup(e.Before.RoleARN); still && row.Key != awsauth.KeyAccounts {
				return fmt.Errorf("aws-auth of %s still maps %s", cl.Name, e.Before.RoleARN)
			}
			continue
		}
		got, ok := doc.Lookup(e.After.RoleARN)
		if !ok || got.Username != e.After.Username || !slices.Equal(got.Groups, e.After.Groups) {
			return fmt.Errorf("aws-auth of %s does not map %s as written: somebody else's row may come after it", cl.Name, e.After.RoleARN)
		}
	}
	return nil
}

// awaitRole finds the role that Identity Center provisioned for a set, and gives its ARN.
func (r *runner) awaitRole(ctx context.Context, account access.AccountID, set string) (access.ARN, error) {
	key := string(account) + "/" + set
	if arn, ok := r.roles.get(key); ok {
		return arn, nil
	}
	deadline := r.opts.Clock.Now().Add(r.opts.RoleTimeout)
	for pause := 200 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		roles, err := r.ports.Reader.Roles(ctx, account)
		if err != nil {
			return "", fmt.Errorf("looking for the role of %q in %s: %w", set, account, err)
		}
		if role, ok := newest(roles, set); ok {
			return r.roles.put(key, role.ARN), nil
		}
		if r.opts.Clock.Now().After(deadline) {
			return "", fmt.Errorf("no role of %q appeared in %s within %s of its assignment: look at the set in Identity Center, then run apply again", set, account, r.opts.RoleTimeout)
		}
		if err := r.opts.Clock.Wait(ctx, pause); err != nil {
			return "", fmt.Errorf("waiting for the role of %q in %s: %w", set, account, err)
		}
	}
}

func newest(roles []access.Role, set string) (access.Role, bool) {
	var best access.Role
	found := false
	for _, role := range roles {
		if name, ok := role.PermissionSetName(); ok && name == set && (!found || role.Created.After(best.Created)) {
			best, found = role, true
		}
	}
	return best, found
}

func (r *runner) binding(ctx context.Context, c plan.Change) (string, error) {
	cl, err := r.cluster(c)
	if err != nil {
		return "", err
	}
	if c.Action == plan.Delete {
		if err := r.ports.Clusters.DeleteBinding(ctx, cl, *c.Before.Binding); err != nil {
			return "", fmt.Errorf("deleting %s in %s: %w", c.Name, cl.Name, err)
		}
		return r.prove(ctx, cl, c)
	}
	var before *access.Binding
	if c.Before != nil {
		before = c.Before.Binding
	}
	if err := r.ports.Clusters.PutBinding(ctx, cl, before, *c.After.Binding); err != nil {
		return "", fmt.Errorf("writing %s in %s: %w", c.Name, cl.Name, err)
	}
	return r.prove(ctx, cl, c)
}

// prove asks the cluster the change's questions.
func (r *runner) prove(ctx context.Context, cl access.Cluster, c plan.Change) (string, error) {
	may, mayNot := map[access.PrincipalID]bool{}, map[access.PrincipalID]bool{}
	for _, q := range c.Checks {
		if err := r.eventually(ctx, func() error { return r.check(ctx, cl, q) }); err != nil {
			return "", err
		}
		if q.Allowed {
			may[q.Person] = true
		} else {
			mayNot[q.Person] = true
		}
	}
	if len(c.Checks) == 0 {
		return "written; there was nobody to ask about", nil
	}
	return fmt.Sprintf("verified: %d may, %d may not", len(may), len(mayNot)), nil
}

// errNotProven says that the cluster answers otherwise than the policy.
var errNotProven = errors.New("not as the policy says")

func (r *runner) check(ctx context.Context, cl access.Cluster, q plan.Check) error {
	allowed, reason, err := r.ports.Prober.Allowed(ctx, cl, q.Identity, q.Request)
	if err != nil {
		return fmt.Errorf("asking %s what %s may do: %w", cl.Name, q.Name, err)
	}
	what := fmt.Sprintf("%s %s in %s", q.Request.Verb, strings.Trim(q.Request.Resource+"/"+q.Request.Subresource, "/"), cl.Name)
	switch {
	case q.Allowed && !allowed:
		return fmt.Errorf("%w: %s may not %s", errNotProven, q.Name, what)
	case !q.Allowed && allowed && strings.Contains(reason, `"rolecall:`+r.in.Plan.Owner+":"):
		return fmt.Errorf("%w: %s may %s, through %s", errNotProven, q.Name, what, reason)
	case !q.Allowed && allowed:
		r.note(fmt.Sprintf("RC3010: %s may %s all the same, through somebody else's objects: %s", q.Name, what, reason))
	}
	return nil
}

func (r *runner) note(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.notes, s) {
		r.notes = append(r.notes, s)
	}
}
