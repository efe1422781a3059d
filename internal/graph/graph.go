// Package graph joins what a snapshot holds into chains: user, group, account assignment, permission set, role, mapping,
// Kubernetes identity, binding, rule. Every hop of a chain says whether it holds, is broken or is not known, and what that rests on.
//
// What could not be read makes hops unknown and never broken. The package is pure, and building a graph takes time and memory linear in its snapshot.
package graph

import (
	"cmp"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/rbac"
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
	// at finds users in Users, and members those of a group; both in the order of Users, which is that of ids.
	at      map[access.PrincipalID]int32
	members map[access.PrincipalID][]int32
	// assigned are the assignments of a principal, byAccount those in an account.
	assigned  map[access.Principal][]access.Assignment
	byAccount map[access.AccountID][]access.Assignment
	// odd are the users whose session name cannot be predicted, and why.
	odd map[access.PrincipalID]string
	// setsNamed finds permission sets by name.
	setsNamed map[string][]access.PermissionSet
	rolesIn   map[access.AccountID][]access.Role
	// policies are what the EKS access policies allow.
	policies rbac.AccessPolicies
}

// New joins the snapshot.
func New(x *snapshot.Index) *Graph {
	g := &Graph{
		Index: x, clusters: map[access.ClusterARN]*Cluster{}, gaps: map[access.Part][]access.Gap{}, hosts: map[access.AccountID]bool{},
		groupsOf: map[access.PrincipalID][]access.PrincipalID{}, at: make(map[access.PrincipalID]int32, len(x.Users)), members: map[access.PrincipalID][]int32{},
		assigned: map[access.Principal][]access.Assignment{}, byAccount: map[access.AccountID][]access.Assignment{},
		odd: map[access.PrincipalID]string{}, setsNamed: map[string][]access.PermissionSet{}, rolesIn: map[access.AccountID][]access.Role{},
		policies: rbac.ReadAccessPolicies(),
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
	for i, u := range x.Users {
		g.at[u.ID] = int32(i)
	}
	for _, m := range x.Memberships {
		g.groupsOf[m.User] = append(g.groupsOf[m.User], m.Group)
		if i, ok := g.at[m.User]; ok {
			g.members[m.Group] = append(g.members[m.Group], i)
		}
	}
	for _, a := range x.Assignments {
		g.assigned[a.Principal] = append(g.assigned[a.Principal], a)
		g.byAccount[a.Account] = append(g.byAccount[a.Account], a)
	}
	g.findOdd()
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

// findOdd finds the users whose session name is not simply their user name.
func (g *Graph) findOdd() {
	twins := map[string]int{}
	for _, u := range g.Users {
		twins[fold(u.Name)]++
	}
	for _, u := range g.Users {
		switch {
		case !access.PredictableSessionName(u.Name):
			g.odd[u.ID] = "the user name is longer than 64 characters, or has characters outside [A-Za-z0-9_+=,.@-]"
		case twins[fold(u.Name)] > 1:
			g.odd[u.ID] = "another user's name differs only in case"
		}
	}
}

// GroupsOf are the groups that a user was read as a member of, in the order of the snapshot.
func (g *Graph) GroupsOf(u access.PrincipalID) []access.PrincipalID { return slices.Clone(g.groupsOf[u]) }

// Unpredictable says why Identity Center's session name for the user is not known, "" when it is the user name.
func (g *Graph) Unpredictable(u access.User) string { return g.odd[u.ID] }

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

// Holdings returns how the user comes, or may come, to hold the sets that could open a door of the cluster, or anything in the account; by set,
// and what is certain stands first.
func (c *Cluster) Holdings(u access.User, account access.AccountID) []Holding {
	g := c.g
	mine := map[access.Principal]bool{{Kind: access.PrincipalUser, ID: u.ID}: true}
	for _, id := range g.groupsOf[u.ID] {
		mine[access.Principal{Kind: access.PrincipalGroup, ID: id}] = true
	}
	var out []Holding
	for p := range mine {
		for _, a := range g.assigned[p] {
			if a.Account == account {
				out = append(out, c.held(u, a)...)
			}
		}
	}
	out = append(out, c.mayHold(u, account, mine)...)
	slices.SortFunc(out, Holding.compare)
	return out
}

// Holdings returns how the user comes, or may come, to hold the door's set; what is certain stands first.
func (d *Door) Holdings(u access.User) []Holding {
	return slices.DeleteFunc(d.c.Holdings(u, d.Account), func(h Holding) bool { return h.Set != d.Set })
}

// held is what an assignment to the user or one of their groups gives.
func (c *Cluster) held(u access.User, a access.Assignment) []Holding {
	h := Holding{User: u, Account: a.Account, Principal: a.Principal}
	if set, ok := c.g.PermissionSet(a.PermissionSet); ok {
		h.Set = set.Name
		return []Holding{h}
	}
	// A set whose name was not read may be any that leads in; one that is gone gives nothing.
	h.doubt, h.in = c.g.nameDoubt(a.PermissionSet), HopPermissionSet
	if h.doubt == nil {
		return nil
	}
	var out []Holding
	for _, k := range c.sets {
		if k.account == a.Account && len(c.g.setsNamed[k.set]) == 0 {
			h.Set = k.set
			out = append(out, h)
		}
	}
	return out
}

// mayHold is what the user holds for all that is known: through groups whose members were not read, and where assignments were not.
func (c *Cluster) mayHold(u access.User, account access.AccountID, mine map[access.Principal]bool) []Holding {
	g := c.g
	var out []Holding
	if len(g.gaps[access.PartMemberships])+len(g.gaps[access.PartGroups]) > 0 {
		for _, a := range g.byAccount[account] {
			if a.Principal.Kind != access.PrincipalGroup || mine[a.Principal] {
				continue
			}
			if d := g.membersDoubt(a.Principal.ID); d != nil {
				for _, h := range c.held(u, a) {
					h.doubt, h.in = cmp.Or(h.doubt, d), HopGroup
					out = append(out, h)
				}
			}
		}
	}
	if len(g.Gaps) == 0 && g.outside(account, "") == nil {
		return out
	}
	for _, k := range c.sets {
		if k.account != account {
			continue
		}
		if d := g.openSet(account, k.set); d != nil {
			out = append(out, Holding{User: u, Account: account, Set: k.set, doubt: d, in: HopAssignment})
		}
	}
	return out
}

// openSet says why it is not known who is assigned the set in the account. A set that is not known by its name may be one whose
// name was not read.
func (g *Graph) openSet(account access.AccountID, set string) *doubt {
	if len(g.Gaps) == 0 && g.outside(account, "") == nil {
		return nil
	}
	for _, p := range g.setsNamed[set] {
		if d := g.assignmentsDoubt(account, p.ARN); d != nil {
			return d
		}
	}
	if len(g.setsNamed[set]) == 0 && len(g.gaps[access.PartPermissionSets]) > 0 {
		return g.anyAssignmentsDoubt(account)
	}
	return nil
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
	var ways []Holding
	for _, a := range g.byAccount[account] {
		if h, ok := g.holding(a, set); ok {
			ways = append(ways, h)
		}
	}
	// A person is listed by the first way that brings them. Numbers are sorted, not people: a set may have thousands of holders.
	slices.SortStableFunc(ways, Holding.compare)
	var brought []way
	for n, h := range ways {
		if h.Principal.Kind == access.PrincipalUser {
			if i, ok := g.at[h.Principal.ID]; ok {
				brought = append(brought, way{i, n})
			}
			continue
		}
		for _, i := range g.members[h.Principal.ID] {
			brought = append(brought, way{i, n})
		}
		if d := g.membersDoubt(h.Principal.ID); d != nil && e.others == nil {
			e.others, e.in, e.principal = d, HopGroup, h.Principal
		}
	}
	slices.SortFunc(brought, func(a, b way) int { return cmp.Or(int(a.user-b.user), a.by-b.by) })
	brought = slices.CompactFunc(brought, func(a, b way) bool { return a.user == b.user })
	e.Holders = make([]Holding, len(brought))
	for i, w := range brought {
		e.Holders[i] = ways[w.by]
		e.Holders[i].User = g.Users[w.user]
	}
	if d := g.openSet(account, set); d != nil {
		e.others, e.in, e.principal = d, HopAssignment, access.Principal{}
	}
	return e
}

// way is that a user, by their place in Users, holds a set by one of several assignments.
type way struct {
	user int32
	by   int
}

// holding is what the assignment gives if it is, or may be, one of a set of that name.
func (g *Graph) holding(a access.Assignment, set string) (Holding, bool) {
	h := Holding{Account: a.Account, Set: set, Principal: a.Principal}
	if p, known := g.PermissionSet(a.PermissionSet); known {
		return h, p.Name == set
	}
	if len(g.setsNamed[set]) == 0 {
		h.doubt, h.in = g.nameDoubt(a.PermissionSet), HopPermissionSet
	}
	return h, h.doubt != nil
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
