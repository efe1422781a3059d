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
	held := holders{g: g, known: map[pair]graph.Everybody{}}
	return func(yield func(Entry) bool) {
		for _, c := range clusters {
			for _, d := range c.Doors() {
				for _, h := range held.of(d).Holders {
					inside := d.Cell(h)
					cell := privileged(d, h, inside)
					e := Entry{
						User: h.User.Name, ID: h.User.ID, Cluster: c.ARN, Account: c.Account, Through: d.Set, Level: cell.Level,
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
	for _, c := range clusters {
		r.Clusters = append(r.Clusters, Column{Cluster: c.ARN, Name: c.Name, Unknown: open(g, c)})
	}
	r.Entries = joined(byUser(g, func(yield func(Entry) bool) {
		for e := range Cells(g, clusters) {
			if (keep == nil || keep(e)) && !yield(e) {
				return
			}
		}
	}))
	return r
}

// byUser puts entries that come cluster by cluster in the order of a report. Millions are too many to compare by name: they are counted out to their
// users, and only those of one user and cluster are compared.
func byUser(g *graph.Graph, entries iter.Seq[Entry]) []Entry {
	users := slices.Clone(g.Users)
	slices.SortFunc(users, func(a, b access.User) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	place := make(map[access.PrincipalID]int, len(users))
	for i, u := range users {
		place[u.ID] = i
	}
	const chunk = 1 << 14
	var chunks [][]Entry
	next := make([]int, len(users)+1)
	total := 0
	for e := range entries {
		if total%chunk == 0 {
			chunks = append(chunks, make([]Entry, 0, chunk))
		}
		last := &chunks[len(chunks)-1]
		*last = append(*last, e)
		next[place[e.ID]+1]++
		total++
	}
	for i := 1; i < len(next); i++ {
		next[i] += next[i-1]
	}
	out := make([]Entry, total)
	for i, c := range chunks {
		for _, e := range c {
			at := &next[place[e.ID]]
			out[*at] = e
			*at++
		}
		chunks[i] = nil
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
func open(g *graph.Graph, c *graph.Cluster) []string {
	out := []string{}
	if why := c.Unread(); why != "" {
		out = append(out, why)
	}
	if why, doubtful := g.UsersDoubt(); doubtful {
		out = append(out, why)
	}
	for _, d := range c.Doors() {
		if !d.CanMatter() {
			continue
		}
		all := g.Holders(d.Account, d.Set)
		if why, open := all.Open(); open && anyone(g, d, all, judgeCell(d)) {
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
