// Package laboratory runs an AWS organization on one machine: the AWS
// simulator in front of real API servers whose tokens are checked by the real
// aws-iam-authenticator. The simulator's STS is the one the authenticator asks.
package laboratory

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"time"

	"github.com/rolecall-dev/rolecall/internal/awssim"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/rolecall-dev/rolecall/lab/internal/authorizer"
	"github.com/rolecall-dev/rolecall/lab/internal/binaries"
	"github.com/rolecall-dev/rolecall/lab/internal/cluster"
	"github.com/rolecall-dev/rolecall/lab/internal/organization"
	"github.com/rolecall-dev/rolecall/lab/internal/proc"
	"github.com/rolecall-dev/rolecall/lab/internal/stsproxy"
)

// Options say what to run.
type Options struct {
	Organization *organization.Organization
	Binaries     binaries.Set
	// Dir receives data, certificates and logs; the caller removes it after
	// Close.
	Dir string
	// Listen is the address of the AWS simulator, by default a free port of
	// the loopback interface.
	Listen string
	// AssignmentDelay is how long an account assignment stays in progress.
	AssignmentDelay time.Duration
	// UpdateDelay is how long an update of a cluster stays in progress.
	UpdateDelay time.Duration
	// Lag is how far EKS is behind what was written.
	Lag awssim.Lag
	Now func() time.Time
	// Log gets a line per AWS call; nil logs nothing.
	Log *slog.Logger
	// OnCall is told of every AWS call; it may be nil.
	OnCall func(awssim.Call)
}

// Laboratory is running.
type Laboratory struct {
	// Endpoint is the URL of every simulated AWS service.
	Endpoint string
	// Region is where Identity Center lives.
	Region string
	// AWS is the simulator.
	AWS *awssim.Server
	// Clusters are in the order of the organization's file.
	Clusters []*Cluster

	options   Options
	state     *state.State
	processes *proc.Group
	proxy     *stsproxy.Proxy
	policies  *authorizer.Authorizer
	server    *http.Server
	health    net.Listener // held so that no authenticator opens it to the network
	doors     *doors
}

// Cluster is an EKS cluster of the laboratory.
type Cluster struct {
	*cluster.Cluster

	// Context is the cluster's short name: account/name, or
	// account/region/name where that is not unique.
	Context string
	// Account is the account's name, AccountID its id.
	Account, AccountID string
	Region, Name       string
}

// ErrUnsupported says that the laboratory does not run on this system.
var ErrUnsupported = errors.New("the laboratory runs on Linux only: the authenticator is led to the simulator by means other systems lack")

// healthPort is where every authenticator wants to tell its health, on all
// interfaces; when the port is taken it goes on without.
const healthPort = "127.0.0.1:21363"

// Start brings everything up. On error nothing is left running.
func Start(ctx context.Context, o Options) (*Laboratory, error) {
	if runtime.GOOS != "linux" {
		return nil, ErrUnsupported
	}
	st, err := awssim.Load(bytes.NewReader(o.Organization.State), o.Now)
	if err != nil {
		return nil, fmt.Errorf("starting the laboratory: %w", err)
	}
	l := &Laboratory{
		Region: o.Organization.Region, options: o, state: st, processes: proc.NewGroup(), doors: newDoors(),
	}
	l.AWS = awssim.New(awssim.Options{
		State: st, AssignmentDelay: o.AssignmentDelay, UpdateDelay: o.UpdateDelay, Lag: o.Lag,
		Log: o.Log, OnCall: o.OnCall, OnAccess: l.doors.admit,
	})
	if err := l.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the laboratory: %w", err), l.Close())
	}
	return l, nil
}

func (l *Laboratory) start(ctx context.Context) error {
	if err := l.serveAWS(); err != nil {
		return err
	}
	proxy, err := stsproxy.Start(l.AWS, l.options.Now)
	if err != nil {
		return err
	}
	l.proxy = proxy
	if l.policies, err = authorizer.Start(); err != nil {
		return err
	}
	// Somebody else may hold it, another laboratory for one; that serves too.
	l.health, _ = net.Listen("tcp", healthPort) //nolint:noctx // returns at once
	if err := l.startClusters(ctx); err != nil {
		return err
	}
	go l.doors.keep(l.AWS)
	return nil
}

func (l *Laboratory) serveAWS() error {
	address := l.options.Listen
	if address == "" {
		address = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", address) //nolint:noctx // returns at once
	if err != nil {
		return fmt.Errorf("opening the AWS simulator: %w", err)
	}
	l.Endpoint = "http://" + listener.Addr().String()
	l.server = &http.Server{Handler: l.AWS, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = l.server.Serve(listener) }()
	return nil
}

func (l *Laboratory) startClusters(ctx context.Context) error {
	env := cluster.Environment{
		Processes: l.processes, Binaries: l.options.Binaries, Dir: filepath.Join(l.options.Dir, "clusters"),
		Proxy: l.proxy.URL(), ProxyCA: l.proxy.CA(), Authorizer: l.policies, Now: l.options.Now,
	}
	specs := l.options.Organization.Clusters
	if len(specs) == 0 {
		return nil
	}
	etcd, err := cluster.StartEtcd(ctx, env)
	if err != nil {
		return err
	}
	l.Clusters = make([]*Cluster, len(specs))
	group, ctx := errgroup.WithContext(ctx)
	for i, spec := range specs {
		group.Go(func() error {
			access, err := l.AWS.Access(spec.Account, spec.Region, spec.Name)
			if err != nil {
				return err
			}
			running, err := cluster.Start(ctx, env, etcd, cluster.Spec{
				ID: fmt.Sprintf("cluster-%d", i+1), Name: spec.Name, Region: spec.Region, Contents: spec.Kubernetes, Access: accessOf(access),
			})
			if err != nil {
				return fmt.Errorf("%s: %w", spec.Name, err)
			}
			l.Clusters[i] = &Cluster{Cluster: running, Region: spec.Region, Name: spec.Name}
			l.doors.open(ctx, placeOf(access), running)
			return l.AWS.SetClusterEndpoint(spec.Account, spec.Region, spec.Name, running.Endpoint, running.CA)
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("starting the clusters: %w", err)
	}
	l.nameClusters()
	return nil
}

// nameClusters fills in accounts and contexts.
func (l *Laboratory) nameClusters() {
	seen := map[string]int{}
	for i, spec := range l.options.Organization.Clusters {
		c := l.Clusters[i]
		l.state.With(func() {
			a := l.state.AccountByName(spec.Account)
			c.Account, c.AccountID = a.Name, a.ID
		})
		seen[c.Account+"/"+c.Name]++
	}
	for _, c := range l.Clusters {
		c.Context = c.Account + "/" + c.Name
		if seen[c.Context] > 1 {
			c.Context = c.Account + "/" + c.Region + "/" + c.Name
		}
	}
}

// Cluster finds a cluster by its context.
func (l *Laboratory) Cluster(context string) (*Cluster, error) {
	for _, c := range l.Clusters {
		if c.Context == context {
			return c, nil
		}
	}
	return nil, fmt.Errorf("the laboratory has no cluster %q", context)
}

// Failed receives the first process that ends by itself.
func (l *Laboratory) Failed() <-chan *proc.Process { return l.processes.Ended() }

// Close kills every process and ends every server. It returns when nothing
// runs any more.
func (l *Laboratory) Close() error {
	errs := []error{l.doors.close()}
	l.processes.Close()
	if l.server != nil {
		errs = append(errs, l.server.Close())
	}
	if l.proxy != nil {
		errs = append(errs, l.proxy.Close())
	}
	if l.policies != nil {
		errs = append(errs, l.policies.Close())
	}
	if l.health != nil {
		errs = append(errs, l.health.Close())
	}
	return errors.Join(errs...)
}

// WriteKubeconfig writes a kubeconfig with a context per cluster, as a member
// of system:masters. The first cluster is the current one.
func (l *Laboratory) WriteKubeconfig(path string) error {
	configs, current := map[string]*rest.Config{}, ""
	for _, c := range l.Clusters {
		configs[c.Context] = c.Admin
		current = cmp.Or(current, c.Context)
	}
	if err := clientcmd.WriteToFile(cluster.Kubeconfig(configs, current), path); err != nil {
		return fmt.Errorf("writing the kubeconfig: %w", err)
	}
	return nil
}

// Key returns the first access key of an IAM user.
func (l *Laboratory) Key(user organization.IAMUser) (Credentials, error) {
	var out Credentials
	l.state.With(func() {
		a := l.state.AccountByName(user.Account)
		for _, u := range l.state.IAMUsers {
			if a != nil && u.Account == a.ID && u.Name == user.Name && len(u.Keys) > 0 {
				out = Credentials{AccessKeyID: u.Keys[0].ID, SecretAccessKey: u.Keys[0].Secret}
			}
		}
	})
	if out.AccessKeyID == "" {
		return out, fmt.Errorf("IAM user %s has no access key", user)
	}
	return out, nil
}
