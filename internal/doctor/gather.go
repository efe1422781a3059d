package doctor

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/rolecall-dev/rolecall/internal/access"
)

const (
	// pluginTime bounds the credential plugin, stepTime every other step.
	pluginTime = 45 * time.Second
	stepTime   = 20 * time.Second
)

// Door is a context of the kubeconfig, knocked at with the person's own credential.
type Door interface {
	// Authenticate gets the credential and returns the bearer token, "" where the person comes in by other means.
	Authenticate(ctx context.Context) (string, error)
	Knock(ctx context.Context) access.Answer
	May(ctx context.Context, r access.Request) (allowed bool, reason string, err error)
	Rules(ctx context.Context, namespace string) (n int, complete bool, err error)
	AwsAuth(ctx context.Context) (*access.ConfigMap, error)
}

// AWS is AWS with the person's own credentials.
type AWS interface {
	Caller(ctx context.Context) (access.Caller, error)
	CredentialsEnd(ctx context.Context) (time.Time, error)
	Renewal() string
	// Verify asks STS about a token bound to a cluster's name.
	Verify(ctx context.Context, token, clusterName string) (access.Proof, error)
	Cluster(ctx context.Context, account access.AccountID, region, name string) (access.Cluster, error)
	EntryPrincipals(ctx context.Context, c access.Cluster) ([]access.ARN, error)
	AccessEntry(ctx context.Context, c access.Cluster, principal access.ARN) (access.AccessEntry, error)
}

// Ports are the ways to the facts.
type Ports struct {
	Kubeconfig func() (access.Kubeconfig, error)
	// Door opens a context by its name.
	Door func(name string) (Door, error)
	// AWS prepares AWS as a profile ("" for the environment's), called from a Region.
	AWS func(ctx context.Context, profile, region string) (AWS, error)
	Now func() time.Time
}

// Question is what the person wants to know.
type Question struct {
	// Context is the kubeconfig context; empty is the current one.
	Context string
	// Request is what is refused; nil where it is everything.
	Request *access.Request
	// Profile and Region count where the plugin names none.
	Profile, Region string
}

// Gather finds out what the person can see. Whatever cannot be found out is a fault among the facts. It runs the context's
// credential plugin as kubectl would, and changes nothing.
func Gather(ctx context.Context, p Ports, q Question) Facts {
	g := gathering{Facts: Facts{Taken: p.Now(), Asked: q.Context, Request: q.Request}, ports: p, q: q}
	kc, err := p.Kubeconfig()
	g.Kubeconfig, g.KubeconfigFault = kc, fault(err)
	g.Context = choose(kc, q.Context)
	if g.Context == nil || g.Context.Broken != "" {
		return g.Facts
	}
	g.Plugin = ReadPlugin(g.Context.Plugin)
	door, err := p.Door(g.Context.Name)
	if err != nil {
		g.KubeconfigFault = fault(err)
		return g.Facts
	}
	token := g.authenticate(ctx, door)
	g.session(ctx, token)
	g.knock(ctx, door)
	return g.Facts
}

// choose picks the context, nil when there is none of the name or none is current.
func choose(kc access.Kubeconfig, name string) *access.KubeContext {
	name = cmp.Or(name, kc.Current)
	i := slices.IndexFunc(kc.Contexts, func(c access.KubeContext) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return &kc.Contexts[i]
}

type gathering struct {
	Facts

	ports Ports
	q     Question
}

func (g *gathering) authenticate(ctx context.Context, door Door) string {
	ctx, cancel := context.WithTimeout(ctx, pluginTime)
	defer cancel()
	token, err := door.Authenticate(ctx)
	g.PluginFault = fault(err)
	g.Authenticated = err == nil && g.Context.Means != access.MeansNone
	g.Token = ReadToken(token)
	return token
}

// session finds out who the person is to AWS, where AWS has a part in it.
func (g *gathering) session(ctx context.Context, token string) {
	if g.Plugin.Kind == "" && g.Token == nil {
		return
	}
	label := named(g.Context)
	region := cmp.Or(regionOf(g.Context.Server), label.Region(), g.Plugin.Region, g.q.Region)
	client, err := g.ports.AWS(ctx, cmp.Or(g.Plugin.Profile, g.q.Profile), cmp.Or(g.Plugin.Region, region))
	if err != nil {
		g.OwnFault = fault(err)
		return
	}
	g.Renewal = client.Renewal()
	g.own(ctx, client)
	g.verify(ctx, client, token)
	g.describe(ctx, client, region, cmp.Or(g.Plugin.ClusterName, label.Name()))
	g.entry(ctx, client)
}

// entry looks for the access entry of the token's identity, where the person may see any; most may not.
func (g *gathering) entry(ctx context.Context, client AWS) {
	if g.Described == nil || !g.Described.Mode.Entries() || g.Proof == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	principals, err := client.EntryPrincipals(ctx, *g.Described)
	if err != nil {
		return
	}
	own := g.Proof.Caller.ARN.Canonical()
	for _, p := range principals {
		if !strings.EqualFold(string(p.WithoutPath()), string(own)) {
			continue
		}
		if e, err := client.AccessEntry(ctx, *g.Described, p); err == nil {
			g.EntriesListed, g.Entry = true, &e
		}
		return
	}
	g.EntriesListed = true
}

// describe asks EKS in the account of the credentials.
func (g *gathering) describe(ctx context.Context, client AWS, region, name string) {
	if g.Own == nil || region == "" || name == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	g.DescribedIn = region
	c, err := client.Cluster(ctx, g.Own.Account, region, name)
	if g.DescribedFault = fault(err); err == nil {
		g.Described = &c
	}
}

// own asks who the credentials are. Those of a command that is not known, or of the plugin's own environment, are not at hand.
func (g *gathering) own(ctx context.Context, client AWS) {
	if g.Plugin.Keys || g.Plugin.Kind == PluginOther {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	caller, err := client.Caller(ctx)
	if g.OwnFault = fault(err); err != nil {
		return
	}
	g.Own = &caller
	if end, err := client.CredentialsEnd(ctx); err == nil {
		g.OwnEnds = end
	}
}

// verify shows the token to STS under the name that it is bound to, where that is known.
func (g *gathering) verify(ctx context.Context, client AWS, token string) {
	name := cmp.Or(g.Plugin.ClusterName, named(g.Context).Name())
	if g.Token == nil || name == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	proof, err := client.Verify(ctx, token, name)
	g.STS = skew(proof.Date, proof.Heard)
	if g.ProofFault = fault(err); err == nil {
		g.Proof = &proof
	}
}

// skew is how far a clock is ahead of the own; nil where it was not heard.
func skew(theirs, own time.Time) *time.Duration {
	if theirs.IsZero() || own.IsZero() {
		return nil
	}
	d := theirs.Sub(own).Round(time.Second)
	return &d
}

// knock asks the API server. Without a credential it still shows whether there is a way to it.
func (g *gathering) knock(ctx context.Context, door Door) {
	ctx, cancel := context.WithTimeout(ctx, stepTime*2)
	defer cancel()
	g.Answer = door.Knock(ctx)
	g.API = skew(g.Answer.Date, g.Answer.Heard)
	if !g.Authenticated || g.Answer.Kind != access.AnswerIn {
		return
	}
	if g.Request != nil {
		allowed, reason, err := door.May(ctx, *g.Request)
		if g.ReviewFault = fault(err); err == nil {
			g.Review = &Review{Allowed: allowed, Reason: reason}
		}
	} else {
		namespace := cmp.Or(g.Context.Namespace, "default")
		if n, complete, err := door.Rules(ctx, namespace); err == nil {
			g.Rules = &Rules{Namespace: namespace, Count: n, Complete: complete}
		}
	}
	if cm, err := door.AwsAuth(ctx); err == nil {
		g.AwsAuth = cm
	}
}
