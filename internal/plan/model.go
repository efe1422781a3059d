package plan

import (
	"maps"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// Input is what Diff compares, and what it says about the result.
type Input struct {
	Index *snapshot.Index
	Owner string
	// Observed holds the owner's objects, Desired what the policies want; what must stay as it is (gaps, conflicts, other policies) is in both.
	Observed, Desired access.State
	// Origins, Notes and Privileged are keyed by the objects' Key.
	Origins    map[string]access.Origin
	Notes      map[string]string
	Privileged map[string]bool
	// Matches says of desired objects what their place matches, Gone of observed ones why nobody wants them; both by Key.
	Matches map[string]access.Match
	Gone    map[string]string
	// Principals are those of the grants in force, by GrantKey.
	Principals map[string]access.PrincipalSet
	// Adopted are mappings of others that become the owner's, as they stand.
	Adopted []access.Mapping
	// AdoptedBindings are bindings of others that become the owner's.
	AdoptedBindings []access.BindingKey
	// Declared tells the grants that say privileged: true, by GrantKey.
	Declared map[string]bool
	// RoleName is the role that rolecall assumes in accounts other than its own.
	RoleName string
	// Protected users and roles never lose anything.
	ProtectedUsers []string
	ProtectedRoles []access.ARN

	Bindings  []access.GrantBinding
	Conflicts []access.Conflict
	Findings  diag.List
	Tests     Tests
}

// GrantKey names a grant among all.
func GrantKey(policy, grant string) string { return policy + "/" + grant }

// who is a user in one permission set: the same person through two sets is two identities to a cluster.
type who struct {
	user access.PrincipalID
	set  string
}

// item is one thing an identity gets in a cluster: a role or an EKS access policy in a scope, a foreign group, or (zero) the door.
type item struct {
	namespace string
	ref       access.RoleRef
	group     string
	policy    string
}

func (i item) level() access.Level {
	switch {
	case i == item{}:
		return access.LevelNone
	case i.group != "":
		return access.LevelCustom
	case i.policy != "":
		return access.LevelOfPolicy(i.policy)
	}
	return access.LevelOf(i.ref)
}

// side is the owner's objects in one cluster in one state. rows hold the mappings in force of current roles only, by set name, be they rows or entries.
type side struct {
	rows     map[string]access.Mapping
	policies map[policyKey]access.SetPolicy
	bindings map[access.BindingKey]access.ClusterBinding
}

func newSide() side {
	return side{rows: map[string]access.Mapping{}, policies: map[policyKey]access.SetPolicy{}, bindings: map[access.BindingKey]access.ClusterBinding{}}
}

func (s side) clone() side {
	c := newSide()
	for k, v := range s.rows {
		v.Row.Groups = slices.Clone(v.Row.Groups)
		c.rows[k] = v
	}
	maps.Copy(c.policies, s.policies)
	for k, v := range s.bindings {
		v.Binding.Subjects = slices.Clone(v.Binding.Subjects)
		c.bindings[k] = v
	}
	return c
}

// setsWith returns the names of the sets whose row carries the group, sorted.
func (s side) setsWith(group string) []string {
	var out []string
	for _, set := range sortedKeys(s.rows) {
		if slices.Contains(s.rows[set].Row.Groups, group) {
			out = append(out, set)
		}
	}
	return out
}

// boundTo returns the keys of the bindings with the subject, sorted.
func (s side) boundTo(subject access.Subject) []access.BindingKey {
	var out []access.BindingKey
	for _, k := range sortedBindings(s.bindings) {
		if slices.Contains(s.bindings[k].Binding.Subjects, subject) {
			out = append(out, k)
		}
	}
	return out
}

// model answers who holds what, before and after.
type model struct {
	Input
	arns map[string]access.ARN
	s1   map[string]access.PrincipalSet
	// users0 and users1 cache the holders.
	users0, users1 map[string][]access.User
	// reached caches the users of principals, named the users by name.
	reached map[access.Principal]map[access.PrincipalID]bool
	named   map[string]access.User
}

func newModel(in Input) *model {
	m := &model{Input: in, arns: map[string]access.ARN{}, s1: map[string]access.PrincipalSet{}, users0: map[string][]access.User{}, users1: map[string][]access.User{}, reached: map[access.Principal]map[access.PrincipalID]bool{}, named: map[string]access.User{}}
	for _, p := range in.Index.PermissionSets {
		m.arns[p.Name] = p.ARN
	}
	for _, u := range in.Index.Users {
		m.named[u.Name] = u
	}
	add, del := map[string][]access.Principal{}, map[string][]access.Principal{}
	gone, come := setDiff(in.Observed.Assignments, in.Desired.Assignments)
	for _, a := range gone {
		k := pairKey(a.Account, a.PermissionSet)
		del[k] = append(del[k], a.Principal)
	}
	for _, a := range come {
		k := pairKey(a.Account, a.PermissionSet)
		add[k] = append(add[k], a.Principal)
	}
	for _, a := range slices.Concat(gone, come) {
		k := pairKey(a.Account, a.PermissionSet)
		now := in.Index.Assigned(a.Account, a.PermissionSet)
		kept := slices.DeleteFunc(slices.Clone([]access.Principal(now)), func(p access.Principal) bool { return slices.Contains(del[k], p) })
		m.s1[k] = access.NewPrincipalSet(append(kept, add[k]...)...)
	}
	return m
}

func pairKey(account access.AccountID, set access.ARN) string {
	return string(account) + "/" + string(set)
}

// setDiff returns what is only in a and what is only in b.
func setDiff(a, b []access.Assignment) (onlyA, onlyB []access.Assignment) {
	inA, inB := map[access.Assignment]bool{}, map[access.Assignment]bool{}
	for _, x := range a {
		inA[x] = true
	}
	for _, x := range b {
		inB[x] = true
		if !inA[x] {
			onlyB = append(onlyB, x)
		}
	}
	for _, x := range a {
		if !inB[x] {
			onlyA = append(onlyA, x)
		}
	}
	return onlyA, onlyB
}

// assigned0 and assigned1 are the principals of a set in an account, before and after.
func (m *model) assigned0(account access.AccountID, set string) access.PrincipalSet {
	return m.Index.Assigned(account, m.arns[set])
}

func (m *model) assigned1(account access.AccountID, set string) access.PrincipalSet {
	if s, ok := m.s1[pairKey(account, m.arns[set])]; ok {
		return s
	}
	return m.assigned0(account, set)
}

func (m *model) holders0(account access.AccountID, set string) []access.User {
	return cached(m.users0, string(account)+"/"+set, func() []access.User { return m.Index.Expand(m.assigned0(account, set)) })
}

func (m *model) holders1(account access.AccountID, set string) []access.User {
	return cached(m.users1, string(account)+"/"+set, func() []access.User { return m.Index.Expand(m.assigned1(account, set)) })
}

func cached[K comparable, V any](m map[K]V, k K, fill func() V) V {
	v, ok := m[k]
	if !ok {
		v = fill()
		m[k] = v
	}
	return v
}

// worksForUsers tells whether the row yields the user names that bindings by user name.
func worksForUsers(r access.Mapping) bool {
	return r.Row.Username == access.UsernameTemplate(r.PermissionSet)
}

// reach returns what everybody gets in a cluster through the objects of s.
func reach(account access.AccountID, s side, holders func(access.AccountID, string) []access.User) map[who]map[item]bool {
	bySubject := map[access.Subject][]item{}
	for _, b := range s.bindings {
		for _, sub := range b.Binding.Subjects {
			bySubject[sub] = append(bySubject[sub], item{namespace: b.Binding.Namespace, ref: b.Binding.Ref})
		}
	}
	bySet := map[string][]item{}
	for k, p := range s.policies {
		bySet[k.set] = append(bySet[k.set], policyItems{p.Association}.items()...)
	}
	out := map[who]map[item]bool{}
	for set, row := range s.rows {
		for _, u := range holders(account, set) {
			got := map[item]bool{{}: true}
			add(got, bySet[set])
			if worksForUsers(row) {
				add(got, bySubject[access.Subject{Kind: access.SubjectUser, Name: access.Username(set, u.Name)}])
			}
			for _, g := range row.Row.Groups {
				add(got, bySubject[access.Subject{Kind: access.SubjectGroup, Name: g}])
				if !access.ReservedGroup(g) {
					got[item{group: g}] = true
				}
			}
			out[who{u.ID, set}] = got
		}
	}
	return out
}

func add(got map[item]bool, items []item) {
	for _, i := range items {
		got[i] = true
	}
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func sortedBindings(m map[access.BindingKey]access.ClusterBinding) []access.BindingKey {
	out := make([]access.BindingKey, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.SortFunc(out, access.BindingKey.Compare)
	return out
}
