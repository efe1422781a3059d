package plan

import (
	"fmt"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// unread is a second lock on what the desired state already holds still: nothing that depends on a gap changes.
func (g *guards) unread(c Change) {
	i := slices.IndexFunc(g.m.Index.Gaps, func(gap access.Gap) bool { return g.bears(gap, c) })
	if i < 0 {
		return
	}
	g.refuse(refusal(diag.RC4005, c, fmt.Sprintf("%s depends on what could not be read: %s", c.Name, g.m.Index.Gaps[i].Reason),
		"make the reading possible and plan again; no flag passes this"))
}

// bears tells whether the change depends on what the gap hides.
func (g *guards) bears(gap access.Gap, c Change) bool {
	sets := g.sets[c.ID]
	inAccount := c.Account != "" && (gap.Account == "" || gap.Account == c.Account)
	switch gap.Part {
	case access.PartAwsAuth, access.PartRBAC:
		return c.Cluster != "" && gap.Cluster == c.Cluster
	case access.PartProvisioned, access.PartRoles:
		return inAccount && len(sets) > 0
	case access.PartAssignments:
		return inAccount && slices.ContainsFunc(sets, func(s string) bool { return gap.PermissionSet == "" || g.m.arns[s] == gap.PermissionSet })
	case access.PartMemberships:
		return c.Account != "" && slices.ContainsFunc(sets, func(s string) bool { return g.assignedTo(c.Account, s, gap.Group) })
	case access.PartInstance, access.PartUsers, access.PartGroups, access.PartAccounts, access.PartUnits:
		return c.Account != "" && len(sets) > 0
	case access.PartOrganization, access.PartAccountTags, access.PartPermissionSets, access.PartClusters:
	}
	return false
}

// assignedTo tells whether the group (every group, when empty) holds the set in the account, before or after.
func (g *guards) assignedTo(account access.AccountID, set string, group access.PrincipalID) bool {
	return slices.ContainsFunc(union(g.m.assigned0(account, set), g.m.assigned1(account, set)), func(p access.Principal) bool {
		return p.Kind == access.PrincipalGroup && (group == "" || p.ID == group)
	})
}
