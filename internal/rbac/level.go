package rbac

import (
	"iter"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// judge names the level of roles, measured by the cluster's own user-facing roles.
type judge struct{ roles map[access.RBACKey]*Role }

// judge fills in what is said of a role, once.
func (j judge) judge(r *Role) {
	if r.Level != "" {
		return
	}
	r.Level = j.level(r)
	r.Privileged = access.Privileged(r.Rules, "")
	r.PrivilegedInSystem = access.Privileged(r.Rules, access.SystemNamespace)
}

// level is the highest of the user-facing roles whose name the role has or whose rules it covers; custom when it is none of them.
func (j judge) level(r *Role) access.Level {
	if len(r.Rules) == 0 {
		return access.LevelNone
	}
	if slices.ContainsFunc(r.Rules, everything) {
		return access.LevelAdmin
	}
	named := access.LevelCustom
	if r.Namespace == "" {
		named = access.LevelOf(access.RoleRef{Kind: access.KindClusterRole, Name: r.Name})
	}
	for _, m := range measures() {
		if m.level == named || j.covers(r, m) {
			return m.level
		}
	}
	return access.LevelCustom
}

// measure is a user-facing role, and a request that only its peers allow. Asking for one request is quick and rules most roles out.
type measure struct {
	role  string
	level access.Level
	probe access.Request
}

func measures() []measure {
	return []measure{
		{"admin", access.LevelAdmin, access.Request{Verb: "create", Group: rbacv1.GroupName, Resource: "rolebindings"}},
		{"edit", access.LevelEdit, access.Request{Verb: "create", Group: "apps", Resource: "deployments"}},
		{"view", access.LevelView, access.Request{Verb: "list", Resource: "pods"}},
	}
}

func (j judge) covers(r *Role, m measure) bool {
	whole, ok := j.roles[access.RBACKey{Name: m.role}]
	if !ok || len(whole.Rules) == 0 {
		return false
	}
	return allow(r.Rules, m.probe) && covers(r.Rules, whole.Rules)
}

// allow tells whether one of the rules allows the request.
func allow(rules []rbacv1.PolicyRule, r access.Request) bool {
	for i := range rules {
		if Allows(&rules[i], r) {
			return true
		}
	}
	return false
}

// covers tells whether everything that the other rules allow is allowed. It stops at the first that is not; a star counts as a word that only a star allows.
func covers(rules, other []rbacv1.PolicyRule) bool {
	for _, o := range other {
		for r := range atoms(o) {
			if !allow(rules, r) {
				return false
			}
		}
	}
	return true
}

// atoms yields the requests that a rule consists of.
func atoms(rule rbacv1.PolicyRule) iter.Seq[access.Request] {
	names := rule.ResourceNames
	if len(names) == 0 {
		names = []string{""}
	}
	return func(yield func(access.Request) bool) {
		for _, verb := range rule.Verbs {
			for _, path := range rule.NonResourceURLs {
				if !yield(access.Request{Verb: verb, Path: path}) {
					return
				}
			}
			for _, group := range rule.APIGroups {
				for _, full := range rule.Resources {
					for _, name := range names {
						resource, sub, _ := strings.Cut(full, "/")
						if !yield(access.Request{Verb: verb, Group: group, Resource: resource, Subresource: sub, Name: name}) {
							return
						}
					}
				}
			}
		}
	}
}

// everything tells the rule of cluster-admin.
func everything(r rbacv1.PolicyRule) bool {
	return slices.Contains(r.Verbs, rbacv1.VerbAll) && slices.Contains(r.APIGroups, rbacv1.APIGroupAll) &&
		slices.Contains(r.Resources, rbacv1.ResourceAll) && len(r.ResourceNames) == 0
}

// Door tells whether a rule is of those that a cluster gives everybody it lets in: to ask what one may do oneself, and to
// read paths such as /version and /api.
func Door(r rbacv1.PolicyRule) bool {
	for _, v := range r.Verbs {
		if len(r.NonResourceURLs) > 0 && v != "get" && v != "head" {
			return false
		}
	}
	for _, u := range r.NonResourceURLs {
		if !slices.Contains(doorPaths(), u) {
			return false
		}
	}
	for _, g := range r.APIGroups {
		if g != "authorization.k8s.io" && g != "authentication.k8s.io" {
			return false
		}
	}
	for _, res := range r.Resources {
		if res != "selfsubjectaccessreviews" && res != "selfsubjectrulesreviews" && res != "selfsubjectreviews" {
			return false
		}
	}
	return true
}

// doorPaths are what system:discovery and system:public-info-viewer let everybody read.
func doorPaths() []string {
	return []string{"/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version", "/version/"}
}

// Opens tells whether the grant gives no more than Door does.
func (g Grant) Opens() bool {
	if g.Role == nil {
		return true
	}
	return !slices.ContainsFunc(g.Role.Rules, func(r rbacv1.PolicyRule) bool { return !Door(r) })
}

// Within tells whether the others, taken together, allow everything that the grant does.
func (g Grant) Within(others []Grant) bool {
	if g.Role == nil {
		return true
	}
	for _, scope := range g.scopes() {
		var rules []rbacv1.PolicyRule
		for _, o := range others {
			if o.Role != nil && o.Applies(scope) {
				rules = append(rules, o.Role.Rules...)
			}
		}
		if !covers(rules, g.Role.Rules) {
			return false
		}
	}
	return true
}

// scopes are the namespaces in which the grant holds, "" for the whole cluster.
func (g Grant) scopes() []string {
	if in := g.Namespaces(); in != nil {
		return in
	}
	return []string{""}
}
