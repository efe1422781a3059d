// Package arena is one real API server and those who write aws-auth there: rolecall and its peers, each as a program of its own that
// is reached by its own way, on which its requests are counted.
package arena

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/lab/labtest"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/rolecall-dev/rolecall/bench/oracle"
	"github.com/rolecall-dev/rolecall/bench/programs"
)

// Arena is a running API server.
type Arena struct {
	// Admin has all rights and is not counted.
	Admin kubernetes.Interface
	// Programs is where the contestants are built.
	Programs string
	// Authenticator is the program of aws-iam-authenticator, which can add rows too.
	Authenticator string

	target  *url.URL
	cluster *labtest.Cluster
}

// Start runs an API server until the test ends and builds the contestants.
func Start(tb testing.TB) *Arena {
	tb.Helper()
	oracle.Quiet()
	root := "../.."
	lab := labtest.Start(tb, labtest.Options{Organization: filepath.Join(root, "bench", "arena", "organization.yaml")})
	c := lab.Clusters[0]
	a := &Arena{Admin: lab.Admin(tb, c), Programs: tb.TempDir(), Authenticator: labtest.Binaries(tb).Authenticator, cluster: c}
	var err error
	if a.target, err = url.Parse(c.Endpoint); err != nil {
		tb.Fatal(err)
	}
	programs.Build(tb, filepath.Join(root, "bench"), a.Program("rolecall"), "./rolecall")
	programs.Build(tb, filepath.Join(root, "bench", "keiko"), a.Program("keiko"), ".")
	programs.Build(tb, filepath.Join(root, "bench", "eksctl"), a.Program("eksctl"), ".")
	return a
}

// Program is where a contestant was built.
func (a *Arena) Program(name string) string { return filepath.Join(a.Programs, name) }

// Reset gives the cluster an aws-auth of its own, and takes away the backups that rolecall keeps.
func (a *Arena) Reset(ctx context.Context, tb testing.TB, cm *corev1.ConfigMap) {
	tb.Helper()
	maps := a.Admin.CoreV1().ConfigMaps(metav1.NamespaceSystem)
	backups := a.Admin.CoreV1().ConfigMaps("rolecall")
	if err := backups.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=rolecall"}); err != nil {
		tb.Fatal(err)
	}
	if err := maps.Delete(ctx, cm.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		tb.Fatal(err)
	}
	if _, err := maps.Create(ctx, cm.DeepCopy(), metav1.CreateOptions{}); err != nil {
		tb.Fatal(err)
	}
}

// AWSAuth is aws-auth as it is now.
func (a *Arena) AWSAuth(ctx context.Context, tb testing.TB) *corev1.ConfigMap {
	tb.Helper()
	cm, err := a.Admin.CoreV1().ConfigMaps(metav1.NamespaceSystem).Get(ctx, "aws-auth", metav1.GetOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	return cm
}

// Way is one contestant's way to the API server, with all rights.
type Way struct {
	// Name is the field manager under which the API server records the writes.
	Name string
	// Kubeconfig is a file that leads there.
	Kubeconfig string

	mu     sync.Mutex
	counts Counts
}

// Counts are requests by what became of them.
type Counts struct {
	Reads, Writes, Conflicts, Failures int
}

// Total is every request.
func (c Counts) Total() int { return c.Reads + c.Writes + c.Conflicts + c.Failures }

// Counts are the requests since the last call.
func (w *Way) Counts() Counts {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.counts
	w.counts = Counts{}
	return out
}

func (w *Way) count(method string, status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case status == http.StatusConflict:
		w.counts.Conflicts++
	case method == http.MethodGet && (status < 400 || status == http.StatusNotFound):
		w.counts.Reads++
	case status < 400:
		w.counts.Writes++
	default:
		w.counts.Failures++
	}
}

// Way opens a counted way for a contestant.
func (a *Arena) Way(tb testing.TB, name string) *Way {
	tb.Helper()
	w := &Way{Name: name, Kubeconfig: filepath.Join(tb.TempDir(), "kubeconfig")}
	transport, err := rest.TransportFor(a.cluster.Admin)
	if err != nil {
		tb.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(a.target)
			if r.In.Method != http.MethodGet && r.In.Method != http.MethodDelete {
				q := r.Out.URL.Query()
				q.Set("fieldManager", name)
				r.Out.URL.RawQuery = q.Encode()
			}
		},
		ModifyResponse: func(r *http.Response) error {
			w.count(r.Request.Method, r.StatusCode)
			return nil
		},
	}
	server := httptest.NewServer(proxy)
	tb.Cleanup(server.Close)
	k := clientcmdapi.NewConfig()
	k.Clusters["bench"] = &clientcmdapi.Cluster{Server: server.URL}
	k.AuthInfos["bench"] = clientcmdapi.NewAuthInfo()
	k.Contexts["bench"] = &clientcmdapi.Context{Cluster: "bench", AuthInfo: "bench"}
	k.CurrentContext = "bench"
	if err := clientcmd.WriteToFile(*k, w.Kubeconfig); err != nil {
		tb.Fatal(err)
	}
	return w
}

// Rows are n rows of which none is anybody else's.
func Rows(prefix string, n int) []access.Row {
	out := make([]access.Row, 0, n)
	for i := range n {
		out = append(out, access.Row{
			RoleARN:  access.ARN(fmt.Sprintf("arn:aws:iam::111122223333:role/AWSReservedSSO_%s%04d_0123456789abcdef", prefix, i)),
			Username: fmt.Sprintf("sso:%s%04d:{{SessionNameRaw}}", prefix, i),
			Groups:   []string{fmt.Sprintf("rolecall:platform:bench:g%04d", i)},
		})
	}
	return out
}

// File writes rows for a contestant.
func File(tb testing.TB, rows []access.Row) string {
	tb.Helper()
	text, err := json.Marshal(rows)
	if err != nil {
		tb.Fatal(err)
	}
	file := filepath.Join(tb.TempDir(), "rows.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		tb.Fatal(err)
	}
	return file
}

// Run runs a program that sees no other cluster than the one of the kubeconfig. It returns what the program said and how it ended.
func Run(ctx context.Context, w *Way, stdin []byte, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+w.Kubeconfig, "KUBERNETES_SERVICE_HOST=", "HOME="+filepath.Dir(w.Kubeconfig))
	cmd.Stdin = bytes.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s: %w: %s", filepath.Base(args[0]), err, bytes.TrimSpace(out))
	}
	return string(out), nil
}
