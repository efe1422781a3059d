package explain

import (
	"cmp"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/graph"
)

// pastDoors lists those who need no door: the role that they hold may call the EKS API and give them access, or change the cluster.
func (h holders) pastDoors(a *ClusterAnswer, c *graph.Cluster, q graph.Question) {
	if why := c.ControlUnread(); why != "" {
		a.Unknown = append(a.Unknown, Doubt{Why: why, Code: diag.RC5004, People: []string{}, Anybody: true})
	}
	listed := map[access.PrincipalID][]int{}
	for i, p := range a.People {
		listed[p.ID] = append(listed[p.ID], i)
	}
	seen := map[pair]bool{}
	for _, d := range c.Doors() {
		k := pair{d.Account, d.Set}
		if d.Control()+d.ControlDoubt() == "" || seen[k] || q.Through != "" && q.Through != d.Set {
			continue
		}
		seen[k] = true
		h.pastDoor(a, d, listed)
	}
}

// pastDoor sorts the holders of the door's set into those whose role may administer the cluster and those of whom it is not known. Whoever is listed
// already is an administrator, whatever is not known besides.
func (h holders) pastDoor(a *ClusterAnswer, d *graph.Door, listed map[access.PrincipalID][]int) {
	why, all := d.Control(), h.of(d)
	doubt := Doubt{Why: d.ControlDoubt(), Code: diag.RC3015, Through: d.Set, People: []string{}}
	for _, one := range all.Holders {
		switch {
		case one.User.Disabled:
		case why != "" && one.Certain():
			a.add(Can{ID: one.User.ID, Name: one.User.Name, Through: d.Set, Why: why, Paths: controlPaths(d, one)}, listed[one.User.ID])
		case len(listed[one.User.ID]) == 0:
			doubt.People = append(doubt.People, one.User.Name)
			doubt.Why = cmp.Or(doubt.Why, "it is not known whether they hold "+d.Set)
		}
	}
	told := slices.ContainsFunc(a.Unknown, func(o Doubt) bool { return o.Through == d.Set && o.Anybody })
	if open, is := all.Open(); is && !told {
		doubt.Anybody, doubt.Why = true, cmp.Or(doubt.Why, open)
	}
	if doubt.Anybody || len(doubt.People) > 0 {
		slices.Sort(doubt.People)
		a.Unknown = append(a.Unknown, doubt)
	}
}

// add joins the person's chains to those that they have through the same set already; at are the person's places in the list.
func (a *ClusterAnswer) add(c Can, at []int) {
	for _, i := range at {
		if a.People[i].Through == c.Through {
			a.People[i].Paths = append(a.People[i].Paths, c.Paths...)
			return
		}
	}
	a.People = append(a.People, c)
}

// controlPaths are the person's chains to the role, by every group that brings them.
func controlPaths(d *graph.Door, one graph.Holding) []graph.Path {
	out := []graph.Path{}
	for _, holding := range d.Holdings(one.User) {
		if holding.Certain() {
			out = append(out, d.ControlPath(holding))
		}
	}
	return out
}

// privileged adds to what the holder may do through the door what their role may do past it: whoever can give themselves access has it.
func privileged(d *graph.Door, h graph.Holding, cell graph.Cell) graph.Cell {
	if cell.Privileged == "" && h.Certain() && !h.User.Disabled {
		cell.Privileged = d.Control()
	}
	return cell
}
