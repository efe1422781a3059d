package desired

import (
	"cmp"
	"maps"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// entries carries out what becomes of the cluster's access entries.
func (p *projection) entries(c *access.Cluster) {
	if !c.Mode.Entries() {
		return
	}
	ours := map[access.ARN]bool{}
	for _, m := range p.r.Observed.Mappings {
		ours[m.Row.RoleARN] = ours[m.Row.RoleARN] || m.Cluster == c.ARN && m.Via == access.ViaEntry
	}
	was := map[access.ARN]access.AccessEntry{}
	var out []access.AccessEntry
	for _, e := range c.AccessEntries {
		was[e.Principal] = e
		if !ours[e.Principal] {
			out = append(out, e)
		}
	}
	for _, m := range p.r.State.Mappings {
		if m.Cluster == c.ARN && m.Via == access.ViaEntry {
			out = append(out, p.entry(c, m, was))
		}
	}
	slices.SortFunc(out, access.AccessEntry.Compare)
	c.AccessEntries = out
}

// entry is a desired mapping as an access entry. What others have associated with it stays.
func (p *projection) entry(c *access.Cluster, m access.Mapping, was map[access.ARN]access.AccessEntry) access.AccessEntry {
	role, _ := p.role(c.Account, m.PermissionSet)
	principal := m.Row.RoleARN
	if m.Symbolic() {
		principal = role.ARN
	}
	e, exists := was[principal]
	if m.Dead {
		return e
	}
	if !exists || e.Dead(role) {
		e = access.AccessEntry{Principal: principal, Type: access.EntryStandard, Created: p.s.Taken, Modified: p.s.Taken}
		if role.Created.After(e.Created) {
			e.Created = role.Created
		}
	}
	_, e.Associations = e.Divided()
	e.Username, e.Groups, e.Tags = m.Row.Username, slices.Clone(m.Row.Groups), maps.Clone(e.Tags)
	record := access.PolicyRecord{}
	for _, a := range p.r.State.Policies {
		if a.Cluster == c.ARN && a.PermissionSet == m.PermissionSet && (a.Principal == principal || a.Principal == "" && m.Symbolic()) {
			e.Associations = append(e.Associations, a.Association)
			record.Put(a.Association)
		}
	}
	if e.Tags == nil {
		e.Tags = map[string]string{}
	}
	e.Tags[access.TagOwner], e.Tags[access.TagAssociations] = p.r.Owner, record.String()
	slices.SortFunc(e.Associations, func(x, y access.PolicyAssociation) int {
		return cmp.Compare(x.Policy, y.Policy)
	})
	return e
}

// ownEntries leaves of a cluster's entries the owner's, with what the owner gave them.
func ownEntries(c *access.Cluster, owner string) []access.AccessEntry {
	var out []access.AccessEntry
	for _, e := range c.AccessEntries {
		if snapshot.OwnEntry(c, e, owner) {
			e.Associations, _ = e.Divided()
			out = append(out, e)
		}
	}
	return out
}
