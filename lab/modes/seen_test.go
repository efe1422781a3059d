package modes_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/google/go-cmp/cmp"
	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/graph"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/rolecall-dev/rolecall/lab/internal/product"
	"github.com/rolecall-dev/rolecall/lab/labtest"
)

// questions are requests as people make them, and as rolecall is asked about them.
func questions() []labtest.Request {
	var out []labtest.Request
	for _, resource := range []string{"pods", "secrets", "deployments.v1.apps"} {
		for _, namespace := range []string{"shop", "team-a", "other", ""} {
			out = append(out, labtest.Request{Verb: "list", Resource: resource, Namespace: namespace})
		}
	}
	return append(out,
		labtest.Request{Verb: "list", Resource: "nodes"},
		labtest.Request{Verb: "delete", Resource: "pods", Namespace: "shop", Name: "gone"},
		labtest.Request{Verb: "delete", Resource: "pods", Namespace: "team-a", Name: "gone"},
	)
}

func asked(r labtest.Request) access.Request {
	resource, group, _ := strings.Cut(r.Resource, ".v1.")
	return access.Request{Verb: r.Verb, Group: group, Resource: resource, Namespace: r.Namespace, Name: r.Name}
}

// permitted tells whether the API server lets the request be made, whatever comes of it.
func permitted(err error) graph.Verdict {
	if apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) {
		return graph.Denied
	}
	return graph.Allowed
}

// TestWhatIsReadAgreesWithTheAPIServersInEveryMode lets somebody come in by an entry, a row, both, neither and by entries that admit nobody, with EKS access
// policies and without, and holds what rolecall reads of it against the answers of real API servers.
func TestWhatIsReadAgreesWithTheAPIServersInEveryMode(t *testing.T) {
	w := &world{Lab: labtest.Start(t, labtest.Options{Organization: "testdata/seen.yaml"})}
	rolecall := w.snapshots(t)
	config := w.Config(w.assumed(t, "arn:aws:iam::111122223333:role/rolecall"))
	config.Region = region
	w.eks = eks.NewFromConfig(config)
	for _, cluster := range []string{"both", "entries"} {
		for _, set := range []string{"Scoped", "Everywhere", "Scaling"} {
			w.admit(t, cluster, roleOf(set))
		}
		w.associate(t, cluster, roleOf("Scoped"), "AmazonEKSViewPolicy", "team-*")
		w.associate(t, cluster, roleOf("Scoped"), "AmazonEKSEditPolicy", "shop")
		w.associate(t, cluster, roleOf("Everywhere"), "AmazonEKSAdminViewPolicy")
		w.associate(t, cluster, roleOf("Scaling"), "AmazonARCRegionSwitchScalingPolicy")
		w.associate(t, cluster, roleOf("Dead"), "AmazonEKSClusterAdminPolicy")
	}
	g := rolecall()
	dana := g.UsersNamed("dana@example.com")[0]
	answers := map[graph.Verdict]int{}
	for _, set := range []string{"Entry", "Row", "Both", "Dead", "DeadRow", "Reserved", "Scoped", "Everywhere", "Scaling", "Stranger"} {
		c := w.dana(t, set)
		for i := range g.Clusters {
			cluster := g.Of(g.Clusters[i].ARN)
			var answered, read []string
			for _, r := range questions() {
				question := asked(r)
				verdict := graph.Judge(cluster.Paths(dana, graph.Question{Request: &question, Through: set}))
				answer := permitted(w.Do(t, w.Member(t, "prod/"+cluster.Cluster.Name), c, r))
				answers[answer]++
				answered = append(answered, fmt.Sprint(r.Kubectl(), ": ", answer))
				read = append(read, fmt.Sprint(r.Kubectl(), ": ", verdict))
			}
			if d := cmp.Diff(answered, read); d != "" {
				t.Errorf("through %s on %s (-API server +rolecall):\n%s", set, cluster.Name, d)
			}
		}
	}
	if answers[graph.Allowed] < 50 || answers[graph.Denied] < 50 {
		t.Errorf("the API servers' answers are of one kind: %v", answers)
	}
}

// snapshots reads the organization with the command.
func (w *world) snapshots(t *testing.T) func() *graph.Graph {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	root, err := product.Root(dir)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	rolecall, err := product.Build(t.Context(), root, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	installation := "apiVersion: rolecall.dev/v1alpha1\nkind: Installation\nowner: platform\npolicies: [access/]\nestate: {accounts: [prod], regions: [eu-west-1]}\naccess: {roleName: rolecall}\n"
	if err := os.WriteFile(filepath.Join(folder, "rolecall.yaml"), []byte(installation), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(folder, "access"), 0o700); err != nil {
		t.Fatal(err)
	}
	return func() *graph.Graph {
		t.Helper()
		out, err := rolecall.Run(t.Context(), product.Command{Args: []string{"snapshot", "--require-complete"}, Env: w.Environment(w.Caller(t)), Dir: folder})
		if err != nil || out.Code != 0 {
			t.Fatalf("taking a snapshot: %v, exit code %d\n%s", err, out.Code, out.Stderr)
		}
		s, err := snapshot.Decode(strings.NewReader(out.Stdout))
		if err != nil {
			t.Fatal(err)
		}
		return graph.New(snapshot.NewIndex(s))
	}
}
