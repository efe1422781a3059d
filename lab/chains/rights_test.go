package chains_test

import (
	"testing"

	"github.com/rolecall-dev/rolecall/internal/graph"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall-dev/rolecall/lab/labtest"
)

const (
	bindView = "kubectl create rolebinding dana@example.com:view -n shop --clusterrole=view --user=dev:dana@example.com"
	bindEdit = "kubectl create rolebinding dana@example.com:edit -n shop --clusterrole=edit --user=dev:dana@example.com"
)

// bound replaces the healthy binding's role and subjects.
func bound(role string, subjects ...rbacv1.Subject) breaking {
	return func(t *testing.T, w *world, c *labtest.Cluster) {
		t.Helper()
		w.bind(t, c, "shop", "developers", role, subjects...)
	}
}

// ruled binds the group to a ClusterRole of its own.
func ruled(rules ...rbacv1.PolicyRule) breaking {
	return func(t *testing.T, w *world, c *labtest.Cluster) {
		t.Helper()
		w.clusterRole(t, c, "own", rules...)
		w.bind(t, c, "shop", "developers", "ClusterRole own", group("developers"))
	}
}

func rule(verb, apiGroup, resource string, names ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{Verbs: []string{verb}, APIGroups: []string{apiGroup}, Resources: []string{resource}, ResourceNames: names}
}

// nameless writes the good row without groups, with a user name.
func nameless(username string, subjects ...rbacv1.Subject) breaking {
	return func(t *testing.T, w *world, c *labtest.Cluster) {
		t.Helper()
		w.bind(t, c, "shop", "developers", "ClusterRole view", subjects...)
		w.rows(t, c, "- rolearn: "+w.role(t, c.Account, "Dev")+"\n  username: \""+username+"\"\n")
	}
}

// unbound are people whom a cluster knows, and whom no binding names.
func unbound() []chain {
	return []chain{
		{
			name: "no binding names the group", code: "RC3006", says: forbidden, hop: graph.HopBinding, remedy: bindView,
			breaks: func(t *testing.T, w *world, c *labtest.Cluster) { w.unbind(t, c) },
		},
		{
			name: "the binding's group is misspelled", code: "RC3006", says: forbidden, hop: graph.HopBinding, remedy: bindView,
			breaks: bound("ClusterRole view", group("developer")),
		},
		{
			name: "the binding's group is in another letter case", code: "RC3006", says: forbidden, hop: graph.HopBinding, remedy: bindView,
			breaks: bound("ClusterRole view", group("Developers")),
		},
		{
			name: "the binding names a user where the row gives a group", code: "RC3006", says: forbidden, hop: graph.HopBinding, remedy: bindView,
			breaks: bound("ClusterRole view", user("developers")),
		},
		{
			name: "the binding names a service account", code: "RC3006", says: forbidden, hop: graph.HopBinding, remedy: bindView,
			breaks: bound("ClusterRole view", rbacv1.Subject{Kind: "ServiceAccount", Namespace: "shop", Name: "developers"}),
		},
		{
			name: "{{SessionName}} makes a - of the @ that the binding has", says: forbidden, hop: graph.HopBinding,
			breaks: nameless("dev:{{SessionName}}", user("dev:dana@example.com")),
			remedy: "kubectl create rolebinding dana@example.com:view -n shop --clusterrole=view --user=dev:dana-example.com",
		},
		{
			name: "{{SessionNameRaw}} keeps the @ and the binding has a -", says: forbidden, hop: graph.HopBinding,
			breaks: nameless("dev:{{SessionNameRaw}}", user("dev:dana-example.com")), remedy: bindView,
		},
		{
			name: "the binding names the user of another permission set", says: forbidden, hop: graph.HopBinding,
			breaks: nameless("sso:Dev:{{SessionNameRaw}}", user("sso:Audit:dana@example.com")),
			remedy: "let a grant allow it on prod/eu-central-1/shop, then: rolecall apply", grants: ofDana,
		},
		{
			name: "the binding has the user name in another letter case", says: forbidden, hop: graph.HopBinding, person: "Case@example.com",
			breaks: nameless("dev:{{SessionNameRaw}}", user("dev:case@example.com")),
			remedy: "kubectl create rolebinding Case@example.com:view -n shop --clusterrole=view --user=dev:Case@example.com",
		},
		{
			name: "the binding has the name from before somebody was renamed", says: forbidden, hop: graph.HopBinding, person: "renamed@example.com",
			breaks: func(t *testing.T, w *world, c *labtest.Cluster) {
				if err := w.directory.Rename(t.Context(), "original@example.com", "renamed@example.com"); err != nil {
					t.Fatal(err)
				}
				nameless("dev:{{SessionNameRaw}}", user("dev:original@example.com"))(t, w, c)
			},
			remedy: "kubectl create rolebinding renamed@example.com:view -n shop --clusterrole=view --user=dev:renamed@example.com",
		},
		{
			name: "nothing but mapAccounts lets the role in", says: forbidden, hop: graph.HopBinding,
			breaks: func(t *testing.T, w *world, c *labtest.Cluster) {
				w.auth(t, c, map[string]string{"mapRoles": w.own(c), "mapAccounts": "- \"111122223333\"\n"})
			},
			remedy: "kubectl create rolebinding dana@example.com:view -n shop --clusterrole=view --user=arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_…",
		},
	}
}

// ruledOut are people whom a binding names that gives something else.
func ruledOut() []chain {
	return []chain{
		{
			name: "the binding is in another namespace", says: forbidden, hop: graph.HopRule, remedy: bindView,
			breaks: func(t *testing.T, w *world, c *labtest.Cluster) {
				w.unbind(t, c)
				w.bind(t, c, "billing", "developers", "ClusterRole view", group("developers"))
			},
		},
		{
			name: "the Role that the binding refers to does not exist", code: "RC1015", says: forbidden, hop: graph.HopBinding,
			breaks: bound("Role reader", group("developers")), remedy: "kubectl create role reader -n shop --verb=list --resource=pods",
		},
		{
			name: "the binding refers to a Role and means a ClusterRole", code: "RC1015", says: forbidden, hop: graph.HopBinding,
			breaks: bound("Role view", group("developers")), remedy: "kubectl create role view -n shop --verb=list --resource=pods",
		},
		{
			name: "the ClusterRole that the binding refers to does not exist", code: "RC1015", says: forbidden, hop: graph.HopBinding,
			breaks: bound("ClusterRole veiw", group("developers")), remedy: "kubectl create clusterrole veiw --verb=list --resource=pods",
		},
		{name: "the ClusterRole has no rules", says: forbidden, hop: graph.HopRule, breaks: ruled(), remedy: bindView},
		{
			name: "an aggregated ClusterRole selects a label that no role has", says: forbidden, hop: graph.HopRule, remedy: bindView,
			breaks: func(t *testing.T, w *world, c *labtest.Cluster) {
				role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "own"}, AggregationRule: &rbacv1.AggregationRule{
					ClusterRoleSelectors: []metav1.LabelSelector{{MatchLabels: map[string]string{"example.com/aggregate-to-own": "true"}}},
				}}
				if _, err := w.Admin(t, c).RbacV1().ClusterRoles().Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
					t.Fatal(err)
				}
				w.bind(t, c, "shop", "developers", "ClusterRole own", group("developers"))
			},
		},
		{
			name: "the rule is for other names", asked: "get pods web-0 -n shop", says: forbidden, hop: graph.HopRule,
			breaks: ruled(rule("get", "", "pods", "web-1")), remedy: bindView,
		},
		{
			name: "a rule for names does not allow to list", says: forbidden, hop: graph.HopRule,
			breaks: ruled(rule("list", "", "pods", "web-0")), remedy: bindView,
		},
		{
			name: "the rule is for pods and not for their logs", asked: "get pods/log web-0 -n shop", says: forbidden, hop: graph.HopRule,
			breaks: ruled(rule("get", "", "pods")), remedy: bindView,
		},
		{
			name: "the rule is for reading pods and not for entering them", asked: "create pods/exec web-0 -n shop", says: forbidden, hop: graph.HopRule,
			remedy: bindEdit,
		},
		{
			name: "the rule's API group is wrong", asked: "list deployments.apps -n shop", says: forbidden, hop: graph.HopRule,
			breaks: ruled(rule("list", "", "deployments")), remedy: bindView,
		},
		{name: "the role allows less", asked: "delete pods web-0 -n shop", says: forbidden, hop: graph.HopRule, remedy: bindEdit},
		{
			name: "nothing allows the path", asked: "get /metrics", says: forbidden, hop: graph.HopRule,
			remedy: "kubectl create clusterrole dana@example.com:get-metrics --verb=get --non-resource-url=/metrics && " +
				"kubectl create clusterrolebinding dana@example.com:get-metrics --clusterrole=dana@example.com:get-metrics --user=dev:dana@example.com",
		},
		{
			name: "what is asked for is the administration of the cluster", asked: "list secrets -n kube-system", says: forbidden, hop: graph.HopRule,
			remedy: "think twice, for this amounts to the administration of the cluster (…): kubectl create role dana@example.com:list-secrets -n kube-system --verb=list --resource=secrets && " +
				"kubectl create rolebinding dana@example.com:list-secrets -n kube-system --role=dana@example.com:list-secrets --user=dev:dana@example.com",
		},
		{
			name: "a RoleBinding gives nothing that has no namespace", asked: "list nodes", says: forbidden, hop: graph.HopRule,
			breaks: ruled(rule("list", "", "nodes")),
			remedy: "kubectl create clusterrole dana@example.com:list-nodes --verb=list --resource=nodes && " +
				"kubectl create clusterrolebinding dana@example.com:list-nodes --clusterrole=dana@example.com:list-nodes --user=dev:dana@example.com",
		},
		{
			name: "the binding is for one namespace and the request for all", asked: "list pods", says: forbidden, hop: graph.HopRule,
			remedy: "kubectl create clusterrolebinding dana@example.com:view --clusterrole=view --user=dev:dana@example.com",
		},
		{
			name: "the namespace does not exist", asked: "list pods -n shpo", says: forbidden, hop: graph.HopRule,
			remedy: "there is no namespace shpo in prod/eu-central-1/shop; did you mean shop?",
		},
	}
}
