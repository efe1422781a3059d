package cluster_test

import (
	"context"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/rolecall-dev/rolecall/lab/internal/binaries"
	"github.com/rolecall-dev/rolecall/lab/internal/cluster"
	"github.com/rolecall-dev/rolecall/lab/internal/organization"
	"github.com/rolecall-dev/rolecall/lab/internal/proc"
	"github.com/rolecall-dev/rolecall/lab/internal/stsproxy"
)

func findBinaries(t *testing.T) binaries.Set {
	t.Helper()
	cache, err := binaries.DefaultCache()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	set, err := binaries.Find(t.Context(), binaries.Options{
		Assets: os.Getenv("KUBEBUILDER_ASSETS"), Cache: cache, Module: binaries.FindModule(dir),
		Progress: os.Stderr, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// environment runs processes that end with the test, behind a proxy whose STS
// is handler.
func environment(t *testing.T, handler http.Handler) cluster.Environment {
	t.Helper()
	proxy, err := stsproxy.Start(handler, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = proxy.Close() })
	env := cluster.Environment{
		Processes: proc.NewGroup(), Binaries: findBinaries(t), Dir: t.TempDir(),
		Proxy: proxy.URL(), ProxyCA: proxy.CA(), Now: time.Now,
	}
	t.Cleanup(env.Processes.Close)
	return env
}

func client(t *testing.T, c *cluster.Cluster) kubernetes.Interface {
	t.Helper()
	k, err := c.Client()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

const manifests = `
apiVersion: v1
kind: Pod
metadata: {name: web-0, namespace: payments}
spec: {containers: [{name: web, image: web}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: widgets, labels: {rbac.authorization.k8s.io/aggregate-to-view: "true"}}
rules: [{apiGroups: [example.com], resources: [widgets], verbs: [get]}]
`

func TestTwoClustersAreFilledAndKnowNothingOfEachOther(t *testing.T) {
	refuse := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	env := environment(t, refuse)
	etcd, err := cluster.StartEtcd(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := organization.Manifests([]byte(manifests))
	if err != nil {
		t.Fatal(err)
	}
	text := "# of others\n- rolearn: arn:aws:iam::111122223333:role/x\n  username: x\n"
	one, err := cluster.Start(t.Context(), env, etcd, cluster.Spec{
		ID: "one", Name: "same", Region: "eu-central-1",
		Contents: organization.Kubernetes{
			Namespaces: []string{"payments"}, Manifests: objects,
			AWSAuth: &organization.AWSAuth{Data: map[string]string{"mapRoles": text}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	two, err := cluster.Start(t.Context(), env, etcd, cluster.Spec{ID: "two", Name: "same", Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Run("the text of aws-auth is taken over byte for byte", func(t *testing.T) {
		cm, err := client(t, one).CoreV1().ConfigMaps("kube-system").Get(t.Context(), "aws-auth", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(map[string]string{"mapRoles": text}, cm.Data); d != "" {
			t.Errorf("aws-auth (-want +got):\n%s", d)
		}
	})
	t.Run("manifests are applied", func(t *testing.T) {
		if _, err := client(t, one).CoreV1().Pods("payments").Get(t.Context(), "web-0", metav1.GetOptions{}); err != nil {
			t.Error(err)
		}
	})
	t.Run("what is in one cluster is not in the other", func(t *testing.T) {
		_, err := client(t, two).CoreV1().ConfigMaps("kube-system").Get(t.Context(), "aws-auth", metav1.GetOptions{})
		if !apierrors.IsNotFound(err) {
			t.Errorf("reading aws-auth of the other cluster gives %v, want not found", err)
		}
	})
	t.Run("aggregated ClusterRoles have the rules a controller would give them", func(t *testing.T) {
		got := rulesFor(t.Context(), t, client(t, one), "widgets")
		if d := cmp.Diff(map[string]bool{"view": true, "edit": true, "admin": true, "widgets": true}, got); d != "" {
			t.Errorf("ClusterRoles that allow reading widgets (-want +got):\n%s", d)
		}
	})
	t.Run("a token that STS does not vouch for is refused", func(t *testing.T) {
		k, err := kubernetes.NewForConfig(&rest.Config{
			Host: one.Endpoint, TLSClientConfig: rest.TLSClientConfig{CAData: one.CA}, BearerToken: "k8s-aws-v1.aHR0cHM6Ly8",
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.CoreV1().Pods("payments").List(t.Context(), metav1.ListOptions{}); !apierrors.IsUnauthorized(err) {
			t.Errorf("listing pods gives %v, want unauthorized", err)
		}
	})
}

// rulesFor returns the ClusterRoles with a rule for a resource.
func rulesFor(ctx context.Context, t *testing.T, k kubernetes.Interface, resource string) map[string]bool {
	t.Helper()
	list, err := k.RbacV1().ClusterRoles().List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, role := range list.Items {
		for _, rule := range role.Rules {
			if strings.Join(rule.Resources, ",") == resource {
				out[role.Name] = true
			}
		}
	}
	return out
}
