package kube

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	authenticationv1 "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorizationv1 "k8s.io/client-go/kubernetes/typed/authorization/v1"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	rbacv1 "k8s.io/client-go/kubernetes/typed/rbac/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/flowcontrol"

	"github.com/rolecall-dev/rolecall/internal/access"
)

const (
	userAgent      = "rolecall"
	connectTimeout = 10 * time.Second
	requestTimeout = 30 * time.Second
	// A run makes a few hundred requests to a cluster at most; client-go's default of 5 a second would take minutes.
	requestsPerSecond = 50
	requestBurst      = 100
	// tokenMargin is how long before its end a token is replaced.
	tokenMargin = time.Minute
)

// apiKey tells clusters apart, and a cluster from its successor of the same name.
type apiKey struct {
	arn          access.ClusterARN
	endpoint, ca string
}

// api is a cluster's API groups over one connection pool.
type api struct {
	client         *Client
	cluster        access.ClusterARN
	core           corev1.CoreV1Interface
	rbac           rbacv1.RbacV1Interface
	authentication authenticationv1.AuthenticationV1Interface
	authorization  authorizationv1.AuthorizationV1Interface
}

// api returns the cluster's client, made on first use.
func (c *Client) api(cluster access.Cluster) (*api, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := apiKey{cluster.ARN, cluster.Endpoint, cluster.CA}
	if a, ok := c.apis[key]; ok {
		return a, nil
	}
	cfg, err := c.config(cluster)
	if err != nil {
		return nil, fmt.Errorf("connecting to cluster %q: %w", cluster.ARN, err)
	}
	a, err := newAPI(cfg)
	if err != nil {
		return nil, fmt.Errorf("connecting to cluster %q: %w", cluster.ARN, err)
	}
	a.client, a.cluster = c, cluster.ARN
	c.apis[key] = a
	return a, nil
}

func newAPI(cfg *rest.Config) (*api, error) {
	hc, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("making the HTTP client: %w", err)
	}
	core, err := corev1.NewForConfigAndClient(cfg, hc)
	if err != nil {
		return nil, fmt.Errorf("making the core client: %w", err)
	}
	rbac, err := rbacv1.NewForConfigAndClient(cfg, hc)
	if err != nil {
		return nil, fmt.Errorf("making the RBAC client: %w", err)
	}
	authorization, err := authorizationv1.NewForConfigAndClient(cfg, hc)
	if err != nil {
		return nil, fmt.Errorf("making the authorization client: %w", err)
	}
	authentication, err := authenticationv1.NewForConfigAndClient(cfg, hc)
	if err != nil {
		return nil, fmt.Errorf("making the authentication client: %w", err)
	}
	return &api{core: core, rbac: rbac, authentication: authentication, authorization: authorization}, nil
}

// config says how the cluster is reached.
func (c *Client) config(cluster access.Cluster) (*rest.Config, error) {
	o := c.options.Overrides[cluster.ARN]
	cfg, err := c.credentials(cluster, o)
	if err != nil {
		return nil, err
	}
	if o.ProxyURL != "" {
		u, err := url.Parse(o.ProxyURL)
		if err != nil || u.Host == "" {
			return nil, fmt.Errorf("proxy %q is not a URL", o.ProxyURL)
		}
		cfg.Proxy = http.ProxyURL(u)
	}
	cfg.UserAgent = userAgent
	cfg.Timeout = requestTimeout
	cfg.Dial = (&net.Dialer{Timeout: connectTimeout, KeepAlive: requestTimeout}).DialContext
	cfg.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	cfg.RateLimiter = flowcontrol.NewTokenBucketRateLimiter(requestsPerSecond, requestBurst)
	cfg.WarningHandler = rest.NoWarnings{}
	return cfg, nil
}

// credentials are the cluster's address and what proves who we are: a kubeconfig context, or the endpoint and a signed token.
func (c *Client) credentials(cluster access.Cluster, o Override) (*rest.Config, error) {
	if o.Context != "" || o.Kubeconfig != "" {
		rules := clientcmd.NewDefaultClientConfigLoadingRules()
		rules.ExplicitPath = o.Kubeconfig
		overrides := &clientcmd.ConfigOverrides{CurrentContext: o.Context}
		cfg, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides).ClientConfig()
		if err != nil {
			return nil, fmt.Errorf("reading kubeconfig context %q: %w", o.Context, err)
		}
		return cfg, nil
	}
	cfg := &rest.Config{Host: cluster.Endpoint, TLSClientConfig: rest.TLSClientConfig{CAData: []byte(cluster.CA)}}
	if o.Endpoint != "" {
		cfg.Host = o.Endpoint
		if u, err := url.Parse(cluster.Endpoint); err == nil {
			cfg.ServerName = u.Hostname()
		}
	}
	if cfg.Host == "" {
		return nil, errors.New("it has no endpoint")
	}
	source := &tokenSource{options: c.options, cluster: cluster}
	cfg.Wrap(func(base http.RoundTripper) http.RoundTripper { return &bearer{base: base, source: source} })
	return cfg, nil
}

// tokenSource keeps a cluster's token until shortly before it ends.
type tokenSource struct {
	options Options
	cluster access.Cluster
	mu      sync.Mutex
	token   string
	expires time.Time
}

func (s *tokenSource) get(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token != "" && s.options.Now != nil && s.options.Now().Add(tokenMargin).Before(s.expires) {
		return s.token, nil
	}
	token, expires, err := s.options.Token(ctx, s.cluster)
	if err != nil {
		return "", &tokenError{err}
	}
	s.token, s.expires = token, expires
	return token, nil
}

// drop forgets a token that was refused, so that the next request brings a new one.
func (s *tokenSource) drop(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token == token {
		s.token = ""
	}
}

// tokenError tells a token that could not be made from a server that could not be reached.
type tokenError struct{ cause error }

func (e *tokenError) Error() string { return "making a token: " + e.cause.Error() }
func (e *tokenError) Unwrap() error { return e.cause }

// bearer puts the token on every request.
type bearer struct {
	base   http.RoundTripper
	source *tokenSource
}

// RoundTrip implements http.RoundTripper.
func (b *bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	token, err := b.source.get(r.Context())
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := b.base.RoundTrip(r)
	if err == nil && resp.StatusCode == http.StatusUnauthorized {
		b.source.drop(token)
	}
	return resp, err //nolint:wrapcheck // a transport hands its peer's error on unchanged
}
