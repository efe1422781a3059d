// Package snapshot holds the observed state: what was read, when, by whom, and
// what could not be read. It collects it, encodes it, and resolves the names in
// policies against it.
package snapshot

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// Versioned names of the document.
const (
	APIVersion = "rolecall.dev/v1alpha1"
	Kind       = "Snapshot"
)

// Provisioned says that a permission set has a role in an account.
type Provisioned struct {
	Account       access.AccountID `json:"account"`
	PermissionSet access.ARN       `json:"permissionSet"`
}

// Snapshot is the observed state at one time. Every slice is sorted.
type Snapshot struct {
	APIVersion string    `json:"apiVersion"`
	Kind       string    `json:"kind"`
	Taken      time.Time `json:"taken"`

	Caller       access.Caller       `json:"caller"`
	Organization access.Organization `json:"organization"`
	Instance     access.Instance     `json:"instance"`
	// Accounts are all accounts of the organization; Estate lists those that were looked into.
	Accounts       []access.Account       `json:"accounts"`
	Estate         []access.AccountID     `json:"estate"`
	Users          []access.User          `json:"users"`
	Groups         []access.Group         `json:"groups"`
	Memberships    []access.Membership    `json:"memberships"`
	PermissionSets []access.PermissionSet `json:"permissionSets"`
	Provisioned    []Provisioned          `json:"provisioned"`
	Assignments    []access.Assignment    `json:"assignments"`
	Roles          []access.Role          `json:"roles"`
	Clusters       []access.Cluster       `json:"clusters"`
	// AccessPolicies are the EKS access policies that there are; none where no cluster has access entries.
	AccessPolicies []access.ARN `json:"accessPolicies"`
	Gaps           []access.Gap `json:"gaps"`
}

// Complete tells whether everything in scope was read.
func (s *Snapshot) Complete() bool { return len(s.Gaps) == 0 }

// Sort puts the snapshot into its canonical order, so that the same facts give the same bytes. It sorts the lists where they are.
func (s *Snapshot) Sort() {
	by := cmp.Compare[access.PrincipalID]
	slices.SortFunc(s.Accounts, func(a, b access.Account) int { return cmp.Compare(a.ID, b.ID) })
	slices.Sort(s.Estate)
	slices.SortFunc(s.Users, func(a, b access.User) int { return by(a.ID, b.ID) })
	slices.SortFunc(s.Groups, func(a, b access.Group) int { return by(a.ID, b.ID) })
	slices.SortFunc(s.Memberships, func(a, b access.Membership) int { return cmp.Or(by(a.Group, b.Group), by(a.User, b.User)) })
	slices.SortFunc(s.PermissionSets, func(a, b access.PermissionSet) int { return cmp.Compare(a.ARN, b.ARN) })
	slices.SortFunc(s.Provisioned, func(a, b Provisioned) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.PermissionSet, b.PermissionSet))
	})
	slices.SortFunc(s.Assignments, access.Assignment.Compare)
	slices.SortFunc(s.Roles, func(a, b access.Role) int { return cmp.Compare(a.ARN, b.ARN) })
	slices.SortFunc(s.Clusters, func(a, b access.Cluster) int { return cmp.Compare(a.ARN, b.ARN) })
	slices.Sort(s.AccessPolicies)
	slices.SortFunc(s.Gaps, access.Gap.Compare)
	s.Memberships = slices.Compact(s.Memberships)
	s.Provisioned = slices.Compact(s.Provisioned)
	s.Assignments = slices.Compact(s.Assignments)
	s.Gaps = slices.Compact(s.Gaps)
	for i := range s.Clusters {
		sortCluster(&s.Clusters[i])
	}
}

// fill makes every list one that encodes as such: a list without members is not null.
func (s *Snapshot) fill() {
	s.Accounts, s.Estate, s.Users, s.Groups = list(s.Accounts), list(s.Estate), list(s.Users), list(s.Groups)
	s.Memberships, s.PermissionSets, s.Provisioned = list(s.Memberships), list(s.PermissionSets), list(s.Provisioned)
	s.AccessPolicies = list(s.AccessPolicies)
	s.Assignments, s.Roles, s.Gaps, s.Clusters = list(s.Assignments), list(s.Roles), list(s.Gaps), list(s.Clusters)
	for i := range s.Clusters {
		c := &s.Clusters[i]
		c.Namespaces, c.Roles, c.ClusterRoles = list(c.Namespaces), list(c.Roles), list(c.ClusterRoles)
		c.AccessEntries = entered(c.AccessEntries)
		c.RoleBindings, c.ClusterRoleBindings = bound(c.RoleBindings), bound(c.ClusterRoleBindings)
	}
}

func list[T any](in []T) []T {
	if in == nil {
		return []T{}
	}
	return in
}

func bound(in []access.Binding) []access.Binding {
	out := list(in)
	for i := range out {
		out[i].Subjects = list(out[i].Subjects)
	}
	return out
}

func entered(in []access.AccessEntry) []access.AccessEntry {
	out := list(in)
	for i := range out {
		out[i].Groups, out[i].Associations = list(out[i].Groups), list(out[i].Associations)
		for j := range out[i].Associations {
			out[i].Associations[j].Namespaces = list(out[i].Associations[j].Namespaces)
		}
	}
	return out
}

func sortCluster(c *access.Cluster) {
	slices.SortFunc(c.AccessEntries, access.AccessEntry.Compare)
	slices.SortFunc(c.IdentityProviders, access.IdentityProvider.Compare)
	slices.Sort(c.Namespaces)
	roles := func(a, b access.RBACRole) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	}
	bindings := func(a, b access.Binding) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	}
	slices.SortFunc(c.Roles, roles)
	slices.SortFunc(c.ClusterRoles, roles)
	slices.SortFunc(c.RoleBindings, bindings)
	slices.SortFunc(c.ClusterRoleBindings, bindings)
	for _, bs := range [][]access.Binding{c.RoleBindings, c.ClusterRoleBindings} {
		for i := range bs {
			bs[i].Subjects = access.SortSubjects(bs[i].Subjects)
		}
	}
}

// clone copies every list that Sort and fill write to.
func (s *Snapshot) clone() *Snapshot {
	c := *s
	c.Accounts, c.Estate, c.Users, c.Groups = slices.Clone(s.Accounts), slices.Clone(s.Estate), slices.Clone(s.Users), slices.Clone(s.Groups)
	c.Memberships, c.PermissionSets, c.Provisioned = slices.Clone(s.Memberships), slices.Clone(s.PermissionSets), slices.Clone(s.Provisioned)
	c.Assignments, c.Roles, c.Gaps, c.Clusters = slices.Clone(s.Assignments), slices.Clone(s.Roles), slices.Clone(s.Gaps), slices.Clone(s.Clusters)
	c.AccessPolicies = slices.Clone(s.AccessPolicies)
	for i := range c.Clusters {
		in := &c.Clusters[i]
		in.AccessEntries = slices.Clone(in.AccessEntries)
		in.IdentityProviders = slices.Clone(in.IdentityProviders)
		for j := range in.AccessEntries {
			e := &in.AccessEntries[j]
			e.Associations = slices.Clone(e.Associations)
		}
		in.Namespaces, in.Roles, in.ClusterRoles = slices.Clone(in.Namespaces), slices.Clone(in.Roles), slices.Clone(in.ClusterRoles)
		in.RoleBindings, in.ClusterRoleBindings = slices.Clone(in.RoleBindings), slices.Clone(in.ClusterRoleBindings)
	}
	return &c
}

// Encode writes the snapshot as canonical, indented JSON. The snapshot itself stays as it is, its order too.
func (s *Snapshot) Encode(w io.Writer) error {
	c := s.clone()
	c.APIVersion, c.Kind = APIVersion, Kind
	c.Sort()
	c.fill()
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(c); err != nil {
		return fmt.Errorf("encoding snapshot: %w", err)
	}
	return nil
}

// Decode reads what Encode wrote. Unknown members and other versions are errors: a fact that is
// not understood must not be lost silently.
func Decode(r io.Reader) (*Snapshot, error) {
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	var s Snapshot
	if err := dec.Decode(&s); err != nil {
		return nil, fmt.Errorf("decoding snapshot: %w", err)
	}
	if s.APIVersion != APIVersion || s.Kind != Kind {
		return nil, fmt.Errorf("decoding snapshot: it says %s %s; this version reads %s %s", s.APIVersion, s.Kind, APIVersion, Kind)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("decoding snapshot: there is more after the document")
	}
	s.unreadEntries()
	s.Sort()
	return &s, nil
}

// unreadEntries notes what a snapshot does not say: until access entries were read, none were written down.
func (s *Snapshot) unreadEntries() {
	for _, c := range s.Clusters {
		if _, said := s.gapFor(access.PartEntries, c.ARN); c.AccessEntries == nil && c.Mode.Entries() && !said {
			gap := entryGap(c)
			gap.Operation, gap.Kind, gap.Reason = "ListAccessEntries", access.GapFailed, "the snapshot does not say what access entries there are: an earlier version took it"
			s.Gaps = append(s.Gaps, gap)
		}
	}
}

func (s *Snapshot) gapFor(part access.Part, c access.ClusterARN) (access.Gap, bool) {
	i := slices.IndexFunc(s.Gaps, func(g access.Gap) bool { return g.Part == part && g.Cluster == c })
	if i < 0 {
		return access.Gap{}, false
	}
	return s.Gaps[i], true
}

// Digest identifies the facts: the time they were taken and who took them do not count.
func (s *Snapshot) Digest() string {
	c := *s
	c.Taken, c.Caller = time.Time{}, access.Caller{}
	var b bytes.Buffer
	if err := c.Encode(&b); err != nil {
		panic(fmt.Sprintf("snapshot: its own types do not encode: %v", err))
	}
	sum := sha256.Sum256(b.Bytes())
	return hex.EncodeToString(sum[:])
}

// Index answers look-ups in a snapshot; it is built once and not changed.
type Index struct {
	*Snapshot
	users       map[access.PrincipalID]access.User
	groups      map[access.PrincipalID]access.Group
	members     map[access.PrincipalID][]access.PrincipalID
	sets        map[access.ARN]access.PermissionSet
	roles       map[roleKey]access.Role
	assignments map[pair][]access.Principal
	clusters    map[access.ClusterARN]*access.Cluster
	accounts    map[access.AccountID]access.Account
	estate      map[access.AccountID]bool
}

type roleKey struct {
	account access.AccountID
	set     string
}

type pair struct {
	account access.AccountID
	set     access.ARN
}

// NewIndex puts s into its canonical order and indexes it.
func NewIndex(s *Snapshot) *Index {
	s.Sort()
	x := &Index{
		Snapshot: s, users: map[access.PrincipalID]access.User{}, groups: map[access.PrincipalID]access.Group{},
		members: map[access.PrincipalID][]access.PrincipalID{}, sets: map[access.ARN]access.PermissionSet{},
		roles: map[roleKey]access.Role{}, assignments: map[pair][]access.Principal{},
		clusters: map[access.ClusterARN]*access.Cluster{}, accounts: map[access.AccountID]access.Account{}, estate: map[access.AccountID]bool{},
	}
	for _, u := range s.Users {
		x.users[u.ID] = u
	}
	for _, g := range s.Groups {
		x.groups[g.ID] = g
	}
	for _, m := range s.Memberships {
		x.members[m.Group] = append(x.members[m.Group], m.User)
	}
	for _, p := range s.PermissionSets {
		x.sets[p.ARN] = p
	}
	for _, a := range s.Assignments {
		k := pair{a.Account, a.PermissionSet}
		x.assignments[k] = append(x.assignments[k], a.Principal)
	}
	for i := range s.Clusters {
		x.clusters[s.Clusters[i].ARN] = &s.Clusters[i]
	}
	for _, a := range s.Accounts {
		x.accounts[a.ID] = a
	}
	for _, a := range s.Estate {
		x.estate[a] = true
	}
	x.indexRoles()
	return x
}

// indexRoles keeps the newest role of a set: two sets may have had the same name over time.
func (x *Index) indexRoles() {
	for _, r := range x.Roles {
		set, ok := r.PermissionSetName()
		if !ok {
			continue
		}
		k := roleKey{r.Account, set}
		if old, seen := x.roles[k]; !seen || r.Created.After(old.Created) {
			x.roles[k] = r
		}
	}
}

// User looks a user up by id.
func (x *Index) User(id access.PrincipalID) (access.User, bool) { u, ok := x.users[id]; return u, ok }

// Group looks a group up by id.
func (x *Index) Group(id access.PrincipalID) (access.Group, bool) {
	g, ok := x.groups[id]
	return g, ok
}

// PermissionSet looks a set up by ARN.
func (x *Index) PermissionSet(a access.ARN) (access.PermissionSet, bool) {
	p, ok := x.sets[a]
	return p, ok
}

// Role returns the role of a set (by name) in an account.
func (x *Index) Role(account access.AccountID, set string) (access.Role, bool) {
	r, ok := x.roles[roleKey{account, set}]
	return r, ok
}

// Account looks an account up by id.
func (x *Index) Account(id access.AccountID) (access.Account, bool) {
	a, ok := x.accounts[id]
	return a, ok
}

// InEstate tells whether the account was looked into.
func (x *Index) InEstate(id access.AccountID) bool { return x.estate[id] }

// Cluster looks a cluster up by ARN.
func (x *Index) Cluster(a access.ClusterARN) (*access.Cluster, bool) {
	c, ok := x.clusters[a]
	return c, ok
}

// Assigned returns the principals assigned a set in an account.
func (x *Index) Assigned(account access.AccountID, set access.ARN) access.PrincipalSet {
	return access.NewPrincipalSet(x.assignments[pair{account, set}]...)
}

// Expand returns the enabled users among the principals, groups expanded, sorted by id.
func (x *Index) Expand(ps []access.Principal) []access.User {
	found := map[access.PrincipalID]access.User{}
	add := func(id access.PrincipalID) {
		if u, ok := x.users[id]; ok && !u.Disabled {
			found[id] = u
		}
	}
	for _, p := range ps {
		switch p.Kind {
		case access.PrincipalUser:
			add(p.ID)
		case access.PrincipalGroup:
			for _, m := range x.members[p.ID] {
				add(m)
			}
		}
	}
	out := make([]access.User, 0, len(found))
	for _, id := range slices.Sorted(maps.Keys(found)) {
		out = append(out, found[id])
	}
	return out
}

// PrincipalName is the display name of a principal, its id when it is gone.
func (x *Index) PrincipalName(p access.Principal) string {
	if g, ok := x.groups[p.ID]; ok && p.Kind == access.PrincipalGroup {
		return g.Name
	}
	if u, ok := x.users[p.ID]; ok && p.Kind == access.PrincipalUser {
		return u.Name
	}
	return string(p.ID)
}

// AccountName is the account's name, its id when it has none.
func (x *Index) AccountName(id access.AccountID) string {
	if a, ok := x.accounts[id]; ok && a.Name != "" {
		return a.Name
	}
	return string(id)
}

// ClusterName is "account/region/name" with the account's name.
func (x *Index) ClusterName(c access.ClusterARN) string {
	return access.QualifiedName(x.AccountName(c.Account()), c.Region(), c.Name())
}

// Gap returns the first gap of the part that the test accepts.
func (x *Index) Gap(part access.Part, covers func(access.Gap) bool) (access.Gap, bool) {
	for _, g := range x.Gaps {
		if g.Part == part && covers(g) {
			return g, true
		}
	}
	return access.Gap{}, false
}
