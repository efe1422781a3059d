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
	"github.com/rolecall-dev/rolecall/internal/apply"
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
	// keeper has the files of this run's backups.
	keeper *keeper
}

// connect makes the adapters; it calls nothing yet.
func (a *app) connect(ctx context.Context, i *policy.Installation) (*world, error) {
	w := &world{stats: newStats(), keeper: &keeper{app: a, kept: map[access.ClusterARN]apply.Kept{}}}
	log := a.logger()
	o := aws.Options{Profile: a.flags.profile, Region: a.flags.region, Clock: a.host.Now, Pace: a.host.Pace, Log: log, OnCall: w.stats.aws}
	if i != nil {
		o.RoleName, o.ExternalID = i.Access.RoleName, i.Access.ExternalID
	}
	client, err := aws.New(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("preparing the AWS client: %w", err)
	}
	w.aws = client
	w.clusters = &routes{
		made:    map[access.ClusterARN]*kube.Client{},
		options: kube.Options{Token: client.Token, Log: log, Now: a.host.Now, OnCall: w.stats.kube, Keeper: w.keeper},
	}
	if a.flags.context != "" {
		w.clusters.only = &kube.Override{Context: a.flags.context, Kubeconfig: a.flags.kubeconfig}
	}
	if i != nil {
		for _, r := range i.Access.Clusters {
			to := kube.Override{Endpoint: r.Endpoint, ProxyURL: r.ProxyURL, Context: r.Context}
			if to.Context != "" {
				to.Kubeconfig = a.flags.kubeconfig
			}
			w.clusters.ways = append(w.clusters.ways, way{ref: r.Cluster, to: to})
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

// routes sends each cluster through its own way in. References name accounts and may fit several clusters, so it learns
// the accounts' names and all clusters on the way: every cluster is listed before the first is read.
type routes struct {
	options kube.Options
	ways    []way
	// only is the way into the estate's only cluster (--context), nil when it is not given.
	only *kube.Override

	mu       sync.Mutex
	accounts []access.Account
	clusters []access.Cluster
	made     map[access.ClusterARN]*kube.Client
	plain    *kube.Client
}

// hear remembers what there is, each thing once: a run may read more than once.
func (r *routes) hear(accounts []access.Account, clusters []access.Cluster) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range accounts {
		if !slices.ContainsFunc(r.accounts, func(b access.Account) bool { return b.ID == a.ID }) {
			r.accounts = append(r.accounts, a)
		}
	}
	for _, c := range clusters {
		if !slices.ContainsFunc(r.clusters, func(b access.Cluster) bool { return b.ARN == c.ARN }) {
			r.clusters = append(r.clusters, c)
		}
	}
}

// client is how the cluster is reached; a reference that fits several clusters leads into none of them.
func (r *routes) client(c access.Cluster) (*kube.Client, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	to, err := r.override(c)
	switch {
	case err != nil:
		return nil, err
	case to == nil:
		if r.plain == nil {
			r.plain = kube.New(r.options)
		}
		return r.plain, nil
	case r.made[c.ARN] == nil:
		o := r.options
		o.Overrides = map[access.ClusterARN]kube.Override{c.ARN: *to}
		r.made[c.ARN] = kube.New(o)
	}
	return r.made[c.ARN], nil
}

// override is the way in that somebody wrote down for the cluster, nil for the endpoint that EKS reports. r.mu is held.
func (r *routes) override(c access.Cluster) (*kube.Override, error) {
	if r.only != nil {
		if len(r.clusters) != 1 {
			return nil, fmt.Errorf("--context leads into one cluster and the estate has %d: name each context under access.clusters", len(r.clusters))
		}
		return r.only, nil
	}
	one := snapshot.NewIndex(&snapshot.Snapshot{Accounts: slices.Clone(r.accounts), Clusters: []access.Cluster{c}})
	all := snapshot.NewIndex(&snapshot.Snapshot{Accounts: slices.Clone(r.accounts), Clusters: slices.Clone(r.clusters)})
	for _, w := range r.ways {
		if _, err := one.ClusterNamed(w.ref); err != nil {
			continue
		}
		if _, err := all.ClusterNamed(w.ref); err != nil && w.ref != string(c.ARN) {
			return nil, fmt.Errorf("access.clusters: %w", err)
		}
		return &w.to, nil
	}
	return nil, nil //nolint:nilnil // no override is a fact here
}

func (r *routes) AwsAuth(ctx context.Context, c access.Cluster) (*access.ConfigMap, error) {
	k, err := r.client(c)
	if err != nil {
		return nil, err
	}
	return k.AwsAuth(ctx, c)
}

func (r *routes) RBAC(ctx context.Context, c access.Cluster) (access.Cluster, error) {
	k, err := r.client(c)
	if err != nil {
		return c, err
	}
	return k.RBAC(ctx, c)
}

func (r *routes) Self(ctx context.Context, c access.Cluster) (access.Self, error) {
	k, err := r.client(c)
	if err != nil {
		return access.Self{}, err
	}
	return k.Self(ctx, c)
}

func (r *routes) Backups(ctx context.Context, c access.Cluster, owner string) ([]access.Backup, error) {
	k, err := r.client(c)
	if err != nil {
		return nil, err
	}
	return k.Backups(ctx, c, owner)
}

func (r *routes) EditRows(ctx context.Context, c access.Cluster, w access.RowWrite) (*access.ConfigMap, error) {
	k, err := r.client(c)
	if err != nil {
		return nil, err
	}
	return k.EditRows(ctx, c, w)
}

func (r *routes) WriteAwsAuth(ctx context.Context, c access.Cluster, w access.TextWrite) (*access.ConfigMap, error) {
	k, err := r.client(c)
	if err != nil {
		return nil, err
	}
	return k.WriteAwsAuth(ctx, c, w)
}

func (r *routes) PutBinding(ctx context.Context, c access.Cluster, before *access.Binding, b access.Binding) error {
	k, err := r.client(c)
	if err != nil {
		return err
	}
	return k.PutBinding(ctx, c, before, b)
}

func (r *routes) DeleteBinding(ctx context.Context, c access.Cluster, b access.Binding) error {
	k, err := r.client(c)
	if err != nil {
		return err
	}
	return k.DeleteBinding(ctx, c, b)
}

func (r *routes) Allowed(ctx context.Context, c access.Cluster, who access.Identity, q access.Request) (bool, string, error) {
	k, err := r.client(c)
	if err != nil {
		return false, "", err
	}
	return k.Allowed(ctx, c, who, q)
}

// listener hears what accounts and clusters there are as they are read.
type listener struct {
	access.Reader
	routes *routes
}

func (l listener) Accounts(ctx context.Context) ([]access.Account, error) {
	as, err := l.Reader.Accounts(ctx)
	l.routes.hear(as, nil)
	return as, err
}

func (l listener) ClusterNames(ctx context.Context, account access.AccountID, region string) ([]string, error) {
	names, err := l.Reader.ClusterNames(ctx, account, region)
	for _, n := range names {
		arn := access.ARNParts{Partition: "aws", Service: "eks", Region: region, Account: string(account), Resource: "cluster/" + n}
		l.routes.hear(nil, []access.Cluster{{ARN: access.ClusterARN(arn.String()), Account: account, Region: region, Name: n}})
	}
	return names, err
}

// observe reads a saved snapshot, or collects one.
func (a *app) observe(ctx context.Context, in *inputs, file string, w *world) (*snapshot.Snapshot, error) {
	if file != "" {
		return readSnapshot(file)
	}
	p := a.progress()
	defer p.clear()
	scope := desired.Scope(in.installation, in.policies)
	scope.NeedAccountTags, scope.NeedUnits = scope.NeedAccountTags || in.tags, scope.NeedUnits || in.units
	s, err := snapshot.Collect(ctx, snapshot.Ports{Reader: listener{w.aws, w.clusters}, Clusters: w.clusters},
		scope, snapshot.Options{Taken: a.host.Now(), Progress: p.reading})
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
		return nil, fmt.Errorf("%s is not a snapshot: %w", file, err)
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
	if call, ok := errors.AsType[*access.CallError](err); ok {
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
