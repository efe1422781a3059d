// Package labtest runs a laboratory for tests and lets them act in it as the
// people concerned.
//
// Starting one takes seconds, so a test starts it once and runs its scenarios
// as subtests. Scenarios stay apart by using groups, permission sets, accounts
// and namespaces of their own.
package labtest

import (
	"context"
	"os"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/rolecall-dev/rolecall/internal/awssim"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/rolecall-dev/rolecall/lab/internal/binaries"
	"github.com/rolecall-dev/rolecall/lab/internal/laboratory"
	"github.com/rolecall-dev/rolecall/lab/internal/organization"
)

// Session names a person, an account (name or id) and a permission set.
type Session = laboratory.Session

// Credentials are AWS credentials.
type Credentials = laboratory.Credentials

// Request is one request to an API server; see Lab.Do.
type Request = laboratory.Request

// Cluster is an EKS cluster of the laboratory.
type Cluster = laboratory.Cluster

// Options say what to run; Organization is required.
type Options struct {
	// Organization is the path of the organization's file.
	Organization string
	// AssignmentDelay is how long assignments stay in progress.
	AssignmentDelay time.Duration
	// UpdateDelay is how long updates of clusters stay in progress.
	UpdateDelay time.Duration
	// Lag is how far EKS is behind what was written.
	Lag awssim.Lag
	// OnCall is told of every AWS call; it may be nil.
	OnCall func(awssim.Call)
}

// Lab is a running laboratory.
type Lab struct {
	*laboratory.Laboratory

	organization *organization.Organization
}

// Start runs a laboratory until the test ends. The control plane's programs
// are built when they are not there yet, which takes minutes once.
func Start(tb testing.TB, o Options) *Lab {
	tb.Helper()
	org, err := organization.Read(o.Organization)
	if err != nil {
		tb.Fatal(err)
	}
	l, err := laboratory.Start(tb.Context(), laboratory.Options{
		Organization: org, Binaries: Binaries(tb), Dir: tb.TempDir(),
		AssignmentDelay: o.AssignmentDelay, UpdateDelay: o.UpdateDelay, Lag: o.Lag, Now: time.Now, OnCall: o.OnCall,
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := l.Close(); err != nil {
			tb.Errorf("closing the laboratory: %v", err)
		}
	})
	return &Lab{Laboratory: l, organization: org}
}

// Binaries finds or builds the programs of a control plane.
func Binaries(tb testing.TB) binaries.Set {
	tb.Helper()
	cache, err := binaries.DefaultCache()
	if err != nil {
		tb.Fatal(err)
	}
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	set, err := binaries.Find(tb.Context(), binaries.Options{
		Assets: os.Getenv("KUBEBUILDER_ASSETS"), Cache: cache, Module: binaries.FindModule(dir),
		Progress: os.Stderr, Now: time.Now,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return set
}

// Member returns a cluster by its context, such as "prod-payments/payments-eu".
func (l *Lab) Member(tb testing.TB, context string) *Cluster {
	tb.Helper()
	c, err := l.Cluster(context)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// Caller returns the credentials of the organization's rolecall caller.
func (l *Lab) Caller(tb testing.TB) Credentials {
	tb.Helper()
	return l.key(tb, l.organization.Caller)
}

// IAMUser returns the credentials of an IAM user by account name and name.
func (l *Lab) IAMUser(tb testing.TB, account, name string) Credentials {
	tb.Helper()
	return l.key(tb, organization.IAMUser{Account: account, Name: name})
}

// Administrator returns an SDK configuration that may do everything in the
// management account.
func (l *Lab) Administrator(tb testing.TB) awssdk.Config {
	tb.Helper()
	return l.Config(l.key(tb, l.organization.Administrator))
}

func (l *Lab) key(tb testing.TB, user organization.IAMUser) Credentials {
	tb.Helper()
	c, err := l.Key(user)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// Directory changes people and groups with the administrator's rights.
func (l *Lab) Directory(tb testing.TB) *laboratory.Directory {
	tb.Helper()
	d, err := laboratory.OpenDirectory(tb.Context(), l.Administrator(tb))
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// MustSignIn signs a person in whom Identity Center is expected to let in.
func (l *Lab) MustSignIn(tb testing.TB, s Session) Credentials {
	tb.Helper()
	c, err := l.SignIn(s)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// Environment returns the variables with which rolecall, the SDK and the CLI
// reach the laboratory as the holder of credentials, as "name=value".
func (l *Lab) Environment(c Credentials) []string {
	var out []string
	for _, v := range laboratory.Environment(l.Endpoint, l.Region, c) {
		out = append(out, v.Name+"="+v.Value)
	}
	return out
}

// As returns a configuration that reaches a cluster with a fresh token signed
// by the credentials.
func (l *Lab) As(tb testing.TB, c *Cluster, creds Credentials) *rest.Config {
	tb.Helper()
	token, err := c.Token(tb.Context(), creds)
	if err != nil {
		tb.Fatal(err)
	}
	return c.As(token)
}

// Do makes one request to a cluster's API server with a fresh token signed by
// the credentials. It returns the API server's refusal, if it refuses.
func (l *Lab) Do(tb testing.TB, c *Cluster, creds Credentials, r Request) error {
	tb.Helper()
	return r.Do(tb.Context(), l.As(tb, c, creds))
}

// Admin returns a client of a cluster with all rights.
func (l *Lab) Admin(tb testing.TB, c *Cluster) kubernetes.Interface {
	tb.Helper()
	k, err := c.Client()
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// AWSAuth returns the texts of a cluster's aws-auth ConfigMap.
func (l *Lab) AWSAuth(ctx context.Context, tb testing.TB, c *Cluster) map[string]string {
	tb.Helper()
	cm, err := c.AWSAuth(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	return cm.Data
}
