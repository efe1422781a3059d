package plan_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/plan"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// The oracle says who can do what, written only for the tests and as naively as possible: nested loops over plain
// slices, no index, nothing shared with the code under test but the types.

// right is one thing a user can do through one permission set in one cluster.
type right struct {
	user, set string
	cluster   access.ClusterARN
	thing     string
}

// world is the objects that decide, as they stand at one moment.
type world struct {
	snap        *snapshot.Snapshot
	assignments []access.Assignment
	// rows holds every row and access entry of ours, symbolic ones resolved; policies what these entries have from us.
	rows     []access.Mapping
	policies []access.SetPolicy
	bindings []access.ClusterBinding
	// roles are the current ones by account and set, those that came to exist on the way included.
	roles map[string]access.ARN
}

// worldOf is the old state: every assignment counts, of objects in clusters only the owner's.
func worldOf(s *snapshot.Snapshot, observed access.State) world {
	w := world{snap: s, assignments: slices.Clone(s.Assignments), rows: slices.Clone(observed.Mappings), policies: slices.Clone(observed.Policies), bindings: slices.Clone(observed.Bindings), roles: map[string]access.ARN{}}
	for _, r := range s.Roles {
		name, _ := r.PermissionSetName()
		w.roles[string(r.Account)+"/"+name] = r.ARN.WithoutPath()
	}
	return w
}

// do carries one change out.
func (w *world) do(c plan.Change) {
	switch c.Kind {
	case plan.KindAccountAssignment:
		w.assign(c)
	case plan.KindAwsAuthRow, plan.KindAccessEntry:
		w.remap(c)
	case plan.KindPolicyAssociation:
		w.associate(c)
	case plan.KindRoleBinding, plan.KindClusterRoleBinding:
		for _, o := range []*plan.Object{c.Before, c.After} {
			if o != nil {
				w.bindings = slices.DeleteFunc(w.bindings, func(b access.ClusterBinding) bool {
					return b.Cluster == c.Cluster && b.Binding.Name == o.Binding.Name && b.Binding.Namespace == o.Binding.Namespace
				})
			}
		}
		if c.After != nil {
			w.bindings = append(w.bindings, access.ClusterBinding{Cluster: c.Cluster, Binding: *c.After.Binding})
		}
	case plan.KindPermissionSetTag:
	}
}

// remap takes the mapping as it was away and puts the one as it is to be. With an entry its policies go.
func (w *world) remap(c plan.Change) {
	if c.Before != nil {
		was := c.Before.Mapping
		w.rows = slices.DeleteFunc(w.rows, func(m access.Mapping) bool {
			return m.Cluster == c.Cluster && m.Via == was.Via && m.Row.RoleARN == was.Row.RoleARN
		})
	}
	if c.After == nil {
		if was := c.Before.Mapping; was.Via == access.ViaEntry {
			w.policies = slices.DeleteFunc(w.policies, func(p access.SetPolicy) bool { return p.Cluster == c.Cluster && p.Principal == was.Row.RoleARN })
		}
		return
	}
	m := *c.After.Mapping
	if m.Row.RoleARN == "" {
		m.Row.RoleARN = w.principal(c.Account, m.PermissionSet, m.Via)
	}
	w.rows = append(w.rows, m)
}

func (w *world) principal(a access.AccountID, set string, via access.Mechanism) access.ARN {
	arn := w.roles[string(a)+"/"+set]
	if via == access.ViaEntry {
		return withPath(arn)
	}
	return arn
}

// associate does what EKS does: one association of each policy with an entry, which has to be there.
func (w *world) associate(c plan.Change) {
	p := c.Before
	if c.After != nil {
		p = c.After
	}
	now := *p.Policy
	if now.Principal == "" {
		now.Principal = w.principal(c.Account, now.PermissionSet, access.ViaEntry)
	}
	w.policies = slices.DeleteFunc(w.policies, func(o access.SetPolicy) bool {
		return o.Cluster == c.Cluster && o.Principal == now.Principal && o.Association.Policy == now.Association.Policy
	})
	if !slices.ContainsFunc(w.rows, func(m access.Mapping) bool {
		return m.Cluster == c.Cluster && m.Via == access.ViaEntry && m.Row.RoleARN == now.Principal
	}) {
		panic(fmt.Sprintf("there is no entry of %s in %s", now.Principal, c.Cluster))
	}
	if c.After != nil {
		w.policies = append(w.policies, now)
	}
}

func withPath(role access.ARN) access.ARN {
	return access.ARN(strings.Replace(string(role), "role/", "role/aws-reserved/sso.amazonaws.com/eu-central-1/", 1))
}

func (w *world) assign(c plan.Change) {
	if c.Action == plan.Delete {
		w.assignments = slices.DeleteFunc(w.assignments, func(a access.Assignment) bool { return a == *c.Before.Assignment })
		return
	}
	a := *c.After.Assignment
	w.assignments = append(w.assignments, a)
	key := string(a.Account) + "/" + w.setName(a.PermissionSet)
	if w.roles[key] == "" {
		w.roles[key] = lateRole(a.Account, w.setName(a.PermissionSet))
	}
}

// lateRole is the role that comes with a set's first assignment in an account.
func lateRole(a access.AccountID, set string) access.ARN {
	return access.ARN("arn:aws:iam::" + string(a) + ":role/AWSReservedSSO_" + set + "_ffffffffffffffff")
}

func (w world) setName(arn access.ARN) string {
	for _, p := range w.snap.PermissionSets {
		if p.ARN == arn {
			return p.Name
		}
	}
	return ""
}

// holds tells whether the user is enabled and assigned the set in the account, directly or by a group.
func (w world) holds(u access.User, account access.AccountID, set string) bool {
	if u.Disabled {
		return false
	}
	for _, a := range w.assignments {
		if a.Account != account || w.setName(a.PermissionSet) != set {
			continue
		}
		if a.Principal.ID == u.ID || slices.Contains(w.snap.Memberships, access.Membership{Group: a.Principal.ID, User: u.ID}) {
			return true
		}
	}
	return false
}

// rights lists everything everybody can do through the owner's objects.
func (w world) rights() map[right]bool {
	out := map[right]bool{}
	for _, u := range w.snap.Users {
		for _, p := range w.snap.PermissionSets {
			for _, c := range w.snap.Clusters {
				for _, thing := range w.things(u, p.Name, c) {
					out[right{u.Name, p.Name, c.ARN, thing}] = true
				}
			}
		}
	}
	return out
}

func (w world) things(u access.User, set string, c access.Cluster) []string {
	role := w.roles[string(c.Account)+"/"+set]
	if role == "" || !w.holds(u, c.Account, set) {
		return nil
	}
	var out []string
	for _, r := range w.inForce(c, role) {
		username := strings.ReplaceAll(r.Row.Username, "{{SessionNameRaw}}", u.Name)
		for _, g := range r.Row.Groups {
			if !strings.HasPrefix(g, "rolecall:") {
				out = append(out, "group "+g)
			}
		}
		for _, b := range w.bindings {
			if b.Cluster != c.ARN {
				continue
			}
			for _, s := range b.Binding.Subjects {
				if s.Kind == access.SubjectUser && s.Name == username || s.Kind == access.SubjectGroup && slices.Contains(r.Row.Groups, s.Name) {
					out = append(out, b.Binding.Namespace+"/"+string(b.Binding.Ref.Kind)+"/"+b.Binding.Ref.Name)
				}
			}
		}
		for _, p := range w.policies {
			if p.Cluster == c.ARN && r.Via == access.ViaEntry && p.Principal == r.Row.RoleARN {
				out = append(out, policyThings(c, p.Association)...)
			}
		}
	}
	return out
}

// inForce are the mappings by which the role comes in: its entry, or else its rows.
func (w world) inForce(c access.Cluster, role access.ARN) []access.Mapping {
	var entries, rows []access.Mapping
	for _, r := range w.rows {
		switch {
		case r.Cluster != c.ARN || r.Dead || !strings.EqualFold(string(r.Row.RoleARN.WithoutPath()), string(role)):
		case r.Via == access.ViaEntry:
			entries = append(entries, r)
		default:
			rows = append(rows, r)
		}
	}
	if len(entries) > 0 {
		return entries
	}
	return rows
}

// policyThings are what an association gives: its policy in each namespace, and over the whole cluster.
func policyThings(c access.Cluster, a access.PolicyAssociation) []string {
	name := string(a.Policy)[strings.LastIndexByte(string(a.Policy), '/')+1:]
	var out []string
	if a.Scope == access.ScopeCluster {
		out = append(out, "/AccessPolicy/"+name)
	}
	for _, ns := range c.Namespaces {
		in := a.Scope == access.ScopeCluster
		for _, p := range a.Namespaces {
			start, glob := strings.CutSuffix(p, "*")
			in = in || ns == p || glob && strings.HasPrefix(ns, start)
		}
		if in {
			out = append(out, ns+"/AccessPolicy/"+name)
		}
	}
	return out
}

// after is the snapshot once the plan was carried out.
func after(s *snapshot.Snapshot, w world, p *plan.Plan) *snapshot.Snapshot {
	n := *s
	n.PermissionSets = slices.Clone(s.PermissionSets)
	for _, c := range p.Changes {
		if c.Kind == plan.KindPermissionSetTag {
			for i := range n.PermissionSets {
				if n.PermissionSets[i].ARN == c.After.Tag.PermissionSet {
					n.PermissionSets[i].Owner = owner
				}
			}
		}
	}
	n.Assignments = w.assignments
	n.Roles = nil
	for _, a := range w.assignments {
		arn := w.roles[string(a.Account)+"/"+w.setName(a.PermissionSet)]
		name, _ := arn.RoleName()
		r := access.Role{Account: a.Account, ARN: withPath(arn), Name: name, Created: taken}
		if !slices.ContainsFunc(n.Roles, func(o access.Role) bool { return o.ARN == r.ARN }) {
			n.Roles = append(n.Roles, r)
		}
	}
	n.Clusters = slices.Clone(s.Clusters)
	for i := range n.Clusters {
		c := &n.Clusters[i]
		var rows []string
		for _, m := range w.rows {
			if m.Cluster == c.ARN && m.Via == access.ViaRow {
				gs, _ := json.Marshal(append([]string{}, m.Row.Groups...))
				rows = append(rows, fmt.Sprintf("- rolearn: %q\n  username: %q\n  groups: %s\n", m.Row.RoleARN, m.Row.Username, gs))
			}
		}
		c.AwsAuth = &access.ConfigMap{Data: map[string]string{"mapRoles": strings.Join(rows, "")}}
		c.AccessEntries = w.entries(*c)
		c.RoleBindings, c.ClusterRoleBindings = nil, nil
		for _, b := range w.bindings {
			switch {
			case b.Cluster != c.ARN:
			case b.Binding.Namespace != "":
				c.RoleBindings = append(c.RoleBindings, b.Binding)
			default:
				c.ClusterRoleBindings = append(c.ClusterRoleBindings, b.Binding)
			}
		}
	}
	n.Sort()
	return &n
}

// entries are the access entries of a cluster as they stand, with what others gave those that stood before.
func (w world) entries(c access.Cluster) []access.AccessEntry {
	var out []access.AccessEntry
	for _, m := range w.rows {
		if m.Cluster != c.ARN || m.Via != access.ViaEntry {
			continue
		}
		e := access.AccessEntry{Principal: m.Row.RoleARN, Type: access.EntryStandard, Username: m.Row.Username, Groups: m.Row.Groups, Created: taken}
		if m.Dead {
			e.Created = taken.Add(-time.Hour)
		}
		for _, was := range c.AccessEntries {
			if record := access.ReadPolicyRecord(was.Tags); was.Principal == e.Principal {
				e.Associations = slices.DeleteFunc(slices.Clone(was.Associations), func(a access.PolicyAssociation) bool { return record.Names(a.Policy) })
			}
		}
		record := access.PolicyRecord{}
		for _, p := range w.policies {
			if p.Cluster == c.ARN && p.Principal == e.Principal {
				e.Associations = append(e.Associations, p.Association)
				record.Put(p.Association)
			}
		}
		e.Tags = map[string]string{access.TagOwner: owner, access.TagAssociations: record.String()}
		out = append(out, e)
	}
	return out
}

// settled carries out plans until there is nothing left to do: the first run may make sets ours, the second takes over their assignments, and
// the third binds by group what then can be.
func settled(t rapid.TB, s *snapshot.Snapshot, wishes []wish) *snapshot.Snapshot {
	for range 3 {
		p, r := build(t, s, wishes)
		w := worldOf(s, r.Observed)
		for _, c := range p.Changes {
			w.do(c)
		}
		s = after(s, w, p)
	}
	return s
}

// duplicate is the same snapshot once more, to be changed.
func duplicate(t rapid.TB, s *snapshot.Snapshot) *snapshot.Snapshot {
	var n snapshot.Snapshot
	b, err := json.Marshal(s)
	if err == nil {
		err = json.Unmarshal(b, &n)
	}
	if err != nil {
		t.Fatalf("copying: %v", err)
	}
	return &n
}
