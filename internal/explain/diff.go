package explain

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/graph"
)

// SnapshotDiff is who gained and who lost what between two snapshots.
type SnapshotDiff struct {
	APIVersion string    `json:"apiVersion"`
	Kind       string    `json:"kind"`
	From       time.Time `json:"from"`
	To         time.Time `json:"to"`
	// People are sorted by user, cluster and set.
	People []Moved `json:"people"`
}

// Moved is somebody whose access changed.
type Moved struct {
	User    string             `json:"user"`
	ID      access.PrincipalID `json:"id"`
	Cluster access.ClusterARN  `json:"cluster"`
	Through string             `json:"through"`
	// From is the account in which they hold the set, where that is not the cluster's own.
	From   access.AccountID `json:"from,omitempty"`
	Before State            `json:"before"`
	After  State            `json:"after"`
	// Cause is the first link of the chain that changed.
	Cause string `json:"cause"`
}

// State is what somebody may do at one time.
type State struct {
	Level      access.Level `json:"level"`
	Scope      Scope        `json:"scope"`
	Privileged bool         `json:"privileged"`
}

func (s State) equal(t State) bool {
	return s.Level == t.Level && s.Privileged == t.Privileged && (s.Scope.Namespaces == nil) == (t.Scope.Namespaces == nil) && slices.Equal(s.Scope.Namespaces, t.Scope.Namespaces)
}

// String is "edit in payments", "admin", "none".
func (s State) String() string {
	if s.Level == access.LevelNone || s.Level == access.LevelUnknown || s.Scope.Namespaces == nil {
		return string(s.Level)
	}
	return string(s.Level) + " in " + strings.Join(s.Scope.Namespaces, ", ")
}

// Diff compares who may do what in two snapshots, and finds for everybody the first link of their chain that changed. Where one of the two does
// not know, the change is from or to unknown; a gap is never a gain or a loss.
func Diff(a, b *graph.Graph) SnapshotDiff {
	d := SnapshotDiff{APIVersion: APIVersion, Kind: "SnapshotDiff", From: a.Taken, To: b.Taken, People: []Moved{}}
	before, after := states(a), states(b)
	keys := maps.Clone(before)
	maps.Copy(keys, after)
	for k, known := range keys {
		s, t := stateOf(a, before, k), stateOf(b, after, k)
		inside := s.equal(t)
		// What the role may do past the cluster counts where both know it: what only one has read is no gain and no loss.
		if bothKnow(a, b, k) {
			s.Privileged, t.Privileged = s.Privileged || before[k].past, t.Privileged || after[k].past
		}
		if s.equal(t) {
			continue
		}
		m := Moved{User: known.user, ID: k.User, Cluster: k.Cluster, Through: k.Through, From: k.From, Before: s, After: t}
		if m.Cause = cause(a, b, k); inside && m.Cause == otherwise {
			m.Cause = "what the IAM policies of " + k.Through + " allow in EKS changed"
		}
		d.People = append(d.People, m)
	}
	slices.SortFunc(d.People, func(x, y Moved) int {
		return cmp.Or(cmp.Compare(x.User, y.User), cmp.Compare(x.ID, y.ID), cmp.Compare(x.Cluster, y.Cluster), cmp.Compare(x.Through, y.Through), cmp.Compare(x.From, y.From))
	})
	return d
}

// question asks for what the cell holds.
func (k Key) question() graph.Question {
	q := graph.Question{Through: k.Through, From: k.From}
	if q.From == "" {
		q.From = k.Cluster.Account()
	}
	return q
}

// bothKnow tells whether it is known, both times, what holders of the cell's set may do to the cluster through the AWS API.
func bothKnow(a, b *graph.Graph, k Key) bool {
	ca, cb := a.Of(k.Cluster), b.Of(k.Cluster)
	return ca != nil && cb != nil && ca.ControlKnown(k.Through) && cb.ControlKnown(k.Through)
}

// otherwise is the cause where no hop of the chain differs.
const otherwise = "rules of the roles changed"

type cellState struct {
	user  string
	state State
	// past says that the holder can administer the cluster past it.
	past bool
}

func states(g *graph.Graph) map[Key]cellState {
	out := map[Key]cellState{}
	for _, e := range Matrix(g, Clusters(g, nil), nil).Entries {
		out[e.Key()] = cellState{e.User, State{e.Level, e.Scope, e.Privileged && !e.past}, e.past}
	}
	return out
}

// stateOf is the state of a cell; without an entry it is none where everything that could give it was read.
func stateOf(g *graph.Graph, m map[Key]cellState, k Key) State {
	if s, ok := m[k]; ok && s.state.Level != access.LevelNone {
		return s.state
	}
	none := State{Level: access.LevelNone}
	u, exists := g.User(k.User)
	c := g.Of(k.Cluster)
	switch {
	case c == nil && slices.ContainsFunc(g.Gaps, func(gap access.Gap) bool { return gap.Part == access.PartClusters || gap.Part == access.PartAccounts }):
		return State{Level: access.LevelUnknown}
	case c == nil:
		return none
	case !exists:
		if _, doubtful := g.UsersDoubt(); doubtful {
			return State{Level: access.LevelUnknown}
		}
		return none
	case graph.Judge(c.Paths(u, k.question())) == graph.VerdictUndecided:
		return State{Level: access.LevelUnknown}
	}
	return none
}

// cause is the first link of the chain that differs.
func cause(a, b *graph.Graph, k Key) string {
	ca, cb := a.Of(k.Cluster), b.Of(k.Cluster)
	ua, inA := a.User(k.User)
	ub, inB := b.User(k.User)
	switch {
	case ca == nil:
		return "the cluster is new, or was not read before"
	case cb == nil:
		return "the cluster is gone, or was not read"
	case !inA:
		return "the user is new"
	case !inB:
		return "the user was deleted"
	case ua.Disabled != ub.Disabled:
		return map[bool]string{true: "the user was disabled", false: "the user was enabled"}[ub.Disabled]
	case ua.Name != ub.Name:
		return fmt.Sprintf("the user was renamed from %s", ua.Name)
	}
	was, is := groupNames(a, k.User), groupNames(b, k.User)
	stayed := func(group string) bool { return was[group] && is[group] }
	return chain(ca.Paths(ua, k.question()), cb.Paths(ub, k.question()), stayed)
}

// groupNames are the names of the groups that a user was read as a member of.
func groupNames(g *graph.Graph, u access.PrincipalID) map[string]bool {
	out := map[string]bool{}
	for _, id := range g.GroupsOf(u) {
		if group, ok := g.Group(id); ok {
			out[group.Name] = true
		}
	}
	return out
}

// chain compares the hops of two answers in the order of the chain. A group that the user is in both times is no cause, whichever set it brings.
func chain(before, after []graph.Path, stayed func(group string) bool) string {
	for _, kind := range []graph.HopKind{graph.HopGroup, graph.HopAssignment, graph.HopRole, graph.HopMapping, graph.HopIdentity, graph.HopBinding, graph.HopRule} {
		was, is := hops(before, kind), hops(after, kind)
		if kind == graph.HopGroup {
			gone := func(hop, _ string) bool {
				name, _, _ := strings.Cut(hop, "\x00")
				return stayed(name)
			}
			maps.DeleteFunc(was, gone)
			maps.DeleteFunc(is, gone)
		}
		if maps.Equal(was, is) {
			continue
		}
		return words(kind, only(was, is), only(is, was))
	}
	return otherwise
}

// hops are the hops of a kind, by name, with their state and what they rest on.
func hops(paths []graph.Path, k graph.HopKind) map[string]string {
	out := map[string]string{}
	for _, p := range paths {
		if h, ok := p.Hop(k); ok {
			object := ""
			if h.Evidence != nil && k != graph.HopAssignment {
				object = h.Evidence.Object
			}
			out[h.Name+"\x00"+string(h.Status)] = object
		}
	}
	return out
}

// only lists what is in a and not in b, sorted.
func only(a, b map[string]string) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(a)) {
		if v, ok := b[k]; !ok || v != a[k] {
			name, status, _ := strings.Cut(k, "\x00")
			if status != string(graph.OK) {
				name += " (" + status + ")"
			}
			out = append(out, name)
		}
	}
	return out
}

func words(k graph.HopKind, lost, gained []string) string {
	noun := map[graph.HopKind]string{
		graph.HopGroup: "group", graph.HopAssignment: "assignment", graph.HopRole: "role", graph.HopMapping: "mapping",
		graph.HopIdentity: "identity", graph.HopBinding: "binding", graph.HopRule: "rule",
	}[k]
	lost, gained = holding(lost, gained)
	switch {
	case len(lost) == 0:
		return noun + ": now " + strings.Join(gained, "; ")
	case len(gained) == 0:
		return noun + ": no longer " + strings.Join(lost, "; ")
	}
	return noun + ": " + strings.Join(lost, "; ") + " became " + strings.Join(gained, "; ")
}

// holding leaves broken hops out where others of their kind hold: what had been missing is there now, or the other way round.
func holding(lost, gained []string) (was, is []string) {
	broken := func(name string) bool { return strings.HasSuffix(name, " ("+string(graph.Broken)+")") }
	was, is = slices.DeleteFunc(slices.Clone(lost), broken), slices.DeleteFunc(slices.Clone(gained), broken)
	if len(was)+len(is) == 0 {
		return lost, gained
	}
	return was, is
}
