package desired

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// gapIn tells whether anything of the part went unread.
func (b *builder) gapIn(part access.Part) bool {
	_, hit := b.x.Gap(part, func(access.Gap) bool { return true })
	return hit
}

// blind says what was not read that everything depends on; "" when nothing of the kind is missing.
func (b *builder) blind() string {
	for _, part := range []access.Part{access.PartInstance, access.PartUsers, access.PartGroups, access.PartAccounts, access.PartUnits} {
		if b.gapIn(part) {
			return fmt.Sprintf("%s could not be read", part)
		}
	}
	if _, hit := b.x.Gap(access.PartPermissionSets, func(g access.Gap) bool { return g.PermissionSet == "" }); hit {
		return "permissionSets could not be read"
	}
	if _, hit := b.x.Gap(access.PartClusters, func(g access.Gap) bool { return g.Account == "" }); hit {
		return "the Regions could not be read"
	}
	return ""
}

// heldAccount says what of the account was not read that every set in it depends on.
func (b *builder) heldAccount(a access.AccountID) string {
	if why := b.blind(); why != "" {
		return why
	}
	for _, part := range []access.Part{access.PartProvisioned, access.PartRoles, access.PartAccountTags} {
		if _, hit := b.x.Gap(part, func(g access.Gap) bool { return g.Account == a }); hit {
			return fmt.Sprintf("%s of %s could not be read", part, b.x.AccountName(a))
		}
	}
	if g, hit := b.x.Gap(access.PartClusters, func(g access.Gap) bool { return g.Account == a && g.Kind == access.GapInactive }); hit {
		return g.Reason
	}
	return ""
}

// heldPair says why nobody's hold on a set in an account is known well enough to change anything that depends on it.
func (b *builder) heldPair(a access.AccountID, set access.ARN) string {
	if why := b.heldAccount(a); why != "" {
		return why
	}
	if _, known := b.x.PermissionSet(set); !known && b.gapIn(access.PartPermissionSets) {
		return "the permission set could not be read"
	}
	if _, hit := b.x.Gap(access.PartAssignments, func(g access.Gap) bool {
		return (g.Account == "" || g.Account == a) && (g.PermissionSet == "" || g.PermissionSet == set)
	}); hit {
		return fmt.Sprintf("its assignments in %s could not be read", b.x.AccountName(a))
	}
	principals := []access.Principal(b.x.Assigned(a, set))
	for _, g := range b.grants {
		if g.set.ARN != set || !g.inAccount(a) {
			continue
		}
		if g.held != "" {
			return g.held
		}
		principals = append(principals, g.principals...)
	}
	return b.heldMembers(principals)
}

func (b *builder) heldMembers(ps []access.Principal) string {
	for _, p := range ps {
		if _, hit := b.x.Gap(access.PartMemberships, func(g access.Gap) bool { return g.Group == p.ID || g.Group == "" }); hit && p.Kind == access.PrincipalGroup {
			return fmt.Sprintf("the members of %q could not be read", b.x.PrincipalName(p))
		}
	}
	return ""
}

// heldCluster says what of a cluster was not read that all of it depends on. In mode API that is who gets in, which EKS alone says.
func (b *builder) heldCluster(c access.ClusterARN) string {
	parts := []access.Part{access.PartEntries}
	if cl, ok := b.x.Cluster(c); !ok || cl.Mode.Rows() {
		parts = append(parts, access.PartRBAC, access.PartAwsAuth)
	}
	for _, part := range parts {
		if g, hit := b.x.Gap(part, func(g access.Gap) bool { return g.Cluster == c }); hit {
			return fmt.Sprintf("%s could not be read: %s", part, g.Reason)
		}
	}
	return ""
}

// heldAssignments says why the assignments of a set in an account stay as they are. Where the role exists, an unread
// cluster of the account may map it: who comes to hold it, or ceases to, would gain or lose there unseen.
func (b *builder) heldAssignments(a access.AccountID, set access.PermissionSet) string {
	if why := b.frozen[a][set.Name]; why != "" {
		return why
	}
	if why := b.heldPair(a, set.ARN); why != "" {
		return why
	}
	if _, exists := b.x.Role(a, set.Name); !exists {
		return ""
	}
	for i := range b.x.Clusters {
		c := &b.x.Clusters[i]
		if c.Account != a {
			continue
		}
		if why := cmp.Or(b.heldCluster(c.ARN), b.unserved(c, set.Name)); why != "" {
			return fmt.Sprintf("%s: %s", c.Name, why)
		}
	}
	if g, hit := b.x.Gap(access.PartClusters, func(g access.Gap) bool { return g.Account == a }); hit {
		return "the clusters of the account could not all be read: " + g.Reason
	}
	return ""
}

// freeze finds, account by account, the sets that are held, and those that hang together with them: where one grant's
// binding or group concerns two sets, changing the one would need to know the holders of the other.
func (b *builder) freeze() {
	b.holdUnread()
	links := map[access.AccountID][][]string{}
	for i := range b.x.Clusters {
		c := &b.x.Clusters[i]
		links[c.Account] = append(links[c.Account], b.links(c)...)
	}
	arns := map[string]access.ARN{}
	for _, p := range b.x.PermissionSets {
		arns[p.Name] = p.ARN
	}
	for account, ls := range links {
		held := map[string]string{}
		for _, l := range ls {
			for _, set := range l {
				if why := b.heldPair(account, arns[set]); why != "" {
					held[set] = why
				}
			}
		}
		spread(held, ls)
		for set, why := range held {
			b.out.hold(account, set, why)
		}
		b.frozen[account] = held
	}
}

// spread holds every set that is linked to a held one.
func spread(held map[string]string, links [][]string) {
	for changed := true; changed; {
		changed = false
		for _, l := range links {
			i := slices.IndexFunc(l, func(set string) bool { return held[set] != "" })
			if i < 0 {
				continue
			}
			for _, set := range l {
				if held[set] == "" {
					held[set], changed = fmt.Sprintf("it shares a grant with %s: %s", l[i], held[l[i]]), true
				}
			}
		}
	}
}

// links lists, grant by grant, the sets that the grant's objects in a cluster are about, today or by the policies.
func (b *builder) links(c *access.Cluster) [][]string {
	rows := snapshot.Mappings(b.x, c, b.owner)
	sets := map[[2]string][]string{}
	add := func(policy, grant string, names ...string) {
		k := [2]string{policy, grant}
		sets[k] = append(sets[k], names...)
	}
	for _, cb := range snapshot.Bindings(c, b.owner) {
		id, _ := access.ParseBindingName(cb.Binding.Name)
		add(id.Policy, id.Grant, setsOf(cb.Binding, rows)...)
	}
	for _, r := range rows {
		add("", r.PermissionSet, r.PermissionSet)
		for _, g := range r.Row.Groups {
			if _, p, name, ok := access.ParseGroupName(g); ok {
				add(p, name, r.PermissionSet)
			}
		}
	}
	for _, g := range b.grants {
		if g.set.Name != "" && g.in(c.ARN) {
			add(g.Policy.Name, g.Name, g.set.Name)
		}
	}
	out := make([][]string, 0, len(sets))
	for _, l := range sets {
		out = append(out, sortedSet(l))
	}
	slices.SortFunc(out, slices.Compare)
	return out
}

// setsOf returns the sets a binding of ours is about: those of its users, and of the rows that carry its groups.
func setsOf(b access.Binding, rows []access.Mapping) []string {
	var out []string
	for _, sub := range b.Subjects {
		if set, _, ok := access.ParseUsername(sub.Name); ok && sub.Kind == access.SubjectUser {
			out = append(out, set)
		}
		for _, r := range rows {
			if sub.Kind == access.SubjectGroup && slices.Contains(r.Row.Groups, sub.Name) {
				out = append(out, r.PermissionSet)
			}
		}
	}
	return sortedSet(out)
}
