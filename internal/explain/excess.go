package explain

import (
	"fmt"
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
	// name is the binding, or the group system:masters; gives is what it gives.
	name, gives string
	people      []graph.Holding
}

// door looks at everybody who comes in through it.
func (x *excess) door(c *graph.Cluster, d *graph.Door, given []*graph.Door) {
	if d.Status() != graph.OK {
		return
	}
	var sources []*source
	people := map[access.PrincipalID]bool{}
	add := func(name, gives string, h graph.Holding) {
		i := slices.IndexFunc(sources, func(s *source) bool { return s.name == name && s.gives == gives })
		if i < 0 {
			i = len(sources)
			sources = append(sources, &source{name: name, gives: gives})
		}
		sources[i].people = append(sources[i].people, h)
		people[h.User.ID] = true
	}
	for _, h := range x.holders.of(d).Holders {
		if !h.Certain() || h.User.Disabled || slices.Contains(x.known, h.User.Name) {
			continue
		}
		grants, masters := d.Grants(h.User)
		if masters {
			add("group "+access.MastersGroup, "everything", h)
			continue
		}
		var own []rbac.Grant
		for _, p := range given {
			more, _ := p.Grants(h.User)
			own = append(own, more...)
		}
		for _, one := range grants {
			if !ours(one.Binding) && !one.Opens() && !one.Within(own) {
				add(objectName(one.Binding), graph.BindingName(one.Binding), h)
			}
		}
	}
	if len(sources) > 0 {
		x.report(c, d, sources, len(people))
	}
}

// ours tells whether a binding is one that rolecall makes, for any owner: the policies of another installation are policies too.
func ours(b *access.Binding) bool {
	_, shaped := access.ParseBindingName(b.Name)
	return shaped && b.Labels[access.LabelManagedBy] == access.ManagedByValue
}

func objectName(b *access.Binding) string {
	if b.Namespace == "" {
		return "ClusterRoleBinding " + b.Name
	}
	return "RoleBinding " + b.Namespace + "/" + b.Name
}

// report makes one finding of a mapping, with a chain for everything that it leads to.
func (x *excess) report(c *graph.Cluster, d *graph.Door, sources []*source, people int) {
	lines := make([]string, 0, len(sources))
	for _, s := range sources {
		slices.SortFunc(s.people, func(a, b graph.Holding) int { return strings.Compare(a.User.Name, b.User.Name) })
		lines = append(lines, strings.Join([]string{x.start(s), d.Set, d.Role.Name, d.Mapping.Name, s.name, s.gives}, " → "))
	}
	slices.Sort(lines)
	who := "1 person"
	if people > 1 {
		who = fmt.Sprintf("%d people", people)
	}
	first := sources[0].people[0].User.Name
	f := diag.New(diag.RC3010, diag.Pos{}, fmt.Sprintf("%s can do more on %s than the policies give, through %s", who, c.Name, d.Set)).
		WithDetail(strings.Join(lines, "\n")).
		WithHint(fmt.Sprintf("rolecall explain %s --cluster %s --through %s", word(first), word(c.Name), word(d.Set)))
	f.Cluster, f.Object = c.Name, d.Role.Name
	x.found = append(x.found, f)
}

// start is where a chain starts: the first of the people, how they come to hold the set, and how many more there are.
func (x *excess) start(s *source) string {
	first := s.people[0]
	text := first.User.Name
	if first.Principal.Kind == access.PrincipalGroup {
		text += " in " + x.g.PrincipalName(first.Principal)
	}
	if n := len(s.people); n > 1 {
		text += fmt.Sprintf(" and %d more", n-1)
	}
	return text
}
