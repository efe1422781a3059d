package kube_test

import (
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/kube"
)

// kubeconfig writes a file with one context, "c", whose user is given.
func kubeconfig(t *testing.T, address, ca, user string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config")
	cluster := "server: " + address
	if ca != "" {
		pem := filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(pem, []byte(ca), 0o600); err != nil {
			t.Fatal(err)
		}
		cluster += ", certificate-authority: " + pem
	}
	text := "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: k, cluster: {" + cluster + "}}]\n" +
		"users: [{name: u, user: " + user + "}]\ncontexts: [{name: c, context: {cluster: k, user: u, namespace: shop}}, {name: gone, context: {cluster: k, user: nobody}}]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func plugin(shell string) string {
	return "{exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: sh, args: [-c, '" + shell + "'], env: [{name: WHO, value: dana}]}}"
}

// knock opens the context and asks with its credential.
func knock(t *testing.T, file string) (*kube.Door, access.Answer) {
	t.Helper()
	d, err := kube.OpenDoor(file, "c", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Authenticate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d, d.Knock(t.Context())
}

func TestAKubeconfigIsReadWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	file := kubeconfig(t, "https://api.example", "CA", `{token: sesame}`)
	got, err := kube.ReadKubeconfig(file)
	if err != nil {
		t.Fatal(err)
	}
	want := access.Kubeconfig{Files: []string{file}, Current: "c", Contexts: []access.KubeContext{
		{Name: "c", Cluster: "k", User: "u", Namespace: "shop", Server: "https://api.example", CA: "CA", Means: access.MeansToken},
		{Name: "gone", Cluster: "k", User: "nobody", Server: "https://api.example", CA: "CA", Means: access.MeansNone},
	}}
	if !strings.Contains(got.Contexts[1].Broken, "nobody") {
		t.Errorf("the context without a user is broken since %q", got.Contexts[1].Broken)
	}
	got.Contexts[1].Broken = ""
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("kubeconfig (-want +got):\n%s", d)
	}
	if _, err := kube.ReadKubeconfig(filepath.Join(t.TempDir(), "none")); !errors.Is(err, access.ErrNotFound) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestThePluginIsRunAsKubectlRunsIt(t *testing.T) {
	t.Parallel()
	s := serve(t, func(int, *http.Request, string) answer {
		return answer{status: 201, body: object{
			"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1",
			"status": object{"userInfo": object{"username": "sso:Dev:dana", "groups": []string{"system:authenticated", "dev"}}},
		}}
	})
	shell := `test -n "$KUBERNETES_EXEC_INFO" && printf "{\"status\":{\"token\":\"of-%s\"}}" "$WHO"`
	_, got := knock(t, kubeconfig(t, s.URL, s.cluster().CA, plugin(shell)))
	if got.Kind != access.AnswerIn || got.Date.IsZero() || got.Heard.IsZero() {
		t.Fatalf("answer %+v", got)
	}
	if d := cmp.Diff(&access.Self{Username: "sso:Dev:dana", Groups: []string{"dev", "system:authenticated"}}, got.Self); d != "" {
		t.Errorf("self (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"of-dana"}, s.tokens); d != "" {
		t.Errorf("tokens (-want +got):\n%s", d)
	}
}

func TestAPluginThatFailsIsQuoted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ shell, want string }{
		"an exit code":     {`echo "Token has expired" >&2; exit 255`, "exit status 255: Token has expired"},
		"no credential":    {`echo "{}"`, "neither a token nor a certificate"},
		"no JSON":          {`echo hello`, "no ExecCredential"},
		"a long complaint": {`i=0; while [ $i -lt 999 ]; do echo "line $i" >&2; i=$((i+1)); done; exit 1`, "line 998"},
	} {
		d, err := kube.OpenDoor(kubeconfig(t, "https://api.example", "", plugin(c.shell)), "c", time.Now)
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.Authenticate(t.Context())
		var failed *kube.PluginError
		if !errors.As(err, &failed) || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 1000 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnswersAreSorted(t *testing.T) {
	t.Parallel()
	status := func(code int, message string) answer {
		return answer{status: code, body: object{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": message}}
	}
	for name, c := range map[string]struct {
		reply answer
		want  access.AnswerKind
	}{
		"401":            {status(401, "Unauthorized"), access.AnswerUnauthorized},
		"403 of a user":  {status(403, `selfsubjectreviews.authentication.k8s.io is forbidden: User "x" cannot create`), access.AnswerIn},
		"500":            {status(500, "etcd"), access.AnswerFailing},
		"503":            {answer{status: 503, body: "upstream"}, access.AnswerFailing},
		"a page":         {answer{status: 404, body: "<html>", header: map[string]string{"Content-Type": "text/html"}}, access.AnswerStray},
		"proxy":          {answer{status: 407, body: "sign in"}, access.AnswerProxy},
		"a page with OK": {answer{status: 200, body: "<html>", header: map[string]string{"Content-Type": "text/html"}}, access.AnswerStray},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(int, *http.Request, string) answer { return c.reply })
			_, got := knock(t, kubeconfig(t, s.URL, s.cluster().CA, "{token: sesame}"))
			if got.Kind != c.want || got.Status != c.reply.status {
				t.Errorf("answer %+v, want %s", got, c.want)
			}
		})
	}
}

func TestAServerThatDoesNotAnswerIsSorted(t *testing.T) {
	t.Parallel()
	s := serve(t, func(int, *http.Request, string) answer { return answer{status: 500} })
	strange := serve(t, func(int, *http.Request, string) answer { return answer{status: 500} })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "https://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		address, ca string
		want        access.AnswerKind
	}{
		"refused":          {closed, "", access.AnswerRefused},
		"no such name":     {"https://api.invalid", "", access.AnswerUnresolved},
		"not its name":     {strings.Replace(s.URL, "127.0.0.1", "localhost", 1), s.cluster().CA, access.AnswerUntrusted},
		"not the system's": {strange.URL, "", access.AnswerUntrusted},
	} {
		if _, got := knock(t, kubeconfig(t, c.address, c.ca, "{token: sesame}")); got.Kind != c.want || got.Message == "" {
			t.Errorf("%s: answer %+v, want %s", name, got, c.want)
		}
	}
}

func TestRightsAreAskedForOneself(t *testing.T) {
	t.Parallel()
	asked := ""
	s := serve(t, func(_ int, r *http.Request, body string) answer {
		switch {
		case strings.HasSuffix(r.URL.Path, "selfsubjectaccessreviews"):
			asked = body
			return answer{status: 201, body: object{"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "status": object{"allowed": false, "reason": "because"}}}
		case strings.HasSuffix(r.URL.Path, "selfsubjectrulesreviews"):
			return answer{status: 201, body: object{"kind": "SelfSubjectRulesReview", "apiVersion": "authorization.k8s.io/v1", "status": object{
				"incomplete": true, "nonResourceRules": []object{},
				"resourceRules": []object{
					{"verbs": []string{"create"}, "apiGroups": []string{"authorization.k8s.io"}, "resources": []string{"selfsubjectaccessreviews"}},
					{"verbs": []string{"create"}, "apiGroups": []string{"authentication.k8s.io"}, "resources": []string{"selfsubjectreviews"}},
					{"verbs": []string{"get"}, "apiGroups": []string{""}, "resources": []string{"pods"}},
				},
			}}}
		}
		return answer{status: 404, body: object{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404, "reason": "NotFound", "message": "configmaps \"aws-auth\" not found"}}
	})
	d, err := kube.OpenDoor(kubeconfig(t, s.URL, s.cluster().CA, "{token: sesame}"), "c", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	allowed, reason, err := d.May(t.Context(), access.Request{Verb: "get", Resource: "pods", Namespace: "shop"})
	if err != nil || allowed || reason != "because" || !strings.Contains(asked, `"namespace":"shop"`) || strings.Contains(asked, `"user"`) {
		t.Errorf("may: %v, %q, %v; asked %s", allowed, reason, err, asked)
	}
	if n, complete, err := d.Rules(t.Context(), "shop"); n != 1 || complete || err != nil {
		t.Errorf("rules: %d, %v, %v", n, complete, err)
	}
	if cm, err := d.AwsAuth(t.Context()); cm != nil || err != nil {
		t.Errorf("aws-auth: %v, %v", cm, err)
	}
}
