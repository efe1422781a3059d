// Package kube reads and writes what rolecall needs inside clusters: aws-auth, RBAC
// and the verdict of the authorizer. It is the Kubernetes side of the ports in access.
package kube

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// Options are what a Client needs from outside.
type Options struct {
	// Token makes a bearer token for a cluster and says until when it holds. Required, except for clusters reached by a kubeconfig context.
	Token func(ctx context.Context, c access.Cluster) (token string, expires time.Time, err error)
	// Overrides are the clusters whose reported endpoint is not the way in.
	Overrides map[access.ClusterARN]Override
	// Log gets every call at debug level; nil discards. Tokens are never logged.
	Log *slog.Logger
	// OnCall is told of every request to an API server, from several goroutines at a time; it may be nil.
	OnCall func(cluster access.ClusterARN, verb, resource string, err error)
	// Now is the clock that tells when a token is due. Without one every request asks for a token of its own.
	Now func() time.Time
	// Keeper keeps backups outside the cluster too; it may be nil.
	Keeper access.BackupKeeper
	// Wait and Random space the attempts of a write that others overtake: Wait returns after d or, with an error, when ctx ends, and
	// Random is from 0 up to 1. Nil are the system's.
	Wait   func(ctx context.Context, d time.Duration) error
	Random func() float64
}

// Override is another way into a cluster. A context brings its own endpoint.
type Override struct {
	// Endpoint is dialled instead of the endpoint EKS reports; the certificate must still be for the latter's host.
	Endpoint string
	// ProxyURL is an HTTP, HTTPS or SOCKS5 proxy.
	ProxyURL string
	// Context is a context of Kubeconfig, or of the usual kubeconfig files when that is empty. Its credentials are used too.
	Context    string
	Kubeconfig string
}

// Client reads and writes inside clusters. It keeps one connection pool per cluster and is safe for concurrent use.
type Client struct {
	options Options
	mu      sync.Mutex
	apis    map[apiKey]*api
	kept    map[keepingKey]*keeping
	retry   retry
}

var (
	_ access.ClusterReader = (*Client)(nil)
	_ access.ClusterWriter = (*Client)(nil)
	_ access.Prober        = (*Client)(nil)
)

// New makes a Client; nothing is dialled before the first call.
func New(o Options) *Client {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Wait == nil {
		o.Wait = wait
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	return &Client{options: o, apis: map[apiKey]*api{}, kept: map[keepingKey]*keeping{}, retry: retry{wait: o.Wait, random: o.Random}}
}
