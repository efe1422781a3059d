// Package graph joins what a snapshot holds into chains: user, group, account assignment, permission set, role, mapping,
// Kubernetes identity, binding, rule. Every hop of a chain says whether it holds, is broken or is not known, and what that rests on.
//
// What could not be read makes hops unknown and never broken. The package is pure, and building a graph takes time and memory linear in its snapshot.
package graph

import (
	"cmp"
	"maps"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// Graph is a snapshot, joined. It is built once and not changed.
type Graph struct {
	*snapshot.Index
	clusters map[access.ClusterARN]*Cluster
	gaps     map[access.Part][]access.Gap
	// hosts are the accounts whose roles and assignments were asked for because clusters are, or may be, in them.
	hosts    map[access.AccountID]bool
	groupsOf map[access.PrincipalID][]access.PrincipalID
	members  map[access.PrincipalID][]access.PrincipalID
	// assigned are the assignments of a principal, byAccount those in an account.
	assigned  map[access.Principal][]access.Assignment
	byAccount map[access.AccountID][]access.Assignment
	twins     map[string]int
	// setsNamed finds permission sets by name.
	setsNamed map[string][]access.PermissionSet
	rolesIn   map[access.AccountID][]access.Role
}

// New joins the snapshot.
func New(x *snapshot.Index) *Graph {
	g := &Graph{
		Index: x, clusters: map[access.ClusterARN]*Cluster{}, gaps: map[access.Part][]access.Gap{}, hosts: map[access.AccountID]bool{},
		groupsOf: map[access.PrincipalID][]access.PrincipalID{}, members: map[access.PrincipalID][]access.PrincipalID{},
		assigned: map[access.Principal][]access.Assignment{}, byAccount: map[access.AccountID][]access.Assignment{},
		twins: map[string]int{}, setsNamed: map[string][]access.PermissionSet{}, rolesIn: map[access.AccountID][]access.Role{},
	}
	for _, gap := range x.Gaps {
		g.gaps[gap.Part] = append(g.gaps[gap.Part], gap)
		if gap.Part == access.PartClusters && gap.Account != "" {
			g.hosts[gap.Account] = true
		}
	}
	for i := range x.Clusters {
		g.hosts[x.Clusters[i].Account] = true
	}
	for _, m := range x.Memberships {
		g.groupsOf[m.User] = append(g.groupsOf[m.User], m.Group)
		g.members[m.Group] = append(g.members[m.Group], m.User)
	}
	for _, a := range x.Assignments {
		g.assigned[a.Principal] = append(g.assigned[a.Principal], a)
		g.byAccount[a.Account] = append(g.byAccount[a.Account], a)
	}
	for _, u := range x.Users {
		g.twins[fold(u.Name)]++
	}
	for _, p := range x.PermissionSets {
		g.setsNamed[p.Name] = append(g.setsNamed[p.Name], p)
	}
	for _, r := range x.Roles {
		g.rolesIn[r.Account] = append(g.rolesIn[r.Account], r)
	}
	for i := range x.Clusters {
		g.clusters[x.Clusters[i].ARN] = g.newCluster(&x.Clusters[i])
	}
	return g
}

// Of returns the cluster, nil when the snapshot does not have it.
func (g *Graph) Of(a access.ClusterARN) *Cluster { return g.clusters[a] }

// Predictable says why Identity Center's session name for the user is not known, "" when it is the user name.
func (g *Graph) Predictable(u access.User) string {
	if !access.PredictableSessionName(u.Name) {
		return "the user name is longer than 64 characters, or has characters outside [A-Za-z0-9_+=,.@-]"
	}
	if g.twins[fold(u.Name)] > 1 {
		return "another user's name differs only in case"
	}
	return ""
}

// Holding is how a user comes to hold a permission set in an account.
type Holding struct {
	User    access.User
	Account access.AccountID
	Set     string
	// Principal is the user or one of their groups; zero when it is not known whether anybody is assigned.
	Principal access.Principal
	// doubt is why it is not known whether they do; nil when they do. In says where the doubt lies.
	doubt *doubt
	in    HopKind
}

// Certain tells whether it is known that the user holds the set.
func (h Holding) Certain() bool { return h.doubt == nil }

// compare puts what is certain first, and then the user itself before groups.
func (h Holding) compare(o Holding) int {
	rank := func(h Holding) int {
		switch {
		case h.Certain() && h.Principal.Kind == access.PrincipalUser:
			return 0
		case h.Certain():
			return 1
		}
		return 2
	}
	return cmp.Or(cmp.Compare(h.Account, o.Account), cmp.Compare(h.Set, o.Set), cmp.Compare(rank(h), rank(o)), h.Principal.Compare(o.Principal))
}

// Holdings returns how the user comes, or may come, to hold sets in the account, by set; what is certain stands first.
func (g *Graph) Holdings(u access.User, account access.AccountID) []Holding {
	mine := map[access.Principal]bool{{Kind: access.PrincipalUser, ID: u.ID}: true}
	for _, id := range g.groupsOf[u.ID] {
		mine[access.Principal{Kind: access.PrincipalGroup, ID: id}] = true
	}
	var out []Holding
	for p := range mine {
		for _, a := range g.assigned[p] {
			if a.Account == account {
				out = append(out, g.held(u, a)...)
			}
		}
	}
	out = append(out, g.mayHold(u, account, mine)...)
	slices.SortFunc(out, Holding.compare)
	return out
}

// held is what an assignment to the user or one of their groups gives.
func (g *Graph) held(u access.User, a access.Assignment) []Holding {
	h := Holding{User: u, Account: a.Account, Principal: a.Principal}
	if set, ok := g.PermissionSet(a.PermissionSet); ok {
		h.Set = set.Name
		return []Holding{h}
	}
	// A set whose name was not read may be any that has a role here; one that is gone gives nothing.
	h.doubt, h.in = g.nameDoubt(a.PermissionSet), HopPermissionSet
	if h.doubt == nil {
		return nil
	}
	var out []Holding
	for _, name := range g.namelessRoles(a.Account) {
		h.Set = name
		out = append(out, h)
	}
	return out
}

// namelessRoles are the set names of roles in the account that belong to no set whose name was read.
func (g *Graph) namelessRoles(account access.AccountID) []string {
	names := map[string]bool{}
	for _, r := range g.rolesIn[account] {
		if name, ok := r.PermissionSetName(); ok && len(g.setsNamed[name]) == 0 {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// mayHold is what the user holds for all that is known: through groups whose members were not read, and where assignments were not.
func (g *Graph) mayHold(u access.User, account access.AccountID, mine map[access.Principal]bool) []Holding {
	var out []Holding
	if len(g.gaps[access.PartMemberships])+len(g.gaps[access.PartGroups]) > 0 {
		for _, a := range g.byAccount[account] {
			if a.Principal.Kind != access.PrincipalGroup || mine[a.Principal] {
				continue
			}
			if d := g.membersDoubt(a.Principal.ID); d != nil {
				for _, h := range g.held(u, a) {
					h.doubt, h.in = cmp.Or(h.doubt, d), HopGroup
					out = append(out, h)
				}
			}
		}
	}
	for name, d := range g.openSets(account) {
		out = append(out, Holding{User: u, Account: account, Set: name, doubt: d, in: HopAssignment})
	}
	return out
}

// openSets are the names of sets of which it is not known who is assigned them in the account, and why. It is empty without gaps
// in an account that was looked into.
func (g *Graph) openSets(account access.AccountID) map[string]*doubt {
	if len(g.Gaps) == 0 && g.outside(account, "") == nil {
		return nil
	}
	out := map[string]*doubt{}
	for _, p := range g.PermissionSets {
		if d := g.assignmentsDoubt(account, p.ARN); d != nil {
			out[p.Name] = d
		}
	}
	// Where the names are in doubt too, a role's own name tells what may be assigned.
	if d := g.assignmentsDoubt(account, ""); d != nil && (g.nameDoubt("") != nil || len(g.PermissionSets) == 0) {
		for _, name := range g.namelessRoles(account) {
			out[name] = d
		}
	}
	return out
}

// Everybody holds the set in the account: the users known to, each once, and why others may.
type Everybody struct {
	Holders []Holding
	// others says why users who are not listed may hold it too; nil when none may.
	others *doubt
	in     HopKind
	// principal is the group, where the doubt is about the members of one.
	principal access.Principal
}

// Open tells whether users who are not listed may hold the set, and why.
func (e Everybody) Open() (why string, open bool) {
	if e.others == nil {
		return "", false
	}
	return e.others.object + ": " + e.others.why, true
}

// Holders returns everybody who holds the set in the account, by user id; disabled users are listed too.
func (g *Graph) Holders(account access.AccountID, set string) Everybody {
	var e Everybody
	first := map[access.PrincipalID]Holding{}
	add := func(id access.PrincipalID, h Holding) {
		u, ok := g.User(id)
		if !ok {
			return
		}
		h.User = u
		if old, seen := first[id]; !seen || h.compare(old) < 0 {
			first[id] = h
		}
	}
	for _, a := range g.byAccount[account] {
		p, known := g.PermissionSet(a.PermissionSet)
		h := Holding{Account: account, Set: set, Principal: a.Principal}
		if !known && len(g.setsNamed[set]) == 0 {
			h.doubt, h.in = g.nameDoubt(a.PermissionSet), HopPermissionSet
		}
		if known && p.Name != set || !known && h.doubt == nil {
			continue
		}
		if a.Principal.Kind == access.PrincipalUser {
			add(a.Principal.ID, h)
			continue
		}
		for _, id := range g.members[a.Principal.ID] {
			add(id, h)
		}
		if d := g.membersDoubt(a.Principal.ID); d != nil && e.others == nil {
			e.others, e.in, e.principal = d, HopGroup, a.Principal
		}
	}
	if d, open := g.openSets(account)[set]; open {
		e.others, e.in, e.principal = d, HopAssignment, access.Principal{}
	}
	e.Holders = make([]Holding, 0, len(first))
	for _, id := range slices.Sorted(maps.Keys(first)) {
		e.Holders = append(e.Holders, first[id])
	}
	return e
}

// Code is the diagnostic of the doubt about others.
func (e Everybody) Code() diag.Code {
	if e.others == nil {
		return ""
	}
	return e.others.code
}

// Other is the holding that somebody who is not listed may have.
func (e Everybody) Other(u access.User, account access.AccountID, set string) Holding {
	return Holding{User: u, Account: account, Set: set, Principal: e.principal, doubt: e.others, in: e.in}
}
