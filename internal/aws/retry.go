package aws

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// failureClass says how a failed attempt is retried.
type failureClass int

const (
	// failureFinal is not retried.
	failureFinal failureClass = iota + 1
	// failureThrottled is retried with growing pauses for as long as patience lasts.
	failureThrottled
	// failureConflict is a write in the way of an earlier one that has not settled; it is retried likewise.
	failureConflict
	// failureTransient is a server's error or a lost connection; it is retried a few times.
	failureTransient
)

const (
	// patience is how long one call is retried when it is throttled or in conflict.
	patience = 5 * time.Minute
	// transientRetries is how often one call is repeated after server and connection errors.
	transientRetries = 4
)

// errPatience says that a call was given up although it could be retried.
var errPatience = errors.New("retrying ended")

// classify decides how a failed attempt is retried.
func classify(err error) failureClass {
	switch {
	case isThrottle(err):
		return failureThrottled
	case isConflict(err):
		return failureConflict
	}
	for _, r := range retry.DefaultRetryables {
		if verdict := r.IsErrorRetryable(err); verdict != awssdk.UnknownTernary {
			if verdict.Bool() {
				return failureTransient
			}
			return failureFinal
		}
	}
	return failureFinal
}

// isThrottle knows a throttle by its code, whatever its HTTP status: Organizations answers 400.
func isThrottle(err error) bool {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		if _, ok := retry.DefaultThrottleErrorCodes[api.ErrorCode()]; ok {
			return true
		}
	}
	var response *smithyhttp.ResponseError
	return errors.As(err, &response) && response.HTTPStatusCode() == http.StatusTooManyRequests
}

// isConflict knows a write that came before an earlier one had settled. The SDK does not retry it.
func isConflict(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	return api.ErrorCode() == "ConflictException" || api.ErrorCode() == "ConcurrentModificationException"
}

// pause is the longest wait after the n-th attempt, n from 1.
func (f failureClass) pause(attempt int) time.Duration {
	first, most := 200*time.Millisecond, 3*time.Second
	switch f {
	case failureThrottled:
		first, most = time.Second, 20*time.Second
	case failureConflict:
		first, most = time.Second, 10*time.Second
	case failureTransient, failureFinal:
	}
	return min(first<<min(attempt-1, 10), most)
}

// callState follows one call through its attempts. Attempts of one call do not overlap.
type callState struct {
	started   time.Time
	throttled int
	transient int
}

type callStateKey struct{}

func stateOf(ctx context.Context) *callState {
	s, _ := ctx.Value(callStateKey{}).(*callState)
	return s
}

// instrument adds counting around a call and pacing before each of its attempts.
func (c *Client) instrument(stack *middleware.Stack, s scope) error {
	count := middleware.InitializeMiddlewareFunc("RolecallCount", func(
		ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
	) (middleware.InitializeOutput, middleware.Metadata, error) {
		st := &callState{started: c.opt.Clock()}
		out, md, err := next.HandleInitialize(context.WithValue(ctx, callStateKey{}, st), in)
		c.report(ctx, s, st, err)
		return out, md, err //nolint:wrapcheck // a middleware hands its neighbour's error on
	})
	pace := middleware.FinalizeMiddlewareFunc("RolecallPace", func(
		ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
	) (middleware.FinalizeOutput, middleware.Metadata, error) {
		b := c.limits.of(s, awsmiddleware.GetOperationName(ctx))
		if err := b.wait(ctx); err != nil {
			return middleware.FinalizeOutput{}, middleware.Metadata{}, err
		}
		out, md, err := next.HandleFinalize(ctx, in)
		c.learn(ctx, s, b, err)
		return out, md, err //nolint:wrapcheck // a middleware hands its neighbour's error on
	})
	if err := stack.Initialize.Add(count, middleware.After); err != nil {
		return fmt.Errorf("adding the call counter: %w", err)
	}
	if err := stack.Finalize.Insert(pace, "Retry", middleware.After); err != nil {
		return fmt.Errorf("adding the rate limit: %w", err)
	}
	return nil
}

// learn adapts the rate to the outcome of an attempt.
func (c *Client) learn(ctx context.Context, s scope, b *bucket, err error) {
	if err == nil {
		b.succeeded()
		return
	}
	if !isThrottle(err) {
		return
	}
	b.throttled(c.opt.Clock())
	c.opt.Log.DebugContext(ctx, "throttled", "service", s.service, "operation", awsmiddleware.GetOperationName(ctx),
		"account", s.account, "region", s.region, "rate", float64(b.limiter.Limit()))
	if st := stateOf(ctx); st != nil {
		st.throttled++
	}
}

// report tells the caller of the package about a finished call.
func (c *Client) report(ctx context.Context, s scope, st *callState, err error) {
	if c.opt.OnCall == nil {
		return
	}
	c.opt.OnCall(Call{
		Service: s.service, Operation: awsmiddleware.GetOperationName(ctx), Account: s.account, Region: s.region,
		Duration: c.opt.Clock().Sub(st.started), Throttled: st.throttled, Err: err != nil,
	})
}

// retryer is the retry policy of every call: it has no token quota, which under many parallel throttled
// calls would end them all, but patience per call. It implements aws.RetryerV2.
type retryer struct {
	clock  func() time.Time
	jitter func() float64
}

// IsErrorRetryable tells whether another attempt is in order.
func (r retryer) IsErrorRetryable(err error) bool { return classify(err) != failureFinal }

// MaxAttempts is unlimited: GetRetryToken decides.
func (r retryer) MaxAttempts() int { return 0 }

// RetryDelay is a random part, at least half, of the pause.
func (r retryer) RetryDelay(attempt int, err error) (time.Duration, error) {
	p := classify(err).pause(attempt)
	return p/2 + time.Duration(r.jitter()*float64(p/2)), nil
}

// GetRetryToken refuses another attempt once patience or the context's time has run out, so that the
// service's own answer is what the caller sees.
func (r retryer) GetRetryToken(ctx context.Context, err error) (func(error) error, error) {
	st := stateOf(ctx)
	if st == nil {
		return nil, errPatience
	}
	class, now := classify(err), r.clock()
	switch class {
	case failureTransient:
		st.transient++
		if st.transient > transientRetries {
			return nil, errPatience
		}
	case failureThrottled, failureConflict:
		if now.Sub(st.started) > patience {
			return nil, errPatience
		}
	case failureFinal:
		return nil, errPatience
	}
	if end, ok := ctx.Deadline(); ok && now.Add(class.pause(1)).After(end) {
		return nil, errPatience
	}
	return releaseNothing, nil
}

// GetInitialToken implements aws.Retryer.
func (r retryer) GetInitialToken() func(error) error { return releaseNothing }

// GetAttemptToken implements aws.RetryerV2.
func (r retryer) GetAttemptToken(context.Context) (func(error) error, error) {
	return releaseNothing, nil
}

func releaseNothing(error) error { return nil }
