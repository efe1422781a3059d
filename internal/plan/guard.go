package plan

import (
	"fmt"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/rbac"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// Options are the flags that pass a guard; each names its guard.
type Options struct {
	// AllowSelfLockout passes RC4001.
	AllowSelfLockout bool
	// AllowNoAdmin passes RC4002.
	AllowNoAdmin bool
	// AllowNodeRows passes RC4003.
	AllowNodeRows bool
	// MaxRemovals is the bound of RC4004; nil is access.DefaultRemovals.
	MaxRemovals *access.Removals
	// AllowRoleDeletion passes RC4009.
	AllowRoleDeletion bool
	// AllowRewrite passes RC4010.
	AllowRewrite bool
}

func (o Options) maxRemovals() access.Removals {
	if o.MaxRemovals == nil {
		return access.Removals{Percent: access.DefaultRemovals}
	}
	return *o.MaxRemovals
}

// guards judges the changes of a plan in the order in which apply writes them.
type guards struct {
	m *model
	o Options
	// sets are the permission sets that each change is about, by the change's ID.
	sets map[string][]string
	self caller
	// hosts are the accounts whose Identity Center roles were looked for; known caches what knows answers.
	hosts map[access.AccountID]bool
	known map[string]bool
	// stood are the bindings of ours as they were before the run.
	stood map[access.BindingKey]access.Binding
	// described caches what policies answers.
	described rbac.AccessPolicies
	out       diag.List
	rowGuards map[access.ClusterARN]access.RowGuard
}

func newGuards(m *model, o Options) *guards {
	g := &guards{
		m: m, o: o, sets: map[string][]string{}, self: callerOf(m.Index), hosts: map[access.AccountID]bool{}, known: map[string]bool{},
		stood: map[access.BindingKey]access.Binding{}, rowGuards: map[access.ClusterARN]access.RowGuard{},
	}
	for _, b := range m.Observed.Bindings {
		g.stood[b.Key()] = b.Binding
	}
	for i := range m.Index.Clusters {
		g.hosts[m.Index.Clusters[i].Account] = true
	}
	for _, r := range m.Index.Roles {
		g.hosts[r.Account] = true
	}
	return g
}

// guard returns the refusals: what must not be carried out as it stands; and what every write to an aws-auth must leave as it is.
func guard(m *model, nodes []*node, o Options) (diag.List, map[access.ClusterARN]access.RowGuard) {
	g := newGuards(m, o)
	byCluster := map[access.ClusterARN][]Change{}
	var assignments []Change
	for _, n := range nodes {
		c := n.Change
		g.sets[c.ID] = n.sets
		g.protectedUsers(c)
		g.unread(c)
		g.escalation(c)
		switch {
		case c.Cluster != "":
			byCluster[c.Cluster] = append(byCluster[c.Cluster], c)
		case c.Kind == KindAccountAssignment:
			assignments = append(assignments, c)
		default:
			g.ownSet(c, c.object().Tag.PermissionSet, c.Before != nil)
		}
	}
	losing := g.assignments(assignments)
	for i := range m.Index.Clusters {
		c := &m.Index.Clusters[i]
		if changes := byCluster[c.ARN]; len(changes) > 0 || concerned(c, losing) {
			g.cluster(c, changes, len(losing) > 0)
		}
	}
	g.out.Sort()
	return g.out, g.rowGuards
}

func (g *guards) refuse(d diag.Diagnostic) { g.out = append(g.out, d) }

func refusal(code diag.Code, c Change, summary, hint string) diag.Diagnostic {
	d := diag.New(code, diag.Pos{}, summary).WithHint(hint)
	d.Cluster, d.Object = string(c.Cluster), c.Name
	return d
}

// protectedUsers refuses what takes something from a protected user. At no moment of a run has anybody less than both its ends give,
// so that whoever loses nothing in the end never does.
func (g *guards) protectedUsers(c Change) {
	for _, p := range c.Loses {
		if slices.Contains(g.m.ProtectedUsers, p.Name) || slices.Contains(g.m.ProtectedUsers, string(p.ID)) {
			g.refuse(refusal(diag.RC4008, c, fmt.Sprintf("%s is protected and would lose %s", p.Name, c.Name),
				"take the user out of protect.users in rolecall.yaml, or give the access back in a policy; no flag passes this"))
		}
	}
}

// escalation is a second lock on what the desired state leaves out already: a grant that does not say privileged: true gives nobody
// the administration of a cluster, whatever its role says by now.
func (g *guards) escalation(c Change) {
	o := c.After
	if o != nil && o.Policy != nil {
		g.policyEscalation(c)
	}
	if o == nil || o.Binding == nil || c.Stage == StageNarrow || !g.names(*o.Binding, c) {
		return
	}
	if g.m.Declared[GrantKey(c.Policy, c.Grant)] {
		return
	}
	rules, _ := rulesOf(g.m.Index, c.Cluster, *o.Binding)
	if why := access.Privileged(rules, o.Binding.Namespace); why != "" {
		g.refuse(refusal(diag.RC4007, c, fmt.Sprintf("%s amounts to cluster administration (%s), and grant %s of policy %s does not say privileged: true", c.Name, why, c.Grant, c.Policy),
			"write privileged: true in the grant, or take the rules out of the role; no flag passes this"))
	}
}

// names tells whether the binding comes to name somebody whom it did not name before the run, nor just before the change.
func (g *guards) names(b access.Binding, c Change) bool {
	stood := g.stood[access.ClusterBinding{Cluster: c.Cluster, Binding: b}.Key()].Subjects
	var last []access.Subject
	if c.Before != nil {
		last = c.Before.Binding.Subjects
	}
	return slices.ContainsFunc(b.Subjects, func(s access.Subject) bool {
		_, stands := slices.BinarySearchFunc(stood, s, access.Subject.Compare)
		_, lasts := slices.BinarySearchFunc(last, s, access.Subject.Compare)
		return !stands && !lasts
	})
}

// ownSet is a second lock on sets of others: what is not tagged as the owner's is only ever tagged.
func (g *guards) ownSet(c Change, set access.ARN, needsTag bool) {
	p, _ := g.m.Index.PermissionSet(set)
	if p.Owner == g.m.Owner || p.Owner == "" && !needsTag {
		return
	}
	g.refuse(refusal(diag.RC4006, c, fmt.Sprintf("permission set %s does not carry the tag %s=%s", p.Name, access.TagOwner, g.m.Owner),
		"list it under managedPermissionSets and apply once, so that it becomes managed; no flag passes this"))
}

// adopts tells whether the binding is somebody else's and becomes ours.
func (g *guards) adopts(key access.BindingKey) bool { return slices.Contains(g.m.AdoptedBindings, key) }

// ownBinding is a second lock on bindings of others; have are those that stand in the cluster at that moment.
func (g *guards) ownBinding(c Change, have map[access.BindingKey]bool) {
	b := c.object().Binding
	key := access.ClusterBinding{Cluster: c.Cluster, Binding: *b}.Key()
	why := ""
	switch {
	case c.Before == nil && have[key]:
		why = "exists already and is not ours"
	case c.Before != nil && !have[key]:
		why = "is not there"
	case g.adopts(key):
	case !snapshot.OwnBinding(*b, g.m.Owner) || c.Before != nil && !snapshot.OwnBinding(*c.Before.Binding, g.m.Owner):
		why = "does not carry the name and the labels of this installation"
	}
	have[key] = c.After != nil
	if why != "" {
		g.refuse(refusal(diag.RC4006, c, fmt.Sprintf("the binding %s %s", b.Name, why),
			"list it under adopt: in rolecall.yaml to take it over, or remove it; no flag passes this"))
	}
}
