package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// Options are the flags that pass a guard; each names its guard.
type Options struct {
	// AllowRoleDeletion passes RC4009.
	AllowRoleDeletion bool
}

// guard returns the refusals: what must not be carried out as it stands.
func guard(m *model, changes []Change, o Options) diag.List {
	var out diag.List
	for _, c := range changes {
		out = append(out, guardProtected(m, c)...)
		out = append(out, guardGap(m, c)...)
	}
	if !o.AllowRoleDeletion {
		out = append(out, guardLastAssignment(m, changes)...)
	}
	out.Sort()
	return out
}

// guardProtected refuses what takes something from a protected user, or touches a protected role's row.
func guardProtected(m *model, c Change) diag.List {
	var out diag.List
	for _, p := range c.Loses {
		if slices.Contains(m.ProtectedUsers, p.Name) || slices.Contains(m.ProtectedUsers, string(p.ID)) {
			out = append(out, refusal(diag.RC4008, c, fmt.Sprintf("%s is protected and would lose %s", p.Name, c.Name),
				"take the user out of protect.users in rolecall.yaml, or give the access back in a policy; no flag passes this"))
		}
	}
	if c.Before == nil || c.Before.Mapping == nil {
		return out
	}
	for _, arn := range m.ProtectedRoles {
		if strings.EqualFold(string(arn.WithoutPath()), string(c.Before.Mapping.Row.RoleARN)) {
			out = append(out, refusal(diag.RC4008, c, fmt.Sprintf("the row of the protected role %s would change", arn),
				"take the role out of protect.roles in rolecall.yaml; no flag passes this"))
		}
	}
	return out
}

// guardGap is a second lock on what the desired state already holds still.
func guardGap(m *model, c Change) diag.List {
	g, hit := m.Index.Gap(access.PartAwsAuth, func(g access.Gap) bool { return g.Cluster == c.Cluster && c.Cluster != "" })
	if !hit {
		g, hit = m.Index.Gap(access.PartRBAC, func(g access.Gap) bool { return g.Cluster == c.Cluster && c.Cluster != "" })
	}
	if !hit && c.Kind == KindAccountAssignment {
		a := c.object().Assignment
		g, hit = m.Index.Gap(access.PartAssignments, func(g access.Gap) bool {
			return (g.Account == "" || g.Account == a.Account) && (g.PermissionSet == "" || g.PermissionSet == a.PermissionSet)
		})
	}
	if !hit {
		return nil
	}
	return diag.List{refusal(diag.RC4005, c, fmt.Sprintf("%s depends on what could not be read: %s", c.Name, g.Reason),
		"make the reading possible and plan again; no flag passes this")}
}

// guardLastAssignment refuses to take the last assignment of a set out of an account: Identity Center
// then deletes the role, and a later one gets another suffix.
func guardLastAssignment(m *model, changes []Change) diag.List {
	var out diag.List
	done := map[string]bool{}
	for _, c := range changes {
		if c.Kind != KindAccountAssignment || c.Action != Delete {
			continue
		}
		a := c.Before.Assignment
		set, _ := m.Index.PermissionSet(a.PermissionSet)
		k := pairKey(a.Account, a.PermissionSet)
		if done[k] || len(m.assigned1(a.Account, set.Name)) > 0 {
			continue
		}
		done[k] = true
		out = append(out, refusal(diag.RC4009, c,
			fmt.Sprintf("%s would have no assignment left in %s: Identity Center would delete its role there, and every place that names the role's ARN would go dead",
				set.Name, m.Index.AccountName(a.Account)),
			"rolecall apply --allow-role-deletion, if that is what you want"))
	}
	return out
}

func refusal(code diag.Code, c Change, summary, hint string) diag.Diagnostic {
	d := diag.New(code, diag.Pos{}, summary).WithHint(hint)
	d.Cluster, d.Object = string(c.Cluster), c.Name
	return d
}
