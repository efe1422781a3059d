// Package rbac_test compares rolecall's RBAC evaluation with the authorizer of the API server itself.
package rbac_test

import (
	"flag"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/rbac"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/kubernetes/pkg/registry/rbac/validation"
	upstream "k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac"
)

var triples = flag.Int("triples", 200_000, "how many (roles, bindings, request) triples to compare")

// perCluster is how many requests are asked of one set of roles and bindings.
const perCluster = 20

// TestRBACAgreesWithTheAPIServer asks both about generated clusters: whole decisions, and the rules that apply.
func TestRBACAgreesWithTheAPIServer(t *testing.T) {
	random := rand.New(rand.NewPCG(20261125, 4))
	allowed := 0
	for n := 0; n < *triples; n += perCluster {
		g := generator{random}
		c := g.cluster()
		theirs, ours := oracle(c), rbac.New(&c)
		for range perCluster {
			id, r := g.identity(), g.request()
			want := theirs.allowed(t, id, r)
			if got := ours.Allowed(id, r); got != want {
				t.Fatalf("cluster %+v\nidentity %+v\nrequest %+v: rolecall says %v, the API server %v", c, id, r, got, want)
			}
			granted := false
			for _, grant := range ours.Grants(id) {
				granted = granted || grant.Allows(r) != nil
			}
			if masters := slices.Contains(id.Groups, access.MastersGroup); granted != want && !masters {
				t.Fatalf("cluster %+v\nidentity %+v\nrequest %+v: the grants say %v, the API server %v", c, id, r, granted, want)
			}
			if want {
				allowed++
			}
		}
	}
	t.Logf("%d triples agree, %d of them allowed", *triples, allowed)
	if allowed < *triples/25 {
		t.Errorf("%d of %d are allowed: the generated triples prove little", allowed, *triples)
	}
}

// apiserver is the authorizer of the API server over a cluster's objects.
type apiserver struct{ rbac *upstream.RBACAuthorizer }

func oracle(c access.Cluster) apiserver {
	var roles []*rbacv1.Role
	var clusterRoles []*rbacv1.ClusterRole
	var bindings []*rbacv1.RoleBinding
	var clusterBindings []*rbacv1.ClusterRoleBinding
	for _, r := range c.Roles {
		roles = append(roles, &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: r.Namespace, Name: r.Name}, Rules: r.Rules})
	}
	for _, r := range c.ClusterRoles {
		clusterRoles = append(clusterRoles, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: r.Name}, Rules: r.Rules})
	}
	ref := func(r access.RoleRef) rbacv1.RoleRef {
		return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: string(r.Kind), Name: r.Name}
	}
	for _, b := range c.RoleBindings {
		bindings = append(bindings, &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: b.Namespace, Name: b.Name}, RoleRef: ref(b.Ref), Subjects: subjects(b.Subjects)})
	}
	for _, b := range c.ClusterRoleBindings {
		clusterBindings = append(clusterBindings, &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: b.Name}, RoleRef: ref(b.Ref), Subjects: subjects(b.Subjects)})
	}
	_, objects := validation.NewTestRuleResolver(roles, bindings, clusterRoles, clusterBindings)
	return apiserver{upstream.New(objects, objects, objects, objects)}
}

func subjects(in []access.Subject) []rbacv1.Subject {
	var out []rbacv1.Subject
	for _, s := range in {
		out = append(out, rbacv1.Subject{Kind: string(s.Kind), Namespace: s.Namespace, Name: s.Name})
	}
	return out
}

// allowed asks as the API server does: the groups it implies are its authenticators' part, and system:masters passes before RBAC.
func (a apiserver) allowed(t *testing.T, id access.Identity, r access.Request) bool {
	t.Helper()
	if slices.Contains(id.Groups, user.SystemPrivilegedGroup) {
		return true
	}
	groups := append([]string{}, id.Groups...)
	if id.Username == user.Anonymous {
		groups = append(groups, user.AllUnauthenticated)
	} else {
		groups = append(groups, user.AllAuthenticated)
	}
	if id.Username == "system:serviceaccount:a:robot" {
		groups = append(groups, "system:serviceaccounts", "system:serviceaccounts:a")
	}
	decision, _, err := a.rbac.Authorize(t.Context(), authorizer.AttributesRecord{
		User: &user.DefaultInfo{Name: id.Username, Groups: groups}, Verb: r.Verb, Namespace: r.Namespace, APIGroup: r.Group, Resource: r.Resource,
		Subresource: r.Subresource, Name: r.Name, ResourceRequest: r.Path == "", Path: r.Path,
	})
	if err != nil {
		t.Fatal(err)
	}
	return decision == authorizer.DecisionAllow
}

// generator makes small clusters out of few words, so that what is asked often meets what is there.
type generator struct{ *rand.Rand }

func (g generator) one(words ...string) string { return words[g.IntN(len(words))] }

func (g generator) some(words ...string) []string {
	var out []string
	for range 1 + g.IntN(3) {
		out = append(out, g.one(words...))
	}
	return out
}

func (g generator) rule() rbacv1.PolicyRule {
	r := rbacv1.PolicyRule{Verbs: g.some("get", "list", "create", "impersonate", "*", "*")}
	if g.IntN(4) == 0 {
		r.NonResourceURLs = g.some("/healthz", "/healthz/*", "/api*", "*", "/a/*/b", "/api/**", "/healthz*/x")
		return r
	}
	r.APIGroups = g.some("", "", "apps", "*", "example.com")
	r.Resources = g.some("pods", "pods/log", "pods/*", "*/log", "*/scale", "*", "deployments", "deployments/scale", "secrets", "*/*", "users", "pods/", "/log", "*/")
	if g.IntN(3) == 0 {
		r.ResourceNames = g.some("x", "y", "", "*")
	}
	return r
}

func (g generator) rules() []rbacv1.PolicyRule {
	var out []rbacv1.PolicyRule
	for range g.IntN(5) {
		out = append(out, g.rule())
	}
	return out
}

func (g generator) subjects() []access.Subject {
	var out []access.Subject
	for range 1 + g.IntN(4) {
		s := access.Subject{Kind: access.SubjectKind(g.one("User", "Group", "ServiceAccount", "Robot"))}
		switch s.Kind {
		case access.SubjectUser:
			s.Name = g.one("dana", "sso:Dev:dana@example.com", "system:anonymous", "system:serviceaccount:a:robot", "team")
		case access.SubjectGroup:
			s.Name = g.one("team", "system:authenticated", "system:unauthenticated", "system:serviceaccounts", "system:serviceaccounts:a", "dana")
		case access.SubjectServiceAccount:
			s.Name, s.Namespace = g.one("robot", "dana"), g.one("", "a", "b")
		default: // a kind that there is not
			s.Name, s.Namespace = g.one("robot", "dana"), g.one("", "a", "b")
		}
		out = append(out, s)
	}
	return out
}

func (g generator) cluster() access.Cluster {
	var c access.Cluster
	for _, name := range []string{"r1", "r2"} {
		for _, ns := range []string{"a", "b"} {
			if g.IntN(4) > 0 {
				c.Roles = append(c.Roles, access.RBACRole{Namespace: ns, Name: name, Rules: g.rules()})
			}
		}
		if g.IntN(4) > 0 {
			c.ClusterRoles = append(c.ClusterRoles, access.RBACRole{Name: name, Rules: g.rules()})
		}
	}
	for i := range 2 + g.IntN(6) {
		b := access.Binding{Name: string(rune('p' + i)), Ref: access.RoleRef{Kind: access.RoleKind(g.one("Role", "ClusterRole", "ClusterRole", "Robot")), Name: g.one("r1", "r2", "gone")}, Subjects: g.subjects()}
		if g.IntN(3) > 0 {
			b.Namespace = g.one("a", "b")
			c.RoleBindings = append(c.RoleBindings, b)
			continue
		}
		c.ClusterRoleBindings = append(c.ClusterRoleBindings, b)
	}
	return c
}

func (g generator) identity() access.Identity {
	id := access.Identity{Username: g.one("dana", "sso:Dev:dana@example.com", "system:anonymous", "system:serviceaccount:a:robot", "")}
	if g.IntN(2) == 0 {
		id.Groups = g.some("team", "team", "dana")
	}
	if g.IntN(40) == 0 {
		id.Groups = append(id.Groups, "system:masters")
	}
	return id
}

func (g generator) request() access.Request {
	if g.IntN(4) == 0 {
		return access.Request{Verb: g.one("get", "post", "list"), Path: g.one("/healthz", "/healthz/etcd", "/api", "/api/v1", "/apis/apps", "/a/x/b", "/a/*/b", "/metrics")}
	}
	return access.Request{
		Verb: g.one("get", "get", "list", "create", "delete"), Group: g.one("", "", "", "apps", "example.com"),
		Resource: g.one("pods", "pods", "deployments", "secrets", "users"), Subresource: g.one("", "", "", "log", "scale"),
		Name: g.one("", "", "x", "y", "z"), Namespace: g.one("", "a", "a", "a", "b", "c"),
	}
}
