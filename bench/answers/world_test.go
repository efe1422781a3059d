package answers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/lab/labtest"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/rolecall-dev/rolecall/bench/programs"
)

// person is somebody with a permission set, and who the API server says they are.
type person struct {
	user, set, username string
	groups              []string
}

func (p person) String() string { return p.user + " through " + p.set }

// world is a cluster, the people who come into it, and the programs that are asked.
type world struct {
	*labtest.Lab

	cluster *labtest.Cluster
	admin   kubernetes.Interface
	people  []person
	// dir holds the programs, the installation, the snapshot, and a kubeconfig with all rights.
	dir string
}

func start(t *testing.T) *world {
	t.Helper()
	root, dir := filepath.Join("..", ".."), t.TempDir()
	programs.Build(t, root, filepath.Join(dir, "rolecall"), "./cmd/rolecall")
	programs.Build(t, filepath.Join(root, "bench", "whocan"), filepath.Join(dir, "kubectl-who-can"), "github.com/aquasecurity/kubectl-who-can/cmd/kubectl-who-can")
	programs.Build(t, filepath.Join(root, "bench", "rakkess"), filepath.Join(dir, "rakkess"), "github.com/corneliusweig/rakkess")
	w := &world{Lab: labtest.Start(t, labtest.Options{Organization: filepath.Join("testdata", "organization.yaml")}), dir: dir}
	w.cluster = w.Clusters[0]
	w.admin = w.Admin(t, w.cluster)
	w.writeKubeconfig(t)
	text, err := os.ReadFile(filepath.Join("testdata", "rolecall.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "rolecall.yaml"), text, 0o600), os.Mkdir(filepath.Join(dir, "access"), 0o700)); err != nil {
		t.Fatal(err)
	}
	for _, p := range []person{
		{user: "dana@example.com", set: "Dev"},
		{user: "dana@example.com", set: "Ops"},
		{user: "sam@example.com", set: "Dev"},
		{user: "rui@example.com", set: "Ops"},
		{user: "olu@example.com", set: "Admin"},
		{user: "ines@example.com", set: "Audit"},
	} {
		w.people = append(w.people, w.introduce(t, p))
	}
	w.snapshot(t)
	return w
}

func (w *world) writeKubeconfig(t *testing.T) {
	t.Helper()
	k := clientcmdapi.NewConfig()
	k.Clusters["bench"] = &clientcmdapi.Cluster{Server: w.cluster.Endpoint, CertificateAuthorityData: w.cluster.CA}
	k.AuthInfos["bench"] = &clientcmdapi.AuthInfo{ClientCertificateData: w.cluster.Admin.CertData, ClientKeyData: w.cluster.Admin.KeyData}
	k.Contexts["bench"] = &clientcmdapi.Context{Cluster: "bench", AuthInfo: "bench"}
	k.CurrentContext = "bench"
	if err := clientcmd.WriteToFile(*k, filepath.Join(w.dir, "kubeconfig")); err != nil {
		t.Fatal(err)
	}
}

// introduce signs the person in and asks the API server who they are.
func (w *world) introduce(t *testing.T, p person) person {
	t.Helper()
	creds := w.MustSignIn(t, labtest.Session{User: p.user, Account: "bench", PermissionSet: p.set})
	client, err := kubernetes.NewForConfig(w.As(t, w.cluster, creds))
	if err != nil {
		t.Fatal(err)
	}
	review, err := client.AuthenticationV1().SelfSubjectReviews().Create(t.Context(), &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatalf("%s: %v", p, err)
	}
	p.username, p.groups = review.Status.UserInfo.Username, review.Status.UserInfo.Groups
	return p
}

// may asks the API server.
func (w *world) may(t *testing.T, p person, r access.Request) bool {
	t.Helper()
	spec := authorizationv1.SubjectAccessReviewSpec{User: p.username, Groups: p.groups}
	if r.Path != "" {
		spec.NonResourceAttributes = &authorizationv1.NonResourceAttributes{Verb: r.Verb, Path: r.Path}
	} else {
		spec.ResourceAttributes = &authorizationv1.ResourceAttributes{Verb: r.Verb, Group: r.Group, Resource: r.Resource, Subresource: r.Subresource, Name: r.Name, Namespace: r.Namespace}
	}
	review, err := w.admin.AuthorizationV1().SubjectAccessReviews().Create(t.Context(), &authorizationv1.SubjectAccessReview{Spec: spec}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return review.Status.Allowed
}

// whoMay are those to whom the API server allows one of the requests.
func (w *world) whoMay(t *testing.T, rs []access.Request) []string {
	t.Helper()
	out := []string{}
	for _, p := range w.people {
		if slices.ContainsFunc(rs, func(r access.Request) bool { return w.may(t, p, r) }) {
			out = append(out, p.String())
		}
	}
	slices.Sort(out)
	return out
}

// output is what a program said.
type output struct {
	stdout, stderr string
	failed         bool
}

func (w *world) run(ctx context.Context, t *testing.T, name string, args ...string) output {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, filepath.Join(w.dir, name), args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = w.dir, &stdout, &stderr
	cmd.Env = append(os.Environ(), "HOME="+w.dir, "XDG_STATE_HOME="+w.dir, "KUBERNETES_SERVICE_HOST=")
	if name == "rolecall" {
		cmd.Env = append(cmd.Env, w.Environment(w.Caller(t))...)
	} else {
		cmd.Env = append(cmd.Env, "KUBECONFIG="+filepath.Join(w.dir, "kubeconfig"))
	}
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(fmt.Errorf("running %s: %w", name, err))
	}
	return output{stdout: stdout.String(), stderr: stderr.String(), failed: err != nil}
}

// snapshot reads everything through AWS, as rolecall's caller.
func (w *world) snapshot(t *testing.T) {
	t.Helper()
	if out := w.run(t.Context(), t, "rolecall", "snapshot", "--require-complete", "--out", "snapshot.json"); out.failed {
		t.Fatalf("taking a snapshot:\n%s%s", out.stdout, out.stderr)
	}
}
