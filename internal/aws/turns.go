package aws

import (
	"context"
	"sync"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// mostOutstanding is how many assignment requests Identity Center takes at a time; beyond it, it updates
// one role per account at a time (IAM Identity Center User Guide, "quotas and limits").
const mostOutstanding = 15

// turns lets assignment requests through: one per account, and so many in all.
type turns struct {
	all      chan struct{}
	mu       sync.Mutex
	accounts map[access.AccountID]chan struct{}
}

func newTurns() *turns {
	return &turns{all: make(chan struct{}, mostOutstanding), accounts: map[access.AccountID]chan struct{}{}}
}

// take waits for the account first, so that nobody holds one of the few places while waiting for it.
func (t *turns) take(ctx context.Context, account access.AccountID) (release func(), err error) {
	one := t.of(account)
	select {
	case one <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err() //nolint:wrapcheck // the caller says what it was waiting for
	}
	select {
	case t.all <- struct{}{}:
	case <-ctx.Done():
		<-one
		return nil, ctx.Err() //nolint:wrapcheck // the caller says what it was waiting for
	}
	return func() { <-t.all; <-one }, nil
}

func (t *turns) of(account access.AccountID) chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.accounts[account] == nil {
		t.accounts[account] = make(chan struct{}, 1)
	}
	return t.accounts[account]
}
