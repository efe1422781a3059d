package authorizer_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	authorizationv1 "k8s.io/api/authorization/v1"

	"github.com/rolecall-dev/rolecall/lab/internal/authorizer"
)

func ask(t *testing.T, url string, spec authorizationv1.SubjectAccessReviewSpec) authorizationv1.SubjectAccessReviewStatus {
	t.Helper()
	body, err := json.Marshal(authorizationv1.SubjectAccessReview{Spec: spec})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	var review authorizationv1.SubjectAccessReview
	if err := json.NewDecoder(reply.Body).Decode(&review); err != nil {
		t.Fatal(err)
	}
	return review.Status
}

func resource(verb, group, name, sub, namespace string) authorizationv1.SubjectAccessReviewSpec {
	return authorizationv1.SubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
		Verb: verb, Group: group, Resource: name, Subresource: sub, Namespace: namespace,
	}}
}

func TestPoliciesAllowWhatTheySayWhereTheyReach(t *testing.T) {
	a, err := authorizer.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	a.Set("one", authorizer.Grants{
		"AROAADMIN":  {{Policy: "AmazonEKSClusterAdminPolicy"}},
		"AROAVIEW":   {{Policy: "AmazonEKSViewPolicy", Namespaces: []string{"shop", "dev-*"}}},
		"AROASECRET": {{Policy: "AmazonEKSSecretReaderPolicy", Namespaces: []string{"*-team-*"}}},
		"AROATEAM":   {{Policy: "AmazonEKSAdminPolicy", Namespaces: []string{"*"}}},
		"AROAACK":    {{Policy: "AmazonEKSACKPolicy"}},
	})
	const rbac = "rbac.authorization.k8s.io"
	pods := func(namespace string) authorizationv1.SubjectAccessReviewSpec {
		return resource("list", "", "pods", "", namespace)
	}
	path := authorizationv1.SubjectAccessReviewSpec{NonResourceAttributes: &authorizationv1.NonResourceAttributes{Verb: "get", Path: "/metrics"}}
	tests := []struct {
		name, cluster, key, id string
		spec                   authorizationv1.SubjectAccessReviewSpec
		want                   bool
	}{
		{"an administrator may bind what he likes", "one", "principalId", "AROAADMIN", resource("bind", rbac, "clusterroles", "", ""), true},
		{"an administrator reads paths", "one", "principalId", "AROAADMIN", path, true},
		{"a named namespace", "one", "principalId", "AROAVIEW", pods("shop"), true},
		{"a namespace of the pattern", "one", "principalId", "AROAVIEW", pods("dev-a"), true},
		{"another namespace", "one", "principalId", "AROAVIEW", pods("payments"), false},
		{"the whole cluster", "one", "principalId", "AROAVIEW", pods(""), false},
		{"a subresource that is named", "one", "principalId", "AROAVIEW", resource("get", "", "pods", "log", "shop"), true},
		{"a subresource that is not", "one", "principalId", "AROAVIEW", resource("get", "", "pods", "exec", "shop"), false},
		{"a verb that is not in it", "one", "principalId", "AROAVIEW", resource("delete", "", "pods", "", "shop"), false},
		{"a group that is not in it", "one", "principalId", "AROAVIEW", resource("list", "example.com", "pods", "", "shop"), false},
		{"secrets are no part of view", "one", "principalId", "AROAVIEW", resource("get", "", "secrets", "", "shop"), false},
		{"a pattern with a part in the middle", "one", "principalId", "AROASECRET", resource("get", "", "secrets", "", "x-team-y"), true},
		{"without the part", "one", "principalId", "AROASECRET", resource("get", "", "secrets", "", "x-tea-y"), false},
		{"an admin of namespaces writes roles", "one", "principalId", "AROATEAM", resource("create", rbac, "roles", "", "shop"), true},
		{"but may not escalate", "one", "principalId", "AROATEAM", resource("escalate", rbac, "roles", "", "shop"), false},
		{"nor read paths", "one", "principalId", "AROATEAM", path, false},
		{"a policy that is not described", "one", "principalId", "AROAACK", pods("shop"), false},
		{"another principal", "one", "principalId", "AROAOTHER", pods("shop"), false},
		{"another cluster", "two", "principalId", "AROAADMIN", pods("shop"), false},
		{"an impersonated principal", "one", "principalid", "AROAADMIN", pods("shop"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.spec.Extra = map[string]authorizationv1.ExtraValue{tt.key: {tt.id}}
			got := ask(t, a.URL(tt.cluster), tt.spec)
			if d := cmp.Diff([]bool{tt.want, false}, []bool{got.Allowed, got.Denied}); d != "" {
				t.Errorf("allowed, denied (-want +got):\n%s", d)
			}
		})
	}
}
