package kube

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
)

// EditRows reads aws-auth, edits it and writes it back under the resource version it read, after the guard has been asked and a backup
// was kept. When somebody else wrote in between it reads again, for half a minute at most, as long as the rows to change are as they
// should be. Edits that took effect earlier are left alone; when all did, nothing is written. The ConfigMap is created when it does not exist.
// A guard's refusal is an *awsauth.GuardError.
func (c *Client) EditRows(ctx context.Context, cluster access.Cluster, w access.RowWrite) (*access.ConfigMap, error) {
	next := func(now *access.ConfigMap) (access.ConfigMap, error) {
		view := access.ConfigMap{}
		if now != nil {
			view = *now
		}
		pending := awsauth.Pending(view, w.Owner, w.Edits)
		if len(pending) == 0 {
			return view, errNothing
		}
		edit := awsauth.Edit
		if w.AllowRewrite {
			edit = awsauth.Rewrite
		}
		edited, err := edit(view, w.Owner, pending)
		if err != nil {
			return view, fmt.Errorf("checking the edit: %w", err)
		}
		return edited, nil
	}
	out, err := c.rewrite(ctx, cluster, rewriting{next: next, guard: w.Guard, backup: w.Backup})
	if err != nil {
		return nil, fmt.Errorf("editing aws-auth: %w", err)
	}
	return out, nil
}

// WriteAwsAuth replaces aws-auth if it still is as w.Before says, under the same conditions as EditRows. A ConfigMap that is as w.After says
// already is success.
func (c *Client) WriteAwsAuth(ctx context.Context, cluster access.Cluster, w access.TextWrite) (*access.ConfigMap, error) {
	if w.After == nil {
		return nil, errors.New("replacing aws-auth: it is never deleted")
	}
	next := func(now *access.ConfigMap) (access.ConfigMap, error) {
		switch {
		case now != nil && sameText(now, w.After):
			return *now, errNothing
		case !sameText(now, w.Before):
			return access.ConfigMap{}, fmt.Errorf("it is not as it was read: %w", access.ErrConflict)
		}
		return withRecords(now, *w.After), nil
	}
	out, err := c.rewrite(ctx, cluster, rewriting{next: next, guard: w.Guard, backup: w.Backup, whole: true})
	if err != nil {
		return nil, fmt.Errorf("replacing aws-auth: %w", err)
	}
	return out, nil
}

// sameText compares what two ConfigMaps say: the data, and the annotations in which rolecall records rows.
func sameText(a, b *access.ConfigMap) bool {
	if a == nil || b == nil {
		return a == b
	}
	return maps.Equal(a.Data, b.Data) && maps.Equal(records(a.Annotations), records(b.Annotations))
}

func records(annotations map[string]string) map[string]string {
	out := maps.Clone(annotations)
	maps.DeleteFunc(out, func(k, _ string) bool { return !strings.HasPrefix(k, access.AnnotationRowsBase) })
	return out
}

// withRecords is after's data and records with now's other annotations.
func withRecords(now *access.ConfigMap, after access.ConfigMap) access.ConfigMap {
	annotations := map[string]string{}
	if now != nil {
		maps.Copy(annotations, now.Annotations)
	}
	maps.DeleteFunc(annotations, func(k, _ string) bool { return strings.HasPrefix(k, access.AnnotationRowsBase) })
	maps.Copy(annotations, records(after.Annotations))
	return access.ConfigMap{Data: maps.Clone(after.Data), Annotations: annotations}
}

// errNothing says that the ConfigMap is as wanted.
var errNothing = errors.New("nothing to write")

// rewriting is how aws-auth is to be replaced.
type rewriting struct {
	// next makes the new text from what was read, nil when there is none; errNothing when there is nothing to write.
	next   func(now *access.ConfigMap) (access.ConfigMap, error)
	guard  access.RowGuard
	backup *access.Backup
	// whole says that the run replaces all of the text in this one write.
	whole bool
}

// rewrite reads, checks, backs up and writes until nobody gets in between.
func (c *Client) rewrite(ctx context.Context, cluster access.Cluster, w rewriting) (*access.ConfigMap, error) {
	a, err := c.api(cluster)
	if err != nil {
		return nil, err
	}
	keeping := c.keeping(a, cluster, w.backup)
	var out *access.ConfigMap
	err = c.retry.do(ctx, func() error {
		out, err = a.rewrite(ctx, w, keeping)
		return err
	})
	keeping.prune(ctx)
	return out, err
}

// rewrite is one attempt: one read, one copy, one write.
func (a *api) rewrite(ctx context.Context, w rewriting, keeping *keeping) (*access.ConfigMap, error) {
	stored, err := a.awsAuth(ctx)
	var now *access.ConfigMap
	switch {
	case errors.Is(err, access.ErrNotFound):
		stored = &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: awsAuthNamespace, Name: awsAuthName}}
	case err != nil:
		return nil, err
	default:
		view := configMap(stored)
		now = &view
	}
	next, err := w.next(now)
	if errors.Is(err, errNothing) {
		return now, nil
	}
	if err != nil {
		return nil, err
	}
	if err := awsauth.Check(configMap(stored), next, w.guard); err != nil {
		return nil, err
	}
	wrote := ""
	if w.whole {
		wrote = awsauth.DataDigest(next)
	}
	if err := keeping.keep(ctx, now, wrote); err != nil {
		return nil, err
	}
	stored = stored.DeepCopy()
	stored.Data, stored.Annotations = next.Data, next.Annotations
	written, err := a.writeAwsAuth(ctx, stored)
	if !errors.Is(err, access.ErrConflict) && !errors.Is(err, access.ErrDenied) {
		keeping.replaced()
	}
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
