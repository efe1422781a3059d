package kube

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// How long a write that others keep overtaking is tried again: it waits between tries, longer each time, and gives up when it has
// waited for patience in all.
const (
	firstPause = 25 * time.Millisecond
	longPause  = 2 * time.Second
	patience   = 30 * time.Second
)

// retry repeats what other writers overtook.
type retry struct {
	// wait returns after d or, with an error, when ctx ends.
	wait func(ctx context.Context, d time.Duration) error
	// random is from 0 up to 1, so that writers who met once do not meet again.
	random func() float64
}

// do calls attempt until it ends otherwise than overtaken.
func (r retry) do(ctx context.Context, attempt func() error) error {
	var waited time.Duration
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		err := attempt()
		if !overtaken(err) {
			return err
		}
		if waited >= patience {
			return fmt.Errorf("others kept writing in between for %s: %w", patience, err)
		}
		d := time.Duration(float64(pause) * (0.5 + r.random()/2))
		if r.wait(ctx, d) != nil {
			return err
		}
		waited += d
	}
}

// overtaken tells a write that the API server refused because of another from one whose object is not as it should be.
func overtaken(err error) bool {
	_, call := errors.AsType[*access.CallError](err)
	return call && errors.Is(err, access.ErrConflict)
}

// wait is the system's timer.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // the caller says what it was waiting for
	case <-t.C:
		return nil
	}
}
