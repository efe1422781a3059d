package desired

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/api/v1alpha1"
	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// adopt takes over the objects that the installation lists for the cluster. What is adopted keeps its groups while it is listed, and the
// associations that others made; it gets our username or our people, and whoever loses something by that has to be named.
func (s *site) adopt(grants []*grant) {
	s.adopted, s.keptGroups = map[access.ARN]bool{}, map[access.ARN][]string{}
	if s.unseen(s.c.ARN) != "" {
		return // who would lose what is bound to them was not read
	}
	for i, a := range s.Installation.Adopt {
		c, err := s.x.ClusterNamed(a.Cluster)
		if err != nil || c.ARN != s.c.ARN {
			continue
		}
		w := wish{Adoption: a, grants: grants}
		why := ""
		switch {
		case a.AccessEntry != "":
			w.what = "the access entry of " + a.AccessEntry
			why = s.adoptEntry(w)
		case a.Row != "":
			w.what = "the row of " + a.Row
			why = s.adoptRow(w)
		default:
			w.what = "the binding " + a.Binding
			why = s.adoptBinding(w)
		}
		if why == "" {
			continue
		}
		d := diag.New(diag.RC4006, s.Installation.Pos("adopt", i), fmt.Sprintf("%s is not taken over: %s", w.what, why))
		d.Cluster = s.x.ClusterName(s.c.ARN)
		s.say(d)
	}
}

// wish is one item of adopt:, and the grants that are in force in its cluster.
type wish struct {
	v1alpha1.Adoption
	what   string
	grants []*grant
}

// adoptEntry says why the entry cannot become ours.
func (s *site) adoptEntry(w wish) string {
	e, ok := s.entries[access.ARN(w.AccessEntry)]
	if !ok {
		return "there is none"
	}
	if e.Type != access.EntryStandard {
		return fmt.Sprintf("it is of type %s", e.Type)
	}
	if !e.Principal.ReservedRole() {
		return notIdentityCenter
	}
	if owner := e.Tags[access.TagOwner]; owner != "" && owner != s.owner {
		return fmt.Sprintf("it belongs to the installation %q", owner)
	}
	m := snapshot.EntryMapping(s.x, s.c, e)
	if why := s.unadoptable(w, m); why != "" {
		return why
	}
	s.take(m, snapshot.OwnEntry(s.c, e, s.owner))
	return ""
}

const notIdentityCenter = "its principal is not an Identity Center role of the cluster's account"

// adoptRow says why the row cannot become ours. Of several rows for one ARN it is the last, which is the one in force.
func (s *site) adoptRow(w wish) string {
	if !s.c.Mode.Rows() {
		return fmt.Sprintf("in mode %s aws-auth is ignored", s.c.Mode)
	}
	var row awsauth.Entry
	if s.c.AwsAuth != nil {
		for _, e := range awsauth.Parse(s.c.AwsAuth.Data).Roles {
			if e.ARN == w.Row {
				row = e
			}
		}
	}
	if row.ARN == "" {
		return "mapRoles has none"
	}
	if row.SSO != nil || row.UserID != "" {
		return "it has fields that rolecall does not write"
	}
	if access.ARN(row.ARN).WithoutPath() != access.ARN(row.ARN) {
		return "its ARN has a path, so it matches nobody"
	}
	if owner := awsauth.OwnerOf(*s.c.AwsAuth, access.ARN(row.ARN)); owner != "" && owner != s.owner {
		return fmt.Sprintf("it belongs to the installation %q", owner)
	}
	name, _ := access.ARN(row.ARN).RoleName()
	set, reserved := access.PermissionSetOfRole(name)
	if !reserved {
		return notIdentityCenter
	}
	m := access.Mapping{Cluster: s.c.ARN, PermissionSet: set, Via: access.ViaRow, Row: row.Row()}
	if why := s.unadoptable(w, m); why != "" {
		return why
	}
	s.take(m, slices.ContainsFunc(s.rows, m.Same))
	return ""
}

// unadoptable says why a mapping of an Identity Center role cannot become ours.
func (s *site) unadoptable(w wish, m access.Mapping) string {
	if why := s.builder.frozen[s.c.Account][m.PermissionSet]; why != "" {
		return "not in this run: " + why
	}
	if m.Row.RoleARN.Account() != s.c.Account {
		return notIdentityCenter
	}
	if _, current := s.currentRole(m); !current {
		return "its role does not exist any more; remove it by hand"
	}
	if !slices.ContainsFunc(w.grants, func(g *grant) bool { return g.set.Name == m.PermissionSet }) {
		return fmt.Sprintf("no grant through %s selects the cluster", m.PermissionSet)
	}
	return s.loses(m, w.Losing)
}

// take makes a mapping ours, and keeps the groups that others gave it.
func (s *site) take(m access.Mapping, already bool) {
	role, _ := s.currentRole(m)
	for _, g := range m.Row.Groups {
		if !access.ReservedGroup(g) {
			s.keptGroups[role.ARN] = append(s.keptGroups[role.ARN], g)
		}
	}
	if already {
		return
	}
	s.adopted[m.Row.RoleARN] = true
	s.rows = append(s.rows, m)
	s.out.Observed.Mappings = append(s.out.Observed.Mappings, m)
	s.out.Adopted = append(s.out.Adopted, m)
}

// loses names who loses a binding of others by the new username and is not listed.
func (s *site) loses(m access.Mapping, listed []string) string {
	if m.Row.Username == access.UsernameTemplate(m.PermissionSet) {
		return ""
	}
	var losing []string
	for _, p := range s.x.PermissionSetsNamed(m.PermissionSet) {
		for _, u := range s.x.Expand(s.x.Assigned(s.c.Account, p.ARN)) {
			id := access.Identity{Username: awsauth.Render(m.Row.Username, awsauth.Session{AccountID: string(s.c.Account), Name: u.Name})}
			if len(s.c.Granted(id)) > 0 && !slices.Contains(listed, u.Name) && !slices.Contains(listed, string(u.ID)) {
				losing = append(losing, u.Name)
			}
		}
	}
	return unlisted(losing, "its username changes, and with it %s would lose what is bound to them by the old one; list them under losing:")
}

func unlisted(losing []string, format string) string {
	if len(losing) == 0 {
		return ""
	}
	return fmt.Sprintf(format, strings.Join(sortedSet(losing), ", "))
}

// adoptBinding says why the binding cannot become ours. Only one that is named as rolecall names the binding of a grant can: a binding has no other
// name, and never another role.
func (s *site) adoptBinding(w wish) string {
	namespace, name, namespaced := strings.Cut(w.Binding, "/")
	if !namespaced {
		namespace, name = "", w.Binding
	}
	i := slices.IndexFunc(slices.Concat(s.c.RoleBindings, s.c.ClusterRoleBindings), func(b access.Binding) bool { return b.Name == name && b.Namespace == namespace })
	if i < 0 {
		return "there is none"
	}
	b := slices.Concat(s.c.RoleBindings, s.c.ClusterRoleBindings)[i]
	if snapshot.OwnBinding(b, s.owner) {
		return ""
	}
	id, ok := access.ParseBindingName(name)
	if !ok || id.Owner != s.owner || id.Ref != b.Ref {
		return "it is not named as rolecall names a binding of its role, and a binding cannot be given another name"
	}
	j := slices.IndexFunc(w.grants, func(g *grant) bool {
		return g.Policy.Name == id.Policy && g.Name == id.Grant && id.N == 0 && g.gives(b.Ref, namespace)
	})
	if j < 0 {
		return "no grant wants it"
	}
	if why := s.builder.frozen[s.c.Account][w.grants[j].set.Name]; why != "" {
		return "not in this run: " + why
	}
	if why := s.losesBinding(w.grants[j], b, w.Losing); why != "" {
		return why
	}
	cb := access.ClusterBinding{Cluster: s.c.ARN, Binding: b}
	s.bindings = append(s.bindings, cb)
	s.out.Observed.Bindings = append(s.out.Observed.Bindings, cb)
	s.out.AdoptedBindings = append(s.out.AdoptedBindings, cb.Key())
	return ""
}

// gives tells whether the grant wants the role in the namespace, "" being the whole cluster.
func (g *grant) gives(ref access.RoleRef, namespace string) bool {
	return slices.ContainsFunc(g.Allow, func(p v1alpha1.Permission) bool {
		if ref != (access.RoleRef{Kind: access.KindClusterRole, Name: p.ClusterRole}) && ref != (access.RoleRef{Kind: access.KindRole, Name: p.Role}) {
			return false
		}
		return namespace == "" && len(p.Namespaces) == 0 || slices.ContainsFunc(p.Namespaces, func(n string) bool { return access.MatchNamespace(n, namespace) })
	})
}

// losesBinding names the subjects of a binding whom the grant does not give it and who are not listed.
func (s *site) losesBinding(g *grant, b access.Binding, listed []string) string {
	keeps := map[access.Subject]bool{{Kind: access.SubjectGroup, Name: s.group(g)}: true}
	for _, u := range s.x.Expand(g.principals) {
		keeps[access.Subject{Kind: access.SubjectUser, Name: access.Username(g.set.Name, u.Name)}] = true
	}
	var losing []string
	for _, sub := range b.Subjects {
		who := sub.Name
		if _, name, ok := access.ParseUsername(sub.Name); ok && sub.Kind == access.SubjectUser {
			who = name
		}
		if !keeps[sub] && !slices.Contains(listed, who) && !slices.Contains(listed, sub.Name) {
			losing = append(losing, who)
		}
	}
	return unlisted(losing, "%s would lose it; list them under losing:")
}

// checkAdoptions says which wishes of adopt: lead nowhere.
func (b *builder) checkAdoptions() {
	for i, a := range b.Installation.Adopt {
		if _, err := b.x.ClusterNamed(a.Cluster); err != nil && !b.gapIn(access.PartClusters) {
			b.say(diag.New(diag.RC1008, b.Installation.Pos("adopt", i), err.Error()))
			continue
		}
	}
}
