package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/desired"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/lint"
	"github.com/rolecall-dev/rolecall/internal/manifest"
	"github.com/rolecall-dev/rolecall/internal/plan"
)

// clusterFix is a cluster's aws-auth that is to be mended.
type clusterFix struct {
	cluster access.Cluster
	after   access.ConfigMap
	guard   access.RowGuard
}

// mendClusters shows what fixes make of the clusters' aws-auth and, with --fix, writes it: all of them or, where a guard refuses, none.
func (a *app) mendClusters(ctx context.Context, l *linted) error {
	var fixes []clusterFix
	for i := range l.subjects {
		s := &l.subjects[i]
		edits := lint.Fix(s.document, s.options)
		if s.unread || len(edits) == 0 || s.cluster.AwsAuth == nil {
			continue
		}
		fix := clusterFix{cluster: *s.cluster, after: fixedConfigMap(*s.cluster.AwsAuth, edits)}
		for _, key := range slices.Sorted(maps.Keys(fix.after.Data)) {
			name := s.document.Cluster + " aws-auth " + key
			if err := a.showDiff(l, name, []byte(s.cluster.AwsAuth.Data[key]), []byte(fix.after.Data[key])); err != nil {
				return err
			}
		}
		fixes = append(fixes, fix)
		s.document = manifest.Live(s.document.Cluster, fix.after)
	}
	l.mended = len(fixes)
	if !l.flags.fix || len(fixes) == 0 {
		return nil
	}
	if err := a.guardFixes(l, fixes); err != nil {
		return err
	}
	if !l.flags.approve {
		if err := a.confirm(ctx, fmt.Sprintf("Write this to %s as %s?", count(len(fixes), "cluster"), l.index.Caller.ARN)); err != nil {
			return err
		}
	}
	backup := a.backupHeader(l.estate.in.installation.Owner, "lint --fix", l.index.Caller.ARN)
	for _, fix := range fixes {
		if err := a.writeFix(ctx, l.estate, fix, backup); err != nil {
			return err
		}
	}
	for _, k := range l.estate.world.keeper.list() {
		name := fmt.Sprintf("%s#%d", k.Cluster.Name(), k.Number)
		a.say("Backup of aws-auth: %s (%s rollback %s)", name, a.name, name)
	}
	return nil
}

// guardFixes asks the guards about every write before the first.
func (a *app) guardFixes(l *linted, fixes []clusterFix) error {
	e := l.estate
	if err := l.flags.bound(e.in); err != nil {
		return err
	}
	built := desired.Build(desired.Input{Installation: e.in.installation, Policies: e.in.policies, Index: e.index, Coverage: desired.Partial})
	input := planInput(e.in, e.index, built)
	var refusals diag.List
	for i := range fixes {
		fix := &fixes[i]
		fix.guard = plan.GuardFor(input, fix.cluster.ARN, l.flags.options)
		for _, refusal := range awsauth.Guard(*fix.cluster.AwsAuth, fix.after, fix.guard) {
			refusal.Cluster = e.index.ClusterName(fix.cluster.ARN)
			refusals = append(refusals, refusal)
		}
	}
	return a.refuse(refusals)
}

// refuse ends a run that guards have something against.
func (a *app) refuse(refusals diag.List) error {
	if len(refusals) == 0 {
		return nil
	}
	if err := a.diagnostics(refusals); err != nil {
		return err
	}
	a.say("Refused by a guard. Nothing was changed.")
	return told(exitRefused)
}

func (a *app) writeFix(ctx context.Context, e *estate, fix clusterFix, backup *access.Backup) error {
	w := access.TextWrite{Before: fix.cluster.AwsAuth, After: &fix.after, Guard: fix.guard, Backup: backup}
	_, err := e.world.clusters.WriteAwsAuth(ctx, fix.cluster, w)
	name := e.index.ClusterName(fix.cluster.ARN)
	if refused, ok := errors.AsType[*awsauth.GuardError](err); ok {
		a.say("%s was changed meanwhile:", name)
		return a.refuse(refused.Refusals)
	}
	if _, call := errors.AsType[*access.CallError](err); errors.Is(err, access.ErrConflict) && !call {
		return fmt.Errorf("%s: somebody changed aws-auth meanwhile and it was left alone; run it again", name)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
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
