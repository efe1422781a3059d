package plan

import (
	"fmt"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// unread is a second lock on what the desired state already holds still: nothing that depends on a gap changes.
func (g *guards) unread(c Change) {
	about := subject{account: c.Account, cluster: c.Cluster, sets: g.sets[c.ID], eksAlone: g.eksAlone(c)}
	i := slices.IndexFunc(g.m.Index.Gaps, func(gap access.Gap) bool { return g.bears(gap, about) })
	if i < 0 {
		return
	}
	g.refuse(refusal(diag.RC4005, c, fmt.Sprintf("%s depends on what could not be read: %s", c.Name, g.m.Index.Gaps[i].Reason),
		"make the reading possible and plan again; no flag passes this"))
}

// subject is what something is about: permission sets in an account, perhaps in one of its clusters.
type subject struct {
	account access.AccountID
	cluster access.ClusterARN
	sets    []string
	// eksAlone: what stands in the Kubernetes API does not matter.
	eksAlone bool
}

// eksAlone tells whether what a change does can be told from EKS alone: it gives or takes an EKS access policy, or an entry that hands out no group
// comes, or goes. An entry that stays keeps what bindings may go by.
func (g *guards) eksAlone(c Change) bool {
	if cl, ok := g.m.Index.Cluster(c.Cluster); !ok || cl.Mode != access.ModeAPI {
		return false
	}
	if c.Kind == KindPolicyAssociation {
		return true
	}
	if c.Kind != KindAccessEntry {
		return false
	}
	live := func(o *Object) bool {
		if o == nil || o.Mapping.Dead {
			return false
		}
		role, exists := g.m.Index.Role(c.Account, o.Mapping.PermissionSet)
		return o.Mapping.Symbolic() || exists && role.ARN == o.Mapping.Row.RoleARN
	}
	if live(c.Before) && live(c.After) {
		return c.Before.Mapping.Row.Equal(c.After.Mapping.Row)
	}
	silent := func(o *Object) bool { return !live(o) || len(o.Mapping.Row.Groups) == 0 }
	return silent(c.Before) && silent(c.After)
}

// bears tells whether the subject depends on what the gap hides.
func (g *guards) bears(gap access.Gap, s subject) bool {
	if s.cluster != "" && gap.Cluster == s.cluster && g.inCluster(gap) && !(gap.Part == access.PartRBAC && s.eksAlone) {
		return true
	}
	here := s.account != "" && len(s.sets) > 0
	inAccount := here && (gap.Account == "" || gap.Account == s.account)
	switch gap.Part {
	case access.PartProvisioned, access.PartRoles, access.PartAccountTags:
		return inAccount
	case access.PartAssignments:
		return inAccount && slices.ContainsFunc(s.sets, func(set string) bool { return gap.PermissionSet == "" || g.m.arns[set] == gap.PermissionSet })
	case access.PartMemberships:
		return here && slices.ContainsFunc(s.sets, func(set string) bool { return g.assignedTo(s.account, set, gap.Group) })
	case access.PartInstance, access.PartUsers, access.PartGroups, access.PartAccounts, access.PartUnits:
		return here
	case access.PartOrganization, access.PartPermissionSets, access.PartClusters, access.PartPolicies, access.PartRolePolicies, access.PartAwsAuth, access.PartEntries, access.PartRBAC:
	}
	return false
}

// inCluster tells whether the gap is of what decides within its cluster: aws-auth does only where the mode honours it.
func (g *guards) inCluster(gap access.Gap) bool {
	c, known := g.m.Index.Cluster(gap.Cluster)
	return gap.Part == access.PartEntries || gap.Part == access.PartRBAC || gap.Part == access.PartAwsAuth && (!known || c.Mode.Rows())
}

// assignedTo tells whether the group (every group, when empty) holds the set in the account, before or after.
func (g *guards) assignedTo(account access.AccountID, set string, group access.PrincipalID) bool {
	return slices.ContainsFunc(union(g.m.assigned0(account, set), g.m.assigned1(account, set)), func(p access.Principal) bool {
		return p.Kind == access.PrincipalGroup && (group == "" || p.ID == group)
	})
}
