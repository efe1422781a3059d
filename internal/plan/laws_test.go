package plan_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"pgregory.net/rapid"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/desired"
	"github.com/rolecall-dev/rolecall/internal/plan"
	"github.com/rolecall-dev/rolecall/internal/policy"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

const owner = "platform"

var (
	accounts  = []access.AccountID{"111122223333", "444455556666"}
	setNames  = []string{"Dev", "Dev_Ops", "Foreign"}
	users     = []string{"ann@x.io", "bob@x.io", "cid@x.io", "dot@x.io"}
	groups    = []string{"red", "blue", "green"}
	clusters  = []string{"c1", "c2"}
	policies  = []string{"p", "q"}
	grants    = []string{"g1", "g2"}
	roleNames = []string{"view", "edit"}
	eksNames  = []string{"AmazonEKSViewPolicy", "AmazonEKSClusterAdminPolicy"}
	modes     = []access.AuthenticationMode{access.ModeConfigMap, access.ModeAPIAndConfigMap, access.ModeAPI}
	taken     = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
)

func setARN(name string) access.ARN {
	return access.ARN("arn:aws:sso:::permissionSet/ssoins-0000000000000000/ps-" + fmt.Sprintf("%016x", slices.Index(setNames, name)))
}

func userID(name string) access.PrincipalID  { return access.PrincipalID("u-" + name) }
func groupID(name string) access.PrincipalID { return access.PrincipalID("g-" + name) }

func clusterARN(a access.AccountID, name string) access.ClusterARN {
	return access.ClusterARN("arn:aws:eks:eu-central-1:" + string(a) + ":cluster/" + name)
}

func roleARN(a access.AccountID, set string) access.ARN {
	return access.ARN(fmt.Sprintf("arn:aws:iam::%s:role/AWSReservedSSO_%s_%016x", a, set, 7))
}

func coin(t *rapid.T, label string) bool { return rapid.Bool().Draw(t, label) }

func some[T any](t *rapid.T, label string, in []T) []T {
	var out []T
	for i, v := range in {
		if coin(t, fmt.Sprintf("%s %d", label, i)) {
			out = append(out, v)
		}
	}
	return out
}

// drawSnapshot makes an organization with leftovers of every kind: rows and access entries without bindings, bindings without rows,
// users bound who hold nothing, rows and entries of roles that are gone, entries of roles that were made again, rows that an entry hides,
// EKS access policies of ours and of others, sets that are ours, not yet ours, and nobody's.
func drawSnapshot(t *rapid.T) *snapshot.Snapshot {
	s := &snapshot.Snapshot{Taken: taken, Instance: access.Instance{ARN: "arn:aws:sso:::instance/ssoins-0000000000000000"}}
	for _, a := range accounts {
		s.Accounts = append(s.Accounts, access.Account{ID: a, Name: "acc-" + string(a[:4]), State: access.AccountActive, Unit: "Workloads"})
		s.Estate = append(s.Estate, a)
	}
	for i, u := range users {
		s.Users = append(s.Users, access.User{ID: userID(u), Name: u, Disabled: i%2 == 1 && coin(t, "disabled")})
	}
	for _, g := range groups {
		s.Groups = append(s.Groups, access.Group{ID: groupID(g), Name: g})
		for _, u := range some(t, "member of "+g, users) {
			s.Memberships = append(s.Memberships, access.Membership{Group: groupID(g), User: userID(u)})
		}
	}
	for i, n := range setNames {
		p := access.PermissionSet{ARN: setARN(n), Name: n, SessionDuration: "PT8H"}
		if i < 2 && coin(t, "owned "+n) {
			p.Owner = owner
		}
		s.PermissionSets = append(s.PermissionSets, p)
	}
	for _, a := range accounts {
		drawAccount(t, s, a)
	}
	s.Sort()
	return s
}

func drawAccount(t *rapid.T, s *snapshot.Snapshot, a access.AccountID) {
	for _, n := range setNames {
		var ps []access.Principal
		for _, g := range some(t, "assigned "+n, groups) {
			ps = append(ps, access.Principal{Kind: access.PrincipalGroup, ID: groupID(g)})
		}
		for _, u := range some(t, "assigned "+n, users[:2]) {
			ps = append(ps, access.Principal{Kind: access.PrincipalUser, ID: userID(u)})
		}
		for _, p := range ps {
			s.Assignments = append(s.Assignments, access.Assignment{Account: a, PermissionSet: setARN(n), Principal: p})
		}
		if len(ps) > 0 {
			s.Provisioned = append(s.Provisioned, snapshot.Provisioned{Account: a, PermissionSet: setARN(n)})
			name, _ := roleARN(a, n).RoleName()
			s.Roles = append(s.Roles, access.Role{Account: a, ARN: withPath(roleARN(a, n)), Name: name, ID: "AROA", Created: taken})
		}
	}
	for _, c := range clusters {
		s.Clusters = append(s.Clusters, drawCluster(t, a, c))
	}
}

func drawCluster(t *rapid.T, a access.AccountID, name string) access.Cluster {
	c := access.Cluster{
		ARN: clusterARN(a, name), Account: a, Region: "eu-central-1", Name: name, Mode: rapid.SampledFrom(modes).Draw(t, "mode"),
		Namespaces: append([]string{"default", "kube-system", "shop"}, some(t, "namespace", []string{"shop-a", "shop-b"})...),
	}
	for _, r := range roleNames {
		c.ClusterRoles = append(c.ClusterRoles, access.RBACRole{Name: r, Rules: []rbacv1.PolicyRule{{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{"pods"}}}})
	}
	var rows []string
	for _, n := range setNames {
		if coin(t, "row "+n) {
			rows = append(rows, fmt.Sprintf("- rolearn: %q\n  username: %q\n  groups: [%s]\n", roleARN(a, n), access.UsernameTemplate(n), strings.Join(quoted(drawGroups(t)), ", ")))
		}
		if c.Mode.Entries() && coin(t, "entry "+n) {
			c.AccessEntries = append(c.AccessEntries, drawEntry(t, withPath(roleARN(a, n)), n))
		}
	}
	c.AwsAuth = &access.ConfigMap{Data: map[string]string{"mapRoles": strings.Join(rows, "")}}
	for _, p := range policies {
		for _, g := range grants {
			drawBindings(t, &c, p, g)
		}
	}
	return c
}

func drawGroups(t *rapid.T) []string {
	gs := []string{}
	for _, p := range policies {
		for _, g := range some(t, "groups", grants) {
			gs = append(gs, access.GroupName(owner, p, g))
		}
	}
	return gs
}

// drawEntry makes an entry of ours, as we left it or not: dead, with another username, with EKS access policies that others gave it.
func drawEntry(t *rapid.T, principal access.ARN, set string) access.AccessEntry {
	e := access.AccessEntry{
		Principal: principal, Type: access.EntryStandard, Groups: drawGroups(t), Created: taken,
		Username: rapid.SampledFrom([]string{access.UsernameTemplate(set), access.UsernameTemplate(set), "x:{{SessionName}}"}).Draw(t, "username"),
	}
	dead := coin(t, "dead")
	if dead {
		e.Created = taken.Add(-time.Hour)
	}
	record := access.PolicyRecord{}
	for _, p := range some(t, "associated", eksNames) {
		a := access.PolicyAssociation{Policy: access.PolicyARN("aws", p), Scope: access.ScopeCluster, Namespaces: []string{}}
		if coin(t, "in namespaces") {
			a.Scope, a.Namespaces = access.ScopeNamespace, nonEmpty(t, "associated in", []string{"default", "shop", "shop-*", "*-a"})
		}
		e.Associations = append(e.Associations, a)
		if dead || !coin(t, "of others") {
			record.Put(a)
		}
	}
	e.Tags = map[string]string{access.TagOwner: owner, access.TagAssociations: record.String()}
	return e
}

func drawBindings(t *rapid.T, c *access.Cluster, p, g string) {
	for _, r := range roleNames {
		if !coin(t, "bound") {
			continue
		}
		var subs []access.Subject
		if coin(t, "by group") {
			subs = append(subs, access.Subject{Kind: access.SubjectGroup, Name: access.GroupName(owner, p, g)})
		}
		for _, n := range setNames {
			for _, u := range some(t, "subject "+n, users) {
				subs = append(subs, access.Subject{Kind: access.SubjectUser, Name: access.Username(n, u)})
			}
		}
		ref := access.RoleRef{Kind: access.KindClusterRole, Name: r}
		b := access.Binding{Name: access.BindingName(owner, p, g, ref, 0), Ref: ref, Subjects: access.SortSubjects(subs), Labels: map[string]string{
			access.LabelManagedBy: "rolecall", access.LabelOwner: owner, access.LabelPolicy: p, access.LabelGrant: g,
		}}
		if coin(t, "namespaced") {
			b.Namespace = rapid.SampledFrom(c.Namespaces[2:]).Draw(t, "bound in")
			c.RoleBindings = append(c.RoleBindings, b)
			continue
		}
		c.ClusterRoleBindings = append(c.ClusterRoleBindings, b)
	}
}

// wish is one grant in plain terms, for the oracle, and text, for the product.
type wish struct {
	policy, grant, set string
	groups, users      []string
	accounts, names    []string
	items              []string // "role" or "role@namespace", where a role may be an EKS access policy
	bind               string
}

func (w wish) yaml() string {
	list := func(in []string) string { return `["` + strings.Join(in, `", "`) + `"]` }
	var b strings.Builder
	fmt.Fprintf(&b, "    - name: %s\n      to:\n", w.grant)
	if len(w.groups) > 0 {
		fmt.Fprintf(&b, "        groups: %s\n", list(w.groups))
	}
	if len(w.users) > 0 {
		fmt.Fprintf(&b, "        users: %s\n", list(w.users))
	}
	fmt.Fprintf(&b, "      through: {permissionSet: %s}\n      clusters:\n        accounts: %s\n        names: %s\n      bind: %s\n      allow:\n", w.set, list(w.accounts), list(w.names), w.bind)
	for _, i := range w.items {
		role, ns, scoped := strings.Cut(i, "@")
		kind := "clusterRole"
		if slices.Contains(eksNames, role) {
			kind = "accessPolicy"
		}
		fmt.Fprintf(&b, "        - %s: %s\n", kind, role)
		if scoped {
			fmt.Fprintf(&b, "          namespaces: [%q]\n", ns)
		}
	}
	fmt.Fprintf(&b, "      privileged: true\n")
	return b.String()
}

// needsGroup tells whether an item of the wish cannot be limited to people.
func (w wish) needsGroup() bool {
	return slices.ContainsFunc(w.items, func(i string) bool { return strings.HasPrefix(i, "Amazon") })
}

func nonEmpty(t *rapid.T, label string, in []string) []string {
	if out := some(t, label, in); len(out) > 0 {
		return out
	}
	return in[:1]
}

func drawWishes(t *rapid.T) []wish {
	var out []wish
	for _, p := range policies {
		for _, g := range grants {
			if !coin(t, "wish "+p+g) {
				continue
			}
			items, binds := nonEmpty(t, "allow", []string{"view", "edit", "view@shop", "edit@shop-*"}), []string{"Auto", "User", "Group"}
			if rapid.IntRange(0, 3).Draw(t, "allow an EKS access policy") == 0 {
				items = append(items, rapid.SampledFrom([]string{"AmazonEKSViewPolicy", "AmazonEKSViewPolicy@shop-*", "AmazonEKSClusterAdminPolicy", "AmazonEKSClusterAdminPolicy@shop"}).Draw(t, "EKS access policy"))
				binds = []string{"Auto", "Group"}
			}
			out = append(out, wish{
				policy: p, grant: g, set: rapid.SampledFrom(setNames).Draw(t, "set"),
				groups: nonEmpty(t, "to", groups), users: some(t, "to user", users[:2]),
				accounts: nonEmpty(t, "in", []string{string(accounts[0]), string(accounts[1])}), names: nonEmpty(t, "named", clusters),
				items: items, bind: rapid.SampledFrom(binds).Draw(t, "bind"),
			})
		}
	}
	return out
}

func compile(t rapid.TB, wishes []wish) (*policy.Installation, *policy.Set) {
	inst, ds := policy.ParseInstallation("rolecall.yaml", []byte("apiVersion: rolecall.dev/v1alpha1\nkind: Installation\nowner: platform\npolicies: [access/]\nmanagedPermissionSets: [Dev, Dev_Ops]\n"))
	if ds.HasErrors() {
		t.Fatalf("installation: %v", ds)
	}
	var files []policy.File
	for _, p := range policies {
		text := "apiVersion: rolecall.dev/v1alpha1\nkind: ClusterAccess\nmetadata: {name: " + p + "}\nspec:\n  grants:\n"
		n := 0
		for _, w := range wishes {
			if w.policy == p {
				text += w.yaml()
				n++
			}
		}
		if n > 0 {
			files = append(files, policy.File{Name: p + ".yaml", Data: []byte(text)})
		}
	}
	set, ds := policy.ParsePolicies(files)
	if ds.HasErrors() {
		t.Fatalf("policies: %v", ds)
	}
	return inst, set
}

func build(t rapid.TB, s *snapshot.Snapshot, wishes []wish) (*plan.Plan, *desired.Result) {
	inst, set := compile(t, wishes)
	x := snapshot.NewIndex(s)
	r := desired.Build(desired.Input{Installation: inst, Policies: set, Index: x, Coverage: desired.Complete})
	declared := map[string]bool{}
	for _, w := range wishes {
		declared[plan.GrantKey(w.policy, w.grant)] = true
	}
	p := plan.Diff(plan.Input{
		Index: x, Owner: owner, Observed: r.Observed, Desired: r.State, Origins: r.Origins, Notes: r.Notes,
		Privileged: r.Privileged, Matches: r.Matches, Gone: r.Gone, Adopted: r.Adopted, Principals: r.Principals, Declared: declared, Bindings: r.Bindings, Conflicts: r.Conflicts, Findings: r.Diagnostics,
	}, plan.Options{AllowRoleDeletion: true})
	return p, r
}

// policyRights is what the wishes mean, read off them without any object: whoever is named, or a member of who is named,
// and holds the set in the end, can do the items in the selected clusters.
func policyRights(s *snapshot.Snapshot, wishes []wish) map[right]bool {
	end := world{snap: s}
	ours := map[access.ARN]bool{}
	for _, p := range s.PermissionSets {
		ours[p.ARN] = p.Name != "Foreign" && p.Owner == owner
	}
	for _, a := range s.Assignments {
		if !ours[a.PermissionSet] {
			end.assignments = append(end.assignments, a)
		}
	}
	for _, w := range wishes {
		if w.set == "Foreign" {
			continue
		}
		for _, a := range w.accounts {
			for _, g := range w.groups {
				end.assignments = append(end.assignments, access.Assignment{Account: access.AccountID(a), PermissionSet: setARN(w.set), Principal: access.Principal{Kind: access.PrincipalGroup, ID: groupID(g)}})
			}
			for _, u := range w.users {
				end.assignments = append(end.assignments, access.Assignment{Account: access.AccountID(a), PermissionSet: setARN(w.set), Principal: access.Principal{Kind: access.PrincipalUser, ID: userID(u)}})
			}
		}
	}
	out := map[right]bool{}
	for _, w := range wishes {
		for _, u := range s.Users {
			named := slices.Contains(w.users, u.Name)
			for _, g := range w.groups {
				named = named || slices.Contains(s.Memberships, access.Membership{Group: groupID(g), User: u.ID})
			}
			for _, a := range w.accounts {
				for _, c := range w.names {
					if !named || !end.holds(u, access.AccountID(a), w.set) {
						continue
					}
					cluster := clusterOf(s, clusterARN(access.AccountID(a), c))
					if refusedIn(s, end, w, cluster) {
						continue // nobody gets it
					}
					for _, i := range w.items {
						role, pattern, scoped := strings.Cut(i, "@")
						if slices.Contains(eksNames, role) {
							for _, thing := range wishedPolicy(s, cluster, w.set, role, pattern, scoped) {
								out[right{u.Name, w.set, cluster.ARN, thing}] = true
							}
							continue
						}
						for _, ns := range matching(s, clusterARN(access.AccountID(a), c), pattern) {
							out[right{u.Name, w.set, clusterARN(access.AccountID(a), c), ns + "/ClusterRole/" + role}] = true
						}
					}
				}
			}
		}
	}
	return out
}

// refusedIn tells whether a wish cannot be had in a cluster: it needs a group that would reach others, or an entry where the role has a row.
func refusedIn(s *snapshot.Snapshot, end world, w wish, c *access.Cluster) bool {
	needs := w.needsGroup()
	if deadAndShared(s, w.set, c) {
		return true
	}
	if w.bind == "User" && needs || (needs || w.bind == "Group") && !exact(s, end, w, c.Account) {
		return true
	}
	return needs && !entryFor(s, w.set, c)
}

// roleOf is the set's role in the account, "" while there is none.
func roleOf(s *snapshot.Snapshot, a access.AccountID, set string) access.ARN {
	for _, r := range s.Roles {
		if name, _ := r.PermissionSetName(); r.Account == a && name == set {
			return r.ARN
		}
	}
	return ""
}

// entryOf is the entry of the set's role in the cluster.
func entryOf(s *snapshot.Snapshot, set string, c *access.Cluster) (access.AccessEntry, bool) {
	role := roleOf(s, c.Account, set)
	for _, e := range c.AccessEntries {
		if e.Principal == role {
			return e, true
		}
	}
	return access.AccessEntry{}, false
}

// shared tells whether others gave the entry the policy; any at all when none is named.
func shared(e access.AccessEntry, policy string) bool {
	record := access.ReadPolicyRecord(e.Tags)
	return slices.ContainsFunc(e.Associations, func(a access.PolicyAssociation) bool {
		return !record.Names(a.Policy) && (policy == "" || strings.HasSuffix(string(a.Policy), "/"+policy))
	})
}

// deadAndShared entries cannot be made anew, for what others gave them would be lost.
func deadAndShared(s *snapshot.Snapshot, set string, c *access.Cluster) bool {
	e, ok := entryOf(s, set, c)
	return ok && e.Created.Before(taken) && shared(e, "")
}

// entryFor tells whether the set's role is, or is to be, mapped by an access entry.
func entryFor(s *snapshot.Snapshot, set string, c *access.Cluster) bool {
	e, live := entryOf(s, set, c)
	live = live && !e.Created.Before(taken)
	row := strings.Contains(c.AwsAuth.Data["mapRoles"], string(roleARN(c.Account, set))) || strings.Contains(c.AwsAuth.Data["mapRoles"], string(lateRole(c.Account, set)))
	return c.Mode == access.ModeAPI || c.Mode == access.ModeAPIAndConfigMap && (live || !row)
}

// wishedPolicy is what an EKS access policy gives in the cluster; nothing where somebody else gave the role's entry the same.
func wishedPolicy(s *snapshot.Snapshot, c *access.Cluster, set, policy, pattern string, scoped bool) []string {
	if e, ok := entryOf(s, set, c); ok && shared(e, policy) {
		return nil
	}
	a := access.PolicyAssociation{Policy: access.PolicyARN("aws", policy), Scope: access.ScopeCluster}
	if scoped {
		a.Scope, a.Namespaces = access.ScopeNamespace, []string{pattern}
	}
	return policyThings(*c, a)
}

// matching are the namespaces of an item: "" for the whole cluster, one that is named, or those that begin as "shop-*" says.
func matching(s *snapshot.Snapshot, c access.ClusterARN, pattern string) []string {
	start, glob := strings.CutSuffix(pattern, "*")
	if !glob {
		return []string{pattern}
	}
	var out []string
	for _, ns := range clusterOf(s, c).Namespaces {
		if strings.HasPrefix(ns, start) {
			out = append(out, ns)
		}
	}
	return out
}

// exact tells whether a group on the role reaches nobody but whom the wish names, now and in the end.
func exact(s *snapshot.Snapshot, end world, w wish, a access.AccountID) bool {
	if w.set == "Foreign" {
		return false
	}
	for _, x := range slices.Concat(s.Assignments, end.assignments) {
		name := strings.TrimPrefix(strings.TrimPrefix(string(x.Principal.ID), "g-"), "u-")
		if x.Account == a && end.setName(x.PermissionSet) == w.set && !slices.Contains(w.groups, name) && !slices.Contains(w.users, name) {
			return false
		}
	}
	return true
}

func TestEveryPrefixOfThePlanGivesNoLessThanBothStatesAndNoMoreThanEither(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSnapshot(t)
		wishes := drawWishes(t)
		p, r := build(t, s, wishes)
		w := worldOf(s, r.Observed)
		old, want := w.rights(), policyRights(s, wishes)
		for i, c := range p.Changes {
			w.do(c)
			checkBetween(t, fmt.Sprintf("after change %d of %d (stage %d %s %s %s)", i+1, len(p.Changes), c.Stage, c.Action, c.Kind, c.Name), w.rights(), old, want)
		}
		if d := cmp.Diff(lines(want), lines(w.rights())); d != "" {
			t.Fatalf("rights in the end (-policy +objects):\n%s", d)
		}
	})
}

func checkBetween(t *rapid.T, when string, now, old, want map[right]bool) {
	for r := range now {
		if !old[r] && !want[r] {
			t.Fatalf("%s: %v has more than either state gives", when, r)
		}
	}
	for r := range old {
		if want[r] && !now[r] {
			t.Fatalf("%s: %v has less than both states give", when, r)
		}
	}
}

func lines(m map[right]bool) []string {
	var out []string
	for r := range m {
		out = append(out, fmt.Sprint(r))
	}
	slices.Sort(out)
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

func TestASecondPlanIsEmptyOnceEverySetIsOurs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, wishes := drawSnapshot(t), drawWishes(t)
		// The first run may make sets ours, the second takes over their assignments, and the third binds by group what then can be.
		for range 3 {
			p, r := build(t, s, wishes)
			w := worldOf(s, r.Observed)
			for _, c := range p.Changes {
				w.do(c)
			}
			s = after(s, w, p)
		}
		if p, _ := build(t, s, wishes); !p.Empty() {
			t.Fatalf("the fourth plan is not empty: %d changes, first %+v", len(p.Changes), p.Changes[0])
		}
	})
}

func TestShuffledInputGivesTheSameBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, wishes := drawSnapshot(t), drawWishes(t)
		first, _ := build(t, s, wishes)
		n := *s
		n.Users = rapid.Permutation(s.Users).Draw(t, "users")
		n.Groups = rapid.Permutation(s.Groups).Draw(t, "groups")
		n.Memberships = rapid.Permutation(s.Memberships).Draw(t, "memberships")
		n.Assignments = rapid.Permutation(s.Assignments).Draw(t, "assignments")
		n.PermissionSets = rapid.Permutation(s.PermissionSets).Draw(t, "sets")
		n.Clusters = rapid.Permutation(s.Clusters).Draw(t, "clusters")
		second, _ := build(t, &n, wishes)
		if d := cmp.Diff(encode(t, first), encode(t, second)); d != "" {
			t.Fatalf("plan of shuffled input (-first +second):\n%s", d)
		}
	})
}

func encode(t rapid.TB, p *plan.Plan) string {
	b, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		t.Fatalf("encoding: %v", err)
	}
	return string(b)
}

func TestAPlanDecodesToWhatWasEncoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, _ := build(t, drawSnapshot(t), drawWishes(t))
		var q plan.Plan
		if err := json.Unmarshal([]byte(encode(t, p)), &q); err != nil {
			t.Fatalf("decoding: %v", err)
		}
		if d := cmp.Diff(encode(t, p), encode(t, &q)); d != "" {
			t.Fatalf("round trip (-before +after):\n%s", d)
		}
	})
}

func TestDependenciesPointBackwards(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, _ := build(t, drawSnapshot(t), drawWishes(t))
		place := map[string]int{}
		for i, c := range p.Changes {
			place[c.ID] = i
			for _, d := range c.DependsOn {
				if at, ok := place[d]; !ok || at >= i {
					t.Fatalf("change %s (%s) waits for %s, which does not come before it", c.ID, c.Name, d)
				}
			}
		}
	})
}

// blindfold hides one part of the facts and says whom that concerns.
type blindfold struct {
	gap      access.Gap
	hide     func(*snapshot.Snapshot)
	concerns func(*snapshot.Snapshot, right) bool
}

func drawBlindfold(t *rapid.T) blindfold {
	a := rapid.SampledFrom(accounts).Draw(t, "blind account")
	set := rapid.SampledFrom(setNames).Draw(t, "blind set")
	group := rapid.SampledFrom(groups).Draw(t, "blind group")
	c := clusterARN(a, rapid.SampledFrom(clusters).Draw(t, "blind cluster"))
	inCluster := func(_ *snapshot.Snapshot, r right) bool { return r.cluster == c }
	return rapid.SampledFrom([]blindfold{
		{
			access.Gap{Part: access.PartAssignments, Account: a, PermissionSet: setARN(set)},
			func(s *snapshot.Snapshot) {
				s.Assignments = slices.DeleteFunc(s.Assignments, func(x access.Assignment) bool { return x.Account == a && x.PermissionSet == setARN(set) })
			},
			func(_ *snapshot.Snapshot, r right) bool { return r.cluster.Account() == a && r.set == set },
		},
		{
			access.Gap{Part: access.PartProvisioned, Account: a},
			func(s *snapshot.Snapshot) {
				s.Assignments = slices.DeleteFunc(s.Assignments, func(x access.Assignment) bool { return x.Account == a })
			},
			func(_ *snapshot.Snapshot, r right) bool { return r.cluster.Account() == a },
		},
		{
			access.Gap{Part: access.PartRoles, Account: a},
			func(s *snapshot.Snapshot) {
				s.Roles = slices.DeleteFunc(s.Roles, func(x access.Role) bool { return x.Account == a })
			},
			func(_ *snapshot.Snapshot, r right) bool { return r.cluster.Account() == a },
		},
		{
			access.Gap{Part: access.PartMemberships, Group: groupID(group)},
			func(s *snapshot.Snapshot) {
				s.Memberships = slices.DeleteFunc(s.Memberships, func(x access.Membership) bool { return x.Group == groupID(group) })
			},
			func(s *snapshot.Snapshot, r right) bool {
				return slices.Contains(s.Assignments, access.Assignment{Account: r.cluster.Account(), PermissionSet: setARN(r.set), Principal: access.Principal{Kind: access.PrincipalGroup, ID: groupID(group)}})
			},
		},
		{
			access.Gap{Part: access.PartAwsAuth, Cluster: c, Account: a},
			func(s *snapshot.Snapshot) { clusterOf(s, c).AwsAuth = nil },
			func(s *snapshot.Snapshot, r right) bool {
				return r.cluster == c && clusterOf(s, c).Mode != access.ModeAPI
			},
		},
		{
			access.Gap{Part: access.PartEntries, Cluster: c, Account: a},
			func(s *snapshot.Snapshot) { clusterOf(s, c).AccessEntries = nil }, inCluster,
		},
		{
			access.Gap{Part: access.PartRBAC, Cluster: c, Account: a},
			func(s *snapshot.Snapshot) {
				x := clusterOf(s, c)
				x.RoleBindings, x.ClusterRoleBindings, x.ClusterRoles, x.Namespaces = nil, nil, nil, nil
			}, inCluster,
		},
		{access.Gap{Part: access.PartUsers}, func(s *snapshot.Snapshot) { s.Users = nil }, everything},
		{access.Gap{Part: access.PartGroups}, func(s *snapshot.Snapshot) { s.Groups = nil }, everything},
		{access.Gap{Part: access.PartPermissionSets}, func(s *snapshot.Snapshot) { s.PermissionSets = nil }, everything},
		{
			access.Gap{Part: access.PartPermissionSets, PermissionSet: setARN(set)},
			func(s *snapshot.Snapshot) {
				s.PermissionSets = slices.DeleteFunc(s.PermissionSets, func(x access.PermissionSet) bool { return x.Name == set })
			},
			func(_ *snapshot.Snapshot, r right) bool { return r.set == set },
		},
		{access.Gap{Part: access.PartAccounts}, func(s *snapshot.Snapshot) { s.Accounts, s.Estate, s.Clusters = nil, nil, nil }, everything},
		{
			access.Gap{Part: access.PartClusters, Account: a, Region: "eu-central-1"},
			func(s *snapshot.Snapshot) {
				s.Clusters = slices.DeleteFunc(s.Clusters, func(x access.Cluster) bool { return x.ARN == c })
			}, inCluster,
		},
	}).Draw(t, "blindfold")
}

func everything(*snapshot.Snapshot, right) bool { return true }

func clusterOf(s *snapshot.Snapshot, arn access.ClusterARN) *access.Cluster {
	for i := range s.Clusters {
		if s.Clusters[i].ARN == arn {
			return &s.Clusters[i]
		}
	}
	return &access.Cluster{}
}

func TestAGapNeverChangesTheAccessOfThoseItConcerns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		full, wishes := drawSnapshot(t), drawWishes(t)
		_, r := build(t, full, wishes)
		w := worldOf(full, r.Observed)
		old := w.rights()

		var seen snapshot.Snapshot
		b, err := json.Marshal(full)
		if err == nil {
			err = json.Unmarshal(b, &seen)
		}
		if err != nil {
			t.Fatalf("copying: %v", err)
		}
		bf := drawBlindfold(t)
		bf.hide(&seen)
		seen.Gaps = append(seen.Gaps, bf.gap)
		p, _ := build(t, &seen, wishes)
		for i, c := range p.Changes {
			w.do(c)
			now := w.rights()
			for r := range old {
				if bf.concerns(full, r) && !now[r] {
					t.Fatalf("gap %+v: change %d (%s %s %s) takes %v away", bf.gap, i+1, c.Action, c.Kind, c.Name, r)
				}
			}
			for r := range now {
				if bf.concerns(full, r) && !old[r] {
					t.Fatalf("gap %+v: change %d (%s %s %s) gives %v", bf.gap, i+1, c.Action, c.Kind, c.Name, r)
				}
			}
		}
	})
}
