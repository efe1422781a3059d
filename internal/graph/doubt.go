package graph

import (
	"fmt"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// doubt is why something is not known.
type doubt struct {
	object, where, why string
	code               diag.Code
}

func (g *Graph) gapDoubt(gap access.Gap) *doubt {
	why := "it could not be read: " + gap.Reason
	if gap.Needs != "" {
		why += "; needs " + gap.Needs
	}
	return &doubt{object: g.scopeOf(gap), where: gap.Service + " " + gap.Operation, why: why, code: snapshot.GapCode(gap.Kind)}
}

// scopeOf says what a gap hides.
func (g *Graph) scopeOf(gap access.Gap) string {
	s := string(gap.Part)
	if gap.Group != "" {
		s += " of " + g.PrincipalName(access.Principal{Kind: access.PrincipalGroup, ID: gap.Group})
	}
	if p, ok := g.PermissionSet(gap.PermissionSet); ok {
		s += " of " + p.Name
	}
	switch {
	case gap.Cluster != "":
		s += " of " + g.ClusterName(gap.Cluster)
	case gap.Account != "":
		s += " in " + g.AccountName(gap.Account)
	}
	return s
}

// gap returns the doubt of the first gap of the parts that the test accepts, nil when there is none.
func (g *Graph) gap(covers func(access.Gap) bool, parts ...access.Part) *doubt {
	for _, part := range parts {
		for i := range g.gaps[part] {
			if covers(g.gaps[part][i]) {
				return g.gapDoubt(g.gaps[part][i])
			}
		}
	}
	return nil
}

func anyGap(access.Gap) bool { return true }

// assignmentsDoubt says why it is not known who is assigned the set in the account.
func (g *Graph) assignmentsDoubt(account access.AccountID, set access.ARN) *doubt {
	return g.assignmentsGap(account, func(x access.ARN) bool { return x == set })
}

// anyAssignmentsDoubt is assignmentsDoubt of some set of the account, whichever.
func (g *Graph) anyAssignmentsDoubt(account access.AccountID) *doubt {
	return g.assignmentsGap(account, func(access.ARN) bool { return true })
}

func (g *Graph) assignmentsGap(account access.AccountID, about func(access.ARN) bool) *doubt {
	if d := g.gap(anyGap, access.PartInstance, access.PartOrganization, access.PartAccounts); d != nil {
		return d
	}
	if d := g.gap(func(x access.Gap) bool {
		return (x.Account == "" || x.Account == account) && (x.PermissionSet == "" || about(x.PermissionSet))
	}, access.PartProvisioned, access.PartAssignments); d != nil {
		return d
	}
	return g.outside(account, "account assignments")
}

// rolesDoubt says why it is not known which roles Identity Center has in the account.
func (g *Graph) rolesDoubt(account access.AccountID) *doubt {
	if d := g.gap(func(x access.Gap) bool { return x.Account == "" || x.Account == account }, access.PartRoles, access.PartOrganization, access.PartAccounts); d != nil {
		return d
	}
	return g.outside(account, "roles")
}

// outside is the doubt about accounts that were not looked into: only those of the estate that have clusters are.
func (g *Graph) outside(account access.AccountID, what string) *doubt {
	if g.hosts[account] && g.InEstate(account) || g.foreign(account) {
		return nil
	}
	return &doubt{
		object: what + " in " + g.AccountName(account), where: "the estate of the snapshot",
		why: fmt.Sprintf("%s has no cluster of the estate, so its %s are not read", g.AccountName(account), what), code: diag.RC5004,
	}
}

// membersDoubt says why it is not known who is in the group.
func (g *Graph) membersDoubt(group access.PrincipalID) *doubt {
	if d := g.gap(func(x access.Gap) bool { return x.Group == "" || x.Group == group }, access.PartMemberships); d != nil {
		return d
	}
	if _, known := g.Group(group); known {
		return nil
	}
	return g.gap(anyGap, access.PartGroups)
}

// nameDoubt says why it is not known what the set is called.
func (g *Graph) nameDoubt(set access.ARN) *doubt {
	return g.gap(func(x access.Gap) bool { return x.PermissionSet == "" || x.PermissionSet == set }, access.PartPermissionSets)
}

// UsersDoubt tells whether users may exist that the snapshot does not have, and why.
func (g *Graph) UsersDoubt() (why string, doubtful bool) {
	if d := g.gap(anyGap, access.PartUsers, access.PartInstance); d != nil {
		return d.object + ": " + d.why, true
	}
	return "", false
}
