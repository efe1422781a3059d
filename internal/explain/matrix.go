package explain

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/graph"
)

// Report is the access matrix.
type Report struct {
	APIVersion string       `json:"apiVersion"`
	Kind       string       `json:"kind"`
	Taken      time.Time    `json:"taken"`
	Complete   bool         `json:"complete"`
	Gaps       []access.Gap `json:"gaps"`
	// Clusters are the columns. Somebody without an entry has no access where Unknown is empty, and otherwise nobody knows.
	Clusters []Column `json:"clusters"`
	// Entries are sorted by user, cluster and permission set. Whoever holds nothing that could lead into a cluster has none there.
	Entries []Entry `json:"entries"`
}

// Column is a cluster of the report.
type Column struct {
	Cluster access.ClusterARN `json:"cluster"`
	Name    string            `json:"name"`
	// Unknown says why people without an entry may have access all the same.
	Unknown []string `json:"unknown"`
}

// Entry is what a person may do in a cluster through one permission set.
type Entry struct {
	User    string             `json:"user"`
	ID      access.PrincipalID `json:"id"`
	Cluster access.ClusterARN  `json:"cluster"`
	Account access.AccountID   `json:"account"`
	Through string             `json:"through"`
	// From is the account in which they hold the set, where that is not the cluster's own.
	From  access.AccountID `json:"from,omitempty"`
	Level access.Level     `json:"level"`
	Scope Scope            `json:"scope"`
	// Privileged says that it amounts to the administration of the cluster, Why what makes it so.
	Privileged bool `json:"privileged"`
	// past says that it is so for what their role may do past the cluster, and for that alone.
	past bool
	Why  string `json:"why,omitempty"`
}

// Key identifies the cell of the entry.
func (e Entry) Key() Key { return Key{e.ID, e.Cluster, e.Through, e.From} }

// Key identifies a cell of the matrix.
type Key struct {
	User    access.PrincipalID
	Cluster access.ClusterARN
	Through string
	From    access.AccountID
}

// compare orders entries by user, cluster and set.
func (e Entry) compare(f Entry) int {
	return cmp.Or(cmp.Compare(e.User, f.User), cmp.Compare(e.ID, f.ID), cmp.Compare(e.Cluster, f.Cluster), cmp.Compare(e.Through, f.Through), cmp.Compare(e.From, f.From))
}

// Cells yields every entry of the clusters, cluster by cluster; it holds none of them.
func Cells(g *graph.Graph, clusters []*graph.Cluster) iter.Seq[Entry] {
	return holders{g: g, known: map[pair]graph.Everybody{}}.cells(clusters)
}

func (h holders) cells(clusters []*graph.Cluster) iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for _, c := range clusters {
			for _, d := range c.Doors() {
				for _, one := range h.of(d).Holders {
					inside := d.Cell(one)
					cell := privileged(d, one, inside)
					e := Entry{
						User: one.User.Name, ID: one.User.ID, Cluster: c.ARN, Account: c.Account, Through: d.Set, Level: cell.Level,
						Scope: Scope{cell.Namespaces}, Privileged: cell.Privileged != "", Why: cell.Privileged, past: inside.Privileged != cell.Privileged,
					}
					if d.Account != c.Account {
						e.From = d.Account
					}
					if !yield(e) {
						return
					}
				}
			}
		}
	}
}

// Matrix is the whole report over the clusters. keep chooses the entries; nil keeps all.
func Matrix(g *graph.Graph, clusters []*graph.Cluster, keep func(Entry) bool) Report {
	r := Report{
		APIVersion: APIVersion, Kind: "Report", Taken: g.Taken, Complete: g.Complete(), Gaps: append([]access.Gap{}, g.Gaps...),
		Clusters: []Column{}, Entries: []Entry{},
	}
	held := holders{g: g, known: map[pair]graph.Everybody{}}
	for _, c := range clusters {
		r.Clusters = append(r.Clusters, Column{Cluster: c.ARN, Name: c.Name, Unknown: held.open(c)})
	}
	r.Entries = joined(byUser(g, func(yield func(Entry) bool) {
		for e := range held.cells(clusters) {
			if (keep == nil || keep(e)) && !yield(e) {
				return
			}
		}
	}))
	return r
}

// byUser puts entries that come cluster by cluster in the order of a report. Millions are too many to compare by name, and too many to hold twice: they
// are made once to be counted and once more to be put where their user's stand, and only those of one user are compared.
func byUser(g *graph.Graph, entries iter.Seq[Entry]) []Entry {
	users := slices.Clone(g.Users)
	slices.SortFunc(users, func(a, b access.User) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	place := make(map[access.PrincipalID]int32, len(users))
	for i, u := range users {
		place[u.ID] = int32(i)
	}
	next := make([]int, len(users)+1)
	var of []int32 // whose each entry is
	for e := range entries {
		i := place[e.ID]
		of = append(of, i)
		next[i+1]++
	}
	for i := 1; i < len(next); i++ {
		next[i] += next[i-1]
	}
	out := make([]Entry, next[len(users)])
	for e := range entries {
		at := &next[of[0]]
		out[*at] = e
		*at++
		of = of[1:]
	}
	for from := 0; from < len(out); {
		to := from + 1
		for to < len(out) && out[to].ID == out[from].ID {
			to++
		}
		slices.SortFunc(out[from:to], Entry.compare)
		from = to
	}
	return out
}

// joined makes one entry of those of one cell: a set may lead in by rows of which it is not known which counts.
func joined(entries []Entry) []Entry {
	out := entries[:0]
	for _, e := range entries {
		if n := len(out); n > 0 && out[n-1].Key() == e.Key() {
			last := &out[n-1]
			cell := more(graph.Cell{Level: last.Level, Namespaces: last.Scope.Namespaces, Privileged: last.Why}, graph.Cell{Level: e.Level, Namespaces: e.Scope.Namespaces, Privileged: e.Why})
			last.past = last.past && (e.past || !e.Privileged) || e.past && !last.Privileged
			last.Level, last.Scope, last.Why, last.Privileged = cell.Level, Scope{cell.Namespaces}, cell.Privileged, cell.Privileged != ""
			continue
		}
		out = append(out, e)
	}
	return out
}

// open says why people who are not known to hold anything may have access in the cluster.
func (h holders) open(c *graph.Cluster) []string {
	out := []string{}
	if why := c.Unread(); why != "" {
		out = append(out, why)
	}
	if why, doubtful := h.g.UsersDoubt(); doubtful {
		out = append(out, why)
	}
	for _, d := range c.Doors() {
		if !d.CanMatter() {
			continue
		}
		all := h.of(d)
		if why, open := all.Open(); open && anyone(h.g, d, all, judgeCell(d)) {
			out = append(out, d.Set+": "+why)
		}
	}
	return out
}

func judgeCell(d *graph.Door) func(graph.Holding) graph.Verdict {
	return func(h graph.Holding) graph.Verdict {
		if d.Cell(h).Level == access.LevelNone {
			return graph.Denied
		}
		return graph.VerdictUndecided
	}
}

// Clusters returns the graph's clusters that keep accepts, by ARN; nil keeps all.
func Clusters(g *graph.Graph, keep func(*access.Cluster) bool) []*graph.Cluster {
	var out []*graph.Cluster
	for i := range g.Clusters {
		if c := &g.Clusters[i]; keep == nil || keep(c) {
			out = append(out, g.Of(c.ARN))
		}
	}
	return out
}
