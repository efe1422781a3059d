package export

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// Observed is what a snapshot has of a cluster. Entries of types that keep does not want are counted in the notes.
func Observed(x *snapshot.Index, c *access.Cluster, keep func(access.EntryType) bool) Cluster {
	out := begin(x, c)
	if out.None != "" {
		return out
	}
	left := map[access.EntryType]int{}
	for _, e := range c.AccessEntries {
		if !keep(e.Type) {
			left[e.Type]++
			continue
		}
		out.Entries = append(out.Entries, observed(x, e))
	}
	for _, t := range slices.Sorted(maps.Keys(left)) {
		out.Notes = append(out.Notes, fmt.Sprintf("left out: %d of type %s, for nodes or services", left[t], t))
	}
	sorted(out.Entries)
	return out
}

// Wanted is what a state has of a cluster: the owner's entries, with the tags by which the owner knows them and their associations. A state
// may be what policies ask for or what a migration leads to. Mappings that stay in aws-auth, and roles that do not exist yet, are in the notes.
func Wanted(x *snapshot.Index, c *access.Cluster, s access.State, owner string) Cluster {
	out := begin(x, c)
	if out.None != "" {
		return out
	}
	rows := 0
	for _, m := range s.Mappings {
		switch {
		case m.Cluster != c.ARN:
		case m.Via == access.ViaRow:
			rows++
		case m.Symbolic():
			out.Notes = append(out.Notes, fmt.Sprintf("the role of %s does not exist in %s yet, so its entry has no principal: assign the set, then export again", m.PermissionSet, x.AccountName(c.Account)))
		default:
			e, notes := wanted(x, c, m, s.Policies)
			e.Tags[access.TagOwner] = owner
			out.Entries, out.Notes = append(out.Entries, e), append(out.Notes, notes...)
		}
	}
	if rows > 0 {
		out.Notes = append(out.Notes, fmt.Sprintf("left out: %d that are rows of aws-auth and stay there", rows))
	}
	sorted(out.Entries)
	return out
}

// Listed is entries that somebody else worked out, a migration's say, over what exists of them.
func Listed(x *snapshot.Index, c *access.Cluster, entries []Entry) Cluster {
	out := begin(x, c)
	if out.None != "" {
		return out
	}
	for _, e := range entries {
		if i := entryOf(c, e.Principal); i >= 0 {
			now := observed(x, c.AccessEntries[i])
			e.Exists, e.Given, e.Dead = true, now.Given, e.Dead || now.Dead
		}
		e.Tags, e.Associations = keepable(e.Tags), slices.Clone(e.Associations)
		out.Entries = append(out.Entries, e)
	}
	sorted(out.Entries)
	return out
}

// entryOf is the place of a principal's entry, or -1.
func entryOf(c *access.Cluster, principal access.ARN) int {
	return slices.IndexFunc(c.AccessEntries, func(e access.AccessEntry) bool { return e.Principal == principal })
}

// begin says what keeps a cluster from having entries. What was not read is not empty.
func begin(x *snapshot.Index, c *access.Cluster) Cluster {
	out := Cluster{ARN: c.ARN, Name: x.ClusterName(c.ARN), Mode: c.Mode}
	if !c.Mode.Entries() {
		out.None = fmt.Sprintf("in mode %s there are no access entries", c.Mode)
		return out
	}
	gap, unread := x.Gap(access.PartEntries, func(g access.Gap) bool { return g.Cluster == "" || g.Cluster == c.ARN })
	if unread {
		out.None = "its access entries could not be read: " + gap.Reason
	}
	return out
}

// observed is an entry as it stands.
func observed(x *snapshot.Index, e access.AccessEntry) Entry {
	out := Entry{AccessEntry: e, Exists: true}
	out.Tags, out.Associations = keepable(e.Tags), slices.Clone(e.Associations)
	for _, a := range e.Associations {
		out.Given = append(out.Given, a.Policy)
	}
	for _, r := range x.Roles {
		out.Dead = out.Dead || e.Dead(r)
	}
	return out
}

// wanted is the entry of a mapping, over what exists of it, and what of that is not wanted.
func wanted(x *snapshot.Index, c *access.Cluster, m access.Mapping, policies []access.SetPolicy) (out Entry, notes []string) {
	out = Entry{AccessEntry: access.AccessEntry{Principal: m.Row.RoleARN, Type: access.EntryStandard, Tags: map[string]string{}}}
	if i := entryOf(c, m.Row.RoleARN); i >= 0 {
		out = observed(x, c.AccessEntries[i])
	}
	was := out.Associations
	out.Username, out.Groups, out.Associations = m.Row.Username, slices.Clone(m.Row.Groups), nil
	record := access.PolicyRecord{}
	for _, p := range policies {
		if p.Cluster == m.Cluster && p.PermissionSet == m.PermissionSet && p.Principal == m.Row.RoleARN {
			out.Associations = append(out.Associations, p.Association)
			record.Put(p.Association)
		}
	}
	delete(out.Tags, access.TagAssociations)
	if len(record) > 0 {
		out.Tags[access.TagAssociations] = record.String()
	}
	for _, a := range was {
		if !slices.ContainsFunc(out.Associations, func(w access.PolicyAssociation) bool { return w.Policy == a.Policy }) {
			notes = append(notes, fmt.Sprintf("%s has %s today, which is not wanted of it and is not written", m.Row.RoleARN, a))
		}
	}
	return out, notes
}

// sorted puts entries and their associations in order.
func sorted(entries []Entry) {
	slices.SortFunc(entries, func(a, b Entry) int { return a.Compare(b.AccessEntry) })
	for _, e := range entries {
		slices.SortFunc(e.Associations, func(a, b access.PolicyAssociation) int { return cmp.Compare(a.Policy, b.Policy) })
	}
}

// keepable are the tags that a customer may set.
func keepable(tags map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range tags {
		if !strings.HasPrefix(strings.ToLower(k), "aws:") {
			out[k] = v
		}
	}
	return out
}
