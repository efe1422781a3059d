package plan

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// rehearsal is one cluster on its way through the plan, write by write.
type rehearsal struct {
	*guards
	c *access.Cluster
	// text is aws-auth as it stands, entries the access entries by principal. rows are the mappings in force by lower-case ARN without a path:
	// a row, or the access entry that hides it. listed are the text's.
	text         access.ConfigMap
	entries      map[access.ARN]access.AccessEntry
	rows, listed map[string]awsauth.Entry
	// live are the principals of the entries that are in force, by the same key.
	live map[string]access.ARN
	// owned are the ARNs, in lower case, of rows that are ours; altered those whose mapping the plan takes something from.
	owned, altered map[string]bool
	// bindings are the keys of all bindings that stand.
	bindings map[access.BindingKey]bool
	admins   *administrators
	keepers  []*keeper
	guard    access.RowGuard
}

// cluster rehearses the changes of a cluster. after tells that assignments go once they are done.
func (g *guards) cluster(c *access.Cluster, changes []Change, after bool) {
	if !after && !slices.ContainsFunc(changes, func(c Change) bool { return c.object().Binding == nil || c.Before != nil }) {
		have := bindingsOf(c)
		for _, ch := range changes {
			g.ownBinding(ch, have)
		}
		return
	}
	r := g.rehearse(c, changes)
	start, had := r.text, maps.Clone(r.rows)
	for _, step := range steps(changes) {
		if step[0].Stage >= StageAdd {
			r.admins.phase = arrived
		}
		if !r.write(step) {
			return
		}
		if takes(step) {
			r.checkAdministrators(step[0], "once "+step[0].Name+" is changed")
		}
	}
	r.admins.phase = settled
	if after {
		r.checkAdministrators(Change{Cluster: c.ARN}, "once assignments have gone")
	}
	r.removals(start, had)
	if slices.ContainsFunc(changes, func(c Change) bool { return c.Kind == KindAwsAuthRow }) {
		g.rowGuards[c.ARN] = r.rowGuard()
	}
}

// write carries a step out as apply would. It is false when nothing can be said of what follows.
func (r *rehearsal) write(step []Change) bool {
	switch c := step[0]; c.Kind {
	case KindAwsAuthRow:
		return r.writeRows(step)
	case KindAccessEntry:
		return r.writeEntry(c)
	case KindPolicyAssociation:
		return r.writePolicy(c)
	case KindPermissionSetTag, KindAccountAssignment, KindRoleBinding, KindClusterRoleBinding:
	}
	r.writeBinding(step[0])
	return true
}

// steps are the writes that apply makes: the rows of a stage at once, unless one changes twice, everything else one by one.
func steps(changes []Change) [][]Change {
	var out [][]Change
	for _, c := range changes {
		if last := len(out) - 1; last >= 0 && c.Kind == KindAwsAuthRow && out[last][0].Kind == c.Kind && out[last][0].Stage == c.Stage && !slices.ContainsFunc(out[last], c.SameRow) {
			out[last] = append(out[last], c)
			continue
		}
		out = append(out, []Change{c})
	}
	return out
}

// takes tells whether the write takes something away.
func takes(step []Change) bool {
	return slices.ContainsFunc(step, func(c Change) bool { return c.Before != nil })
}

func (g *guards) rehearse(c *access.Cluster, changes []Change) *rehearsal {
	r := &rehearsal{guards: g, c: c, owned: map[string]bool{}, altered: map[string]bool{}, bindings: bindingsOf(c), entries: map[access.ARN]access.AccessEntry{}}
	for _, e := range c.AccessEntries {
		r.entries[e.Principal] = e
	}
	if c.AwsAuth != nil && c.Mode.Rows() {
		r.text = *c.AwsAuth
		for _, o := range awsauth.Owned(r.text, g.m.Owner, c.Account) {
			r.owned[strings.ToLower(string(o.Row.RoleARN))] = true
		}
	}
	for _, m := range g.m.Adopted {
		if m.Cluster == c.ARN && m.Via == access.ViaRow {
			r.owned[strings.ToLower(string(m.Row.RoleARN))] = true
		}
	}
	r.read()
	r.guard = access.RowGuard{
		Caller: g.callerIn(c), Protected: canonical(g.m.ProtectedRoles), MaxRemovals: g.o.maxRemovals(),
		AllowSelfLockout: g.o.AllowSelfLockout, AllowNoAdmin: g.o.AllowNoAdmin, AllowNodeRows: g.o.AllowNodeRows,
	}
	r.admins = r.newAdministrators()
	r.keepers = r.newKeepers(changes)
	return r
}

// bindingsOf are the keys of all bindings in a cluster.
func bindingsOf(c *access.Cluster) map[access.BindingKey]bool {
	out := map[access.BindingKey]bool{}
	for _, bs := range [][]access.Binding{c.RoleBindings, c.ClusterRoleBindings} {
		for _, b := range bs {
			out[access.ClusterBinding{Cluster: c.ARN, Binding: b}.Key()] = true
		}
	}
	return out
}

// callerIn is the canonical ARN of rolecall in a cluster: what the API server said or, where it did not, the role that is assumed there.
func (g *guards) callerIn(c *access.Cluster) access.ARN {
	switch {
	case c.Self != nil:
		return c.Self.ARN.Canonical()
	case c.Account == g.m.Index.Caller.Account:
		return g.m.Index.Caller.ARN.Canonical()
	case g.m.RoleName == "":
		return ""
	}
	return roleARN(c, g.m.RoleName)
}

func roleARN(c *access.Cluster, name string) access.ARN {
	return access.ARN(access.ARNParts{Partition: access.ARN(c.ARN).Partition(), Service: "iam", Account: string(c.Account), Resource: "role/" + name}.String())
}

func canonical(arns []access.ARN) []access.ARN {
	var out []access.ARN
	for _, a := range arns {
		out = append(out, a.WithoutPath())
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// read brings rows up to date with the text and the entries.
func (r *rehearsal) read() {
	r.listed, r.live = map[string]awsauth.Entry{}, map[string]access.ARN{}
	for _, e := range awsauth.Parse(r.text.Data).InForce() {
		r.listed[strings.ToLower(e.ARN)] = e
	}
	r.rows = maps.Clone(r.listed)
	for principal := range r.entries {
		r.remap(principal)
	}
}

// writeRows edits the text as apply would, and compares it with what it replaces. It is false when nothing can be said of what follows.
func (r *rehearsal) writeRows(step []Change) bool {
	var edits []access.RowEdit
	ours := true
	for _, c := range step {
		ours = r.ownRow(c) && ours
		edits = append(edits, r.edit(c))
	}
	if !ours {
		return false
	}
	edit := awsauth.Edit
	if r.o.AllowRewrite {
		edit = awsauth.Rewrite
	}
	after, err := edit(r.text, r.m.Owner, edits)
	if err != nil {
		r.uneditable(step[0], err)
		return false
	}
	if r.newcomers(edits) {
		r.text = after
		return true
	}
	g := r.textGuard()
	g.MaxRemovals, g.AllowNoAdmin = access.Removals{Percent: 100}, true
	r.refuseText(awsauth.Guard(r.text, after, g))
	r.text = after
	r.read()
	return true
}

// newcomers adds the rows if all of them are for roles that no guard has to ask about, and says so. That nothing else in the text changed
// its meaning has been checked when it was edited.
func (r *rehearsal) newcomers(edits []access.RowEdit) bool {
	for _, e := range edits {
		if e.Before != nil {
			return false
		}
		arn := string(e.After.RoleARN)
		_, known := r.rows[strings.ToLower(arn)]
		if known || strings.EqualFold(arn, string(r.guard.Caller)) || r.admins.isProtected(arn) {
			return false
		}
	}
	for _, e := range edits {
		row := awsauth.Entry{Key: awsauth.KeyRoles, ARN: string(e.After.RoleARN), Username: e.After.Username, Groups: e.After.Groups}
		k := strings.ToLower(row.ARN)
		r.rows[k], r.listed[k] = row, row
	}
	return true
}

// edit is the change as an edit; a role that does not exist yet has a name that none can have.
func (r *rehearsal) edit(c Change) access.RowEdit {
	var e access.RowEdit
	if c.Before != nil {
		row := c.Before.Mapping.Row
		e.Before = &row
	}
	if c.After != nil {
		row := c.After.Mapping.Row
		if c.After.Mapping.Symbolic() {
			row.RoleARN = roleARN(r.c, "AWSReservedSSO_"+c.After.Mapping.PermissionSet+"_0000000000000000")
		}
		e.After = &row
		r.owned[strings.ToLower(string(row.RoleARN))] = true
	}
	if b := e.Before; b != nil {
		was := awsauth.Entry{Username: b.Username, Groups: b.Groups}
		if e.After == nil || !was.Keeps(awsauth.Entry{Username: e.After.Username, Groups: e.After.Groups}) {
			r.altered[strings.ToLower(string(b.RoleARN))] = true
		}
	}
	return e
}

// ownRow is a second lock on rows of others.
func (r *rehearsal) ownRow(c Change) bool {
	if c.Before == nil || r.owned[strings.ToLower(string(c.Before.Mapping.Row.RoleARN))] {
		return true
	}
	r.refuse(refusal(diag.RC4006, c, fmt.Sprintf("the row of %s is not ours", c.Before.Mapping.Row.RoleARN),
		"list it under adopt: in rolecall.yaml to take it over; no flag passes this"))
	return false
}

// uneditable says why a text cannot be edited before anything is written.
func (r *rehearsal) uneditable(c Change, err error) {
	var refused *awsauth.RefusedError
	switch {
	case !errors.As(err, &refused):
		r.refuse(refusal(diag.RC4006, c, fmt.Sprintf("a row to change is not as rolecall left it: %v", err), "plan again; if it stays so, somebody else writes the same rows"))
	case !refused.Style:
		r.refuse(refusal(diag.RC4010, c, fmt.Sprintf("aws-auth cannot be edited: %s", refused.Reason), "put kube-system/aws-auth right first"))
	default:
		r.refuse(refusal(diag.RC4010, c, fmt.Sprintf("aws-auth cannot be edited in place: %s", refused.Reason),
			"--allow-rewrite writes the value anew: every row keeps its meaning, its comments and its layout go"))
	}
}

func (r *rehearsal) refuseText(l diag.List) {
	for _, d := range l {
		d.Cluster, d.Object = string(r.c.ARN), "kube-system/aws-auth "+d.Object
		d.Object = strings.TrimSpace(d.Object)
		r.refuse(d)
	}
}

func (r *rehearsal) writeBinding(c Change) {
	r.ownBinding(c, r.bindings)
	r.admins.binding(c)
	for _, k := range r.keepers {
		k.binding(r.guards, c)
	}
}

// rulesOf finds the rules of the role that a binding refers to.
func rulesOf(x *snapshot.Index, cluster access.ClusterARN, b access.Binding) ([]rbacv1.PolicyRule, bool) {
	c, ok := x.Cluster(cluster)
	if !ok {
		return nil, false
	}
	roles := c.ClusterRoles
	if b.Ref.Kind == access.KindRole {
		roles = c.Roles
	}
	for _, r := range roles {
		if r.Name == b.Ref.Name && (b.Ref.Kind == access.KindClusterRole || r.Namespace == b.Namespace) {
			return r.Rules, true
		}
	}
	return nil, false
}
