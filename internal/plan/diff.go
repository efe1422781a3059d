package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// Diff returns the changes that turn what is observed into what is desired, in the order in which they are safe: at
// every prefix nobody has, through the owner's objects, less than what both states give, nor more than what either gives.
// It never proposes to change what lies inside a gap of the snapshot.
func Diff(in Input, o Options) *Plan {
	m := newModel(in)
	p := &Plan{
		APIVersion: APIVersion, Kind: Kind, Taken: in.Index.Taken, Caller: in.Index.Caller, Owner: in.Owner, Complete: in.Index.Complete(),
		Bindings: append([]access.GrantBinding{}, in.Bindings...), Conflicts: append([]access.Conflict{}, in.Conflicts...),
		Findings: append(diag.List{}, in.Findings...), Gaps: append([]access.Gap{}, in.Index.Gaps...),
		Tests: in.Tests,
	}
	d := &differ{m: m, bound: newBound(in.Observed.Bindings)}
	d.tags()
	d.assignments()
	for _, t := range m.transitions() {
		d.cluster(t)
	}
	p.Changes = d.finish()
	p.Summary = d.summary()
	refusals, rows := guard(m, d.nodes, o)
	p.Refusals, p.Guards = append(diag.List{}, refusals...), rows
	p.Applicable = !policyErrors(in.Findings)
	p.ID = digest(p.Changes)
	return p
}

// policyErrors tells whether the policies themselves are wrong. An error about one cluster's live state
// holds that cluster still and does not stop the others.
func policyErrors(l diag.List) bool {
	return slices.ContainsFunc(l, func(d diag.Diagnostic) bool {
		return d.Severity == diag.Error && strings.HasPrefix(string(d.Code), "RC1")
	})
}

// digest names a plan by its changes.
func digest(changes []Change) string {
	b, err := json.Marshal(changes)
	if err != nil {
		panic(fmt.Sprintf("plan: its own types do not encode: %v", err))
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:6])
}

// node is a change while its dependencies are being worked out.
type node struct {
	Change
	// sets are the permission sets the change is about.
	sets []string
	// phase orders the steps of one stage.
	phase int
}

type differ struct {
	m     *model
	nodes []*node
	bound bound
}

func (d *differ) tags() {
	have := map[access.ARN]bool{}
	for _, t := range d.m.Observed.Tags {
		have[t.PermissionSet] = true
	}
	for _, t := range d.m.Desired.Tags {
		if have[t.PermissionSet] {
			continue
		}
		d.add(&node{sets: []string{t.Name}, Change: Change{
			Stage: StageOwn, Action: Create, Kind: KindPermissionSetTag, Name: t.Name, Reason: ReasonListed,
			Note: d.m.Notes[t.Key()], Origin: d.m.Origins[t.Key()], After: &Object{Tag: &t},
		}})
	}
}

func (d *differ) assignments() {
	gone, come := setDiff(d.m.Observed.Assignments, d.m.Desired.Assignments)
	for _, a := range come {
		before, after := d.m.assigned0(a.Account, d.setName(a)), d.m.assigned1(a.Account, d.setName(a))
		n := d.assignment(a, StageAssign, Create, ReasonGranted)
		n.After = &Object{Assignment: &a}
		n.Gains = d.newcomers(a, before, after)
		d.add(n)
	}
	for _, a := range gone {
		before, after := d.m.assigned0(a.Account, d.setName(a)), d.m.assigned1(a.Account, d.setName(a))
		n := d.assignment(a, StageRemove, Delete, ReasonNoGrant)
		n.Before = &Object{Assignment: &a}
		n.Loses = d.newcomers(a, after, before)
		d.add(n)
	}
}

func (d *differ) setName(a access.Assignment) string {
	p, _ := d.m.Index.PermissionSet(a.PermissionSet)
	return p.Name
}

func (d *differ) assignment(a access.Assignment, stage Stage, action Action, why Reason) *node {
	set := d.setName(a)
	o := d.m.Origins[a.Key()]
	return &node{sets: []string{set}, Change: Change{
		Stage: stage, Action: action, Kind: KindAccountAssignment, Account: a.Account, Policy: o.Policy, Grant: o.Grant,
		Name:   fmt.Sprintf("%s → %s → %s", d.m.Index.PrincipalName(a.Principal), set, d.m.Index.AccountName(a.Account)),
		Reason: why, Origin: o, Note: d.m.Notes[a.Key()],
	}}
}

// newcomers are the assignment's users who hold the set with b and not with a, sorted by name.
func (d *differ) newcomers(x access.Assignment, a, b access.PrincipalSet) []Person {
	had := map[access.PrincipalID]bool{}
	for _, u := range d.m.Index.Expand(a) {
		had[u.ID] = true
	}
	if !b.Has(x.Principal) {
		return nil
	}
	var out []Person
	for _, u := range d.m.Index.Expand([]access.Principal{x.Principal}) {
		if !had[u.ID] {
			out = append(out, Person{ID: u.ID, Name: u.Name, Level: access.LevelNone})
		}
	}
	slices.SortFunc(out, comparePeople)
	return out
}

// cluster orders the changes of one cluster: narrow, add up to the union, take away.
func (d *differ) cluster(t *transition) {
	steps := t.narrow(d.m)
	e := d.effects(t)
	for _, s := range steps {
		d.step(t, e, s)
	}
	both := t.union()
	d.step(t, e, step{stage: StageAdd, from: t.mid, to: both, reason: func(string) Reason { return ReasonGranted }})
	d.step(t, e, step{stage: StageRemove, from: both, to: t.new, reason: func(string) Reason { return ReasonNoGrant }})
	d.leftovers(t, e)
}

// union is mid and new side by side; it is what stage 4 reaches.
func (t *transition) union() side {
	out := t.new.clone()
	for set, r := range t.mid.rows {
		n, ok := out.rows[set]
		if !ok {
			out.rows[set] = r
			continue
		}
		n.Row.Groups = union(r.Row.Groups, n.Row.Groups)
		if slices.Equal(slices.Sorted(slices.Values(n.Row.Groups)), slices.Sorted(slices.Values(t.new.rows[set].Row.Groups))) {
			n.Row.Groups = slices.Clone(t.new.rows[set].Row.Groups)
		}
		n.Row.RoleARN = r.Row.RoleARN
		out.rows[set] = n
	}
	t.unitePolicies(out)
	for k, b := range t.mid.bindings {
		n, ok := out.bindings[k]
		if !ok {
			out.bindings[k] = b
			continue
		}
		n.Binding.Subjects = access.SortSubjects(append(slices.Clone(n.Binding.Subjects), b.Binding.Subjects...))
		out.bindings[k] = n
	}
	return out
}

// step is one stage of a cluster: from one set of objects to the next.
type step struct {
	stage Stage
	// phase orders the steps of one stage.
	phase    int
	from, to side
	reason   func(key string) Reason
}

// change is one object on its way; before is nil for a creation, after for a removal.
type change[T any] struct {
	before, after *T
	stage         Stage
	reason        Reason
}

func (c change[T]) action() Action {
	switch {
	case c.before == nil:
		return Create
	case c.after == nil:
		return Delete
	}
	return Update
}

func (d *differ) step(t *transition, e effects, s step) {
	d.stepMappings(t, e, s)
	d.stepPolicies(t, e, s)
	d.stepBindings(t, e, s)
}

func (d *differ) stepMappings(t *transition, e effects, s step) {
	for _, set := range union(sortedKeys(s.from.rows), sortedKeys(s.to.rows)) {
		c := change[access.Mapping]{stage: s.stage}
		c.before, c.after = lookup(s.from.rows, set), lookup(s.to.rows, set)
		if c.before != nil && c.after != nil && c.before.Row.Equal(c.after.Row) && (s.phase != phaseName || !d.m.adopted(*c.before)) {
			continue
		}
		c.reason = s.reason("row/" + string(t.cluster) + "/" + set)
		d.addIn(s, d.row(t, c, e))
	}
}

func (d *differ) stepBindings(t *transition, e effects, s step) {
	for _, k := range union(sortedBindings(s.from.bindings), sortedBindings(s.to.bindings)) {
		c := change[access.ClusterBinding]{stage: s.stage}
		c.before, c.after = lookup(s.from.bindings, k), lookup(s.to.bindings, k)
		if c.before != nil && c.after != nil && sameBinding(c.before.Binding, c.after.Binding) {
			continue
		}
		if c.stage == StageNarrow && s.phase == phaseLimit && c.after != nil && len(c.after.Binding.Subjects) == 0 && lookup(t.new.bindings, k) == nil {
			c.after = nil
			delete(t.mid.bindings, k)
		}
		c.reason = s.reason(k.String())
		d.addIn(s, d.binding(t, c, e))
	}
}

func lookup[K comparable, V any](m map[K]V, k K) *V {
	v, ok := m[k]
	if !ok {
		return nil
	}
	return &v
}

func sameBinding(a, b access.Binding) bool {
	return slices.Equal(a.Subjects, b.Subjects) && a.Ref == b.Ref && ownLabelsEqual(a.Labels, b.Labels)
}

func ownLabelsEqual(a, b map[string]string) bool {
	for _, k := range []string{access.LabelManagedBy, access.LabelOwner, access.LabelPolicy, access.LabelGrant} {
		if a[k] != b[k] {
			return false
		}
	}
	return true
}

func (d *differ) row(t *transition, c change[access.Mapping], e effects) *node {
	r := c.after
	if r == nil {
		r = c.before
	}
	kind := KindAwsAuthRow
	if r.Via == access.ViaEntry {
		kind = KindAccessEntry
	}
	o := d.m.Origins[r.Key()]
	n := &node{sets: []string{r.PermissionSet}, Change: Change{
		Stage: c.stage, Action: c.action(), Kind: kind, Name: roleName(d.m, t, r.PermissionSet, r.Row.RoleARN), Account: t.account, Region: t.cluster.Region(),
		Cluster: t.cluster, Policy: o.Policy, Grant: o.Grant, Reason: c.reason, Origin: o, Note: d.m.Notes[r.Key()],
		Gains: e.rowGains(c), Loses: e.rowLoses(c),
	}}
	if c.before != nil {
		n.Before = &Object{Mapping: c.before}
		if c.after != nil && c.before.Row.Username != c.after.Row.Username {
			n.Reason = ReasonDrift
		}
		if d.m.adopted(*c.before) {
			n.Reason = ReasonAdopted
		}
	}
	if c.after != nil {
		n.After = &Object{Mapping: c.after}
	}
	d.matched(n, r.Key(), access.Binding{})
	return n
}

func (d *differ) binding(t *transition, c change[access.ClusterBinding], e effects) *node {
	n := &node{Change: Change{
		Stage: c.stage, Action: c.action(), Account: t.account, Region: t.cluster.Region(), Cluster: t.cluster,
		Reason: c.reason, Gains: e.bindingGains(c), Loses: e.bindingLoses(c),
	}}
	var b, a *access.Binding
	if c.before != nil {
		b = &c.before.Binding
		n.Before = &Object{Binding: b}
	}
	if c.after != nil {
		a = &c.after.Binding
		n.After = &Object{Binding: a}
	}
	n.sets, n.Checks = t.setsOf(b, a), d.checks(t, c, e)
	d.describe(n, t.cluster)
	if c.action() == Update && n.Reason != ReasonNarrow && n.Reason != ReasonDead {
		n.Reason = ReasonPeople
		if bindsBy(*b) != bindsBy(*a) {
			n.Reason = ReasonBoundByNow
		}
		if slices.Contains(d.m.AdoptedBindings, c.before.Key()) {
			n.Reason = ReasonAdopted
		}
	}
	d.because(n, t, cmp.Or(c.after, c.before).Key())
	return n
}

// describe fills what a binding's own name and the policies say about it.
func (d *differ) describe(n *node, cluster access.ClusterARN) {
	b := n.object().Binding
	key := access.ClusterBinding{Cluster: cluster, Binding: *b}.Key().String()
	n.Name, n.Kind = b.Name, KindClusterRoleBinding
	if b.Namespace != "" {
		n.Kind = KindRoleBinding
	}
	id, _ := access.ParseBindingName(b.Name)
	n.Policy, n.Grant, n.Origin, n.Note = id.Policy, id.Grant, d.m.Origins[key], d.m.Notes[key]
	n.Escalation = d.m.Privileged[key] && len(n.Gains) > 0
}

// bindsBy is the kind of a binding's first subject: ours never mix kinds but on the way.
func bindsBy(b access.Binding) access.SubjectKind {
	if len(b.Subjects) == 0 {
		return ""
	}
	return b.Subjects[0].Kind
}

func (d *differ) add(n *node) { d.nodes = append(d.nodes, n) }

func (d *differ) addIn(s step, n *node) {
	n.phase = s.phase
	d.add(n)
}

func (d *differ) summary() Summary {
	s := Summary{Gain: d.people(func(n *node) []Person { return n.Gains }), Lose: d.people(func(n *node) []Person { return n.Loses })}
	for _, n := range d.nodes {
		switch n.Action {
		case Create:
			s.Create++
		case Update:
			s.Update++
		case Delete:
			s.Delete++
		}
		if n.Escalation {
			s.Escalations++
		}
	}
	return s
}

// people counts those who gain or lose more than the door, each once however many clusters it concerns.
func (d *differ) people(of func(*node) []Person) int {
	found := map[string]bool{}
	for _, n := range d.nodes {
		for _, p := range of(n) {
			if p.Level != access.LevelNone {
				found[p.Name] = true
			}
		}
	}
	return len(found)
}
