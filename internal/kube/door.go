package kube

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// doorTimeout bounds one request of a Door: a private endpoint swallows packets, and a person waits for the answer.
const doorTimeout = 10 * time.Second

// Door is a context of a person's own kubeconfig, to be knocked at with the credential that it names. It is for one goroutine.
type Door struct {
	context string
	config  *rest.Config
	plugin  *clientcmdapi.ExecConfig
	now     func() time.Time

	heard heard
	api   *api
}

// OpenDoor prepares a context; nothing is run and nothing is dialled. now is the own clock.
func OpenDoor(file, name string, now func() time.Time) (*Door, error) {
	cfg, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(loadingRules(file), &clientcmd.ConfigOverrides{CurrentContext: name}).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("reading kubeconfig context %q: %w", name, err)
	}
	d := &Door{context: name, config: cfg, now: now}
	if cfg.BearerToken == "" && cfg.BearerTokenFile == "" && cfg.CertFile == "" && len(cfg.CertData) == 0 {
		d.plugin = cfg.ExecProvider
	}
	cfg.ExecProvider = nil
	cfg.Timeout, cfg.UserAgent, cfg.WarningHandler = doorTimeout, userAgent, rest.NoWarnings{}
	cfg.ContentType, cfg.AcceptContentTypes = "application/json", "application/json"
	cfg.Wrap(func(base http.RoundTripper) http.RoundTripper { return &listening{base: base, door: d} })
	return d, nil
}

// PluginError is a credential plugin that did not give a credential.
type PluginError struct {
	// Said is what it wrote on stderr, or what is wrong with its answer.
	Said  string
	cause error
}

// Error implements error.
func (e *PluginError) Error() string {
	if e.Said == "" {
		return "the credential plugin: " + e.cause.Error()
	}
	return fmt.Sprintf("the credential plugin: %v: %s", e.cause, e.Said)
}

// Unwrap gives what ended it.
func (e *PluginError) Unwrap() error { return e.cause }

// Authenticate gets the credential as kubectl would, and uses it from then on. It returns the bearer token, which is a
// secret; "" where the context proves who somebody is by other means. Errors of the plugin wrap a *PluginError.
func (d *Door) Authenticate(ctx context.Context) (string, error) {
	if d.plugin == nil {
		return d.config.BearerToken, nil
	}
	cred, err := d.run(ctx)
	if err != nil {
		return "", fmt.Errorf("getting the credential of context %q: %w", d.context, err)
	}
	d.config.BearerToken = cred.Status.Token
	if cred.Status.Certificate != "" {
		d.config.CertData, d.config.KeyData = []byte(cred.Status.Certificate), []byte(cred.Status.Key)
	}
	return cred.Status.Token, nil
}

// credential is what a plugin writes, in the versions v1 and v1beta1.
type credential struct {
	Status struct {
		Token       string `json:"token"`
		Certificate string `json:"clientCertificateData"`
		Key         string `json:"clientKeyData"`
	} `json:"status"`
}

func (d *Door) run(ctx context.Context) (credential, error) {
	var out credential
	info, err := json.Marshal(map[string]any{"apiVersion": d.plugin.APIVersion, "kind": "ExecCredential", "spec": map[string]any{"interactive": false}})
	if err != nil {
		return out, fmt.Errorf("encoding the question: %w", err)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, d.plugin.Command, d.plugin.Args...) //nolint:gosec // it is what kubectl runs for the same person
	cmd.Env = os.Environ()
	for _, v := range d.plugin.Env {
		cmd.Env = append(cmd.Env, v.Name+"="+v.Value)
	}
	cmd.Env = append(cmd.Env, "KUBERNETES_EXEC_INFO="+string(info))
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &stdout, &stderr, time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("it did not end in time: %w", ctx.Err())
		}
		return out, &PluginError{Said: lastWords(stderr.String()), cause: err}
	}
	if err := json.Unmarshal(stdout.Bytes(), &out); err != nil {
		return out, &PluginError{Said: "what it wrote is no ExecCredential", cause: err}
	}
	if out.Status.Token == "" && out.Status.Certificate == "" {
		return out, &PluginError{Said: "its answer holds neither a token nor a certificate", cause: errors.New("empty answer")}
	}
	return out, nil
}

// lastWords are the end of what a program said; tracebacks are long and end with what matters.
func lastWords(s string) string {
	const most = 600
	s = strings.TrimSpace(s)
	if len(s) > most {
		s = "…" + strings.ToValidUTF8(s[len(s)-most:], "")
	}
	return s
}

// heard is the last reply.
type heard struct {
	mu         sync.Mutex
	status     int
	date, when time.Time
}

// listening notes the clock of whoever replies.
type listening struct {
	base http.RoundTripper
	door *Door
}

// RoundTrip implements http.RoundTripper.
func (l *listening) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.base.RoundTrip(r)
	if err != nil {
		return nil, err //nolint:wrapcheck // a transport hands its peer's error on unchanged
	}
	h := &l.door.heard
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status, h.when = resp.StatusCode, l.door.now()
	h.date, _ = http.ParseTime(resp.Header.Get("Date"))
	return resp, nil
}

// Knock asks the API server who it takes the caller for (SelfSubjectReview). Whatever comes of it is the answer.
func (d *Door) Knock(ctx context.Context) access.Answer {
	a, err := d.open()
	if err != nil {
		return access.Answer{Kind: access.AnswerBroken, Message: err.Error()}
	}
	review, err := a.authentication.SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	h := &d.heard
	h.mu.Lock()
	out := access.Answer{Status: h.status, Date: h.date, Heard: h.when}
	h.mu.Unlock()
	if err == nil {
		self := selfOf(review.Status.UserInfo)
		out.Kind, out.Self = access.AnswerIn, &self
		return out
	}
	out.Kind, out.Message = answerKind(err), err.Error()
	if out.Kind == access.AnswerBroken && out.Status == http.StatusOK {
		// No API server answers so with what cannot be read.
		out.Kind = access.AnswerStray
	}
	return out
}

// open makes the clients once the credential is there.
func (d *Door) open() (*api, error) {
	if d.api != nil {
		return d.api, nil
	}
	a, err := newAPI(d.config)
	if err != nil {
		return nil, fmt.Errorf("connecting to context %q: %w", d.context, err)
	}
	a.client, a.cluster = &Client{options: Options{Log: slog.New(slog.DiscardHandler)}}, access.ClusterARN(d.context)
	d.api = a
	return a, nil
}

// answerKind sorts the failures of a request.
func answerKind(err error) access.AnswerKind {
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		return statusKind(status.Status())
	}
	var (
		dns     *net.DNSError
		unknown x509.UnknownAuthorityError
		host    x509.HostnameError
		invalid x509.CertificateInvalidError
		verify  *tls.CertificateVerificationError
		op      *net.OpError
		timeout net.Error
	)
	switch {
	case errors.As(err, &unknown), errors.As(err, &host), errors.As(err, &invalid), errors.As(err, &verify):
		return access.AnswerUntrusted
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return access.AnswerProxy
	case errors.As(err, &dns):
		return access.AnswerUnresolved
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return access.AnswerTimeout
	case errors.As(err, &op) && op.Op == "dial":
		return access.AnswerRefused
	}
	// What a proxy answers to CONNECT comes as bare text.
	if text := err.Error(); strings.Contains(text, "Proxy Authentication Required") || strings.Contains(text, "proxyconnect") {
		return access.AnswerProxy
	}
	return access.AnswerBroken
}

func statusKind(s metav1.Status) access.AnswerKind {
	switch {
	case s.Code == http.StatusProxyAuthRequired:
		return access.AnswerProxy
	case s.Code == http.StatusUnauthorized:
		return access.AnswerUnauthorized
	case s.Code == http.StatusForbidden && !strayAnswer(s):
		// It knows the caller, who may not even ask this.
		return access.AnswerIn
	case s.Code == http.StatusTooManyRequests || s.Code >= http.StatusInternalServerError:
		return access.AnswerFailing
	case strayAnswer(s):
		return access.AnswerStray
	}
	return access.AnswerBroken
}

// May asks whether the caller may do something (SelfSubjectAccessReview), and for the authorizer's reason.
func (d *Door) May(ctx context.Context, r access.Request) (allowed bool, reason string, err error) {
	a, err := d.open()
	if err != nil {
		return false, "", err
	}
	q := question(access.Identity{}, r)
	review, err := a.authorization.SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: q.Spec.ResourceAttributes, NonResourceAttributes: q.Spec.NonResourceAttributes},
	}, metav1.CreateOptions{})
	if err := a.did(ctx, target{verb: "create", resource: "selfsubjectaccessreviews." + authorizationv1.GroupName}, err); err != nil {
		return false, "", fmt.Errorf("asking what the caller may do: %w", err)
	}
	reason = review.Status.Reason
	if reason == "" {
		reason = review.Status.EvaluationError
	}
	return review.Status.Allowed, reason, nil
}

// Rules counts the caller's rules in a namespace (SelfSubjectRulesReview), those left out that every authenticated user
// has. They are not all where an authorizer beside RBAC does not list its own: then complete is false.
func (d *Door) Rules(ctx context.Context, namespace string) (n int, complete bool, err error) {
	a, err := d.open()
	if err != nil {
		return 0, false, err
	}
	review, err := a.authorization.SelfSubjectRulesReviews().Create(ctx, &authorizationv1.SelfSubjectRulesReview{
		Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: namespace},
	}, metav1.CreateOptions{})
	if err := a.did(ctx, target{verb: "create", resource: "selfsubjectrulesreviews." + authorizationv1.GroupName}, err); err != nil {
		return 0, false, fmt.Errorf("asking for the caller's rules: %w", err)
	}
	for _, r := range review.Status.ResourceRules {
		if len(r.APIGroups) != 1 || r.APIGroups[0] != authorizationv1.GroupName && r.APIGroups[0] != authenticationv1.GroupName {
			n++
		}
	}
	return n, !review.Status.Incomplete, nil
}

// AwsAuth reads kube-system/aws-auth as the caller, nil when it does not exist.
func (d *Door) AwsAuth(ctx context.Context) (*access.ConfigMap, error) {
	a, err := d.open()
	if err != nil {
		return nil, err
	}
	return a.foundAwsAuth(ctx)
}
