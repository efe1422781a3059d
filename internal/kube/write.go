package kube

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
)

// writeAttempts bounds how often a write is tried again when somebody else's came between reading and writing.
const writeAttempts = 5

// EditRows reads aws-auth, edits it and writes it back under the resource version it read.
// When somebody else wrote in between it reads again, as long as the rows to change are as they should be. Edits that took
// effect earlier are left alone; when all did, nothing is written. The ConfigMap is created when it does not exist.
func (c *Client) EditRows(ctx context.Context, cluster access.Cluster, owner string, edits []access.RowEdit) (*access.ConfigMap, error) {
	a, err := c.api(cluster)
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		out, err := a.editRows(ctx, owner, edits)
		if err == nil {
			return out, nil
		}
		var call *access.CallError
		if attempt == writeAttempts || !errors.As(err, &call) || !errors.Is(err, access.ErrConflict) {
			return nil, fmt.Errorf("editing aws-auth: %w", err)
		}
		c.options.Log.DebugContext(ctx, "aws-auth changed while it was edited", "cluster", string(cluster.ARN), "attempt", attempt)
	}
}

// editRows is one attempt. A conflict of the world comes as a CallError, a row that is not as it should be does not.
func (a *api) editRows(ctx context.Context, owner string, edits []access.RowEdit) (*access.ConfigMap, error) {
	cm, err := a.awsAuth(ctx)
	create := errors.Is(err, access.ErrNotFound)
	if create {
		cm, err = &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: awsAuthNamespace, Name: awsAuthName}}, nil
	}
	if err != nil {
		return nil, err
	}
	view := configMap(cm)
	pending := awsauth.Pending(view, owner, edits)
	if len(pending) == 0 {
		return &view, nil
	}
	edited, err := awsauth.Edit(view, owner, pending)
	if err != nil {
		return nil, fmt.Errorf("checking the edit: %w", err)
	}
	cm = cm.DeepCopy()
	cm.Data, cm.Annotations = edited.Data, edited.Annotations
	written, err := a.writeAwsAuth(ctx, cm)
	if err != nil {
		return nil, err
	}
	out := configMap(written)
	return &out, nil
}

// writeAwsAuth creates a ConfigMap that has no resource version and updates any other.
func (a *api) writeAwsAuth(ctx context.Context, cm *corev1.ConfigMap) (*corev1.ConfigMap, error) {
	maps, t := a.core.ConfigMaps(awsAuthNamespace), target{verb: "update", resource: "configmaps", namespace: awsAuthNamespace}
	if cm.ResourceVersion == "" {
		t.verb = "create"
		out, err := maps.Create(ctx, cm, metav1.CreateOptions{})
		return out, a.did(ctx, t, err)
	}
	out, err := maps.Update(ctx, cm, metav1.UpdateOptions{})
	err = a.did(ctx, t, err)
	var call *access.CallError
	if errors.As(err, &call) && errors.Is(err, access.ErrNotFound) {
		// Deleted since it was read: reading again is in order, as after any other write in between.
		call.Condition = access.ErrConflict
	}
	return out, err
}

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
