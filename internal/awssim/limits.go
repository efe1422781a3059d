package awssim

import (
	"time"

	"github.com/rolecall-dev/rolecall/internal/awssim/service"
)

// LimitMode says whether request rates are limited.
type LimitMode int

// The modes; the zero mode is NoLimits too.
const (
	NoLimits   LimitMode = iota + 1
	RealLimits           // the rates of the services' quota pages
)

// rate is a token bucket's refill per second and size.
type rate struct{ perSecond, burst float64 }

type bucket struct {
	tokens float64
	filled time.Time
}

// limit takes a token from every bucket a call draws on. A refused call takes
// none.
func (s *Server) limit(c *service.Call) *service.Error {
	if s.opts.Limits != RealLimits {
		return nil
	}
	wanted := limitsOf(c)
	for key, r := range wanted {
		if s.refill(key, r, c.Now).tokens < 1 {
			return throttled(c.Service)
		}
	}
	for key := range wanted {
		s.buckets[key].tokens--
	}
	return nil
}

func (s *Server) refill(key string, r rate, now time.Time) *bucket {
	b := s.buckets[key]
	if b == nil {
		b = &bucket{tokens: r.burst, filled: now}
		s.buckets[key] = b
	}
	b.tokens = min(r.burst, b.tokens+now.Sub(b.filled).Seconds()*r.perSecond)
	b.filled = now
	return b
}

// limitsOf names the buckets of a call and their rates: Identity Center's
// operations share one, the identity store has one each (Identity Center User
// Guide), Organizations one per caller and one per organization (Organizations
// User Guide). The other services publish none.
func limitsOf(c *service.Call) map[string]rate {
	switch c.Service {
	case sso:
		return map[string]rate{sso: {20, 20}}
	case identityStore:
		return map[string]rate{identityStore + ":" + c.Operation: {20, 20}}
	case orgs:
		return organizationLimits(c)
	}
	return nil
}

func organizationLimits(c *service.Call) map[string]rate {
	own, all := organizationRates(c.Operation)
	out := map[string]rate{}
	if own.burst > 0 {
		out[orgs+":"+c.Operation+":"+c.Caller.Account] = own
	}
	if all.burst > 0 {
		out[orgs+":"+c.Operation] = all
	}
	return out
}

// organizationRates returns the rates per account and per organization.
func organizationRates(operation string) (account, organization rate) {
	switch operation {
	case "DescribeOrganization":
		return rate{1, 2}, rate{}
	case "ListRoots":
		return rate{1, 2}, rate{1, 3}
	case "DescribeOrganizationalUnit":
		return rate{2, 2}, rate{2, 3}
	case "ListDelegatedServicesForAccount":
		return rate{1, 3}, rate{1, 4}
	case "ListParents", "ListAccountsForParent", "ListOrganizationalUnitsForParent", "ListDelegatedAdministrators":
		return rate{5, 8}, rate{6, 10}
	case "ListChildren":
		return rate{6, 10}, rate{7, 12}
	case "ListAccounts":
		return rate{8, 12}, rate{9, 15}
	case "ListTagsForResource":
		return rate{10, 15}, rate{12, 18}
	case "DescribeAccount":
		return rate{20, 30}, rate{24, 36}
	}
	return rate{}, rate{}
}
