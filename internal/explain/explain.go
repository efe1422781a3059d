// Package explain answers questions about access: why somebody may or may not do something, who may do it, who may do what,
// and what changed between two snapshots. It also runs the tests that policies carry.
//
// An answer never turns what could not be read into a no.
package explain

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/graph"
	"github.com/rolecall-dev/rolecall/internal/rbac"
)

// APIVersion is that of every document this package makes.
const APIVersion = "rolecall.dev/v1alpha1"

// Scope is where a level holds: the whole cluster, or some namespaces.
type Scope struct {
	// Namespaces are sorted; nil means the whole cluster.
	Namespaces []string
}

// MarshalJSON writes "cluster" or the list of namespaces.
func (s Scope) MarshalJSON() ([]byte, error) {
	var v any = "cluster"
	if s.Namespaces != nil {
		v = s.Namespaces
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding a scope: %w", err)
	}
	return b, nil
}

// Explanation answers what one user may do in one cluster, and why.
type Explanation struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	User       string `json:"user"`
	// Cluster is the cluster's ARN.
	Cluster access.ClusterARN `json:"cluster"`
	// Through is the permission set that was asked about; empty for any.
	Through string `json:"through"`
	// Request is as ParseRequest reads it; empty for "what may they do at all?".
	Request string        `json:"request"`
	Verdict graph.Verdict `json:"verdict"`
	// Level, Scope and Privileged sum up all that the user may do there.
	Level      access.Level `json:"level"`
	Scope      Scope        `json:"scope"`
	Privileged bool         `json:"privileged"`
	// Why says what makes it the administration of the cluster, where it is that.
	Why string `json:"why,omitempty"`
	// Paths are those that answer, the best first: all that hold; or else all that might; or else those that come nearest.
	Paths []graph.Path `json:"paths"`
	// Remedy is what mends the broken hop of the first path; empty when nothing is broken.
	Remedy string `json:"remedy"`
}

// Explain answers the question about the user.
func Explain(g *graph.Graph, u access.User, c *graph.Cluster, q graph.Question) Explanation {
	paths := c.Paths(u, q)
	e := Explanation{
		APIVersion: APIVersion, Kind: "Explanation", User: u.Name, Cluster: c.ARN, Through: q.Through,
		Verdict: graph.Judge(paths), Paths: telling(paths),
	}
	if q.Request != nil {
		e.Request = rbac.Phrase(*q.Request)
	}
	cell := total(u, c, q.Through)
	if c.Unread() != "" && !u.Disabled && graph.Higher(access.LevelUnknown, cell.Level) {
		cell = graph.Cell{Level: access.LevelUnknown}
	}
	e.Level, e.Scope, e.Privileged, e.Why = cell.Level, Scope{cell.Namespaces}, cell.Privileged != "", cell.Privileged
	if len(e.Paths) > 0 && e.Verdict != graph.Allowed {
		e.Remedy = remedy(g, c, e.Paths[0], u, q.Request)
	}
	return e
}

// Nobody answers about a name that the snapshot does not have, where users may exist that were not read.
func Nobody(g *graph.Graph, name string, c *graph.Cluster, q graph.Question) Explanation {
	why, _ := g.UsersDoubt()
	e := Explanation{APIVersion: APIVersion, Kind: "Explanation", User: name, Cluster: c.ARN, Through: q.Through, Verdict: graph.VerdictUndecided, Level: access.LevelUnknown}
	if q.Request != nil {
		e.Request = rbac.Phrase(*q.Request)
	}
	e.Paths = []graph.Path{{Hops: []graph.Hop{{
		Kind: graph.HopUser, Name: name, Status: graph.Unknown, Code: diag.RC5004,
		Evidence: &graph.Evidence{Object: name, Where: "identitystore ListUsers", At: g.Taken, Detail: why},
	}}}}
	e.Remedy = "take a snapshot that is complete: rolecall snapshot --require-complete"
	return e
}

// telling keeps the paths that answer and puts the best first.
func telling(paths []graph.Path) []graph.Path {
	paths = slices.Clone(paths)
	slices.SortStableFunc(paths, func(a, b graph.Path) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(breaks(a), breaks(b)), cmp.Compare(passed(b), passed(a)), cmp.Compare(reach(b), reach(a)), compareNames(a, b))
	})
	best := 0
	for best < len(paths) && rank(paths[best]) == rank(paths[0]) {
		best++
	}
	return paths[:best:best]
}

func compareNames(a, b graph.Path) int {
	return slices.CompareFunc(a.Hops, b.Hops, func(x, y graph.Hop) int { return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Name, y.Name)) })
}

func rank(p graph.Path) int {
	switch p.Status() {
	case graph.OK:
		return 0
	case graph.Unknown:
		return 1
	case graph.Broken:
	}
	return 2
}

// breaks counts the hops that do not hold.
func breaks(p graph.Path) int {
	n := 0
	for _, h := range p.Hops {
		if h.Status != graph.OK {
			n++
		}
	}
	return n
}

// passed is more than 0 for a path that would hold, had not another row or an access entry been taken in the place of its own mapping, or did its entry admit
// anybody: that is the cause, wherever the other ends.
func passed(p graph.Path) int {
	h, ok := p.First(graph.Broken)
	switch {
	case ok && (h.Code == diag.RC3003 || h.Code == diag.RC3012):
		return 2
	case ok && (h.Code == diag.RC2006 || h.Code == diag.RC3004):
		return 1
	}
	return 0
}

// reach is how far the path gets before its first hop that does not hold.
func reach(p graph.Path) int {
	return slices.IndexFunc(p.Hops, func(h graph.Hop) bool { return h.Status != graph.OK })
}

// total is the most that the user may do in the cluster.
func total(u access.User, c *graph.Cluster, through string) graph.Cell {
	out := graph.Cell{Level: access.LevelNone}
	for _, d := range c.Doors() {
		if through != "" && d.Set != through {
			continue
		}
		for _, h := range d.Holdings(u) {
			out = more(out, privileged(d, h, d.Cell(h)))
		}
	}
	return out
}

// more joins two cells.
func more(a, b graph.Cell) graph.Cell {
	switch {
	case graph.Higher(b.Level, a.Level):
		b.Privileged = cmp.Or(b.Privileged, a.Privileged)
		return b
	case a.Level == b.Level && (a.Namespaces == nil || b.Namespaces == nil):
		a.Namespaces = nil
	case a.Level == b.Level:
		a.Namespaces = slices.Concat(a.Namespaces, b.Namespaces)
		slices.Sort(a.Namespaces)
		a.Namespaces = slices.Compact(a.Namespaces)
	}
	a.Privileged = cmp.Or(a.Privileged, b.Privileged)
	return a
}
