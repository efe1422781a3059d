package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/graph"
	"github.com/rolecall-dev/rolecall/internal/rbac"
)

// give says how the user comes by what they ask for, where the cluster knows them and does not allow it: by a grant where rolecall maps
// them, and otherwise by a binding of their own, which reaches nobody else unless the row makes one user of several people.
func give(c *graph.Cluster, p graph.Path, h graph.Hop, u asker) string {
	if flawed(p) {
		return showRow(c)
	}
	r := u.wants
	if r != nil && r.Namespace != "" && !slices.Contains(c.Namespaces, r.Namespace) {
		s := fmt.Sprintf("there is no namespace %s in %s", r.Namespace, c.Name)
		if near := diag.Suggest(r.Namespace, c.Namespaces); near != "" {
			s += fmt.Sprintf("; did you mean %s?", near)
		}
		return s
	}
	if h.Code == diag.RC1015 {
		return makeMissing(c, h, r)
	}
	ours := r == nil || p.Door() == nil || p.Door().Own()
	if ours && h.Kind == graph.HopRule && strings.Contains(h.Evidence.Detail, " only") {
		return "add the namespace to the grant, then: rolecall apply"
	}
	if ours {
		return "let a grant allow it on " + c.Name + ", then: rolecall apply"
	}
	command := bindByHand(c, p, u)
	if why := rbac.PrivilegedRequest(*r); why != "" {
		return "think twice, for this amounts to the administration of the cluster (" + why + "): " + command
	}
	return command
}

// makeMissing makes the role that a binding refers to, with what was asked for.
func makeMissing(c *graph.Cluster, h graph.Hop, r *access.Request) string {
	for _, b := range slices.Concat(c.RoleBindings, c.ClusterRoleBindings) {
		if r == nil || graph.GrantObject(rbac.Grant{Binding: &b}) != h.Evidence.Object || b.Namespace != "" && b.Namespace != r.Namespace {
			continue
		}
		kind := "role"
		if b.Ref.Kind == access.KindClusterRole {
			kind = "clusterrole"
		}
		return createRole(kind, b.Ref.Name, *r)
	}
	return "create the role that the binding refers to, or correct its roleRef: " + h.Evidence.Object
}

func createRole(kind, name string, r access.Request) string {
	s := "kubectl create " + kind + " " + word(name)
	if kind == "role" {
		s += " -n " + word(r.Namespace)
	}
	s += " --verb=" + word(r.Verb)
	if r.Path != "" {
		return s + " --non-resource-url=" + word(r.Path)
	}
	s += " --resource=" + word(resourceOf(r))
	if r.Name != "" {
		s += " --resource-name=" + word(r.Name)
	}
	return s
}

// resourceOf writes the resource as kubectl reads it: resource.group/subresource.
func resourceOf(r access.Request) string {
	s := r.Resource
	if r.Group != "" {
		s += "." + r.Group
	}
	if r.Subresource != "" {
		s += "/" + r.Subresource
	}
	return s
}

// bindByHand binds the user to the least of the roles that every cluster has which allows the request, or to a role of its own, where that one would
// give the administration of the cluster.
func bindByHand(c *graph.Cluster, p graph.Path, u asker) string {
	id := p.Door().Identity(u.User)
	subject := "--user=" + word(id.Username)
	switch {
	case id.Username != "":
	case len(id.Groups) > 0:
		subject = "--group=" + word(id.Groups[0])
	default:
		return showRow(c)
	}
	r := *u.wants
	kind, role, scope := "rolebinding", "role", " -n "+word(r.Namespace)
	if r.Namespace == "" {
		kind, role, scope = "clusterrolebinding", "clusterrole", ""
	}
	for _, name := range []string{"view", "edit", "admin"} {
		if allows(c, name, r) {
			return fmt.Sprintf("kubectl create %s %s%s --clusterrole=%s %s", kind, word(safeName(u.Name+":"+name)), scope, name, subject)
		}
	}
	name := safeName(u.Name + ":" + strings.Join(strings.FieldsFunc(r.Verb+"/"+resourceOf(r)+r.Path, func(c rune) bool { return c == '/' }), "-"))
	return fmt.Sprintf("%s && kubectl create %s %s%s --%s=%s %s", createRole(role, name, r), kind, word(name), scope, role, word(name), subject)
}

func allows(c *graph.Cluster, clusterRole string, r access.Request) bool {
	role, ok := c.RBAC.Role(access.RBACKey{Name: clusterRole})
	if ok && access.Privileged(role.Rules, r.Namespace) != "" {
		return false
	}
	for i := 0; ok && i < len(role.Rules); i++ {
		if rbac.Allows(&role.Rules[i], r) {
			return true
		}
	}
	return false
}

// safeName is a name that the API server takes for a role or a binding.
func safeName(s string) string { return strings.NewReplacer("/", "-", "%", "-", "*", "all").Replace(s) }
