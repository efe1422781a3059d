package plan

import (
	"maps"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// narrow computes mid: the old state without anything that would reach people whom neither the
// old state nor the policies give it, once assignments, mappings and bindings are added. What people have today
// stays the same: a group is replaced by the users it reaches, and only what reaches nobody is dropped.
// It returns the steps that lead there.
func (t *transition) narrow(m *model) []step {
	steps := t.rename(m)
	reasons := map[string]Reason{}
	for _, g := range t.groups() {
		if !t.leaks(m, g) {
			continue
		}
		if access.ReservedGroup(g) {
			t.limitToUsers(m, g, reasons)
		}
		t.dropFromRows(g, reasons)
	}
	t.dropDead(m, reasons)
	t.narrowPolicies(m, reasons)
	from := t.old
	if len(steps) > 0 {
		from = steps[len(steps)-1].to
	}
	return append(steps, step{stage: StageNarrow, phase: phaseLimit, from: from, to: t.mid, reason: func(key string) Reason { return reasons[key] }})
}

// The steps of stage 1: whoever is named in vain and would be reached by the next goes, mappings give their people our names, and then
// these names can take the place of groups.
const (
	phaseVain = iota + 1
	phaseName
	phaseLimit
)

// rename makes mappings of ours that give their people another name give them ours, and those of others that become ours. Without that nobody
// could be bound by user.
func (t *transition) rename(m *model) []step {
	named := t.mid.clone()
	soon := nameSet{}
	for _, set := range sortedKeys(t.old.rows) {
		r := t.old.rows[set]
		n, stays := t.new.rows[set]
		if !stays || !m.adopted(r) && r.Row.Username == n.Row.Username {
			continue
		}
		soon.put(set, m.holders0(t.account, set))
		r = named.rows[set]
		r.Row.Username = n.Row.Username
		named.rows[set] = r
	}
	if len(soon) == 0 && !slices.ContainsFunc(sortedKeys(t.old.rows), func(set string) bool {
		return named.rows[set].Row.Username != t.old.rows[set].Row.Username || m.adopted(t.old.rows[set])
	}) {
		return nil
	}
	reasons := map[string]Reason{}
	t.dropVain(soon, reasons)
	vain := t.mid.clone()
	maps.Copy(t.mid.rows, named.rows)
	return []step{
		{stage: StageNarrow, phase: phaseVain, from: t.old, to: vain, reason: func(key string) Reason { return reasons[key] }},
		{stage: StageNarrow, phase: phaseName, from: vain, to: t.mid.clone(), reason: func(string) Reason { return ReasonDrift }},
	}
}

// groups are all groups that old rows or old bindings carry, sorted.
func (t *transition) groups() []string {
	found := map[string]bool{}
	for _, r := range t.old.rows {
		for _, g := range r.Row.Groups {
			found[g] = true
		}
	}
	for _, b := range t.old.bindings {
		for _, s := range b.Binding.Subjects {
			if s.Kind == access.SubjectGroup {
				found[s.Name] = true
			}
		}
	}
	return sortedKeys(found)
}

// leaks tells whether, with old and new objects side by side, the group would give a principal something that
// neither side gives them. A foreign group is a thing of its own: what it gives is not known here.
func (t *transition) leaks(m *model, group string) bool {
	subject := access.Subject{Kind: access.SubjectGroup, Name: group}
	oldSets, newSets := t.old.setsWith(group), t.new.setsWith(group)
	oldGives, newGives := t.old.boundTo(subject), t.new.boundTo(subject)
	if !access.ReservedGroup(group) {
		self := []access.BindingKey{{}}
		oldGives, newGives = self, self
	}
	for _, set := range union(oldSets, newSets) {
		s0, s1 := m.assigned0(t.account, set), m.assigned1(t.account, set)
		inOld, inNew := slices.Contains(oldSets, set), slices.Contains(newSets, set)
		for _, p := range union(s0, s1) {
			for _, b := range union(oldGives, newGives) {
				had := inOld && s0.Has(p) && slices.Contains(oldGives, b)
				gets := inNew && s1.Has(p) && slices.Contains(newGives, b)
				if !had && !gets {
					return true
				}
			}
		}
	}
	return false
}

func union[T comparable](a, b []T) []T {
	out := slices.Clone(a)
	for _, v := range b {
		if !slices.Contains(a, v) {
			out = append(out, v)
		}
	}
	return out
}

// limitToUsers replaces the group in every binding by the users it reaches today.
func (t *transition) limitToUsers(m *model, group string, reasons map[string]Reason) {
	subject := access.Subject{Kind: access.SubjectGroup, Name: group}
	var users []access.Subject
	for _, set := range t.old.setsWith(group) {
		if worksForUsers(t.mid.rows[set]) {
			users = append(users, Users(set, m.holders0(t.account, set))...)
		}
	}
	for _, k := range t.mid.boundTo(subject) {
		b := t.mid.bindings[k]
		rest := slices.DeleteFunc(slices.Clone(b.Binding.Subjects), func(s access.Subject) bool { return s == subject })
		all := access.SortSubjects(append(rest, users...))
		first := min(len(all), access.MaxSubjects)
		b.Binding.Subjects = all[:first]
		t.mid.bindings[k] = b
		reasons[k.String()] = ReasonNarrow
		t.overflow(b, all[first:], reasons)
	}
}

// overflow puts the subjects that one binding does not hold into further bindings of the same grant and role.
func (t *transition) overflow(b access.ClusterBinding, rest []access.Subject, reasons map[string]Reason) {
	id, ok := access.ParseBindingName(b.Binding.Name)
	for chunk := range slices.Chunk(rest, access.MaxSubjects) {
		next := b
		for ok {
			id.N++
			next.Binding.Name = access.BindingName(id.Owner, id.Policy, id.Grant, id.Ref, id.N)
			if !t.taken(next.Key()) {
				break
			}
		}
		next.Binding.Subjects, next.Binding.ResourceVersion = chunk, ""
		t.mid.bindings[next.Key()] = next
		reasons[next.Key().String()] = ReasonNarrow
	}
}

func (t *transition) taken(k access.BindingKey) bool {
	_, mid := t.mid.bindings[k]
	_, later := t.new.bindings[k]
	return mid || later
}

// dropFromRows takes the group out of the rows: by now no binding of ours names it. A foreign group goes only from
// rows that are not to carry it; where they are, nobody but the grant's principals holds the role.
func (t *transition) dropFromRows(group string, reasons map[string]Reason) {
	keep := []string{}
	if !access.ReservedGroup(group) {
		keep = t.new.setsWith(group)
	}
	for _, set := range t.mid.setsWith(group) {
		if slices.Contains(keep, set) {
			continue
		}
		r := t.mid.rows[set]
		r.Row.Groups = slices.DeleteFunc(r.Row.Groups, func(g string) bool { return g == group })
		t.mid.rows[set] = r
		reasons[r.Key()] = ReasonNarrow
	}
}

// dropDead removes the users whom a binding names in vain today, who would come alive, and whom the policies do not name.
func (t *transition) dropDead(m *model, reasons map[string]Reason) {
	now, soon := t.namesNow(m), t.namesSoon(m)
	for name := range now {
		delete(soon, name)
	}
	t.dropVain(soon, reasons)
}

// dropVain takes the users who are to come alive out of the bindings of those whom the policies do not name.
func (t *transition) dropVain(soon nameSet, reasons map[string]Reason) {
	for _, k := range sortedBindings(t.mid.bindings) {
		b := t.mid.bindings[k]
		wanted := t.new.bindings[k].Binding.Subjects
		alive := slices.DeleteFunc(slices.Clone(b.Binding.Subjects), func(s access.Subject) bool {
			return s.Kind == access.SubjectUser && soon[s.Name] && !slices.Contains(wanted, s)
		})
		if len(alive) == len(b.Binding.Subjects) {
			continue
		}
		b.Binding.Subjects = alive
		t.mid.bindings[k] = b
		if _, said := reasons[k.String()]; !said {
			reasons[k.String()] = ReasonDead
		}
	}
}

// nameSet collects the user names that rows yield.
type nameSet map[string]bool

func (n nameSet) put(set string, users []access.User) {
	for _, u := range users {
		n[access.Username(set, u.Name)] = true
	}
}

// namesNow are the user names that the cluster's mappings yield, once they are ours, to those who come in today.
func (t *transition) namesNow(m *model) nameSet {
	out := nameSet{}
	for set, r := range t.mid.rows {
		if worksForUsers(r) {
			out.put(set, m.holders0(t.account, set))
		}
	}
	return out
}

// namesSoon are those that the rows yield once everything is added and nothing removed.
func (t *transition) namesSoon(m *model) nameSet {
	out := nameSet{}
	for _, set := range union(sortedKeys(t.old.rows), sortedKeys(t.new.rows)) {
		out.put(set, m.holders0(t.account, set))
		out.put(set, m.holders1(t.account, set))
	}
	return out
}

// Users returns the subjects by which users are bound, sorted; those whose session name cannot be predicted are left out.
func Users(set string, users []access.User) []access.Subject {
	var out []access.Subject
	for _, u := range users {
		if access.PredictableSessionName(u.Name) {
			out = append(out, access.Subject{Kind: access.SubjectUser, Name: access.Username(set, u.Name)})
		}
	}
	return access.SortSubjects(out)
}

// setsOf returns the names of the sets a binding is about: those of its users, and of the rows that carry its groups.
func (t *transition) setsOf(bs ...*access.Binding) []string {
	found := map[string]bool{}
	for _, b := range bs {
		if b == nil {
			continue
		}
		for _, s := range b.Subjects {
			if set, _, ok := access.ParseUsername(s.Name); ok && s.Kind == access.SubjectUser {
				found[set] = true
			}
			if s.Kind == access.SubjectGroup {
				for _, set := range union(t.old.setsWith(s.Name), t.new.setsWith(s.Name)) {
					found[set] = true
				}
			}
		}
	}
	return sortedKeys(found)
}
