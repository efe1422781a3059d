package aws

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/access"
)

var instanceForTest = access.Instance{
	ARN: "arn:aws:sso:::instance/ssoins-1234567890abcdef", IdentityStore: "d-1234567890", Owner: "111111111111", Region: "eu-west-1",
}

const setForTest access.ARN = "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef"

func TestThrottlesAreWaitedOut(t *testing.T) {
	tests := []struct {
		name     string
		throttle reply
	}{
		{"a throttle with HTTP 400", refused(http.StatusBadRequest, "TooManyRequestsException", "slow down")},
		{"a throttle with HTTP 429", refused(http.StatusTooManyRequests, "ThrottlingException", "Rate exceeded")},
		{"a throttle that only the status tells", refused(http.StatusTooManyRequests, "SomethingNew", "busy")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			isolate(t)
			synctest.Test(t, func(t *testing.T) {
				var calls []Call
				w := &wire{answer: map[string]func(int, request) reply{
					"ListPermissionSets": afterwards(30, tt.throttle, ok(`{"PermissionSets":["`+string(setForTest)+`"]}`)),
				}}
				c := dial(t, w, Options{OnCall: func(call Call) { call.Duration = 0; calls = append(calls, call) }})
				got, err := c.PermissionSets(t.Context(), instanceForTest)
				if err == nil {
					t.Errorf("thirty throttles outlasted the patience of %s, got %v", patience, got)
				}
				if !errors.Is(err, access.ErrThrottled) {
					t.Errorf("error is %v, want it to be access.ErrThrottled", err)
				}
				w.answer["ListPermissionSets"] = afterwards(len(w.times("ListPermissionSets"))+8, tt.throttle, ok(`{"PermissionSets":["`+string(setForTest)+`"]}`))
				calls = nil
				got, err = c.PermissionSets(t.Context(), instanceForTest)
				if err != nil {
					t.Fatalf("after eight throttles: %v", err)
				}
				if d := cmp.Diff([]access.ARN{setForTest}, got); d != "" {
					t.Errorf("permission sets (-want +got):\n%s", d)
				}
				want := []Call{{Service: "sso", Operation: "ListPermissionSets", Region: "eu-west-1", Throttled: 8}}
				if d := cmp.Diff(want, calls); d != "" {
					t.Errorf("calls (-want +got):\n%s", d)
				}
			})
		})
	}
}

func TestServerErrorsAreRetriedAFewTimes(t *testing.T) {
	tests := []struct {
		name    string
		failure reply
		want    error
	}{
		{"an internal error", refused(http.StatusInternalServerError, "InternalServerException", "oops"), nil},
		{"no connection", reply{err: errors.New("connection refused")}, access.ErrUnreachable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			isolate(t)
			synctest.Test(t, func(t *testing.T) {
				w := &wire{answer: map[string]func(int, request) reply{
					"ListPermissionSets": afterwards(transientRetries, tt.failure, ok(`{"PermissionSets":[]}`)),
					"ListGroups":         always(tt.failure),
				}}
				c := dial(t, w, Options{})
				if _, err := c.PermissionSets(t.Context(), instanceForTest); err != nil {
					t.Errorf("the last retry succeeds, got: %v", err)
				}
				_, err := c.Groups(t.Context(), instanceForTest)
				var call *access.CallError
				if !errors.As(err, &call) || !errors.Is(call.Condition, tt.want) {
					t.Errorf("error is %v, want a CallError with condition %v", err, tt.want)
				}
				if got, want := len(w.times("ListGroups")), 1+transientRetries; got != want {
					t.Errorf("attempts = %d, want %d", got, want)
				}
			})
		})
	}
}

func TestIdentityCenterCallsShareOneRate(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		w := &wire{answer: map[string]func(int, request) reply{
			"ListTagsForResource": always(ok(`{"Tags":[]}`)), "DescribePermissionSet": always(ok(`{"PermissionSet":{}}`)),
		}}
		c := dial(t, w, Options{})
		var all sync.WaitGroup
		for range 60 {
			all.Go(func() {
				if _, err := c.Owner(t.Context(), instanceForTest, setForTest); err != nil {
					t.Error(err)
				}
				if _, err := c.PermissionSet(t.Context(), instanceForTest, setForTest); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if most := busiestSecond(w); most > 20 {
			t.Errorf("%d calls went out within one second, the service takes 20", most)
		}
	})
}

func TestOrganizationsCallsKeepToTheirTable(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		w := &wire{answer: map[string]func(int, request) reply{"ListRoots": always(ok(`{"Roots":[{"Id":"r-ab12"}]}`))}}
		c := dial(t, w, Options{})
		for range 10 {
			if _, err := c.Root(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if most := busiestSecond(w); most > 1 {
			t.Errorf("%d calls of ListRoots went out within one second, the service takes 1", most)
		}
	})
}

// busiestSecond counts the calls in the second that holds most of them.
func busiestSecond(w *wire) int {
	most := 0
	for i, first := range w.seen {
		n := 0
		for _, r := range w.seen[i:] {
			if r.at.Sub(first.at) < time.Second {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

func TestARateFallsWithThrottlesAndGrowsBack(t *testing.T) {
	start := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	b := newLimits(func() time.Time { return start }, 1).of(scope{service: serviceSSO}, "ListPermissionSets")
	full := b.limiter.Limit()
	b.throttled(start)
	b.throttled(start.Add(cutEvery / 2))
	if got, want := b.limiter.Limit(), full/2; got != want {
		t.Errorf("after one burst of throttles the rate is %v, want %v", got, want)
	}
	for i := range 20 {
		b.throttled(start.Add(time.Duration(i+1) * cutEvery))
	}
	if got, want := b.limiter.Limit(), full*lowest; got != want {
		t.Errorf("after many throttles the rate is %v, want %v", got, want)
	}
	for range 100 {
		b.succeeded()
	}
	if got := b.limiter.Limit(); got != full {
		t.Errorf("after a hundred successes the rate is %v, want %v", got, full)
	}
}

func TestACancelledContextStaysOne(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := contextWithCancel(t)
		w := &wire{answer: map[string]func(int, request) reply{
			"ListGroups": func(int, request) reply {
				cancel()
				return reply{err: fmt.Errorf("sending: %w", ctx.Err())}
			},
		}}
		_, err := dial(t, w, Options{}).Groups(ctx, instanceForTest)
		if !errors.Is(err, ctx.Err()) {
			t.Errorf("error is %v, want it to wrap %v", err, ctx.Err())
		}
	})
}
