package explain

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/graph"
	"github.com/rolecall-dev/rolecall/internal/rbac"
)

// Excess returns, for every mapping of a permission set's role in the clusters, what holders of the set can do by objects that are not rolecall's and
// that goes beyond what the policies give them; policy is the graph of what the policies alone lead to. Users named in known are not counted:
// somebody has said that they may.
//
// What depends on something unread is no excess: nobody knows whether it is there.
func Excess(g, policy *graph.Graph, clusters []*graph.Cluster, known []string) diag.List {
	x := excess{g: g, holders: holders{g: g, known: map[pair]graph.Everybody{}}, known: known}
	for _, c := range clusters {
		given := map[pair][]*graph.Door{}
		if p := policy.Of(c.ARN); p != nil {
			for _, d := range p.Doors() {
				given[pair{d.Account, d.Set}] = append(given[pair{d.Account, d.Set}], d)
			}
		}
		for _, d := range c.Doors() {
			x.door(c, d, given[pair{d.Account, d.Set}])
		}
	}
	x.found.Sort()
	return x.found
}

type excess struct {
	g       *graph.Graph
	holders holders
	known   []string
	found   diag.List
}

// source is something that gives people more than the policies do.
type source struct {
	// name is the binding, the EKS access policy or the group system:masters; gives is what it gives.
	name, gives string
	// people is how many it reaches, first the first of them by name.
	people int
	first  graph.Holding
}

func (s *source) reach(h graph.Holding) {
	if s.people == 0 || h.User.Name < s.first.User.Name {
		s.first = h
	}
	s.people++
}

// door looks at everybody who comes in through it.
func (x *excess) door(c *graph.Cluster, d *graph.Door, given []*graph.Door) {
	if d.Status() != graph.OK {
		return
	}
	masters := &source{name: "group " + access.MastersGroup, gives: "everything"}
	sources := map[*access.Binding]*source{}
	people := 0
	var memory beyond
	for _, h := range x.holders.of(d).Holders {
		if !h.Certain() || h.User.Disabled || slices.Contains(x.known, h.User.Name) {
			continue
		}
		grants, master := d.Grants(h.User)
		if master {
			masters.reach(h)
			people++
			continue
		}
		var own []rbac.Grant
		for _, p := range given {
			more, _ := p.Grants(h.User)
			own = append(own, more...)
		}
		more := memory.of(own, grants)
		for _, g := range more {
			b := g.Binding
			if sources[b] == nil {
				sources[b] = &source{name: graph.GrantObject(g), gives: graph.GrantName(g)}
			}
			sources[b].reach(h)
		}
		if len(more) > 0 {
			people++
		}
	}
	all := slices.Collect(maps.Values(sources))
	if masters.people > 0 {
		all = append(all, masters)
	}
	if len(all) > 0 {
		x.report(c, d, all, people)
	}
}

// beyond tells which grants go beyond others. It remembers the last answer: most who hold a set are given the same.
type beyond struct {
	own, grants, more []rbac.Grant
	asked             bool
}

func (m *beyond) of(own, grants []rbac.Grant) []rbac.Grant {
	same := func(a, b rbac.Grant) bool { return a.Binding == b.Binding }
	if m.asked && slices.EqualFunc(own, m.own, same) && slices.EqualFunc(grants, m.grants, same) {
		return m.more
	}
	*m = beyond{own: own, grants: grants, asked: true}
	for _, g := range grants {
		if !ours(g) && !g.Opens() && !g.Within(own) {
			m.more = append(m.more, g)
		}
	}
	return m.more
}

// ours tells whether a grant is one that rolecall makes, for any owner: the policies of another installation are policies too.
func ours(g rbac.Grant) bool {
	if g.Policy != nil {
		return g.Policy.Managed
	}
	b := g.Binding
	_, shaped := access.ParseBindingName(b.Name)
	return shaped && b.Labels[access.LabelManagedBy] == access.ManagedByValue
}

// fewChains is how many bindings a finding names; explain shows all.
const fewChains = 5

// report makes one finding of a mapping, with a chain for everything that it leads to.
func (x *excess) report(c *graph.Cluster, d *graph.Door, sources []*source, people int) {
	lines := make([]string, 0, len(sources))
	for _, s := range sources {
		lines = append(lines, diag.Escape(strings.Join([]string{x.start(s), d.Set, d.Role.Name, d.Mapping.Name, s.name, s.gives}, " → ")))
	}
	slices.Sort(lines)
	if n := len(lines); n > fewChains {
		lines = append(lines[:fewChains], fmt.Sprintf("and through %d more bindings", n-fewChains))
	}
	who := "1 person"
	if people > 1 {
		who = fmt.Sprintf("%d people", people)
	}
	first := slices.MinFunc(sources, func(a, b *source) int { return strings.Compare(a.first.User.Name, b.first.User.Name) }).first.User.Name
	f := diag.New(diag.RC3010, diag.Pos{}, fmt.Sprintf("%s can do more on %s than the policies give, through %s", who, c.Name, d.Set)).
		WithDetail(strings.Join(lines, "\n")).
		WithHint(fmt.Sprintf("rolecall explain %s --cluster %s --through %s", word(first), word(c.Name), word(d.Set)))
	f.Cluster, f.Object = c.Name, d.Role.Name
	x.found = append(x.found, f)
}

// start is where a chain starts: the first of the people, how they come to hold the set, and how many more there are.
func (x *excess) start(s *source) string {
	text := s.first.User.Name
	if s.first.Principal.Kind == access.PrincipalGroup {
		text += " in " + x.g.PrincipalName(s.first.Principal)
	}
	if s.people > 1 {
		text += fmt.Sprintf(" and %d more", s.people-1)
	}
	return text
}
