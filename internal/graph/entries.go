package graph

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/rbac"
)

const (
	whereEntry    = "eks DescribeAccessEntry"
	wherePolicies = "eks ListAssociatedAccessPolicies"
)

// enter indexes the access entries, where the cluster honours them, by the ARN that a session of the principal shows: without a path.
func (c *Cluster) enter() {
	c.entries = map[string][]*access.AccessEntry{}
	if !c.Mode.Entries() {
		return
	}
	for i := range c.AccessEntries {
		e := &c.AccessEntries[i]
		key := fold(string(e.Principal.WithoutPath()))
		c.entries[key] = append(c.entries[key], e)
	}
	c.unentered = c.g.gap(func(gap access.Gap) bool { return gap.Cluster == "" || gap.Cluster == c.ARN }, access.PartEntries)
}

// entriesFor sorts the entries of a principal into those that count and those that are dead: EKS binds an entry to the role that there was, and not to
// its name. While the role is not known, any may count.
func (c *Cluster) entriesFor(arn access.ARN, role access.Role) (live, dead []*access.AccessEntry) {
	for _, e := range c.entries[fold(string(arn))] {
		if role.ARN != "" && (e.Principal != role.ARN || e.Dead(role)) {
			dead = append(dead, e)
			continue
		}
		live = append(live, e)
	}
	return live, dead
}

// unreadEntry says why the role may have an entry that was not read, nil when it has none. EKS has one entry of each principal.
func (c *Cluster) unreadEntry(role access.Role, dead []*access.AccessEntry) *doubt {
	if slices.ContainsFunc(dead, func(e *access.AccessEntry) bool { return e.Principal == role.ARN }) {
		return nil
	}
	return c.unentered
}

// entered is the entry as what the authenticator makes of it: the templates are those of rows. EKS gives an entry without a username one.
func entered(e *access.AccessEntry) *awsauth.Entry {
	return &awsauth.Entry{Key: awsauth.KeyRoles, ARN: string(e.Principal), Username: cmp.Or(e.Username, defaultUsername(e.Principal)), Groups: e.Groups}
}

// defaultUsername is the username that EKS fills in. Source: EKS User Guide, "Create access entries".
func defaultUsername(principal access.ARN) string {
	p, err := access.ParseARN(principal)
	name, isRole := principal.RoleName()
	if err != nil || !isRole {
		return string(principal)
	}
	p.Service, p.Resource = "sts", "assumed-role/"+name+"/{{SessionName}}"
	return p.String()
}

// entryMapping is the entry that counts for a role.
func (c *Cluster) entryMapping(e *access.AccessEntry) mapped {
	row := entered(e)
	hop := Hop{Kind: HopMapping, Via: access.ViaEntry, Name: rowName(*row), Status: OK, Evidence: c.g.found(string(e.Principal), whereEntry, "")}
	why := ""
	if e.Type == access.EntryStandard {
		why = access.RefusedEntry(e.Username, e.Groups)
	}
	prefix, reserved := access.ReservedEntryPrefix(e.Username)
	switch {
	case why != "" && reserved:
		hop.Status, hop.Code = Broken, diag.RC3012
		hop.Evidence.Detail = "user names that begin with " + prefix + " are reserved: whoever comes by this entry is refused, and a row of aws-auth does not count either"
	case why != "":
		hop.Code = diag.RC3012
		hop.Evidence.Detail = "EKS would not take this entry today: " + why
	}
	return mapped{hop: hop, entry: row, source: e}
}

// deadMapping is an entry that admits nobody, as it would be if it admitted the role.
func (c *Cluster) deadMapping(e *access.AccessEntry, role access.Role) mapped {
	m := c.entryMapping(e)
	m.hop.Status, m.hop.Code = Broken, diag.RC3003
	why := fmt.Sprintf("the role was made again on %s, after the entry (%s)", role.Created.UTC().Format("2006-01-02 15:04"), e.Created.UTC().Format("2006-01-02 15:04"))
	if e.Principal != role.ARN {
		why = "the role is another now: " + string(role.ARN)
	}
	m.hop.Evidence.Detail = why + ". An entry is tied to the unique id of the role that there was: it admits nobody"
	return m
}

// hiddenRows are the rows of a role that has an entry: they are not looked at.
func (c *Cluster) hiddenRows(arn access.ARN, by *access.AccessEntry) []mapped {
	if !c.Mode.Rows() || c.auth != nil {
		return nil
	}
	var out []mapped
	for _, m := range c.rowsFor(arn) {
		m.hop.Status, m.hop.Code, m.hiddenBy = Broken, diag.RC3004, by
		m.hop.Evidence = c.g.found(m.hop.Evidence.Object, m.hop.Evidence.Where, "the role has an access entry, and where there is one the row is not looked at")
		out = append(out, m)
	}
	return out
}

// ignoredRows are the rows of a role in a cluster that reads none.
func (c *Cluster) ignoredRows(arn access.ARN) []mapped {
	if c.Mode.Rows() || c.auth != nil {
		return nil
	}
	var out []mapped
	for _, m := range c.rowsFor(arn) {
		m.hop.Status, m.hop.Code = Broken, diag.RC3009
		m.hop.Evidence = c.g.found(m.hop.Evidence.Object, m.hop.Evidence.Where, "in mode API nobody reads aws-auth, and the role has no access entry")
		out = append(out, m)
	}
	return out
}

// unknownMapping is what maps a role where that was not read.
func (c *Cluster) unknownMapping(d *doubt, via access.Mechanism) mapped {
	return mapped{hop: Hop{Kind: HopMapping, Via: via, Name: notKnown, Status: Unknown, Code: d.code, Evidence: c.g.missing(d)}}
}

// nearMissEntry says which entry was meant for the role and is for another.
func (c *Cluster) nearMissEntry(k doorKey, role access.ARN) (diag.Code, *Evidence) {
	name, known := role.RoleName()
	for i := range c.AccessEntries {
		e := &c.AccessEntries[i]
		of, _ := e.Principal.RoleName()
		set, reserved := access.PermissionSetOfRole(of)
		if !c.Mode.Entries() || !known || !reserved || set != k.set || e.Principal.Account() != k.account || strings.EqualFold(of, name) {
			continue
		}
		if !e.Principal.ReservedRole() {
			return diag.RC3011, c.g.found(string(e.Principal), whereEntry, "the access entry is for a role that only looks like one of Identity Center: it is not under its path")
		}
		return diag.RC3002, c.g.found(string(e.Principal), whereEntry, "the access entry is for a role of this permission set that is gone; Identity Center made it again under another suffix")
	}
	return "", nil
}

// Undescribed are the EKS access policies that entries of people and tools have and of which nobody says what they allow, by name: whatever they decide is not known.
func (g *Graph) Undescribed() []string {
	found := map[string]bool{}
	for i := range g.Clusters {
		if !g.Clusters[i].Mode.Entries() {
			continue
		}
		for j := range g.Clusters[i].AccessEntries {
			e := &g.Clusters[i].AccessEntries[j]
			for _, grant := range g.policies.Grants(e) {
				if grant.Opaque() && e.Type == access.EntryStandard {
					found[grant.Policy.Name()] = true
				}
			}
		}
	}
	return sortedKeys(found)
}

// AccessEntry is the entry that is the door's mapping; nil where that is a row.
func (d *Door) AccessEntry() *access.AccessEntry { return d.source }

// HiddenBy is the access entry that counts in the place of the door's row; nil when none does.
func (d *Door) HiddenBy() *access.AccessEntry { return d.hiddenBy }

// Row is what the door makes of a person, as rolecall writes rows; zero where nothing maps the role.
func (d *Door) Row() access.Row {
	if d.entry == nil {
		return access.Row{}
	}
	return d.entry.Row()
}

// foreignEntries are the ways in that access entries give to others than holders of permission sets.
func (c *Cluster) foreignEntries() []Foreign {
	if !c.Mode.Entries() {
		return nil
	}
	var out []Foreign
	for i := range c.AccessEntries {
		// The entry of a role of Identity Center is a door of its set, or dead for good: nobody else can become the role that there was.
		if e := &c.AccessEntries[i]; !e.Principal.ReservedRole() {
			f := c.foreign(*entered(e), c.g.policies.Grants(e))
			f.Mapping = c.entryMapping(e).hop
			if name, _ := e.Principal.RoleName(); c.reserved(name) {
				f.Name, f.Mapping.Code = "whoever may assume role "+name+", which is not one of Identity Center", diag.RC3011
			}
			if f.Mapping.Status != Broken {
				out = append(out, f)
			}
		}
	}
	return out
}

// overruled marks the row of a foreigner where an access entry counts in its place, or may: whether an entry is dead is known of roles of
// Identity Center only.
func (c *Cluster) overruled(f *Foreign) {
	switch entries := c.entries[fold(string(f.ARN))]; {
	case len(entries) > 0 && !entries[0].Principal.ReservedRole():
		f.Mapping.Status, f.Mapping.Code = Unknown, diag.RC3004
	case len(entries) == 0 && c.unentered != nil:
		f.Mapping.Status, f.Mapping.Code = Unknown, cmp.Or(f.Mapping.Code, c.unentered.code)
	}
}

// opaque is an EKS access policy that counts for the question and of which nobody says what it allows; nil when there is none.
func opaque(grants []rbac.Grant, q Question) *rbac.Grant {
	for i := range grants {
		if g := &grants[i]; g.Opaque() && (q.Request == nil || g.Applies(q.Request.Namespace)) {
			return g
		}
	}
	return nil
}
