package desired

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/api/v1alpha1"
	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// via is what maps a set's role here: a mapping of ours stays what it is, a new one is what the mode and the installation say.
func (s *site) via(set string) access.Mechanism {
	switch s.c.Mode {
	case access.ModeConfigMap:
		return access.ViaRow
	case access.ModeAPI:
		return access.ViaEntry
	case access.ModeAPIAndConfigMap:
	}
	if m, ok := s.mapped(set); ok {
		return m.Via
	}
	if s.Installation.Mapping == v1alpha1.MappingConfigMap {
		return access.ViaRow
	}
	return access.ViaEntry
}

// mapped is our mapping of a set: the one in force or, failing that, what is left of earlier ones. An entry that is in force hides a row, and a row
// works where the entry is dead.
func (s *site) mapped(set string) (access.Mapping, bool) {
	role, exists := s.x.Role(s.c.Account, set)
	var best access.Mapping
	weight := 0
	for _, m := range s.rows {
		if m.PermissionSet != set {
			continue
		}
		w := 1
		if current := exists && strings.EqualFold(string(role.ARN.WithoutPath()), string(m.Row.RoleARN.WithoutPath())); current && !m.Dead {
			w = map[access.Mechanism]int{access.ViaRow: 2, access.ViaEntry: 3}[m.Via]
		}
		if w > weight {
			best, weight = m, w
		}
	}
	return best, weight > 0
}

// mismatched says why the installation's choice of mapping cannot be had in the cluster, and tells the user where a grant wants something there.
func (s *site) mismatched() string {
	var d diag.Diagnostic
	switch {
	case s.Installation.Mapping == v1alpha1.MappingAccessEntry && !s.c.Mode.Entries():
		d = diag.New(diag.RC1013, s.Installation.Pos("mapping"), fmt.Sprintf("%s is in mode %s, where no access entry can be", s.x.ClusterName(s.c.ARN), s.c.Mode)).
			WithHint("write mapping: Auto, or move the cluster: rolecall mode " + s.c.Name + " --to API_AND_CONFIG_MAP")
	case s.Installation.Mapping == v1alpha1.MappingConfigMap && !s.c.Mode.Rows():
		d = diag.New(diag.RC3009, s.Installation.Pos("mapping"), fmt.Sprintf("%s is in mode %s, where aws-auth is ignored", s.x.ClusterName(s.c.ARN), s.c.Mode)).
			WithHint("write mapping: Auto")
		d.Severity = diag.Error
	default:
		return ""
	}
	d.Cluster = s.x.ClusterName(s.c.ARN)
	if slices.ContainsFunc(s.grants, func(g *grant) bool { return g.in(s.c.ARN) }) {
		s.say(d)
	}
	return d.Summary
}

// entryOf finds the access entry of a set's role.
func (s *site) entryOf(set string) (access.AccessEntry, access.Role, bool) {
	role, ok := s.x.Role(s.c.Account, set)
	if !ok {
		return access.AccessEntry{}, role, false
	}
	e, ok := s.entries[role.ARN]
	return e, role, ok
}

// ours tells whether an entry is the owner's, or becomes so by adoption.
func (s *site) ours(e access.AccessEntry) bool {
	return snapshot.OwnEntry(s.c, e, s.owner) || s.adopted[e.Principal]
}

// others are the associations of an entry of ours that somebody else made. An adopted entry keeps what it has.
func (s *site) others(e access.AccessEntry) []access.PolicyAssociation {
	_, others := e.Divided()
	return others
}

// foreignEntry reports an entry of somebody else for the role of a grant's set.
func (s *site) foreignEntry(g *grant, e access.AccessEntry) {
	s.conflicts(g, string(e.Principal), "it has an access entry that somebody else made ("+describeEntry(e)+"); list it under adopt to take it over")
}

// describeEntry says what is known of who made an entry.
func describeEntry(e access.AccessEntry) string {
	var parts []string
	switch owner := e.Tags[access.TagOwner]; {
	case e.Type != access.EntryStandard:
		parts = append(parts, "type "+string(e.Type)+", for nodes or services of EKS")
	case owner != "":
		parts = append(parts, fmt.Sprintf("the installation %q", owner))
	case len(e.Tags) > 0:
		var tags []string
		for _, k := range slices.Sorted(maps.Keys(e.Tags)) {
			tags = append(tags, k+"="+e.Tags[k])
		}
		parts = append(parts, "tags "+strings.Join(tags, ", "))
	case slices.ContainsFunc(e.Associations, func(a access.PolicyAssociation) bool {
		return a.Name() == "AmazonEKSClusterAdminPolicy" && a.Scope == access.ScopeCluster
	}):
		parts = append(parts, "no tags; perhaps EKS itself, for the cluster's creator")
	default:
		parts = append(parts, "no tags")
	}
	parts = append(parts, fmt.Sprintf("username %q, groups %q", e.Username, e.Groups))
	for _, a := range e.Associations {
		parts = append(parts, a.String())
	}
	return strings.Join(parts, "; ")
}

// conflicts records a conflict once for each object; the set it is about stays as it is.
func (s *site) conflicts(g *grant, object, detail string) {
	s.conflicted[g.set.Name] = true
	s.reportConflict(object, detail, g.Origin())
}

func (s *site) reportConflict(object, detail string, o access.Origin) {
	if !slices.ContainsFunc(s.out.Conflicts, func(c access.Conflict) bool { return c.Cluster == s.c.ARN && c.Object == object && c.Detail == detail }) {
		s.out.Conflicts = append(s.out.Conflicts, access.Conflict{Code: string(diag.RC4006), Cluster: s.c.ARN, Object: object, Detail: detail, Origin: o})
	}
}

// readEntries indexes the cluster's entries, and reports those that can yield our names.
func (s *site) readEntries() {
	s.entries = map[access.ARN]access.AccessEntry{}
	for _, e := range s.c.AccessEntries {
		s.entries[e.Principal] = e
	}
}

// strangers are the entries of others that can yield a name which only rolecall may yield.
func (s *site) strangers() []access.AccessEntry {
	var out []access.AccessEntry
	for _, e := range s.c.AccessEntries {
		if s.ours(e) || !awsauth.YieldsUsername(e.Username) && !slices.ContainsFunc(e.Groups, awsauth.YieldsGroup) {
			continue
		}
		if !s.otherInstallation(e) {
			out = append(out, e)
		}
	}
	return out
}

// otherInstallation tells whether the entry is what rolecall writes for a role of the account: then it gives the right people their own names, and
// the groups of whoever marked it.
func (s *site) otherInstallation(e access.AccessEntry) bool {
	name, _ := e.Principal.RoleName()
	set, _ := access.PermissionSetOfRole(name)
	if !e.Principal.ReservedRole() || e.Principal.Account() != s.c.Account || e.Username != access.UsernameTemplate(set) {
		return false
	}
	return !slices.ContainsFunc(e.Groups, func(g string) bool {
		owner, _, _, ok := access.ParseGroupName(g)
		return access.ReservedGroup(g) && (!ok || owner == "" || owner == s.owner || owner != e.Tags[access.TagOwner])
	})
}

// keepShared keeps the entries to which somebody else has given an EKS access policy, and says so. What we gave goes all the same.
func (s *site) keepShared() {
	for _, m := range s.rows {
		e, ok := s.entries[m.Row.RoleARN]
		if m.Via != access.ViaEntry || !ok {
			continue
		}
		others := s.others(e)
		for _, a := range others {
			s.reportConflict(string(e.Principal), "somebody else gave our access entry "+a.String()+"; it stays, and so does the entry", access.Origin{})
		}
		if _, wanted := s.wantRows[rowKey(m)]; len(others) == 0 || wanted {
			continue
		}
		if _, current := s.currentRole(m); !m.Dead && current {
			m.Row.Groups = []string{}
		}
		s.wantRows[rowKey(m)] = &m
	}
}

// currentRole is the role of a mapping's set, if the mapping is for it.
func (s *site) currentRole(m access.Mapping) (access.Role, bool) {
	role, ok := s.x.Role(s.c.Account, m.PermissionSet)
	return role, ok && strings.EqualFold(string(role.ARN.WithoutPath()), string(m.Row.RoleARN.WithoutPath()))
}

// keepHidden keeps a row of ours that an entry of ours hides, with the same groups: only a migration takes it away.
func (s *site) keepHidden() {
	for _, m := range s.rows {
		role, current := s.currentRole(m)
		entry := access.Mapping{PermissionSet: m.PermissionSet, Row: access.Row{RoleARN: role.ARN}}
		want, ok := s.wantRows[rowKey(entry)]
		if _, kept := s.wantRows[rowKey(m)]; m.Via != access.ViaRow || !current || !ok || kept || want.Dead {
			continue
		}
		m.Row.Username, m.Row.Groups = want.Row.Username, slices.Clone(want.Row.Groups)
		s.wantRows[rowKey(m)] = &m
	}
}

// refused drops what EKS would refuse, with its reason, before anything is called.
func (s *site) refused() {
	for _, k := range slices.Sorted(maps.Keys(s.wantRows)) {
		m := s.wantRows[k]
		why := ""
		if m.Via == access.ViaEntry {
			why = access.RefusedEntry(m.Row.Username, m.Row.Groups)
		}
		if had, ok := s.had(*m); why == "" || ok && had.Same(*m) {
			continue
		}
		d := diag.New(diag.RC3012, diag.Pos{}, fmt.Sprintf("EKS would refuse the access entry of %s: %s", m.PermissionSet, why))
		d.Cluster, d.Object = s.x.ClusterName(s.c.ARN), m.PermissionSet
		s.say(d)
		m.Row.Groups = slices.DeleteFunc(m.Row.Groups, func(g string) bool { return access.RefusedEntry("", []string{g}) != "" })
	}
}

// had is the mapping of the same role as it stands.
func (s *site) had(m access.Mapping) (access.Mapping, bool) {
	i := slices.IndexFunc(s.rows, func(r access.Mapping) bool { return rowKey(r) == rowKey(m) })
	if i < 0 {
		return access.Mapping{}, false
	}
	return s.rows[i], true
}
