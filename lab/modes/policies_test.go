package modes_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/google/go-cmp/cmp"
	"github.com/rolecall-dev/rolecall/internal/awssim/simtest"
	"github.com/rolecall-dev/rolecall/internal/eksaccess"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall-dev/rolecall/lab/labtest"
)

// admit makes an entry without groups.
func (w *world) admit(t *testing.T, cluster string, principal *string) {
	t.Helper()
	if _, err := w.eks.CreateAccessEntry(t.Context(), &eks.CreateAccessEntryInput{ClusterName: &cluster, PrincipalArn: principal}); err != nil {
		t.Fatal(err)
	}
}

// associate gives an entry a policy, in namespaces or in the whole cluster.
func (w *world) associate(t *testing.T, cluster string, principal *string, policy string, namespaces ...string) {
	t.Helper()
	scope := &types.AccessScope{Type: types.AccessScopeTypeCluster}
	if len(namespaces) > 0 {
		scope = &types.AccessScope{Type: types.AccessScopeTypeNamespace, Namespaces: namespaces}
	}
	_, err := w.eks.AssociateAccessPolicy(t.Context(), &eks.AssociateAccessPolicyInput{
		ClusterName: &cluster, PrincipalArn: principal, PolicyArn: awssdk.String(policies + policy), AccessScope: scope,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) testPolicies(t *testing.T) {
	const cluster = "both"
	principal, c := roleOf("Policy"), w.dana(t, "Policy")
	w.admit(t, cluster, principal)
	pods := func() []string {
		var got []string
		for _, namespace := range []string{"shop", "team-a", ""} {
			got = append(got, answer(w.Do(t, w.Member(t, "prod/"+cluster), c, labtest.Request{Verb: "list", Resource: "pods", Namespace: namespace})))
		}
		return got
	}
	expect := func(what string, want ...string) {
		t.Helper()
		if d := cmp.Diff(want, pods()); d != "" {
			t.Errorf("%s: pods of shop, team-a, everywhere (-want +got):\n%s", what, d)
		}
	}
	expect("without a policy", "Forbidden", "Forbidden", "Forbidden")
	w.associate(t, cluster, principal, "AmazonEKSViewPolicy", "shop")
	expect("in a namespace", "ok", "Forbidden", "Forbidden")
	w.associate(t, cluster, principal, "AmazonEKSViewPolicy", "team-*")
	expect("the second scope is in place of the first", "Forbidden", "ok", "Forbidden")
	w.associate(t, cluster, principal, "AmazonEKSViewPolicy")
	expect("in the cluster", "ok", "ok", "ok")
	w.testReviews(t, cluster, c)
	_, err := w.eks.DisassociateAccessPolicy(t.Context(), &eks.DisassociateAccessPolicyInput{
		ClusterName: awssdk.String(cluster), PrincipalArn: principal, PolicyArn: awssdk.String(policies + "AmazonEKSViewPolicy"),
	})
	if err != nil {
		t.Fatal(err)
	}
	expect("taken away", "Forbidden", "Forbidden", "Forbidden")
}

// testNames holds the policies that EKS lists against those the data knows of.
func (w *world) testNames(t *testing.T) {
	var listed []string
	pages := eks.NewListAccessPoliciesPaginator(w.eks, &eks.ListAccessPoliciesInput{})
	for pages.HasMorePages() {
		for _, p := range simtest.Must[*eks.ListAccessPoliciesOutput](t)(pages.NextPage(t.Context())).AccessPolicies {
			listed = append(listed, *p.Name)
		}
	}
	var data struct {
		Policies map[string]any `json:"policies"`
	}
	if err := json.Unmarshal(eksaccess.Policies(), &data); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(slices.Sorted(maps.Keys(data.Policies)), listed); d != "" {
		t.Errorf("policies (-data +listed):\n%s", d)
	}
}

// testReviews asks what kubectl auth can-i asks, for one question and with --list.
func (w *world) testReviews(t *testing.T, cluster string, c labtest.Credentials) {
	t.Helper()
	reviews := w.client(t, cluster, c).AuthorizationV1()
	one, err := reviews.SelfSubjectAccessReviews().Create(t.Context(), &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: "list", Resource: "pods", Namespace: "shop"},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	all, err := reviews.SelfSubjectRulesReviews().Create(t.Context(), &authorizationv1.SelfSubjectRulesReview{
		Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: "shop"},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	listed := slices.ContainsFunc(all.Status.ResourceRules, func(r authorizationv1.ResourceRule) bool {
		return slices.Contains(r.Resources, "pods") || slices.Contains(r.Resources, "*")
	})
	if d := cmp.Diff([]bool{true, false, true}, []bool{one.Status.Allowed, listed, all.Status.Incomplete}); d != "" {
		t.Errorf("allowed, shown by --list, which is incomplete (-want +got):\n%s", d)
	}
}

// testEscalation lets holders of policies make a Role. Kubernetes asks them to hold its rights by RBAC or to be allowed to escalate.
func (w *world) testEscalation(t *testing.T) {
	const cluster = "entries"
	principal, c := roleOf("Team"), w.dana(t, "Team")
	w.admit(t, cluster, principal)
	create := func(name string) error {
		role := &rbacv1.Role{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"get"}}},
		}
		_, err := w.client(t, cluster, c).RbacV1().Roles("team-a").Create(t.Context(), role, metav1.CreateOptions{})
		return err
	}
	w.associate(t, cluster, principal, "AmazonEKSAdminPolicy", "team-*")
	if err := create("a"); err == nil || !strings.Contains(err.Error(), "not currently held") {
		t.Errorf("an administrator of namespaces gets %v, want a refusal to escalate", err)
	}
	w.associate(t, cluster, principal, "AmazonEKSClusterAdminPolicy")
	if err := create("b"); err != nil {
		t.Errorf("an administrator of the cluster gets %v", err)
	}
}
