package chains_test

import (
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// creates is kubectl create role, clusterrole, rolebinding and clusterrolebinding, one or two of them.
func (w *world) creates(t *testing.T, _ *chain, _ *person, found []string) {
	t.Helper()
	k := w.Admin(t, w.Member(t, shop)).RbacV1()
	for _, line := range found[1:] {
		if line == "" {
			continue
		}
		words := strings.SplitN(strings.TrimPrefix(line, "kubectl create "), " ", 3)
		if len(words) != 3 {
			t.Fatalf("%q is not understood", line)
		}
		meta := metav1.ObjectMeta{Name: words[1]}
		known := map[string][]string{
			"role":               {"-n", "--verb", "--resource", "--resource-name"},
			"clusterrole":        {"--verb", "--resource", "--resource-name", "--non-resource-url"},
			"rolebinding":        {"-n", "--clusterrole", "--role", "--user", "--group"},
			"clusterrolebinding": {"--clusterrole", "--user", "--group"},
		}
		o := options(t, words[2], known[words[0]]...)
		meta.Namespace = o["-n"]
		var err error
		switch words[0] {
		case "role":
			_, err = k.Roles(meta.Namespace).Create(t.Context(), &rbacv1.Role{ObjectMeta: meta, Rules: ruleOf(o)}, metav1.CreateOptions{})
		case "clusterrole":
			_, err = k.ClusterRoles().Create(t.Context(), &rbacv1.ClusterRole{ObjectMeta: meta, Rules: ruleOf(o)}, metav1.CreateOptions{})
		case "rolebinding":
			_, err = k.RoleBindings(meta.Namespace).Create(t.Context(), &rbacv1.RoleBinding{ObjectMeta: meta, RoleRef: refOf(o), Subjects: subjectsOf(o)}, metav1.CreateOptions{})
		case "clusterrolebinding":
			_, err = k.ClusterRoleBindings().Create(t.Context(), &rbacv1.ClusterRoleBinding{ObjectMeta: meta, RoleRef: refOf(o), Subjects: subjectsOf(o)}, metav1.CreateOptions{})
		}
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
}

func ruleOf(o map[string]string) []rbacv1.PolicyRule {
	rule := rbacv1.PolicyRule{Verbs: []string{o["--verb"]}}
	if path := o["--non-resource-url"]; path != "" {
		rule.NonResourceURLs = []string{path}
		return []rbacv1.PolicyRule{rule}
	}
	resource, sub, _ := strings.Cut(o["--resource"], "/")
	g := schema.ParseGroupResource(resource)
	rule.APIGroups, rule.Resources = []string{g.Group}, []string{g.Resource}
	if sub != "" {
		rule.Resources[0] += "/" + sub
	}
	if name := o["--resource-name"]; name != "" {
		rule.ResourceNames = []string{name}
	}
	return []rbacv1.PolicyRule{rule}
}

func refOf(o map[string]string) rbacv1.RoleRef {
	if name := o["--role"]; name != "" {
		return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name}
	}
	return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: o["--clusterrole"]}
}

func subjectsOf(o map[string]string) []rbacv1.Subject {
	if name := o["--group"]; name != "" {
		return []rbacv1.Subject{group(name)}
	}
	return []rbacv1.Subject{user(o["--user"])}
}
