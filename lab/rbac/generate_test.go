package rbac_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// aggregate is the label by which the generated ClusterRoles are collected.
const aggregate = "rbac.example.com/aggregate-to"

// generator makes roles, bindings, people and requests out of few words, so that what is asked often meets what is there.
type generator struct{ *rand.Rand }

func (g generator) one(words ...string) string { return words[g.IntN(len(words))] }

// some draws one to three different words.
func (g generator) some(words ...string) []string {
	var out []string
	for _, i := range g.Perm(len(words))[:1+g.IntN(3)] {
		out = append(out, words[i])
	}
	return out
}

func namespaces() []string { return []string{"alpha", "beta", "gamma"} }

func (g generator) rule() rbacv1.PolicyRule {
	r := rbacv1.PolicyRule{
		Verbs: g.some("get", "list", "create", "impersonate", "delete", "watch", "*"), APIGroups: g.some("", "apps", "*", "example.com"),
		Resources: g.some("pods", "pods/log", "pods/*", "*/log", "*/scale", "deployments", "deployments/scale", "secrets", "users", "nodes"),
	}
	if g.IntN(6) == 0 {
		r.Resources = []string{"*"}
	}
	if g.IntN(2) == 0 {
		r.ResourceNames = g.some("x", "y", "*", "")
	}
	return r
}

func (g generator) rules() []rbacv1.PolicyRule {
	var out []rbacv1.PolicyRule
	for range 1 + g.IntN(2) {
		out = append(out, g.rule())
	}
	return out
}

// paths are rules that only a ClusterRole may have.
func (g generator) paths() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{{Verbs: g.some("get", "post", "*"), NonResourceURLs: g.some("/healthz", "/healthz/*", "/metrics", "/apis*", "/logs/**", "*")}}
}

func (g generator) subjects() []rbacv1.Subject {
	var out []rbacv1.Subject
	for range 1 + g.IntN(2) {
		switch s := (rbacv1.Subject{APIGroup: rbacv1.GroupName}); g.IntN(5) {
		case 0, 1:
			s.Kind, s.Name = rbacv1.UserKind, g.one("dana", "sso:Dev:dana@example.com", "system:anonymous", "system:serviceaccount:alpha:robot", "team", "rolecall:robot")
			out = append(out, s)
		case 2, 3:
			s.Kind, s.Name = rbacv1.GroupKind, g.one("team", "team", "other", "other", "system:authenticated", "system:unauthenticated", "system:serviceaccounts", "system:serviceaccounts:alpha", "dana", "system:masters")
			out = append(out, s)
		default:
			out = append(out, rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Name: g.one("robot", "dana"), Namespace: g.one("alpha", "beta")})
		}
	}
	return out
}

// objects are manifests of everything: plain and aggregated ClusterRoles, Roles of the same names in several namespaces, and bindings of both kinds,
// some of which refer to nothing.
func (g generator) objects() []any {
	var out []any
	for i := range 24 {
		r := clusterRole(fmt.Sprint("plain-", i), g.rules())
		if i%3 == 0 {
			r.Rules = append(r.Rules, g.paths()...)
		}
		if i%4 == 1 {
			r.Labels = map[string]string{aggregate: g.one("first", "second")}
		}
		out = append(out, r)
	}
	for name, selects := range map[string]string{"first": "first", "second": "second", "both": "all"} {
		r := clusterRole("sum-"+name, nil)
		r.AggregationRule = &rbacv1.AggregationRule{ClusterRoleSelectors: []metav1.LabelSelector{{MatchLabels: map[string]string{aggregate: selects}}}}
		if name != "both" {
			r.Labels = map[string]string{aggregate: "all"} // an aggregated role of aggregated roles
		}
		out = append(out, r)
	}
	for _, ns := range namespaces() {
		for i := range 5 {
			if g.IntN(5) > 0 {
				out = append(out, rbacv1.Role{TypeMeta: typeOf("Role"), ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: fmt.Sprint("plain-", i)}, Rules: g.rules()})
			}
		}
		for i := range 10 {
			b := rbacv1.RoleBinding{TypeMeta: typeOf("RoleBinding"), ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: fmt.Sprint("b-", i)}, Subjects: g.subjects()}
			b.RoleRef = ref(g.one("Role", "Role", "ClusterRole"), fmt.Sprint("plain-", g.IntN(5)))
			if b.RoleRef.Kind == "ClusterRole" {
				b.RoleRef.Name = g.roleName()
			}
			if g.IntN(4) == 0 { // a service account of the binding's own namespace
				b.Subjects = append(b.Subjects, rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Name: "robot"})
			}
			out = append(out, b)
		}
	}
	for i := range 10 {
		out = append(out, rbacv1.ClusterRoleBinding{
			TypeMeta: typeOf("ClusterRoleBinding"), ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("b-", i)}, Subjects: g.subjects(), RoleRef: ref("ClusterRole", g.roleName()),
		})
	}
	return out
}

func (g generator) roleName() string {
	return g.one("view", "edit", "gone", "sum-first", "sum-second", "sum-both", fmt.Sprint("plain-", g.IntN(24)), fmt.Sprint("plain-", g.IntN(24)), fmt.Sprint("plain-", g.IntN(24)))
}

func ref(kind, name string) rbacv1.RoleRef {
	return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: name}
}

func clusterRole(name string, rules []rbacv1.PolicyRule) rbacv1.ClusterRole {
	return rbacv1.ClusterRole{TypeMeta: typeOf("ClusterRole"), ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rules}
}

func typeOf(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: kind}
}

// manifests writes the objects as the laboratory reads them.
func manifests(objects []any) ([]byte, error) {
	var b strings.Builder
	for _, o := range objects {
		text, err := json.Marshal(o)
		if err != nil {
			return nil, fmt.Errorf("writing a manifest: %w", err)
		}
		fmt.Fprintf(&b, "---\n%s\n", text)
	}
	return []byte(b.String()), nil
}

func (g generator) identity() access.Identity {
	id := access.Identity{Username: g.one("dana", "sso:Dev:dana@example.com", "system:anonymous", "system:serviceaccount:alpha:robot", "system:serviceaccount:beta:robot", "stranger", "rolecall:robot")}
	if g.IntN(2) == 0 {
		id.Groups = g.some("team", "other", "dana")
	}
	if g.IntN(50) == 0 {
		id.Groups = append(id.Groups, access.MastersGroup)
	}
	return id
}

func (g generator) request() access.Request {
	if g.IntN(5) == 0 {
		return access.Request{Verb: g.one("get", "get", "post", "list"), Path: g.one("/healthz", "/healthz/etcd", "/healthzy", "/apis/apps", "/api", "/metrics", "/logs/*", "/logs/x", "/version", "/secret")}
	}
	return access.Request{
		Verb: g.one("get", "get", "list", "create", "delete", "impersonate", "watch"), Group: g.one("", "", "", "apps", "example.com"),
		Resource: g.one("pods", "pods", "deployments", "secrets", "users", "nodes"), Subresource: g.one("", "", "", "log", "scale", "exec"),
		Name: g.one("", "", "x", "y", "*", "z"), Namespace: g.one(append(namespaces(), "", "", "kube-system")...),
	}
}
