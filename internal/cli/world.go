package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/aws"
	"github.com/rolecall-dev/rolecall/internal/desired"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/kube"
	"github.com/rolecall-dev/rolecall/internal/policy"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// world is the adapters of a run that touches the network.
type world struct {
	aws      *aws.Client
	clusters *routes
	stats    *stats
}

// connect makes the adapters; it calls nothing yet.
func (a *app) connect(ctx context.Context, i *policy.Installation) (*world, error) {
	w := &world{stats: newStats()}
	log := a.logger()
	o := aws.Options{Profile: a.flags.profile, Region: a.flags.region, Clock: a.host.Now, Log: log, OnCall: w.stats.aws}
	if i != nil {
		o.RoleName, o.ExternalID = i.Access.RoleName, i.Access.ExternalID
	}
	client, err := aws.New(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("preparing the AWS client: %w", err)
	}
	w.aws = client
	w.clusters = &routes{
		made: map[access.ClusterARN]*kube.Client{}, names: map[access.AccountID]string{},
		options: kube.Options{Token: client.Token, Log: log, Now: a.host.Now, OnCall: w.stats.kube}, kubeconfig: a.flags.kubeconfig,
	}
	if i != nil {
		for _, r := range i.Access.Clusters {
			w.clusters.ways = append(w.clusters.ways, way{ref: r.Cluster, to: kube.Override{Endpoint: r.Endpoint, ProxyURL: r.ProxyURL, Context: r.Context, Kubeconfig: a.flags.kubeconfig}})
		}
	}
	return w, nil
}

func (a *app) logger() *slog.Logger {
	level := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}[a.flags.logLevel]
	return slog.New(slog.NewTextHandler(a.host.Stderr, &slog.HandlerOptions{Level: level}))
}

// way is a cluster whose reported endpoint is not the way in.
type way struct {
	ref string
	to  kube.Override
}

// routes sends each cluster through its own way in. References name accounts, so it learns their names on the way.
type routes struct {
	options    kube.Options
	kubeconfig string
	ways       []way

	mu    sync.Mutex
	names map[access.AccountID]string
	made  map[access.ClusterARN]*kube.Client
	plain *kube.Client
}

// learn remembers the accounts' names.
func (r *routes) learn(accounts []access.Account) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range accounts {
		r.names[a.ID] = a.Name
	}
}

func (r *routes) client(c access.Cluster) *kube.Client {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.ways {
		if !r.refers(w.ref, c) {
			continue
		}
		if r.made[c.ARN] == nil {
			o := r.options
			o.Overrides = map[access.ClusterARN]kube.Override{c.ARN: w.to}
			r.made[c.ARN] = kube.New(o)
		}
		return r.made[c.ARN]
	}
	if r.plain == nil {
		r.plain = kube.New(r.options)
	}
	return r.plain
}

func (r *routes) refers(ref string, c access.Cluster) bool {
	x := snapshot.NewIndex(&snapshot.Snapshot{Accounts: []access.Account{{ID: c.Account, Name: r.names[c.Account]}}, Clusters: []access.Cluster{c}})
	_, err := x.ClusterNamed(ref)
	return err == nil
}

func (r *routes) AwsAuth(ctx context.Context, c access.Cluster) (*access.ConfigMap, error) {
	return r.client(c).AwsAuth(ctx, c)
}

func (r *routes) RBAC(ctx context.Context, c access.Cluster) (access.Cluster, error) {
	return r.client(c).RBAC(ctx, c)
}

func (r *routes) EditRows(ctx context.Context, c access.Cluster, owner string, edits []access.RowEdit) (*access.ConfigMap, error) {
	return r.client(c).EditRows(ctx, c, owner, edits)
}

func (r *routes) PutBinding(ctx context.Context, c access.Cluster, before *access.Binding, b access.Binding) error {
	return r.client(c).PutBinding(ctx, c, before, b)
}

func (r *routes) DeleteBinding(ctx context.Context, c access.Cluster, b access.Binding) error {
	return r.client(c).DeleteBinding(ctx, c, b)
}

func (r *routes) Allowed(ctx context.Context, c access.Cluster, who access.Identity, q access.Request) (bool, string, error) {
	return r.client(c).Allowed(ctx, c, who, q)
}

// listener hears the account names as they are read.
type listener struct {
	access.Reader
	routes *routes
}

func (l listener) Accounts(ctx context.Context) ([]access.Account, error) {
	as, err := l.Reader.Accounts(ctx)
	l.routes.learn(as)
	return as, err
}

// observe reads a saved snapshot, or collects one.
func (a *app) observe(ctx context.Context, in *inputs, file string, w *world) (*snapshot.Snapshot, error) {
	if file != "" {
		return readSnapshot(file)
	}
	p := a.progress()
	defer p.clear()
	s, err := snapshot.Collect(ctx, snapshot.Ports{Reader: listener{w.aws, w.clusters}, Clusters: w.clusters},
		desired.Scope(in.installation, in.policies), snapshot.Options{Taken: a.host.Now(), Progress: p.reading})
	if err != nil {
		return nil, fmt.Errorf("reading the organization: %w", err)
	}
	return s, nil
}

func readSnapshot(file string) (*snapshot.Snapshot, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("reading the snapshot: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	s, err := snapshot.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return s, nil
}

// stats counts calls by service and operation.
type stats struct {
	mu    sync.Mutex
	lines map[string]*stat
}

type stat struct {
	calls, throttled, failed int
	spent                    time.Duration
}

func newStats() *stats { return &stats{lines: map[string]*stat{}} }

func (s *stats) aws(c aws.Call) {
	failed := 0
	if c.Err {
		failed = 1
	}
	s.add(c.Service+":"+c.Operation, stat{calls: 1, throttled: c.Throttled, failed: failed, spent: c.Duration})
}

func (s *stats) kube(_ access.ClusterARN, verb, resource string, err error) {
	failed := 0
	if err != nil {
		failed = 1
	}
	s.add("kubernetes:"+verb+" "+resource, stat{calls: 1, failed: failed})
}

func (s *stats) add(key string, one stat) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.lines[key]
	if !ok {
		l = &stat{}
		s.lines[key] = l
	}
	l.calls += one.calls
	l.throttled += one.throttled
	l.failed += one.failed
	l.spent += one.spent
}

// print writes the calls, most first, and their sum.
func (a *app) printStats(s *stats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := make([]string, 0, len(s.lines))
	var sum stat
	for k, l := range s.lines {
		keys = append(keys, k)
		sum.calls += l.calls
		sum.throttled += l.throttled
		sum.failed += l.failed
	}
	slices.SortFunc(keys, func(x, y string) int {
		return cmp.Or(cmp.Compare(s.lines[y].calls, s.lines[x].calls), strings.Compare(x, y))
	})
	t := newTable()
	t.row("CALLS", "THROTTLED", "FAILED", "TIME", "OPERATION")
	for _, k := range keys {
		l := s.lines[k]
		t.row(fmt.Sprint(l.calls), fmt.Sprint(l.throttled), fmt.Sprint(l.failed), l.spent.Round(time.Millisecond).String(), k)
	}
	t.row(fmt.Sprint(sum.calls), fmt.Sprint(sum.throttled), fmt.Sprint(sum.failed), "", "all")
	_, _ = fmt.Fprint(a.host.Stderr, t.String())
}

// printError says an error of the world once: what failed, as whom, what is missing, and what to do.
func (a *app) printError(err error) {
	code, hint := worldCode(err)
	if code != "" {
		code = " " + code
	}
	a.say("error%s: %s", code, err)
	var call *access.CallError
	if errors.As(err, &call) {
		if call.Caller != "" {
			a.say("  as    %s", call.Caller)
		}
		if call.Needs != "" {
			a.say("  needs %s", call.Needs)
		}
	}
	if hint != "" {
		a.say("  hint: %s", hint)
	}
}

// worldCode is the code of what kept the world from answering, and what to do about it; both are empty for other errors.
func worldCode(err error) (code, hint string) {
	switch {
	case errors.Is(err, access.ErrDenied):
		return string(diag.RC5001), "docs/permissions.md has the rights rolecall needs"
	case errors.Is(err, access.ErrThrottled):
		return string(diag.RC5002), "run it again; --stats shows who throttles"
	case errors.Is(err, access.ErrUnreachable):
		return string(diag.RC5003), "check the endpoint, the proxy and the network; access.clusters in rolecall.yaml can name another way in"
	case errors.Is(err, access.ErrExpired):
		return string(diag.RC5006), "renew your AWS credentials, then run it again"
	}
	return "", ""
}
