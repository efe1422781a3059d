// Package rbac_test asks a real API server what identities may do, and holds rolecall's answers over what it reads there against that.
package rbac_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/kube"
	"github.com/rolecall-dev/rolecall/internal/rbac"
	"golang.org/x/sync/errgroup"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/rolecall-dev/rolecall/lab/labtest"
)

const (
	questions = 4_000
	atATime   = 16
)

// question is who asks for what, and what the API server says.
type question struct {
	who  access.Identity
	what access.Request
	may  bool
}

// TestRBACAnswersAsSubjectAccessReviewsDo loads generated roles and bindings into a real API server, reads them back as rolecall does, and
// asks both the same. The API server says no more than yes or no, so every way to a yes has to occur.
func TestRBACAnswersAsSubjectAccessReviewsDo(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(20261125, 4))}
	lab := labtest.Start(t, labtest.Options{Organization: organization(t, g)})
	c := lab.Clusters[0]
	admin := lab.Admin(t, c)
	settle(t, admin)
	index := rbac.New(read(t, c))
	asked := make([]question, questions)
	for i := range asked {
		asked[i] = question{who: g.identity(), what: g.request()}
	}
	ask(t, admin, asked)
	ways, allowed := map[string]int{}, 0
	for _, q := range asked {
		if got := index.Allowed(q.who, q.what); got != q.may {
			t.Errorf("%+v, %+v: rolecall says %v, the API server %v", q.who, q.what, got, q.may)
		}
		if q.may {
			allowed++
		}
		for _, w := range waysOf(index, q) {
			ways[w]++
		}
	}
	t.Logf("%d questions, %d allowed; by way: %v", questions, allowed, ways)
	for _, w := range everyWay() {
		if ways[w] < 3 {
			t.Errorf("%q brought %d of the answers: the sample proves little about it", w, ways[w])
		}
	}
}

// organization writes an organization of one cluster that holds what is generated. The laboratory fills the aggregated roles in.
func organization(t *testing.T, g generator) string {
	t.Helper()
	dir := t.TempDir()
	text, err := manifests(g.objects())
	if err != nil {
		t.Fatal(err)
	}
	template, err := os.ReadFile(filepath.Join("testdata", "organization.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "organization.yaml")
	for name, text := range map[string][]byte{file: template, filepath.Join(dir, "generated.yaml"): text} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return file
}

// settle adds an aggregated role that nobody fills in, and returns when the API server's authorizer, which follows each kind of object by itself,
// has seen the last of each.
func settle(t *testing.T, admin kubernetes.Interface) {
	t.Helper()
	ctx, k := t.Context(), admin.RbacV1()
	last := metav1.ObjectMeta{Namespace: "gamma", Name: "last"}
	rule := rbacv1.PolicyRule{Verbs: []string{"last"}, APIGroups: []string{""}, Resources: []string{"roles", "clusterroles"}}
	empty := clusterRole("sum-empty", nil)
	empty.AggregationRule = &rbacv1.AggregationRule{ClusterRoleSelectors: []metav1.LabelSelector{{MatchLabels: map[string]string{aggregate: "first"}}}}
	user := func(name string) []rbacv1.Subject {
		return []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}}
	}
	create := metav1.CreateOptions{}
	for _, err := range []error{
		second(k.ClusterRoles().Create(ctx, &empty, create)),
		second(k.ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "empty"}, RoleRef: ref("ClusterRole", empty.Name), Subjects: user("stranger")}, create)),
		second(k.ClusterRoles().Create(ctx, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "last"}, Rules: []rbacv1.PolicyRule{rule}}, create)),
		second(k.Roles(last.Namespace).Create(ctx, &rbacv1.Role{ObjectMeta: last, Rules: []rbacv1.PolicyRule{rule}}, create)),
		second(k.ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "last"}, RoleRef: ref("ClusterRole", "last"), Subjects: user("last")}, create)),
		second(k.RoleBindings(last.Namespace).Create(ctx, &rbacv1.RoleBinding{ObjectMeta: last, RoleRef: ref("Role", "last"), Subjects: user("last-role")}, create)),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, q := range []question{
		{who: access.Identity{Username: "last"}, what: access.Request{Verb: "last", Resource: "clusterroles"}},
		{who: access.Identity{Username: "last-role"}, what: access.Request{Verb: "last", Resource: "roles", Namespace: last.Namespace}},
	} {
		err := wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) { return allowed(ctx, admin, q) })
		if err != nil {
			t.Fatalf("waiting for the authorizer: %v", err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// read reads the cluster with rolecall's own reader.
func read(t *testing.T, c *labtest.Cluster) *access.Cluster {
	t.Helper()
	k := clientcmdapi.NewConfig()
	k.Clusters["lab"] = &clientcmdapi.Cluster{Server: c.Endpoint, CertificateAuthorityData: c.CA}
	k.AuthInfos["lab"] = &clientcmdapi.AuthInfo{ClientCertificateData: c.Admin.CertData, ClientKeyData: c.Admin.KeyData}
	k.Contexts["lab"] = &clientcmdapi.Context{Cluster: "lab", AuthInfo: "lab"}
	k.CurrentContext = "lab"
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*k, file); err != nil {
		t.Fatal(err)
	}
	cluster := access.Cluster{ARN: "arn:aws:eks:eu-central-1:111122223333:cluster/rbac"}
	client := kube.New(kube.Options{Overrides: map[access.ClusterARN]kube.Override{cluster.ARN: {Kubeconfig: file}}})
	cluster, err := client.RBAC(t.Context(), cluster)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"alpha", "beta", "gamma"}, slices.DeleteFunc(slices.Clone(cluster.Namespaces), func(n string) bool { return strings.HasPrefix(n, "kube-") || n == "default" })); d != "" {
		t.Fatalf("namespaces (-want +got):\n%s", d)
	}
	return &cluster
}

// ask asks the API server all questions.
func ask(t *testing.T, admin kubernetes.Interface, asked []question) {
	t.Helper()
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(atATime)
	for i := range asked {
		group.Go(func() error {
			may, err := allowed(ctx, admin, asked[i])
			asked[i].may = may
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

// allowed asks with the groups that the API server's authenticators would add; a SubjectAccessReview adds none.
func allowed(ctx context.Context, admin kubernetes.Interface, q question) (bool, error) {
	spec := authorizationv1.SubjectAccessReviewSpec{User: q.who.Username, Groups: append([]string{"system:authenticated"}, q.who.Groups...)}
	if q.who.Username == "system:anonymous" {
		spec.Groups[0] = "system:unauthenticated"
	}
	if account, ok := strings.CutPrefix(q.who.Username, "system:serviceaccount:"); ok {
		namespace, _, _ := strings.Cut(account, ":")
		spec.Groups = append(spec.Groups, "system:serviceaccounts", "system:serviceaccounts:"+namespace)
	}
	if r := q.what; r.Path != "" {
		spec.NonResourceAttributes = &authorizationv1.NonResourceAttributes{Verb: r.Verb, Path: r.Path}
	} else {
		spec.ResourceAttributes = &authorizationv1.ResourceAttributes{
			Verb: r.Verb, Group: r.Group, Resource: r.Resource, Subresource: r.Subresource, Name: r.Name, Namespace: r.Namespace,
		}
	}
	review, err := admin.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{Spec: spec}, metav1.CreateOptions{})
	if err != nil {
		return false, fmt.Errorf("asking whether %q may: %w", q.who.Username, err)
	}
	return review.Status.Allowed, nil
}

// everyWay is what a yes can rest on, in the words of waysOf.
func everyWay() []string {
	return []string{
		"system:masters", "ClusterRoleBinding", "RoleBinding to Role", "RoleBinding to ClusterRole", "aggregated ClusterRole", "ClusterRole of the cluster's own",
		"user", "group", "system:authenticated", "service account", "service account without namespace", "resourceNames", "subresource", "every subresource of a name", "every resource", "every verb", "every API group",
		"path", "path with * at its end", "every path",
	}
}

// waysOf says what a yes rests on.
func waysOf(index *rbac.Index, q question) []string {
	if !q.may {
		return nil
	}
	if slices.Contains(q.who.Groups, access.MastersGroup) {
		return []string{"system:masters"}
	}
	var out []string
	for _, grant := range index.Grants(q.who) {
		if rule := grant.Allows(q.what); rule != nil {
			out = append(append(out, waysOfBinding(grant)...), waysOfRule(rule, q.what)...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func waysOfBinding(g rbac.Grant) []string {
	out := []string{"RoleBinding to " + string(g.Binding.Ref.Kind)}
	if g.Binding.Namespace == "" {
		out = []string{"ClusterRoleBinding"}
	}
	switch {
	case strings.HasPrefix(g.Role.Name, "sum-"):
		out = append(out, "aggregated ClusterRole")
	case g.Role.Name == "view" || g.Role.Name == "edit":
		out = append(out, "ClusterRole of the cluster's own")
	}
	switch {
	case g.By.Kind == access.SubjectServiceAccount && g.By.Namespace == "":
		return append(out, "service account without namespace")
	case g.By.Kind == access.SubjectServiceAccount:
		return append(out, "service account")
	case g.By.Name == "system:authenticated":
		return append(out, g.By.Name)
	}
	return append(out, strings.ToLower(string(g.By.Kind)))
}

func waysOfRule(rule *rbacv1.PolicyRule, r access.Request) []string {
	var out []string
	note := func(is bool, way string) {
		if is {
			out = append(out, way)
		}
	}
	note(!slices.Contains(rule.Verbs, r.Verb), "every verb")
	if r.Path != "" {
		exact := slices.Contains(rule.NonResourceURLs, r.Path)
		note(exact, "path")
		note(!exact && slices.Contains(rule.NonResourceURLs, "*"), "every path")
		note(!exact && !slices.Contains(rule.NonResourceURLs, "*"), "path with * at its end")
		return out
	}
	note(!slices.Contains(rule.APIGroups, r.Group), "every API group")
	note(len(rule.ResourceNames) > 0, "resourceNames")
	full := r.Resource + "/" + r.Subresource
	every := !slices.Contains(rule.Resources, r.Resource) && !slices.Contains(rule.Resources, full)
	note(slices.Contains(rule.Resources, full), "subresource")
	note(every && slices.Contains(rule.Resources, "*/"+r.Subresource), "every subresource of a name")
	note(every && slices.Contains(rule.Resources, "*"), "every resource")
	return out
}
