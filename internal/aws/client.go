package aws

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/middleware"

	"github.com/rolecall-dev/rolecall/internal/access"
)

const (
	// memberSession is how long a member account's credentials live: role chaining caps sessions at
	// one hour (STS API reference), and every role allows that much.
	memberSession = time.Hour
	// refreshEarly is how long before their end credentials are replaced.
	refreshEarly = 2 * time.Minute
	// refusalKept is how long a refused role is not asked for again: one account's refusal would
	// otherwise be repeated for every Region.
	refusalKept = 30 * time.Second
)

// scope is where a service is called.
type scope struct {
	service string
	// account is set where the service is a member account's own.
	account access.AccountID
	region  string
}

// config returns the SDK's configuration for calls in a scope: paced, retried and counted.
func (c *Client) config(s scope, creds awssdk.CredentialsProvider) awssdk.Config {
	cfg := c.cfg.Copy()
	cfg.Region, cfg.Credentials = s.region, creds
	cfg.Retryer = func() awssdk.Retryer { return retryer{clock: c.opt.Clock, jitter: c.jitter} }
	cfg.APIOptions = append(slices.Clone(cfg.APIOptions), func(stack *middleware.Stack) error {
		return c.instrument(stack, s)
	})
	return cfg
}

// own returns the configuration for calls with the caller's own credentials.
func (c *Client) own(service, region string) awssdk.Config {
	return c.config(scope{service: service, region: region}, c.cfg.Credentials)
}

// member returns the configuration for calls in an account: with the caller's own credentials where
// the caller is in it, else with the member role's.
func (c *Client) member(ctx context.Context, s scope) (awssdk.Config, error) {
	creds, err := c.credentials(ctx, s.account)
	if err != nil {
		return awssdk.Config{}, err
	}
	return c.config(s, creds), nil
}

// credentials returns working credentials for an account.
func (c *Client) credentials(ctx context.Context, account access.AccountID) (awssdk.CredentialsProvider, error) {
	self, err := c.Caller(ctx)
	if err != nil {
		return nil, err
	}
	if self.Account == account {
		return c.cfg.Credentials, nil
	}
	if c.opt.RoleName == "" {
		return nil, &access.CallError{
			Service: serviceSTS, Operation: "AssumeRole", Caller: self.ARN, Condition: access.ErrDenied,
			Message: fmt.Sprintf("account %s is not the caller's own and no role to assume is configured (access.roleName)", account),
		}
	}
	m := c.members.of(account, func() *memberRole { return c.memberRole(self, account) })
	return m.retrieve(ctx, c)
}

// memberRole prepares the role of an account; it calls nothing yet.
func (c *Client) memberRole(self access.Caller, account access.AccountID) *memberRole {
	arn := access.ARNParts{Partition: self.ARN.Partition(), Service: "iam", Account: string(account), Resource: "role/" + c.opt.RoleName}.String()
	api := sts.NewFromConfig(c.own(serviceSTS, c.cfg.Region))
	provider := stscreds.NewAssumeRoleProvider(api, arn, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = sessionName(self.ARN)
		o.Duration = memberSession
		if c.opt.ExternalID != "" {
			o.ExternalID = awssdk.String(strings.ReplaceAll(c.opt.ExternalID, "{account}", string(account)))
		}
	})
	cache := awssdk.NewCredentialsCache(provider, func(o *awssdk.CredentialsCacheOptions) { o.ExpiryWindow = refreshEarly })
	return &memberRole{arn: access.ARN(arn), cache: cache}
}

// members keeps one role per account.
type members struct {
	mu    sync.Mutex
	roles map[access.AccountID]*memberRole
}

func (m *members) of(account access.AccountID, prepare func() *memberRole) *memberRole {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.roles == nil {
		m.roles = map[access.AccountID]*memberRole{}
	}
	if m.roles[account] == nil {
		m.roles[account] = prepare()
	}
	return m.roles[account]
}

// memberRole is the role assumed in one account.
type memberRole struct {
	arn   access.ARN
	cache *awssdk.CredentialsCache

	mu      sync.Mutex
	refused error
	again   time.Time
}

// retrieve makes sure that there are credentials, so that a refused role is told as just that.
func (m *memberRole) retrieve(ctx context.Context, c *Client) (awssdk.CredentialsProvider, error) {
	if err := m.lastRefusal(c.opt.Clock()); err != nil {
		return nil, err
	}
	if _, err := m.cache.Retrieve(ctx); err != nil {
		translated := c.translate(err, scope{service: serviceSTS})
		if isDenied(translated) {
			translated = fmt.Errorf("assuming %s: %w", m.arn, translated)
			m.remember(translated, c.opt.Clock())
		}
		return nil, translated
	}
	return m.cache, nil
}

func (m *memberRole) lastRefusal(now time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refused != nil && now.Before(m.again) {
		return m.refused
	}
	return nil
}

func (m *memberRole) remember(err error, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refused, m.again = err, now.Add(refusalKept)
}

// notInSessionName is what STS does not accept in a role session name.
var notInSessionName = regexp.MustCompile(`[^\w+=,.@-]+`)

// sessionName names the session after the caller, for the audit trail: "rolecall-alice@example.com".
// STS takes at most 64 characters.
func sessionName(caller access.ARN) string {
	who := string(caller)[strings.LastIndexAny(string(caller), ":/")+1:]
	name := "rolecall-" + notInSessionName.ReplaceAllString(who, "-")
	return name[:min(len(name), 64)]
}

// ownCredentials marks the failures of the caller's own credential chain.
type ownCredentials struct{ inner awssdk.CredentialsProvider }

// Retrieve implements aws.CredentialsProvider.
func (o ownCredentials) Retrieve(ctx context.Context) (awssdk.Credentials, error) {
	if o.inner == nil {
		return awssdk.Credentials{}, &credentialsError{cause: errNoProvider}
	}
	creds, err := o.inner.Retrieve(ctx)
	if err != nil {
		return creds, &credentialsError{cause: err}
	}
	return creds, nil
}
