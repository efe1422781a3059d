package plan

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// assignments judges what happens in Identity Center, and returns the accounts in which somebody ceases to hold a set.
func (g *guards) assignments(changes []Change) map[access.AccountID]bool {
	var gone []Change
	losing := map[access.AccountID]bool{}
	for _, c := range changes {
		g.ownSet(c, c.object().Assignment.PermissionSet, c.Action == Delete)
		if c.Action == Delete {
			gone = append(gone, c)
			losing[c.Account] = true
		}
	}
	if !g.o.AllowSelfLockout {
		g.selfAssigned(gone)
	}
	g.assignmentRemovals(gone)
	if !g.o.AllowRoleDeletion {
		g.lastAssignment(gone)
	}
	return losing
}

// selfAssigned refuses to take from the person who runs rolecall the set they run it through.
func (g *guards) selfAssigned(gone []Change) {
	u, ok := g.self.user(g.m.Index)
	if !ok || holds(g.m.holders1(g.self.account, g.self.set), u.ID) || !holds(g.m.holders0(g.self.account, g.self.set), u.ID) {
		return
	}
	i := slices.IndexFunc(gone, func(c Change) bool {
		return c.Account == g.self.account && c.Before.Assignment.PermissionSet == g.m.arns[g.self.set]
	})
	if i < 0 {
		return
	}
	g.refuse(refusal(diag.RC4001, gone[i], fmt.Sprintf("%s, who makes these changes, would no longer hold %s in %s", u.Name, g.self.set, g.m.Index.AccountName(g.self.account)),
		"keep the assignment, run as somebody else, or pass --allow-self-lockout when there is another way in"))
}

func holds(users []access.User, id access.PrincipalID) bool {
	return slices.ContainsFunc(users, func(u access.User) bool { return u.ID == id })
}

// assignmentRemovals bounds how many of the managed sets' assignments go in one run.
func (g *guards) assignmentRemovals(gone []Change) {
	had := len(g.m.Observed.Assignments)
	allowed := g.o.maxRemovals().Of(had)
	if len(gone) <= allowed {
		return
	}
	names := make([]string, 0, len(gone))
	for _, c := range gone {
		names = append(names, c.Name)
	}
	d := diag.New(diag.RC4004, diag.Pos{}, fmt.Sprintf("%d of %d assignments of managed permission sets would go, and %d may: %s", len(gone), had, allowed, strings.Join(names, "; "))).
		WithHint(fmt.Sprintf("look at them; if all of them should go, pass --max-removals %d", len(gone)))
	g.refuse(d)
}

// lastAssignment refuses to take the last assignment of a set out of an account: Identity Center
// then deletes the role, and a later one gets another suffix.
func (g *guards) lastAssignment(gone []Change) {
	done := map[string]bool{}
	for _, c := range gone {
		a := c.Before.Assignment
		set, _ := g.m.Index.PermissionSet(a.PermissionSet)
		k := pairKey(a.Account, a.PermissionSet)
		if done[k] || len(g.m.assigned1(a.Account, set.Name)) > 0 {
			continue
		}
		done[k] = true
		g.refuse(refusal(diag.RC4009, c,
			fmt.Sprintf("%s would have no assignment left in %s: Identity Center would delete its role there, and every place that names the role's ARN would go dead",
				set.Name, g.m.Index.AccountName(a.Account)),
			"rolecall apply --allow-role-deletion, if that is what you want"))
	}
}

// reservedRoles finds the accounts of Identity Center roles in an aws-auth.
var reservedRoles = regexp.MustCompile(`(?i):iam::([0-9]{12}):role/AWSReservedSSO_`)

// concerned tells whether a cluster may lose people because they cease to hold a set in one of the accounts.
func concerned(c *access.Cluster, losing map[access.AccountID]bool) bool {
	if slices.ContainsFunc(c.AccessEntries, func(e access.AccessEntry) bool { return e.Principal.ReservedRole() && losing[e.Principal.Account()] }) {
		return true
	}
	if len(losing) == 0 || c.AwsAuth == nil || !c.Mode.Rows() {
		return false
	}
	return slices.ContainsFunc(reservedRoles.FindAllStringSubmatch(c.AwsAuth.Data["mapRoles"]+"\n"+c.AwsAuth.Data["mapUsers"], -1), func(m []string) bool {
		return losing[access.AccountID(m[1])]
	})
}

// caller is who runs rolecall, as far as it is a person in a session of Identity Center.
type caller struct {
	account   access.AccountID
	set, name string
}

func callerOf(x *snapshot.Index) caller {
	p, err := access.ParseARN(x.Caller.ARN)
	rest, ok := strings.CutPrefix(p.Resource, "assumed-role/")
	role, session, found := strings.Cut(rest, "/")
	set, reserved := access.PermissionSetOfRole(role)
	if err != nil || p.Service != "sts" || !ok || !found || !reserved {
		return caller{}
	}
	return caller{account: access.AccountID(p.Account), set: set, name: session}
}

// user finds the person; Identity Center takes user names as they are for session names.
func (c caller) user(x *snapshot.Index) (access.User, bool) {
	if c.set == "" {
		return access.User{}, false
	}
	us := x.UsersNamed(c.name)
	if len(us) != 1 {
		return access.User{}, false
	}
	return us[0], true
}
