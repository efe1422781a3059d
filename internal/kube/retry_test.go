package kube

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rolecall-dev/rolecall/internal/access"
)

func lost() error {
	return &access.CallError{Service: service, Operation: "update configmaps", Condition: access.ErrConflict}
}

func TestWritersThatAreOvertakenWaitLongerEachTimeAndNeverTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at [2][]time.Duration
		for i := range at {
			r := retry{wait: wait, random: rand.New(rand.NewPCG(uint64(i), 1)).Float64}
			start := time.Now()
			err := r.do(t.Context(), func() error {
				at[i] = append(at[i], time.Since(start))
				return lost()
			})
			if took := time.Since(start); !errors.Is(err, access.ErrConflict) || took < patience || took > patience+longPause {
				t.Errorf("gave up after %s with %v; want about %s and the conflict", took, err, patience)
			}
		}
		for i := range min(len(at[0]), len(at[1])) - 1 {
			if at[0][i+1] == at[1][i+1] {
				t.Errorf("two writers tried for the %d. time at the same moment", i+2)
			}
		}
		if n := len(at[0]); n < 20 || n > 40 {
			t.Errorf("tried %d times, want a few dozen", n)
		}
	})
}

func TestWhatIsNoRaceIsNotTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, cause := range []error{nil, access.ErrConflict, &access.CallError{Condition: access.ErrDenied}} {
			n := 0
			err := retry{wait: wait, random: rand.Float64}.do(t.Context(), func() error {
				n++
				return cause
			})
			if n != 1 || !errors.Is(err, cause) {
				t.Errorf("%v was tried %d times and ended with %v", cause, n, err)
			}
		}
	})
}

func TestAnInterruptedWaitEndsTheAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		err := retry{wait: wait, random: rand.Float64}.do(ctx, lost)
		if !errors.Is(err, access.ErrConflict) || time.Since(start) != time.Second {
			t.Errorf("ended after %s with %v; want at once, with the conflict", time.Since(start), err)
		}
	})
}
