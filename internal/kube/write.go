package kube

import (
	"context"
	"errors"
	"fmt"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// writeAttempts bounds how often the write of a binding is tried again when somebody else's came between reading and writing.
const writeAttempts = 5

// PutBinding creates b when before is nil, and otherwise replaces the subjects and our labels
// of a binding that is as before says. A binding that is as wanted already is success. Labels and annotations of others stay.
func (c *Client) PutBinding(ctx context.Context, cluster access.Cluster, before *access.Binding, b access.Binding) error {
	a, err := c.api(cluster)
	if err != nil {
		return err
	}
	if before == nil {
		err = a.addBinding(ctx, b)
	} else {
		err = a.replaceBinding(ctx, *before, b)
	}
	if err != nil {
		return fmt.Errorf("writing binding %q: %w", b.Name, err)
	}
	return nil
}

func (a *api) addBinding(ctx context.Context, b access.Binding) error {
	err := a.createBinding(ctx, b)
	if !errors.Is(err, access.ErrConflict) {
		return err
	}
	existing, err := a.getBinding(ctx, b)
	if err != nil {
		return err
	}
	if !same(existing.binding(), b) {
		return fmt.Errorf("one of that name exists and differs: %w", access.ErrConflict)
	}
	return nil
}

func (a *api) replaceBinding(ctx context.Context, before, b access.Binding) error {
	if before.Ref != b.Ref {
		return fmt.Errorf("the role of a binding cannot change from %q to %q", before.Ref.Name, b.Ref.Name)
	}
	for attempt := 1; ; attempt++ {
		s, err := a.getBinding(ctx, b)
		switch {
		case errors.Is(err, access.ErrNotFound):
			return fmt.Errorf("it is gone: %w", access.ErrConflict)
		case err != nil:
			return err
		case same(s.binding(), b):
			return nil
		case !same(s.binding(), before):
			return fmt.Errorf("it is not as it was read: %w", access.ErrConflict)
		}
		err = a.updateBinding(ctx, s.with(b), b)
		overtaken := errors.Is(err, access.ErrConflict) || errors.Is(err, access.ErrNotFound)
		if !overtaken || attempt == writeAttempts {
			return err
		}
	}
}

// DeleteBinding deletes b if its role, subjects and our labels are still as given; one that is gone already is success.
func (c *Client) DeleteBinding(ctx context.Context, cluster access.Cluster, b access.Binding) error {
	a, err := c.api(cluster)
	if err != nil {
		return err
	}
	if err := a.removeBinding(ctx, b); err != nil && !errors.Is(err, access.ErrNotFound) {
		return fmt.Errorf("deleting binding %q: %w", b.Name, err)
	}
	return nil
}

func (a *api) removeBinding(ctx context.Context, b access.Binding) error {
	for attempt := 1; ; attempt++ {
		s, err := a.getBinding(ctx, b)
		if err != nil {
			return err
		}
		if !same(s.binding(), b) {
			return fmt.Errorf("it is not as it was read: %w", access.ErrConflict)
		}
		err = a.deleteBinding(ctx, s, b)
		if !errors.Is(err, access.ErrConflict) || attempt == writeAttempts {
			return err
		}
	}
}
