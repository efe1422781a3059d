// Package aws reads and writes an organization through the AWS APIs: Organizations, Identity Center,
// Identity Store, IAM, EKS and STS. It implements access.Reader and access.IdentityWriter and signs
// cluster tokens. It is the only package that imports the AWS SDK; no SDK type leaves it.
package aws

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// defaultAssignmentTimeout bounds one assignment request, from its start until it is settled.
const defaultAssignmentTimeout = 10 * time.Minute

// Options say as whom and from where to call. Endpoints, CA bundles, proxies and credentials come from
// the SDK's own chain: environment, shared files, SSO, web identity, container and instance roles.
type Options struct {
	// Profile is the shared-config profile; empty means the chain's own choice.
	Profile string
	// Region is where STS is called; empty means the chain's own choice.
	Region string
	// IdentityCenterRegion is where the instance is looked for; empty means Region.
	IdentityCenterRegion string
	// RoleName is assumed in every account other than the caller's own.
	RoleName string
	// ExternalID goes along when the role is assumed; {account} in it stands for the account's id.
	ExternalID string
	// AssignmentTimeout bounds the wait for one assignment; zero means ten minutes.
	AssignmentTimeout time.Duration
	// Pace multiplies the rates that calls stay below; zero means one. Only a simulator, which nobody else calls, takes more.
	Pace float64
	// Clock tells the time. It is required.
	Clock func() time.Time
	// Log receives what is worth knowing and is not an error; nil discards it.
	Log *slog.Logger
	// OnCall, where set, is told of every call once it has ended, from many goroutines at once.
	OnCall func(Call)
}

// Call is one finished API call, its retries included.
type Call struct {
	// Service and Operation are spelled as in an IAM action: "sso", "ListInstances".
	Service, Operation string
	// Account is the account called in; empty for the services of the organization and for STS.
	Account access.AccountID
	Region  string
	// Duration includes the waiting for the rate limit and between attempts.
	Duration time.Duration
	// Throttled counts the attempts that the service refused for its rate limits.
	Throttled int
	Err       bool
}

// Client calls AWS. It is safe for concurrent use, limits its own rate per service, and retries what
// is worth retrying.
type Client struct {
	opt    Options
	cfg    awssdk.Config
	limits *limits
	jitter func() float64
	// renewal is the command that renews the caller's credentials, "" where there is no such command.
	renewal string

	caller       memo[access.Caller]
	organization memo[access.Organization]
	members      members
	turns        *turns
}

// New loads the SDK's configuration; it calls no AWS API.
// The error wraps access.ErrExpired when the profile does not exist.
func New(ctx context.Context, o Options) (*Client, error) {
	if o.Clock == nil {
		return nil, errors.New("configuring AWS: Options.Clock is required")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.AssignmentTimeout == 0 {
		o.AssignmentTimeout = defaultAssignmentTimeout
	}
	cfg, err := load(ctx, o)
	if err != nil {
		return nil, err
	}
	c := &Client{
		opt: o, cfg: cfg, limits: newLimits(o.Clock, o.Pace), jitter: rand.Float64,
		renewal: renewalCommand(cfg.ConfigSources),
		caller:  newMemo[access.Caller](), organization: newMemo[access.Organization](),
		turns: newTurns(),
	}
	c.cfg.Credentials = ownCredentials{inner: cfg.Credentials}
	return c, nil
}

// load reads the SDK's configuration and takes its retries away: this package has its own.
func load(ctx context.Context, o Options) (awssdk.Config, error) {
	var opts []func(*config.LoadOptions) error
	if o.Profile != "" {
		opts = append(opts, config.WithSharedConfigProfile(o.Profile))
	}
	if o.Region != "" {
		opts = append(opts, config.WithRegion(o.Region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, opts...)
	if err != nil {
		if missing, ok := errors.AsType[config.SharedConfigProfileNotExistError](err); ok {
			return cfg, fmt.Errorf("configuring AWS: %w: profile %q does not exist; create it with: aws configure sso --profile %s",
				access.ErrExpired, missing.Profile, missing.Profile)
		}
		return cfg, fmt.Errorf("configuring AWS: %w", err)
	}
	if cfg.Region == "" {
		cfg.Region = o.IdentityCenterRegion
	}
	if cfg.Region == "" {
		return cfg, errors.New("configuring AWS: no Region is set; give --region, set AWS_REGION or add one to the profile")
	}
	cfg.RetryMaxAttempts, cfg.RetryMode = 0, ""
	if b, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok {
		cfg.HTTPClient = b.Freeze()
	}
	return cfg, nil
}

// renewalCommand is what renews the credentials of the profile in use, as far as its settings tell.
func renewalCommand(sources []any) string {
	for _, s := range sources {
		p, ok := s.(config.SharedConfig)
		if !ok {
			continue
		}
		for q := &p; q != nil; q = q.Source {
			switch {
			case q.SSOSessionName != "" || q.SSOStartURL != "":
				return "aws sso login --profile " + q.Profile
			case q.LoginSession != "":
				return "aws login --profile " + q.Profile
			}
		}
	}
	return ""
}

// identityCenterRegion is where the instance is looked for first.
func (c *Client) identityCenterRegion() string {
	if c.opt.IdentityCenterRegion != "" {
		return c.opt.IdentityCenterRegion
	}
	return c.cfg.Region
}

// memo keeps the first value that a read returned.
type memo[T any] struct {
	lock  chan struct{}
	value *T
}

func newMemo[T any]() memo[T] { return memo[T]{lock: make(chan struct{}, 1)} }

// get returns the kept value, or reads it; one reader at a time.
func (m *memo[T]) get(ctx context.Context, read func(context.Context) (T, error)) (T, error) {
	var zero T
	select {
	case m.lock <- struct{}{}:
	case <-ctx.Done():
		return zero, ctx.Err() //nolint:wrapcheck // the caller says what it was waiting for
	}
	defer func() { <-m.lock }()
	if m.value != nil {
		return *m.value, nil
	}
	v, err := read(ctx)
	if err != nil {
		return zero, err
	}
	m.value = &v
	return v, nil
}
