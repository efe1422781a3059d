package cli

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/lint"
	"github.com/rolecall-dev/rolecall/internal/manifest"
)

// clusterFix is a cluster's aws-auth that is to be mended.
type clusterFix struct {
	cluster       *access.Cluster
	before, after access.ConfigMap
}

// mendClusters shows what fixes make of the clusters' aws-auth.
func (a *app) mendClusters(_ context.Context, l *linted) error {
	for i := range l.subjects {
		s := &l.subjects[i]
		edits := lint.Fix(s.document, s.options)
		if len(edits) == 0 || s.cluster.AwsAuth == nil {
			continue
		}
		fix := clusterFix{cluster: s.cluster, before: *s.cluster.AwsAuth, after: fixedConfigMap(*s.cluster.AwsAuth, edits)}
		for _, key := range slices.Sorted(maps.Keys(fix.after.Data)) {
			name := s.document.Cluster + " aws-auth " + key
			if err := a.showDiff(l, name, []byte(fix.before.Data[key]), []byte(fix.after.Data[key])); err != nil {
				return err
			}
		}
		l.mended++
		s.document = manifest.Live(s.document.Cluster, fix.after)
	}
	return nil
}

// fixedConfigMap is the ConfigMap as the edits of its values leave it. Edits of one value do not overlap.
func fixedConfigMap(cm access.ConfigMap, edits []manifest.Edit) access.ConfigMap {
	out := access.ConfigMap{Data: maps.Clone(cm.Data), Annotations: maps.Clone(cm.Annotations), ResourceVersion: cm.ResourceVersion}
	if out.Data == nil {
		out.Data = map[string]string{}
	}
	// From the end to the beginning, so that the places of the rest stay true.
	for _, e := range slices.SortedStableFunc(slices.Values(edits), func(a, b manifest.Edit) int { return cmp.Compare(b.Start, a.Start) }) {
		text := out.Data[e.Key]
		out.Data[e.Key] = text[:e.Start] + e.New + text[e.End:]
	}
	return out
}
