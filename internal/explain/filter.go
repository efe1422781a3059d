package explain

import (
	"slices"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/graph"
)

// Beyond keeps the entries that are more than the same people have in the other graph: a higher level, or the same in more places. Where an entry
// is not known it is kept, since nobody can say that it is not more.
func Beyond(policy *graph.Graph) func(Entry) bool {
	given := map[Key]Entry{}
	for _, e := range Matrix(policy, Clusters(policy, nil), nil).Entries {
		given[e.Key()] = e
	}
	return func(e Entry) bool {
		p, ok := given[e.Key()]
		switch {
		case e.Level == access.LevelNone:
			return false
		case !ok, e.Level == access.LevelUnknown:
			return true
		case e.Privileged && !p.Privileged, graph.Higher(e.Level, p.Level):
			return true
		case e.Level != p.Level || p.Scope.Namespaces == nil:
			return false
		}
		return e.Scope.Namespaces == nil || slices.ContainsFunc(e.Scope.Namespaces, func(n string) bool { return !slices.Contains(p.Scope.Namespaces, n) })
	}
}

// Changed keeps the entries that a difference is about. Access that is gone has no entry to keep.
func Changed(d SnapshotDiff) func(Entry) bool {
	moved := map[Key]bool{}
	for _, m := range d.People {
		moved[Key{m.ID, m.Cluster, m.Through, m.From}] = true
	}
	return func(e Entry) bool { return moved[e.Key()] }
}
