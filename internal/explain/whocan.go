package explain

import (
	"cmp"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/graph"
	"github.com/rolecall-dev/rolecall/internal/rbac"
)

// WhoCan lists everybody who can do something.
type WhoCan struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Request is empty where the question is who is equivalent to an administrator; Privileged is true then.
	Request    string          `json:"request"`
	Privileged bool            `json:"privileged"`
	Clusters   []ClusterAnswer `json:"clusters"`
}

// ClusterAnswer is who can in one cluster.
type ClusterAnswer struct {
	Cluster access.ClusterARN `json:"cluster"`
	// People are sorted by name and set.
	People []Can `json:"people"`
	// Unknown is where it is not known; empty means that nobody else comes through Identity Center.
	Unknown []Doubt `json:"unknown"`
	// Others come in by other doors.
	Others []Other `json:"others"`
	// Subjects are named by bindings that allow it and are nobody whom aws-auth lets in. They are noted and not followed.
	Subjects []Subject `json:"subjects"`
}

// Can is a person who can, through one permission set.
type Can struct {
	ID      access.PrincipalID `json:"id"`
	Name    string             `json:"name"`
	Through string             `json:"through"`
	// Why says what makes it the administration of the cluster, where that was the question.
	Why   string       `json:"why,omitempty"`
	Paths []graph.Path `json:"paths"`
}

// Doubt is something that is not known.
type Doubt struct {
	Why     string    `json:"why"`
	Code    diag.Code `json:"code,omitempty"`
	Through string    `json:"through,omitempty"`
	// People are those whom it is about, sorted; Anybody says that it may be anybody else too.
	People  []string `json:"people"`
	Anybody bool     `json:"anybody"`
}

// Other is somebody who is no person of Identity Center.
type Other struct {
	Name  string       `json:"name"`
	ARN   access.ARN   `json:"arn"`
	Code  diag.Code    `json:"code,omitempty"`
	Paths []graph.Path `json:"paths"`
}

// Subject is a subject of a binding.
type Subject struct {
	access.Subject
	Binding string `json:"binding"`
}

// Who answers who can make the request, or who is equivalent to an administrator, in each of the clusters.
func Who(g *graph.Graph, clusters []*graph.Cluster, q graph.Question) WhoCan {
	w := WhoCan{APIVersion: APIVersion, Kind: "WhoCan", Privileged: q.Privileged, Clusters: []ClusterAnswer{}}
	if q.Request != nil {
		w.Request = rbac.Phrase(*q.Request)
	}
	held := holders{g: g, known: map[pair]graph.Everybody{}}
	for _, c := range clusters {
		w.Clusters = append(w.Clusters, held.who(c, q))
	}
	return w
}

type pair struct {
	account access.AccountID
	set     string
}

// holders remembers who holds what: the clusters of an account share it.
type holders struct {
	g     *graph.Graph
	known map[pair]graph.Everybody
}

func (h holders) of(d *graph.Door) graph.Everybody {
	k := pair{d.Account, d.Set}
	e, ok := h.known[k]
	if !ok {
		e = h.g.Holders(d.Account, d.Set)
		h.known[k] = e
	}
	return e
}

func (h holders) who(c *graph.Cluster, q graph.Question) ClusterAnswer {
	a := ClusterAnswer{Cluster: c.ARN, People: []Can{}, Unknown: []Doubt{}, Others: []Other{}, Subjects: []Subject{}}
	for _, d := range c.Doors() {
		if d.CanMatter() && (q.Through == "" || q.Through == d.Set) {
			h.throughDoor(&a, d, q)
		}
	}
	if q.Privileged {
		h.pastDoors(&a, c, q)
	}
	for _, f := range c.Foreigners() {
		if paths := f.Paths(q); len(paths) > 0 {
			a.Others = append(a.Others, Other{Name: f.Name, ARN: f.ARN, Code: f.Mapping.Code, Paths: paths})
		}
	}
	if q.Request != nil {
		for _, g := range c.Unmapped(*q.Request) {
			a.Subjects = append(a.Subjects, Subject{g.By, graph.BindingName(g.Binding)})
		}
	}
	if why := cmp.Or(c.Unread(), c.RBACUnread()); why != "" {
		a.Unknown = append(a.Unknown, Doubt{Why: why, Code: diag.RC5004, People: []string{}, Anybody: c.Unread() != ""})
	}
	slices.SortFunc(a.People, func(x, y Can) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.Through, y.Through), cmp.Compare(x.ID, y.ID))
	})
	return a
}

// throughDoor sorts the holders of a door into those who can and those of whom it is not known.
func (h holders) throughDoor(a *ClusterAnswer, d *graph.Door, q graph.Question) {
	verdict := judge(d, q)
	all := h.of(d)
	doubt := Doubt{Through: d.Set, People: []string{}}
	for _, one := range all.Holders {
		switch verdict(one) {
		case graph.Allowed:
			can := Can{ID: one.User.ID, Name: one.User.Name, Through: d.Set, Paths: paths(d, one, q)}
			if q.Privileged {
				can.Why = d.Cell(one).Privileged
			}
			a.People = append(a.People, can)
		case graph.VerdictUndecided:
			doubt.People = append(doubt.People, one.User.Name)
			doubt.Why, doubt.Code = unknownHop(d.Paths(one, q), doubt)
		case graph.Denied:
		}
	}
	if why, open := all.Open(); open && anyone(h.g, d, all, verdict) {
		doubt.Anybody, doubt.Why, doubt.Code = true, cmp.Or(doubt.Why, why), cmp.Or(doubt.Code, all.Code())
	}
	if doubt.Anybody || len(doubt.People) > 0 {
		slices.Sort(doubt.People)
		a.Unknown = append(a.Unknown, doubt)
	}
}

// judge is how one holder of the door is judged.
func judge(d *graph.Door, q graph.Question) func(graph.Holding) graph.Verdict {
	if !q.Privileged {
		return d.Ask(*q.Request).Verdict
	}
	return func(h graph.Holding) graph.Verdict {
		switch cell := d.Cell(h); {
		case cell.Level == access.LevelUnknown:
			return graph.VerdictUndecided
		case cell.Privileged != "":
			return graph.Allowed
		}
		return graph.Denied
	}
}

// anyone tells whether somebody who is not listed as a holder could.
func anyone(g *graph.Graph, d *graph.Door, all graph.Everybody, verdict func(graph.Holding) graph.Verdict) bool {
	listed := map[access.PrincipalID]bool{}
	for _, h := range all.Holders {
		listed[h.User.ID] = true
	}
	return slices.ContainsFunc(g.Users, func(u access.User) bool {
		return !listed[u.ID] && verdict(all.Other(u, d.Account, d.Set)) != graph.Denied
	})
}

// paths are the person's chains through the door that hold, by every group that brings them.
func paths(d *graph.Door, one graph.Holding, q graph.Question) []graph.Path {
	out := []graph.Path{}
	for _, holding := range d.Holdings(one.User) {
		if !holding.Certain() {
			continue
		}
		for _, p := range d.Paths(holding, q) {
			if p.Status() == graph.OK {
				out = append(out, p)
			}
		}
	}
	return out
}

// unknownHop is the first thing on the paths that is not known.
func unknownHop(paths []graph.Path, old Doubt) (string, diag.Code) {
	if old.Why != "" {
		return old.Why, old.Code
	}
	for _, p := range paths {
		if hop, ok := p.First(graph.Unknown); ok && hop.Evidence != nil {
			return hop.Evidence.Object + ": " + hop.Evidence.Detail, hop.Code
		}
	}
	return "it depends on something that was not read", diag.RC5004
}
