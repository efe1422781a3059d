package graph

import (
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/rbac"
)

// Cell is what somebody may do in a cluster, in the words people think in.
type Cell struct {
	// Level is the highest they have anywhere; unknown where it depends on what was not read.
	Level access.Level
	// Namespaces is where they have it, sorted, with the patterns of EKS access policies; nil means the whole cluster. It is shared and must not be changed.
	Namespaces []string
	// Privileged says why it amounts to the administration of the cluster; "" when it does not.
	Privileged string
}

// everything tells whether there is nothing more to have.
func (c Cell) everything() bool {
	return c.Level == access.LevelAdmin && c.Namespaces == nil && c.Privileged != ""
}

// rank orders levels; unknown stands between what is something and none.
func rank(l access.Level) int {
	return slices.Index([]access.Level{access.LevelAdmin, access.LevelEdit, access.LevelView, access.LevelCustom, access.LevelUnknown, access.LevelNone, ""}, l)
}

// Higher tells whether a is more than b.
func Higher(a, b access.Level) bool { return rank(a) < rank(b) }

// sum is what grants come to.
func (d *Door) sum(masters bool, grants []rbac.Grant) Cell {
	if masters {
		return Cell{Level: access.LevelAdmin, Privileged: "group system:masters"}
	}
	out := Cell{Level: access.LevelNone}
	whole := false
	for _, g := range grants {
		if g.Role == nil || nothing(g) {
			continue
		}
		in := g.Namespaces()
		if why := g.Privileged(); why != "" && out.Privileged == "" {
			out.Privileged = why
		}
		switch level := g.Role.Level; {
		case Higher(level, out.Level):
			out.Level, out.Namespaces, whole = level, slices.Clone(in), in == nil
		case level == out.Level && in == nil:
			out.Namespaces, whole = nil, true
		case level == out.Level && !whole:
			out.Namespaces = append(out.Namespaces, in...)
		}
	}
	slices.Sort(out.Namespaces)
	out.Namespaces = slices.Compact(out.Namespaces)
	return out
}

// nothing tells whether a grant is what the cluster gives everybody at its door.
func nothing(g rbac.Grant) bool {
	return len(g.Role.Rules) == 0 || g.By.Kind == access.SubjectGroup && g.By.Name == rbac.Authenticated && g.Opens()
}

// Cell is what the holder may do through the door. It never says none for what depends on something unread.
func (d *Door) Cell(h Holding) Cell {
	if h.User.Disabled || d.Status() == Broken || d.identity == Broken {
		return Cell{Level: access.LevelNone}
	}
	if d.entry == nil || d.undecided || (d.c.rbac != nil || opaque(d.policies, Question{}) != nil) && !d.cell.everything() {
		return Cell{Level: access.LevelUnknown}
	}
	cell := d.cellOf(h.User)
	if (!h.Certain() || d.Status() == Unknown || d.identity == Unknown) && cell.Level != access.LevelNone {
		return Cell{Level: access.LevelUnknown}
	}
	return cell
}

// CanMatter tells whether somebody who came through the door could do anything by it.
func (d *Door) CanMatter() bool {
	return d.Status() != Broken && d.identity != Broken
}

// cellOf is what the row and the bindings give the user. Where the user name can only be guessed, it is what the groups give, and unknown where
// that is nothing.
func (d *Door) cellOf(u access.User) Cell {
	switch guess := d.guesses(u); {
	case guess && d.cell.Level == access.LevelNone:
		return Cell{Level: access.LevelUnknown}
	case !guess && (d.templated || len(d.userGrants(u)) > 0):
		grants, masters := d.grantsOf(u)
		return d.sum(masters, grants)
	}
	return d.cell
}

// guesses tells whether the user name that the row gives the user cannot be told.
func (d *Door) guesses(u access.User) bool {
	return d.identity == Unknown || d.personal() && d.c.g.Unpredictable(u) != ""
}

// personal tells whether the user name that the row gives depends on the person.
func (d *Door) personal() bool {
	return d.entry != nil && (d.templated || strings.Contains(d.entry.Username, "{{SessionName"))
}
