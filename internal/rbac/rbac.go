// Package rbac decides what RBAC allows as the API server decides it: which bindings name an identity, which of
// their rules match a request, and what a request written in a person's words means.
//
// It looks at rules as they are stored. The API server fills aggregated ClusterRoles in before they are read; one that nobody
// has filled has no rules, and gives nothing here as it gives nothing there.
package rbac

import (
	"cmp"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// Groups and user names that the API server gives by itself.
const (
	Authenticated   = "system:authenticated"
	Unauthenticated = "system:unauthenticated"
	// Anonymous is the user of a request without credentials.
	Anonymous = "system:anonymous"

	serviceAccountPrefix = "system:serviceaccount:"
	serviceAccounts      = "system:serviceaccounts"
)

// WithImplied returns the identity with the groups that the API server adds: everybody who is let in is
// Authenticated, service accounts are in their groups, and who is not let in is Unauthenticated. Groups come back sorted.
func WithImplied(id access.Identity) access.Identity {
	groups := slices.Clone(id.Groups)
	if id.Username == Anonymous {
		groups = append(groups, Unauthenticated)
	} else {
		groups = append(groups, Authenticated)
	}
	if namespace, _, ok := ServiceAccount(id.Username); ok {
		groups = append(groups, serviceAccounts, serviceAccounts+":"+namespace)
	}
	slices.Sort(groups)
	return access.Identity{Username: id.Username, Groups: slices.Compact(groups)}
}

// ServiceAccount takes the user name of a service account apart.
func ServiceAccount(username string) (namespace, name string, ok bool) {
	rest, found := strings.CutPrefix(username, serviceAccountPrefix)
	if !found {
		return "", "", false
	}
	namespace, name, ok = strings.Cut(rest, ":")
	return namespace, name, ok && namespace != "" && name != "" && !strings.Contains(name, ":")
}

// Allows tells whether the rule allows the request. A rule about resources says nothing about paths, and the other way round.
//
// A rule with resourceNames matches requests that carry one of the names. Creating an object and deleting a collection carry
// none, so such a rule never allows them; listing and watching carry one only with the field selector metadata.name.
func Allows(rule *rbacv1.PolicyRule, r access.Request) bool {
	if !hasOr(rule.Verbs, r.Verb, rbacv1.VerbAll) {
		return false
	}
	if r.Path != "" {
		return slices.ContainsFunc(rule.NonResourceURLs, func(u string) bool { return matchesPath(u, r.Path) })
	}
	return hasOr(rule.APIGroups, r.Group, rbacv1.APIGroupAll) &&
		matchesResource(rule.Resources, r) &&
		(len(rule.ResourceNames) == 0 || slices.Contains(rule.ResourceNames, r.Name))
}

func hasOr(values []string, value, all string) bool {
	return slices.Contains(values, value) || slices.Contains(values, all)
}

// matchesResource knows three forms: "*", which is every resource and subresource; "pods" or "pods/log", which is exactly that; and
// "*/scale", which is that subresource of every resource. "pods/*" is none of them and matches nothing.
func matchesResource(resources []string, r access.Request) bool {
	for _, have := range resources {
		sub, every := strings.CutPrefix(have, "*/")
		switch {
		case have == rbacv1.ResourceAll, r.Subresource == "" && have == r.Resource:
			return true
		case r.Subresource != "" && (every && sub == r.Subresource || isSubresource(have, r)):
			return true
		}
	}
	return false
}

// isSubresource compares without joining the parts: it runs for every rule of every question.
func isSubresource(have string, r access.Request) bool {
	n := len(r.Resource)
	return len(have) == n+1+len(r.Subresource) && have[:n] == r.Resource && have[n] == '/' && have[n+1:] == r.Subresource
}

// matchesPath tells whether a rule's URL covers the path: the same text, or "*" at its end for whatever follows.
func matchesPath(have, path string) bool {
	return have == path || strings.HasSuffix(have, "*") && strings.HasPrefix(path, strings.TrimRight(have, "*"))
}

// Grant is a binding that names an identity and what it brings.
type Grant struct {
	Binding *access.Binding
	// Role is nil when the role that the binding refers to does not exist.
	Role *Role
	// By is the subject that names the identity; there is none where Policy is set.
	By access.Subject
	// Policy is the EKS access policy that grants, in the place of a binding; Binding then stands for its association. Role is nil where it is
	// not known what the policy allows.
	Policy *Policy
}

// Applies tells whether the grant counts for requests in the namespace ("" for requests about the whole cluster).
func (g Grant) Applies(namespace string) bool {
	if g.Policy != nil {
		return g.Policy.Reaches(namespace)
	}
	return g.Binding.Namespace == "" || g.Binding.Namespace == namespace
}

// Allows returns the grant's first rule that allows the request, nil when none does.
func (g Grant) Allows(r access.Request) *rbacv1.PolicyRule {
	if g.Role == nil || !g.Applies(r.Namespace) {
		return nil
	}
	for i := range g.Role.Rules {
		if Allows(&g.Role.Rules[i], r) {
			return &g.Role.Rules[i]
		}
	}
	return nil
}

// Privileged says why the grant amounts to the administration of the cluster; "" when it does not.
func (g Grant) Privileged() string {
	switch {
	case g.Role == nil:
		return ""
	case g.Policy != nil || g.Binding.Namespace == "":
		return g.Role.Privileged
	case g.Binding.Namespace == access.SystemNamespace:
		return g.Role.PrivilegedInSystem
	}
	return ""
}

// compareGrants puts ClusterRoleBindings first, then orders by namespace and name, as the API server asks them.
func compareGrants(a, b Grant) int {
	return cmp.Or(cmp.Compare(a.Binding.Namespace, b.Binding.Namespace), cmp.Compare(a.Binding.Name, b.Binding.Name))
}

// Role is a Role or a ClusterRole of a cluster.
type Role struct {
	*access.RBACRole
	// Level is what people would call the rules: none where there are no rules.
	Level access.Level
	// Privileged says why the rules, bound over the whole cluster, amount to its administration; "" when they do not.
	Privileged string
	// PrivilegedInSystem is the same for rules bound in kube-system.
	PrivilegedInSystem string
}

// Index finds the bindings of a cluster by whom they name. It is built once and not changed.
type Index struct {
	cluster *access.Cluster
	roles   map[access.RBACKey]*Role
	// users includes service accounts, by the user names they have.
	users, groups map[string][]Grant
	all           []Grant
}

// New indexes the cluster's RBAC. It refers to the cluster, which must not change afterwards. It takes time linear in the cluster.
func New(c *access.Cluster) *Index {
	x := &Index{cluster: c, roles: map[access.RBACKey]*Role{}, users: map[string][]Grant{}, groups: map[string][]Grant{}}
	for _, roles := range [][]access.RBACRole{c.Roles, c.ClusterRoles} {
		for i := range roles {
			x.roles[roles[i].Key()] = &Role{RBACRole: &roles[i]}
		}
	}
	judge := judge{roles: x.roles}
	for _, bindings := range [][]access.Binding{c.ClusterRoleBindings, c.RoleBindings} {
		for i := range bindings {
			x.bind(&bindings[i], judge)
		}
	}
	return x
}

func (x *Index) bind(b *access.Binding, j judge) {
	role := x.roles[b.RoleKey()]
	// A ClusterRoleBinding cannot refer to a Role, nor anything to a kind that does not exist.
	if b.Ref.Kind != access.KindClusterRole && (b.Ref.Kind != access.KindRole || b.Namespace == "") {
		role = nil
	}
	if role != nil {
		j.judge(role)
	}
	for _, s := range b.Subjects {
		g := Grant{Binding: b, Role: role, By: s}
		x.all = append(x.all, g)
		switch s.Kind {
		case access.SubjectUser:
			x.users[s.Name] = append(x.users[s.Name], g)
		case access.SubjectGroup:
			x.groups[s.Name] = append(x.groups[s.Name], g)
		case access.SubjectServiceAccount:
			// In a RoleBinding a service account without a namespace is one of the binding's.
			if namespace := cmp.Or(s.Namespace, b.Namespace); namespace != "" {
				name := serviceAccountPrefix + namespace + ":" + s.Name
				x.users[name] = append(x.users[name], g)
			}
		}
	}
}

// OfUser returns the grants that name the user, those of ClusterRoleBindings first. The caller must not change them.
func (x *Index) OfUser(username string) []Grant { return x.users[username] }

// OfGroup returns the grants that name the group, those of ClusterRoleBindings first. The caller must not change them.
func (x *Index) OfGroup(group string) []Grant { return x.groups[group] }

// All returns one grant for every subject of every binding, those of ClusterRoleBindings first. The caller must not change them.
func (x *Index) All() []Grant { return x.all }

// Role looks a Role (with a namespace) or a ClusterRole up.
func (x *Index) Role(k access.RBACKey) (*Role, bool) { r, ok := x.roles[k]; return r, ok }

// Grants returns what the identity is granted, each binding once, ClusterRoleBindings first and then by namespace and name. Groups that
// the API server implies count; a member of system:masters may do everything besides.
func (x *Index) Grants(id access.Identity) []Grant {
	id = WithImplied(id)
	out := slices.Clone(x.users[id.Username])
	for _, g := range id.Groups {
		out = append(out, x.groups[g]...)
	}
	slices.SortStableFunc(out, compareGrants)
	return slices.CompactFunc(out, func(a, b Grant) bool { return a.Binding == b.Binding })
}

// Allowed tells whether the identity may make the request.
func (x *Index) Allowed(id access.Identity, r access.Request) bool {
	if slices.Contains(id.Groups, access.MastersGroup) {
		return true
	}
	id = WithImplied(id)
	allows := func(g Grant) bool { return g.Allows(r) != nil }
	return slices.ContainsFunc(x.users[id.Username], allows) ||
		slices.ContainsFunc(id.Groups, func(group string) bool { return slices.ContainsFunc(x.groups[group], allows) })
}
