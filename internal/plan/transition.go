package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// transition is one cluster on its way from old to new; mid is what stage 1 leaves.
type transition struct {
	cluster       access.ClusterARN
	account       access.AccountID
	old, mid, new side
	// stale are mappings of ours whose role is gone, or that a later row of ours hides.
	stale []access.Mapping
	// dead are our entries of roles that were made again under the same name, by set: they have to go before they can come back.
	dead map[string]access.Mapping
	// hidden and hiddenNew are our rows under an entry of ours, by set: nobody comes in by them.
	hidden, hiddenNew map[string]access.Mapping
}

// transitions sorts the two states' objects by cluster.
func (m *model) transitions() []*transition {
	byCluster := map[access.ClusterARN]*transition{}
	at := func(c access.ClusterARN) *transition {
		t, ok := byCluster[c]
		if !ok {
			t = &transition{
				cluster: c, account: c.Account(), old: newSide(), new: newSide(),
				dead: map[string]access.Mapping{}, hidden: map[string]access.Mapping{}, hiddenNew: map[string]access.Mapping{},
			}
			byCluster[c] = t
		}
		return t
	}
	for _, r := range m.Observed.Mappings {
		at(r.Cluster).addObserved(m, r)
	}
	for _, r := range m.Desired.Mappings {
		at(r.Cluster).addDesired(r)
	}
	for _, p := range m.Observed.Policies {
		t := at(p.Cluster)
		t.old.addPolicy(p)
	}
	for _, p := range m.Desired.Policies {
		t := at(p.Cluster)
		t.new.addPolicy(p)
	}
	for _, b := range m.Observed.Bindings {
		at(b.Cluster).old.bindings[b.Key()] = b
	}
	for _, b := range m.Desired.Bindings {
		at(b.Cluster).new.bindings[b.Key()] = b
	}
	out := make([]*transition, 0, len(byCluster))
	for _, t := range byCluster {
		t.dropKeptStale(m)
		t.mid = t.old.clone()
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b *transition) int { return strings.Compare(string(a.cluster), string(b.cluster)) })
	return out
}

// addPolicy adds an association of the entry that maps the set now; those of other entries come and go with these.
func (s side) addPolicy(p access.SetPolicy) {
	if m, ok := s.rows[p.PermissionSet]; ok && m.Via == access.ViaEntry && m.Row.RoleARN == p.Principal {
		s.policies[policyKeyOf(p)] = p
	}
}

func (t *transition) addObserved(m *model, r access.Mapping) {
	role, ok := m.Index.Role(t.account, r.PermissionSet)
	if !ok || !strings.EqualFold(string(role.ARN.WithoutPath()), string(r.Row.RoleARN.WithoutPath())) {
		t.stale = append(t.stale, r)
		return
	}
	if r.Dead {
		t.dead[r.PermissionSet] = r
		return
	}
	earlier, seen := t.old.rows[r.PermissionSet]
	switch {
	case !seen:
	case earlier.Via == r.Via:
		t.stale = append(t.stale, earlier)
	case r.Via == access.ViaRow:
		t.hidden[r.PermissionSet] = r
		return
	default:
		t.hidden[r.PermissionSet] = earlier
	}
	t.old.rows[r.PermissionSet] = r
}

// addDesired puts a mapping that is wanted into its place. What stays of stale and dead mappings is no mapping.
func (t *transition) addDesired(r access.Mapping) {
	if r.Dead || t.isStale(r) {
		return
	}
	other, seen := t.new.rows[r.PermissionSet]
	switch {
	case seen && r.Via == access.ViaRow:
		t.hiddenNew[r.PermissionSet] = r
		return
	case seen:
		t.hiddenNew[r.PermissionSet] = other
	}
	t.new.rows[r.PermissionSet] = r
}

func (t *transition) isStale(r access.Mapping) bool {
	return slices.ContainsFunc(t.stale, func(s access.Mapping) bool { return s.Same(r) })
}

// dropKeptStale forgets the stale and dead mappings that the desired state keeps as they are (they lie in a gap).
func (t *transition) dropKeptStale(m *model) {
	kept := func(s access.Mapping) bool {
		return slices.ContainsFunc(m.Desired.Mappings, func(d access.Mapping) bool { return d.Same(s) })
	}
	t.stale = slices.DeleteFunc(t.stale, kept)
	for set, r := range t.dead {
		if kept(r) {
			delete(t.dead, set)
		}
	}
}

// leftovers are the changes of mappings by which nobody comes in: dead entries go before they are made anew, hidden rows follow their entry, and what
// is stale goes last.
func (d *differ) leftovers(t *transition, e effects) {
	for _, set := range sortedKeys(t.dead) {
		r := t.dead[set]
		stage, why := StageRemove, ReasonRemade
		if n, again := t.new.rows[set]; again && n.Via == access.ViaEntry {
			stage = StageAdd
		}
		d.add(d.row(t, change[access.Mapping]{before: &r, stage: stage, reason: why}, e))
	}
	for _, set := range union(sortedKeys(t.hidden), sortedKeys(t.hiddenNew)) {
		c := change[access.Mapping]{stage: StageRemove, reason: ReasonNoGrant, before: lookup(t.hidden, set), after: lookup(t.hiddenNew, set)}
		if c.before != nil && c.after != nil {
			if c.before.Row.Equal(c.after.Row) {
				continue
			}
			c.reason = ReasonHidden
		}
		d.add(d.row(t, c, effects{m: e.m, account: e.account}))
	}
	for _, r := range t.stale {
		why := ReasonRoleGone
		if now, ok := t.old.rows[r.PermissionSet]; ok && now.Via == r.Via && strings.EqualFold(string(now.Row.RoleARN), string(r.Row.RoleARN)) {
			why = ReasonDrift
		}
		d.add(d.row(t, change[access.Mapping]{before: &r, stage: StageRemove, reason: why}, e))
	}
}

// roleName names the role of a set, or says that it is yet to come.
func roleName(m *model, t *transition, set string, arn access.ARN) string {
	if arn == "" {
		return fmt.Sprintf("role(%s, %s)", m.Index.AccountName(t.account), set)
	}
	return string(arn)
}

// adopted tells whether the mapping is somebody else's and becomes ours.
func (m *model) adopted(r access.Mapping) bool {
	return slices.ContainsFunc(m.Adopted, func(a access.Mapping) bool { return a.Same(r) })
}
