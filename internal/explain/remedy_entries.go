package explain

import (
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/graph"
)

// entryRemedy mends a mapping that an access entry is, or that one is in the way of; "" where none is.
func entryRemedy(c *graph.Cluster, p graph.Path, h graph.Hop) string {
	d := p.Door()
	if d == nil {
		return ""
	}
	switch e, by := d.AccessEntry(), d.HiddenBy(); {
	case e != nil && d.Own():
		return "rolecall apply"
	case e != nil && h.Code == diag.RC3003:
		return remade(c, *e)
	case e != nil && h.Code == diag.RC3012:
		return entryCommand(c, "update-access-entry", e.Principal) + " --username " + word(access.UsernameTemplate(p.Through()))
	case by != nil && len(missing(d.Row().Groups, by.Groups)) > 0 && access.RefusedEntry("", d.Row().Groups) == "":
		return entryCommand(c, "update-access-entry", by.Principal) + " --kubernetes-groups " + arguments(slices.Concat(by.Groups, missing(d.Row().Groups, by.Groups)))
	case by != nil:
		return entryCommand(c, "delete-access-entry", by.Principal) + " lets the row count again; what the entry gives is gone then"
	case h.Via == access.ViaEntry && h.Code == diag.RC3002:
		return successor(c, p, access.ARN(h.Evidence.Object))
	case h.Code == diag.RC3009:
		return "the role needs an access entry: " + selectCluster
	}
	return ""
}

// missing are the groups that are not among the others.
func missing(groups, others []string) []string {
	return slices.DeleteFunc(slices.Clone(groups), func(g string) bool { return slices.Contains(others, g) })
}

// entryCommand calls the EKS API about the entry of a principal.
func entryCommand(c *graph.Cluster, verb string, principal access.ARN) string {
	return "aws eks " + verb + " --cluster-name " + word(c.Cluster.Name) + " --region " + c.Region + " --principal-arn " + word(string(principal))
}

// successor gives the role that a set has now what the entry of an earlier one gives.
func successor(c *graph.Cluster, p graph.Path, earlier access.ARN) string {
	i := slices.IndexFunc(c.AccessEntries, func(e access.AccessEntry) bool { return e.Principal == earlier })
	role, ok := p.Hop(graph.HopRole)
	if i < 0 || !ok || role.Evidence == nil {
		return ""
	}
	e := c.AccessEntries[i]
	if e.Owned() {
		return "rolecall apply"
	}
	e.Principal = access.ARN(role.Evidence.Object)
	return strings.Join(made(c, e), " && ")
}

// remade deletes an entry and makes it again as it was, for the principal that there is now.
func remade(c *graph.Cluster, e access.AccessEntry) string {
	return entryCommand(c, "delete-access-entry", e.Principal) + " && " + strings.Join(made(c, e), " && ")
}

// made are the commands that make an entry with its associations.
func made(c *graph.Cluster, e access.AccessEntry) []string {
	create := entryCommand(c, "create-access-entry", e.Principal)
	if e.Username != "" {
		create += " --username " + word(e.Username)
	}
	if len(e.Groups) > 0 {
		create += " --kubernetes-groups " + arguments(e.Groups)
	}
	steps := []string{create}
	for _, a := range e.Associations {
		scope := "type=" + string(a.Scope)
		if a.Scope == access.ScopeNamespace {
			scope += ",namespaces=" + strings.Join(a.Namespaces, ",")
		}
		steps = append(steps, entryCommand(c, "associate-access-policy", e.Principal)+" --policy-arn "+string(a.Policy)+" --access-scope "+word(scope))
	}
	return steps
}

func arguments(all []string) string {
	out := make([]string, 0, len(all))
	for _, w := range all {
		out = append(out, word(w))
	}
	return strings.Join(out, " ")
}
