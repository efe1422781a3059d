package kube_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/kube"
)

const (
	owner      = "platform"
	secret     = "k8s-aws-v1.c2VjcmV0"
	clusterARN = access.ClusterARN("arn:aws:eks:eu-central-1:111122223333:cluster/payments")
)

// answer is one reply of the scripted server.
type answer struct {
	status int
	body   any
	header map[string]string
}

// server plays a script: for each request it asks the function for the reply, and it remembers what it was asked.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	requests []string
	tokens   []string
}

func serve(t *testing.T, reply func(n int, r *http.Request, body string) answer) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("reading the request: %v", err)
		}
		s.requests = append(s.requests, r.Method+" "+r.URL.Path)
		s.tokens = append(s.tokens, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		a := reply(len(s.requests)-1, r, string(b))
		w.Header().Set("Content-Type", "application/json")
		for k, v := range a.header {
			w.Header().Set(k, v)
		}
		w.WriteHeader(a.status)
		if text, ok := a.body.(string); ok {
			_, _ = io.WriteString(w, text)
		} else if err := json.NewEncoder(w).Encode(a.body); err != nil {
			t.Errorf("writing the answer: %v", err)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) cluster() access.Cluster {
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	return access.Cluster{ARN: clusterARN, Endpoint: s.URL, CA: string(ca)}
}

func newClient() *kube.Client { return kube.New(options()) }

// options wait for nobody.
func options() kube.Options {
	return kube.Options{
		Token:  func(context.Context, access.Cluster) (string, time.Time, error) { return secret, time.Time{}, nil },
		Wait:   func(context.Context, time.Duration) error { return nil },
		Random: func() float64 { return 0 },
	}
}

type object = map[string]any

func status(code int, reason, message string) answer {
	return answer{status: code, body: object{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message}}
}

func awsAuth(version, mapRoles string) answer {
	return answer{status: http.StatusOK, body: object{
		"kind": "ConfigMap", "apiVersion": "v1",
		"metadata": object{"name": "aws-auth", "namespace": "kube-system", "resourceVersion": version, "labels": object{"keep": "me"}},
		"data":     object{"mapRoles": mapRoles, "other": "kept"},
	}}
}

func role(name string) access.Row {
	return access.Row{RoleARN: access.ARN("arn:aws:iam::111122223333:role/" + name), Username: "u", Groups: []string{}}
}

func adding(name string) []access.RowEdit {
	r := role(name)
	return []access.RowEdit{{After: &r}}
}

func TestAnErrorSaysWhichConditionItIs(t *testing.T) {
	tests := []struct {
		name  string
		reply answer
		want  error
		needs string
	}{
		{name: "no mapping", reply: status(401, "Unauthorized", "Unauthorized"), want: access.ErrDenied, needs: "an access entry or aws-auth row that maps the caller"},
		{name: "no right", reply: status(403, "Forbidden", "no"), want: access.ErrDenied, needs: "get configmaps in namespace kube-system"},
		{name: "a stranger's not found", reply: answer{status: 404, body: "<html>nothing here</html>", header: map[string]string{"Content-Type": "text/html"}}, want: access.ErrUnreachable},
		{name: "throttled", reply: status(429, "TooManyRequests", "later"), want: access.ErrThrottled},
		{name: "overloaded", reply: status(503, "ServiceUnavailable", "later"), want: access.ErrUnreachable},
		{name: "a gateway's timeout", reply: answer{status: 504, body: "timeout", header: map[string]string{"Content-Type": "text/plain"}}, want: access.ErrUnreachable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, func(int, *http.Request, string) answer { return tt.reply })
			_, err := newClient().AwsAuth(t.Context(), s.cluster())
			if !errors.Is(err, tt.want) {
				t.Errorf("got error %v, want %v", err, tt.want)
			}
			var call *access.CallError
			if !errors.As(err, &call) {
				t.Fatalf("got error %v, want one that names the call", err)
			}
			got := []string{call.Service, call.Operation, call.Needs}
			want := []string{"kubernetes", "get configmaps in namespace kube-system", tt.needs}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("call (-want +got):\n%s", d)
			}
		})
	}
}

func TestAClusterThatCannotBeReachedIsSaidToBe(t *testing.T) {
	s := serve(t, func(int, *http.Request, string) answer { return awsAuth("1", "") })
	stranger := s.cluster()
	stranger.CA = ""
	if _, err := newClient().AwsAuth(t.Context(), stranger); !errors.Is(err, access.ErrUnreachable) {
		t.Errorf("with another authority: got error %v, want unreachable", err)
	}
	closed := s.cluster()
	s.Close()
	if _, err := newClient().AwsAuth(t.Context(), closed); !errors.Is(err, access.ErrUnreachable) {
		t.Errorf("with nobody listening: got error %v, want unreachable", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := newClient().AwsAuth(ctx, closed)
	if !errors.Is(err, context.Canceled) || errors.Is(err, access.ErrUnreachable) {
		t.Errorf("interrupted: got error %v, want only that", err)
	}
}

func TestAMissingConfigMapIsNoError(t *testing.T) {
	s := serve(t, func(int, *http.Request, string) answer {
		return status(404, "NotFound", `configmaps "aws-auth" not found`)
	})
	got, err := newClient().AwsAuth(t.Context(), s.cluster())
	if got != nil || err != nil {
		t.Errorf("got %v and error %v, want neither", got, err)
	}
}

func TestATokenIsUsedUntilShortlyBeforeItsEnd(t *testing.T) {
	s := serve(t, func(int, *http.Request, string) answer { return awsAuth("1", "") })
	now, made := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), 0
	c := kube.New(kube.Options{
		Now: func() time.Time { return now },
		Token: func(context.Context, access.Cluster) (string, time.Time, error) {
			made++
			return fmt.Sprint("token-", made), now.Add(14 * time.Minute), nil
		},
	})
	for _, minutes := range []int{0, 12, 2, 1} {
		now = now.Add(time.Duration(minutes) * time.Minute)
		if _, err := c.AwsAuth(t.Context(), s.cluster()); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff([]string{"token-1", "token-1", "token-2", "token-2"}, s.tokens); d != "" {
		t.Errorf("tokens (-want +got):\n%s", d)
	}
}

func TestARefusedTokenIsNotUsedAgain(t *testing.T) {
	s := serve(t, func(n int, _ *http.Request, _ string) answer {
		if n == 0 {
			return status(401, "Unauthorized", "Unauthorized")
		}
		return awsAuth("1", "")
	})
	made := 0
	c := kube.New(kube.Options{
		Now: func() time.Time { return time.Time{} },
		Token: func(context.Context, access.Cluster) (string, time.Time, error) {
			made++
			return fmt.Sprint("token-", made), time.Time{}.Add(time.Hour), nil
		},
	})
	if _, err := c.AwsAuth(t.Context(), s.cluster()); !errors.Is(err, access.ErrDenied) {
		t.Errorf("got error %v, want denied", err)
	}
	if _, err := c.AwsAuth(t.Context(), s.cluster()); err != nil {
		t.Error(err)
	}
	if d := cmp.Diff([]string{"token-1", "token-2"}, s.tokens); d != "" {
		t.Errorf("tokens (-want +got):\n%s", d)
	}
}

func TestATokenThatCannotBeMadeKeepsItsCause(t *testing.T) {
	s := serve(t, func(int, *http.Request, string) answer { return awsAuth("1", "") })
	c := kube.New(kube.Options{Token: func(context.Context, access.Cluster) (string, time.Time, error) {
		return "", time.Time{}, fmt.Errorf("assuming a role: %w", access.ErrExpired)
	}})
	_, err := c.AwsAuth(t.Context(), s.cluster())
	if !errors.Is(err, access.ErrExpired) || errors.Is(err, access.ErrUnreachable) {
		t.Errorf("got error %v, want expired credentials", err)
	}
}

func TestTokensAreNeverLogged(t *testing.T) {
	var logged bytes.Buffer
	s := serve(t, func(int, *http.Request, string) answer { return status(401, "Unauthorized", "Unauthorized") })
	var calls []string
	c := kube.New(kube.Options{
		Log:   slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Token: func(context.Context, access.Cluster) (string, time.Time, error) { return secret, time.Time{}, nil },
		OnCall: func(cluster access.ClusterARN, verb, resource string, err error) {
			calls = append(calls, fmt.Sprint(cluster.Name(), " ", verb, " ", resource, " ", err != nil))
		},
	})
	_, err := c.AwsAuth(t.Context(), s.cluster())
	if err == nil || strings.Contains(err.Error()+logged.String(), secret) {
		t.Errorf("error %v or log %q has the token", err, logged.String())
	}
	if logged.Len() == 0 {
		t.Error("nothing was logged")
	}
	if d := cmp.Diff([]string{"payments get configmaps true"}, calls); d != "" {
		t.Errorf("calls (-want +got):\n%s", d)
	}
}

func TestAnotherEndpointMustHaveTheClustersCertificate(t *testing.T) {
	s := serve(t, func(int, *http.Request, string) answer { return awsAuth("1", "") })
	cluster := s.cluster()
	// The test server's certificate is for example.com and 127.0.0.1.
	cluster.Endpoint = "https://example.com:1"
	override := kube.Options{
		Token:     func(context.Context, access.Cluster) (string, time.Time, error) { return secret, time.Time{}, nil },
		Overrides: map[access.ClusterARN]kube.Override{clusterARN: {Endpoint: s.URL}},
	}
	if _, err := kube.New(override).AwsAuth(t.Context(), cluster); err != nil {
		t.Errorf("through a tunnel: %v", err)
	}
	cluster.Endpoint = "https://other.example.org"
	if _, err := kube.New(override).AwsAuth(t.Context(), cluster); !errors.Is(err, access.ErrUnreachable) {
		t.Errorf("through a tunnel to something else: got error %v, want unreachable", err)
	}
}

func TestListsArePagedAndStartAgainWhenTheirPlaceIsForgotten(t *testing.T) {
	namespaces := func(next string, names ...string) answer {
		items := []object{}
		for _, n := range names {
			items = append(items, object{"metadata": object{"name": n, "managedFields": []object{{"manager": "x"}}}})
		}
		return answer{status: http.StatusOK, body: object{"kind": "NamespaceList", "apiVersion": "v1", "metadata": object{"continue": next}, "items": items}}
	}
	var queries []string
	s := serve(t, func(_ int, r *http.Request, _ string) answer {
		if r.URL.Path != "/api/v1/namespaces" {
			return answer{status: http.StatusOK, body: object{"metadata": object{}, "items": []object{}}}
		}
		q := r.URL.Query()
		queries = append(queries, q.Get("limit")+"/"+q.Get("continue"))
		switch q.Get("continue") {
		case "two":
			return status(410, "Expired", "the continue token is too old")
		case "":
			if q.Get("limit") == "" {
				return namespaces("", "b", "c", "a")
			}
			return namespaces("two", "b")
		}
		return status(500, "InternalError", "unexpected place")
	})
	got, err := newClient().RBAC(t.Context(), s.cluster())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"a", "b", "c"}, got.Namespaces); d != "" {
		t.Errorf("namespaces (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"500/", "500/two", "/"}, queries); d != "" {
		t.Errorf("queries (-want +got):\n%s", d)
	}
}

func TestAKubeconfigContextThatIsNotThereIsNamed(t *testing.T) {
	c := kube.New(kube.Options{Overrides: map[access.ClusterARN]kube.Override{clusterARN: {Context: "bastion", Kubeconfig: t.TempDir() + "/config"}}})
	_, err := c.AwsAuth(t.Context(), access.Cluster{ARN: clusterARN})
	if err == nil || !strings.Contains(err.Error(), `"bastion"`) {
		t.Errorf("got error %v, want one that names the context", err)
	}
}

func TestOneTokenServesManyRequestsAtATime(t *testing.T) {
	s := serve(t, func(int, *http.Request, string) answer { return awsAuth("1", "") })
	now, made := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), 0
	c := kube.New(kube.Options{
		Now: func() time.Time { return now },
		Token: func(context.Context, access.Cluster) (string, time.Time, error) {
			made++
			return secret, now.Add(14 * time.Minute), nil
		},
	})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := c.AwsAuth(t.Context(), s.cluster()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if made != 1 || len(s.requests) != 20 {
		t.Errorf("got %d tokens for %d requests, want 1 for 20", made, len(s.requests))
	}
}
