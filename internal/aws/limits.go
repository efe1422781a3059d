package aws

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// quota is a token bucket: so many calls a second, so many at once.
type quota struct {
	perSecond float64
	burst     int
}

// headroom is the share of a published rate that rolecall takes; the rest is for others and for the
// unevenness of the network.
const headroom = 0.9

// organizationsQuotas are the per-account limits of the Organizations API, rate and burst
// (AWS Organizations User Guide, "Quotas and service limits").
func organizationsQuotas() map[string]quota {
	return map[string]quota{
		"DescribeOrganization":             {1, 2},
		"ListRoots":                        {1, 2},
		"ListAccountsForParent":            {5, 8},
		"ListOrganizationalUnitsForParent": {5, 8},
		"ListAccounts":                     {8, 12},
		"ListTagsForResource":              {10, 15},
	}
}

// quotaOf returns the limit of an operation and the bucket it shares: Identity Center's 20 calls a
// second are for all its operations together, Identity Store's for each (IAM Identity Center User
// Guide, "quotas and limits"). Those of IAM, EKS and STS are not published and count per account.
func quotaOf(s scope, operation string) (key bucketKey, q quota) {
	key = bucketKey{service: s.service}
	switch s.service {
	case serviceSSO:
		key.region = s.region
		return key, quota{perSecond: 20 * headroom, burst: 2}
	case serviceIdentityStore:
		key.region, key.operation = s.region, operation
		return key, quota{perSecond: 20 * headroom, burst: 2}
	case serviceOrganizations:
		key.operation = operation
		q, known := organizationsQuotas()[operation]
		if !known {
			q = quota{perSecond: 1, burst: 2}
		}
		return key, quota{perSecond: q.perSecond * headroom, burst: q.burst - 1}
	case serviceEKS:
		key.account, key.region = string(s.account), s.region
		return key, quota{perSecond: 10, burst: 20}
	case serviceIAM:
		key.account = string(s.account)
		return key, quota{perSecond: 15, burst: 20}
	default:
		return key, quota{perSecond: 50, burst: 50}
	}
}

// bucketKey says which calls share a limit.
type bucketKey struct{ service, operation, account, region string }

// limits holds the buckets of all services.
type limits struct {
	clock   func() time.Time
	pace    float64
	mu      sync.Mutex
	buckets map[bucketKey]*bucket
}

// newLimits keeps calls below AWS' rates times the pace; zero means one.
func newLimits(clock func() time.Time, pace float64) *limits {
	return &limits{clock: clock, pace: cmp.Or(pace, 1), buckets: map[bucketKey]*bucket{}}
}

// of returns the bucket of an operation.
func (l *limits) of(s scope, operation string) *bucket {
	key, q := quotaOf(s, operation)
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buckets[key]
	if b == nil {
		ceiling := rate.Limit(q.perSecond * l.pace)
		b = &bucket{limiter: rate.NewLimiter(ceiling, q.burst), ceiling: ceiling}
		l.buckets[key] = b
	}
	return b
}

// bucket is a rate that falls by half when the service throttles and grows back with success.
type bucket struct {
	limiter *rate.Limiter
	ceiling rate.Limit

	mu      sync.Mutex
	lastCut time.Time
}

const (
	// lowest is the part of its ceiling below which a rate does not fall.
	lowest = 1.0 / 16
	// regrowth is the part of its ceiling by which a rate grows with each success.
	regrowth = 1.0 / 64
	// cutEvery keeps one burst of refusals from counting as many.
	cutEvery = time.Second
)

// wait blocks until the next call may go out.
func (b *bucket) wait(ctx context.Context) error {
	if err := b.limiter.Wait(ctx); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("waiting for the rate limit: %w", ctx.Err())
		}
		return fmt.Errorf("waiting for the rate limit: %w", context.DeadlineExceeded)
	}
	return nil
}

// throttled halves the rate, once for each burst of refusals.
func (b *bucket) throttled(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.lastCut.IsZero() && now.Sub(b.lastCut) < cutEvery {
		return
	}
	b.lastCut = now
	b.limiter.SetLimit(max(b.limiter.Limit()/2, b.ceiling*lowest))
}

// succeeded lets the rate grow back.
func (b *bucket) succeeded() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := b.limiter.Limit(); now < b.ceiling {
		b.limiter.SetLimit(min(now+b.ceiling*regrowth, b.ceiling))
	}
}
