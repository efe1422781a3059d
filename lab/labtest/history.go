package labtest

import (
	"context"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
)

// History is every version that aws-auth has had since it was asked for, deletions included.
type History struct {
	mu       sync.Mutex
	versions []Version
	grown    chan struct{}
}

// Version is one version of aws-auth.
type Version struct {
	*corev1.ConfigMap

	// Gone says that this one was deleted.
	Gone bool
}

// Record writes a cluster's history of aws-auth until the test ends, the present version first.
func Record(tb testing.TB, k kubernetes.Interface) *History {
	tb.Helper()
	ctx, maps := tb.Context(), k.CoreV1().ConfigMaps(metav1.NamespaceSystem)
	now, err := maps.Get(ctx, "aws-auth", metav1.GetOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	h := &History{versions: []Version{{ConfigMap: now}}, grown: make(chan struct{}, 1)}
	w, err := maps.Watch(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("metadata.name", "aws-auth").String(), ResourceVersion: now.ResourceVersion,
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(w.Stop)
	go h.follow(w)
	return h
}

func (h *History) follow(w watch.Interface) {
	for event := range w.ResultChan() {
		cm, ok := event.Object.(*corev1.ConfigMap)
		if !ok {
			return
		}
		h.mu.Lock()
		h.versions = append(h.versions, Version{ConfigMap: cm, Gone: event.Type == watch.Deleted})
		h.mu.Unlock()
		select {
		case h.grown <- struct{}{}:
		default:
		}
	}
}

// Until waits for a resource version and returns all up to it.
func (h *History) Until(ctx context.Context, tb testing.TB, version string) []Version {
	tb.Helper()
	for {
		h.mu.Lock()
		for i, v := range h.versions {
			if v.ResourceVersion == version {
				out := append([]Version{}, h.versions[:i+1]...)
				h.mu.Unlock()
				return out
			}
		}
		h.mu.Unlock()
		select {
		case <-h.grown:
		case <-ctx.Done():
			tb.Fatalf("waiting for version %s of aws-auth: %v", version, ctx.Err())
		}
	}
}
