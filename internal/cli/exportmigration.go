package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/export"
	"github.com/rolecall-dev/rolecall/internal/migrate"
)

// migrated gathers the entries that take the place of rows, for somebody else to make. They carry the marks by which migrate knows them, so
// that it goes on from there. complete tells whether everything was read.
func (a *app) migrated(ctx context.Context, e exporting) (out []export.Cluster, complete bool, err error) {
	m := migrating{which: clusterChoice{all: len(e.clusters) == 0}}
	if m.choices, err = migrate.ParseChoices(e.accept, e.leave); err != nil {
		return nil, false, usage("%w", err)
	}
	all, err := a.movings(ctx, e.clusters, m)
	if err != nil {
		return nil, false, err
	}
	complete = true
	for _, v := range all {
		complete = complete && v.e.index.Complete()
		if err := a.diagnostics(v.proof.Refusals); err != nil {
			return nil, false, err
		}
		c := export.Listed(v.e.index, v.cluster, moved(v.proof))
		if len(v.proof.Refusals) > 0 && c.None == "" {
			c.None = "there is no proof: " + v.proof.Refusals[0].Summary
		}
		c.Notes = append(c.Notes, unmoved(v.proof)...)
		out = append(out, c)
	}
	return out, complete, nil
}

// moved are the entries of a proof. One that stands in the way of its successor is dead.
func moved(p *migrate.Proof) []export.Entry {
	dead := map[access.ARN]bool{}
	for _, r := range p.Rows {
		if r.Dead != nil {
			dead[r.Dead.Principal] = true
		}
	}
	var out []export.Entry
	for _, e := range p.Entries() {
		out = append(out, export.Entry{AccessEntry: e, Dead: dead[e.Principal]})
	}
	return out
}

// unmoved says of every row without an entry what becomes of it, and what there is to choose; of every other what changes by its entry.
func unmoved(p *migrate.Proof) []string {
	var out []string
	for _, r := range p.Rows {
		switch {
		case len(r.Differences) > 0 && r.Moves():
			out = append(out, fmt.Sprintf("whoever comes by the row of %s: %s", r.ARN, strings.Join(r.Differences, "; ")))
		case r.Moves() || r.Made != nil:
		default:
			var offers strings.Builder
			for _, n := range r.Needs {
				if n.Chosen == "" {
					offers.WriteString(" (--accept " + n.Offer + ")")
				}
			}
			out = append(out, fmt.Sprintf("the row of %s gets no entry: %s%s", r.ARN, r.Why, offers.String()))
		}
	}
	return out
}
