package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// Control returns, sorted, a finding for every permission set whose own IAM policies let its holders administer the cluster through the EKS API. Where
// conditions decide whether they do, it is a note. Nothing is said of sets whose policies were not read, nor of those that nobody holds.
func Control(x *snapshot.Index, c *access.Cluster) diag.List {
	var out diag.List
	for _, role := range x.Roles {
		set, isSet := role.PermissionSetName()
		control, _ := role.ControlOf(c.ARN)
		can, perhaps := control.Effective(c.Mode), control.Doubtful(c.Mode)
		if role.Account != c.Account || !isSet || len(can)+len(perhaps) == 0 {
			continue
		}
		at := slices.IndexFunc(x.PermissionSets, func(p access.PermissionSet) bool { return p.Name == set })
		if at < 0 {
			continue
		}
		people := x.Expand(x.Assigned(role.Account, x.PermissionSets[at].ARN))
		if len(people) == 0 {
			continue
		}
		name := x.ClusterName(c.ARN)
		d := diag.New(diag.RC3015, diag.Pos{}, fmt.Sprintf("whoever holds %s can administer %s through the AWS API", set, name))
		why := "Its IAM policies allow " + strings.Join(can, ", ") + "."
		if len(can) == 0 {
			d.Severity = diag.Note
			d.Summary = fmt.Sprintf("whoever holds %s may be able to administer %s through the AWS API", set, name)
			why = "Conditions in its IAM policies decide whether they allow " + strings.Join(perhaps, ", ") + "."
		}
		out = append(out, located(d.WithDetail(why+" Whatever the cluster's bindings say does not hold them.\n"+
			diag.Escape(strings.Join([]string{holders(x, role.Account, x.PermissionSets[at].ARN, people), set, role.Name, "the EKS API"}, " → "))).
			WithHint("rolecall who-can --privileged --cluster "+access.QualifiedName(string(c.Account), c.Region, c.Name)), name, role.Name))
	}
	out.Sort()
	return out
}

func located(d diag.Diagnostic, cluster, object string) diag.Diagnostic {
	d.Cluster, d.Object = cluster, object
	return d
}

// holders are the people and how the first of them comes to hold the set: "dana in devs and 2 more".
func holders(x *snapshot.Index, account access.AccountID, set access.ARN, people []access.User) string {
	first := slices.MinFunc(people, func(a, b access.User) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	text := first.Name
	through := x.Assigned(account, set)
	if i := slices.IndexFunc(through, func(p access.Principal) bool {
		return p.Kind == access.PrincipalGroup && slices.Contains(x.Expand([]access.Principal{p}), first)
	}); i >= 0 {
		text += " in " + x.PrincipalName(through[i])
	}
	if more := len(people) - 1; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
