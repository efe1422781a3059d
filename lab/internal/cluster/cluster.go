// Package cluster runs Kubernetes control planes whose front door is that of
// EKS: a real kube-apiserver that asks the real aws-iam-authenticator, which
// reads access entries and the aws-auth ConfigMap, as the authentication mode
// has it, and asks STS who signed a token.
package cluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/rolecall-dev/rolecall/lab/internal/authorizer"
	"github.com/rolecall-dev/rolecall/lab/internal/binaries"
	"github.com/rolecall-dev/rolecall/lab/internal/organization"
	"github.com/rolecall-dev/rolecall/lab/internal/pki"
	"github.com/rolecall-dev/rolecall/lab/internal/proc"
)

// Environment is what all clusters of a laboratory share.
type Environment struct {
	Processes *proc.Group
	Binaries  binaries.Set
	// Dir receives data, certificates and logs.
	Dir string
	// Proxy is the URL of the proxy that leads to STS, ProxyCA the certificate
	// to trust behind it.
	Proxy   string
	ProxyCA []byte
	// Authorizer allows what EKS access policies allow; nil leaves a cluster
	// without them.
	Authorizer *authorizer.Authorizer
	Now        func() time.Time
}

// Spec describes one cluster.
type Spec struct {
	// ID is unique in the laboratory and safe as a file name.
	ID string
	// Name is the EKS cluster name, which tokens are signed for.
	Name string
	// Region is where the cluster pretends to be.
	Region   string
	Contents organization.Kubernetes
	// Access is who may enter at first; its zero value is an aws-auth cluster.
	Access Access
}

// Cluster is a running control plane.
type Cluster struct {
	// Endpoint is the https URL of the API server, CA the certificate (PEM) to
	// trust there.
	Endpoint string
	CA       []byte
	// Admin reaches the API server as a member of system:masters.
	Admin *rest.Config

	spec      Spec
	dir       string
	env       Environment
	authority *pki.Authority
	apiServer *proc.Process
	ports     ports

	mu            sync.Mutex // guards what follows once the cluster runs
	access        Access
	authenticator *proc.Process
	serial        int // of the file of access entries
}

// ports are those a cluster's processes listen on.
type ports struct {
	api, webhook int
}

// deadline bounds the start of one process on a busy machine.
const deadline = 2 * time.Minute

// Start brings a cluster up on a running etcd and fills it. It returns when
// tokens are judged by what the spec gives.
func Start(ctx context.Context, env Environment, etcd *Etcd, spec Spec) (*Cluster, error) {
	c, err := prepare(env, spec)
	if err != nil {
		return nil, fmt.Errorf("preparing cluster %q: %w", spec.ID, err)
	}
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	steps := []struct {
		doing string
		run   func(context.Context) error
	}{
		{"making the webhook's files", c.initAuthenticator},
		{"starting the API server", func(ctx context.Context) error { return c.startAPIServer(ctx, etcd) }},
		{"filling", c.fill},
		{"starting the authenticator", c.startAuthenticator},
	}
	for _, s := range steps {
		if err := s.run(ctx); err != nil {
			return nil, fmt.Errorf("%s of cluster %q: %w", s.doing, spec.ID, err)
		}
	}
	return c, nil
}

// Client returns a client with all rights.
func (c *Cluster) Client() (kubernetes.Interface, error) {
	client, err := kubernetes.NewForConfig(c.Admin)
	if err != nil {
		return nil, fmt.Errorf("making a client of cluster %q: %w", c.spec.ID, err)
	}
	return client, nil
}

// prepare writes the files that do not depend on a running process.
func prepare(env Environment, spec Spec) (*Cluster, error) {
	c := &Cluster{spec: spec, env: env, access: spec.Access, dir: filepath.Join(env.Dir, spec.ID)}
	if err := os.MkdirAll(c.path("authenticator"), 0o700); err != nil {
		return nil, fmt.Errorf("making the directory: %w", err)
	}
	var err error
	if c.authority, err = pki.NewAuthority("kubernetes", env.Now); err != nil {
		return nil, err
	}
	free, err := freePorts(env.Processes, 2)
	if err != nil {
		return nil, err
	}
	c.ports = ports{api: free[0], webhook: free[1]}
	c.Endpoint, c.CA = fmt.Sprintf("https://127.0.0.1:%d", c.ports.api), c.authority.PEM
	admin, err := c.authority.Client("laboratory", "system:masters")
	if err != nil {
		return nil, err
	}
	c.Admin = c.config(admin)
	c.allow()
	return c, c.writeKeys()
}

// config reaches the API server with a client certificate. The laboratory does
// not throttle itself.
func (c *Cluster) config(p pki.Pair) *rest.Config {
	return &rest.Config{
		Host:            c.Endpoint,
		TLSClientConfig: rest.TLSClientConfig{CAData: c.CA, CertData: p.Cert, KeyData: p.Key},
		QPS:             -1,
	}
}

func (c *Cluster) path(name string) string { return filepath.Join(c.dir, name) }

func (c *Cluster) write(name string, data []byte) error {
	if err := os.WriteFile(c.path(name), data, 0o600); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}
