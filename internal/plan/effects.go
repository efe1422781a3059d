package plan

import (
	"cmp"
	"maps"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// effects is who gets what in a cluster before the run and after it.
type effects struct {
	m             *model
	account       access.AccountID
	before, after map[who]map[item]bool
	old, new      side
}

// effects compares what everybody gets in the cluster.
func (d *differ) effects(t *transition) effects {
	return effects{
		m: d.m, account: t.account, old: t.old, new: t.new,
		before: reach(t.account, t.old, d.m.holders0), after: reach(t.account, t.new, d.m.holders1),
	}
}

func (e effects) rowGains(c change[access.Mapping]) []Person {
	if c.after == nil || c.stage != StageAdd {
		return nil
	}
	return e.diff(e.after, e.before, func(w who, i item) bool { return w.set == c.after.PermissionSet && e.ofRow(i, *c.after) })
}

func (e effects) rowLoses(c change[access.Mapping]) []Person {
	if c.before == nil || c.stage == StageAdd {
		return nil
	}
	return e.diff(e.before, e.after, func(w who, i item) bool { return w.set == c.before.PermissionSet && e.ofRow(i, *c.before) })
}

// ofRow tells whether a row itself gives the item: the door, or a group that somebody else binds.
func (e effects) ofRow(i item, r access.Mapping) bool {
	return i == item{} || i.group != "" && slices.Contains(r.Row.Groups, i.group)
}

func (e effects) bindingGains(c change[access.ClusterBinding]) []Person {
	if c.after == nil || c.stage != StageAdd {
		return nil
	}
	return e.diff(e.after, e.before, e.through(c.after.Binding, e.new))
}

func (e effects) bindingLoses(c change[access.ClusterBinding]) []Person {
	if c.before == nil || c.stage == StageAdd {
		return nil
	}
	lost := e.diff(e.before, e.after, e.through(c.before.Binding, e.old))
	lost = append(lost, e.sessions(c, lost)...)
	slices.SortFunc(lost, comparePeople)
	return lost
}

// sessions are the people whom the binding no longer names and who hold the role no more: taken out elsewhere, they
// lose here what a session that still runs would give them.
func (e effects) sessions(c change[access.ClusterBinding], lost []Person) []Person {
	var out []Person
	for _, s := range c.before.Binding.Subjects {
		set, name, ok := access.ParseUsername(s.Name)
		row, live := e.old.rows[set]
		if s.Kind != access.SubjectUser || !ok || !live || !worksForUsers(row) || c.after != nil && slices.Contains(c.after.Binding.Subjects, s) {
			continue
		}
		p := Person{Name: name, Level: access.LevelOf(c.before.Binding.Ref)}
		if us := e.m.Index.UsersNamed(name); len(us) == 1 {
			p.ID = us[0].ID
		}
		if slices.Contains(lost, p) || e.before[who{p.ID, set}] != nil || e.after[who{p.ID, set}] != nil {
			continue
		}
		out = append(out, p)
	}
	return out
}

// through accepts what the binding gives to the identities it names.
func (e effects) through(b access.Binding, s side) func(who, item) bool {
	named := map[access.Subject]bool{}
	for _, sub := range b.Subjects {
		named[sub] = true
	}
	given := item{namespace: b.Namespace, ref: b.Ref}
	return func(w who, i item) bool {
		if i != given {
			return false
		}
		u, _ := e.m.Index.User(w.user)
		if named[access.Subject{Kind: access.SubjectUser, Name: access.Username(w.set, u.Name)}] {
			return true
		}
		return slices.ContainsFunc(s.rows[w.set].Row.Groups, func(g string) bool {
			return named[access.Subject{Kind: access.SubjectGroup, Name: g}]
		})
	}
}

// diff returns the people who have an accepted item in a and not in b, sorted by name.
func (e effects) diff(a, b map[who]map[item]bool, accept func(who, item) bool) []Person {
	found := map[access.PrincipalID]Person{}
	for w, items := range a {
		for i := range items {
			if b[w][i] || !accept(w, i) {
				continue
			}
			u, _ := e.m.Index.User(w.user)
			if p, seen := found[w.user]; !seen || moreThan(i.level(), p.Level) {
				found[w.user] = Person{ID: u.ID, Name: u.Name, Level: i.level()}
			}
		}
	}
	return slices.SortedFunc(maps.Values(found), comparePeople)
}

// comparePeople orders by name.
func comparePeople(a, b Person) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
}

func moreThan(a, b access.Level) bool {
	order := []access.Level{access.LevelAdmin, access.LevelEdit, access.LevelView, access.LevelCustom, access.LevelNone}
	return slices.Index(order, a) < slices.Index(order, b)
}
