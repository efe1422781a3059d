package desired

import (
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/rolecall-dev/rolecall/api/v1alpha1"
	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// reached is a grant in a cluster: whom it reaches there, and how.
type reached struct {
	g      *grant
	mode   access.BindMode
	people []access.User
	// others hold the role and get nothing by this grant.
	others int
}

// grant decides the row and the bindings that a grant yields here.
func (s *site) grant(g *grant) {
	if g.held != "" || s.frozen[g.set.Name] != "" || s.conflicted[g.set.Name] {
		return
	}
	if !s.provisioned(g) {
		return
	}
	r, ok := s.decide(g)
	if !ok {
		return
	}
	s.row(r)
	s.report(r)
	for i, p := range g.Allow {
		s.permission(r, i, p)
	}
}

// provisioned tells whether the role exists or will; and reports what is missing where somebody else decides the assignments.
func (s *site) provisioned(g *grant) bool {
	managed := s.managed[g.set.ARN]
	_, exists := s.x.Role(s.c.Account, g.set.Name)
	if !managed {
		s.missingAssignments(g, exists)
	}
	return exists || managed
}

func (s *site) missingAssignments(g *grant, exists bool) {
	acc := s.x.AccountName(s.c.Account)
	if !exists {
		d := diag.New(diag.RC3005, g.Pos("through", "permissionSet"), fmt.Sprintf("permission set %q is not provisioned in %s, and rolecall does not manage its assignments", g.set.Name, acc))
		d.Object = g.set.Name
		s.say(d.WithHint("list it under managedPermissionSets in rolecall.yaml, or assign it: " + s.assignCommand(g, g.principals)))
	}
	assigned := s.x.Assigned(s.c.Account, g.set.ARN)
	holders := userSet(s.x.Expand(assigned))
	for _, p := range g.principals {
		if assigned.Has(p) || allIn(s.x.Expand([]access.Principal{p}), holders) {
			continue
		}
		d := diag.New(diag.RC3016, g.Pos("to"), fmt.Sprintf("%s is not assigned %s in %s, so the grant does not reach them", s.x.PrincipalName(p), g.set.Name, acc))
		d.Object = s.x.PrincipalName(p)
		s.say(d.WithHint(s.assignCommand(g, access.PrincipalSet{p})))
	}
}

func userSet(us []access.User) map[access.PrincipalID]bool {
	out := map[access.PrincipalID]bool{}
	for _, u := range us {
		out[u.ID] = true
	}
	return out
}

func allIn(us []access.User, set map[access.PrincipalID]bool) bool {
	return len(us) > 0 && !slices.ContainsFunc(us, func(u access.User) bool { return !set[u.ID] })
}

func (s *site) assignCommand(g *grant, ps access.PrincipalSet) string {
	if len(ps) == 0 {
		return "aws sso-admin create-account-assignment"
	}
	return fmt.Sprintf("aws sso-admin create-account-assignment --instance-arn %s --permission-set-arn %s --target-type AWS_ACCOUNT --target-id %s --principal-type %s --principal-id %s",
		s.x.Instance.ARN, g.set.ARN, s.c.Account, ps[0].Kind, ps[0].ID)
}

// row wants the mapping of the set's role, with the grant's groups where it binds by group.
func (s *site) row(r reached) {
	m := access.Mapping{Cluster: s.c.ARN, PermissionSet: r.g.set.Name, Via: s.via(r.g.set.Name), Row: access.Row{Username: access.UsernameTemplate(r.g.set.Name), Groups: []string{}}}
	if role, ok := s.x.Role(s.c.Account, r.g.set.Name); ok {
		m.Row.RoleARN, m.Row.Groups = role.ARN.WithoutPath(), slices.Clone(s.keptGroups[role.ARN])
		if m.Via == access.ViaEntry {
			m.Row.RoleARN = role.ARN
		}
	}
	want, ok := s.wantRows[rowKey(m)]
	if !ok {
		want = &m
		s.wantRows[rowKey(m)] = want
	}
	s.origin(m.Key(), r.g)
	s.noteNewcomer(m)
	if _, said := s.out.Matches[m.Key()]; !said {
		s.out.Matches[m.Key()] = access.Match{Cluster: s.matched(r.g)}
	}
	if r.mode == access.ByGroup {
		for _, p := range r.g.Allow {
			if p.ClusterRole != "" || p.Role != "" {
				want.Row.Groups = append(want.Row.Groups, s.group(r.g))
			}
			want.Row.Groups = append(want.Row.Groups, p.Groups...)
		}
	}
	want.Row.Groups = sortedSet(want.Row.Groups)
}

func (s *site) group(g *grant) string { return access.GroupName(s.owner, g.Policy.Name, g.Name) }

// permission wants the bindings of one allow item.
func (s *site) permission(r reached, i int, p v1alpha1.Permission) {
	if p.AccessPolicy != "" {
		s.policy(r, i, p)
		return
	}
	ref := access.RoleRef{Kind: access.KindClusterRole, Name: p.ClusterRole}
	field := "clusterRole"
	if p.Role != "" {
		ref, field = access.RoleRef{Kind: access.KindRole, Name: p.Role}, "role"
	}
	if ref.Name == "" {
		return
	}
	pos := r.g.Pos("allow", i, field)
	if len(p.Namespaces) == 0 && ref.Kind == access.KindClusterRole {
		if s.privileged(r, ref, "", pos) {
			s.bind(r, ref, "")
		}
		return
	}
	found := 0
	for _, ns := range s.namespaces(p.Namespaces, r.g, i) {
		if _, ok := s.rules(ref, ns); !ok {
			continue
		}
		found++
		if s.privileged(r, ref, ns, pos) {
			s.bind(r, ref, ns)
		}
	}
	if found == 0 && ref.Kind == access.KindRole {
		s.say(diag.New(diag.RC1015, pos, fmt.Sprintf("role %q exists in none of the namespaces on %s", ref.Name, s.x.ClusterName(s.c.ARN))))
	}
	if _, ok := s.rules(ref, ""); !ok && ref.Kind == access.KindClusterRole {
		s.missingClusterRole(ref, pos)
	}
}

func (s *site) missingClusterRole(ref access.RoleRef, pos diag.Pos) {
	known := names(s.c.ClusterRoles, func(c access.RBACRole) string { return c.Name })
	s.say(unknown(diag.RC1015, pos, fmt.Sprintf("ClusterRole %q does not exist on %s", ref.Name, s.x.ClusterName(s.c.ARN)), ref.Name, known))
}

// namespaces expands names and globs.
func (s *site) namespaces(patterns []string, g *grant, item int) []string {
	var out []string
	for j, p := range patterns {
		matched := false
		for _, ns := range s.c.Namespaces {
			if access.MatchNamespace(p, ns) {
				out, matched = append(out, ns), true
			}
		}
		if !matched && !strings.Contains(p, "*") {
			s.say(diag.New(diag.RC1008, g.Pos("allow", item, "namespaces", j), fmt.Sprintf("namespace %q does not exist on %s; nothing is bound there", p, s.x.ClusterName(s.c.ARN))))
		}
	}
	return sortedSet(out)
}

// rules finds the rules of a role; a namespaced Role is looked for in ns.
func (s *site) rules(ref access.RoleRef, ns string) ([]rbacv1.PolicyRule, bool) {
	roles := s.c.ClusterRoles
	if ref.Kind == access.KindRole {
		roles = s.c.Roles
	}
	for _, r := range roles {
		if r.Name == ref.Name && (ref.Kind == access.KindClusterRole || r.Namespace == ns) {
			return r.Rules, true
		}
	}
	return nil, false
}

// privileged refuses what amounts to administration where the grant does not say so.
func (s *site) privileged(r reached, ref access.RoleRef, ns string, pos diag.Pos) bool {
	rules, ok := s.rules(ref, ns)
	if !ok {
		s.missingClusterRole(ref, pos)
		return false
	}
	why := access.Privileged(rules, ns)
	if why == "" {
		return true
	}
	if !r.g.Privileged {
		where := "the whole cluster"
		if ns != "" {
			where = ns
		}
		s.say(diag.New(diag.RC1011, pos, fmt.Sprintf("%s over %s amounts to cluster administration (%s), and grant %q is not privileged", ref.Name, where, why, r.g.Name)).
			WithHint("limit it to namespaces other than kube-system, or write privileged: true"))
		return false
	}
	s.out.Privileged[access.BindingKey{Cluster: s.c.ARN, Namespace: ns, Name: s.bindingName(r.g, ref, 0)}.String()] = true
	return true
}

func (s *site) bindingName(g *grant, ref access.RoleRef, n int) string {
	return access.BindingName(s.owner, g.Policy.Name, g.Name, ref, n)
}

// bind wants the binding of a role in a namespace ("" for the whole cluster), split where there are many subjects.
func (s *site) bind(r reached, ref access.RoleRef, ns string) {
	subjects := []access.Subject{{Kind: access.SubjectGroup, Name: s.group(r.g)}}
	if r.mode == access.ByUser {
		subjects = s.users(r)
	}
	privileged := s.out.Privileged[access.BindingKey{Cluster: s.c.ARN, Namespace: ns, Name: s.bindingName(r.g, ref, 0)}.String()]
	for n, chunk := range s.split(r.g, ref, ns, subjects) {
		cb := access.ClusterBinding{Cluster: s.c.ARN, Binding: access.Binding{
			Namespace: ns, Name: s.bindingName(r.g, ref, n), Ref: ref, Subjects: chunk,
			Labels: map[string]string{
				access.LabelManagedBy: access.ManagedByValue, access.LabelOwner: s.owner, access.LabelPolicy: r.g.Policy.Name, access.LabelGrant: r.g.Name,
			},
		}}
		if s.taken(cb, r.g) {
			continue
		}
		key := cb.Key().String()
		s.origin(key, r.g)
		s.out.Notes[key] = s.note(r)
		s.out.Matches[key] = access.Match{Cluster: s.matched(r.g), Namespace: matchedNamespace(r.g, ref, ns)}
		s.out.Privileged[key] = privileged
		s.wantBindings[cb.Key()] = cb
	}
}

// taken reports a binding that has our name and is not ours.
func (s *site) taken(cb access.ClusterBinding, g *grant) bool {
	if slices.ContainsFunc(s.bindings, func(o access.ClusterBinding) bool { return o.Key() == cb.Key() }) {
		return false
	}
	for _, o := range slices.Concat(s.c.RoleBindings, s.c.ClusterRoleBindings) {
		if o.Name == cb.Binding.Name && o.Namespace == cb.Binding.Namespace {
			s.out.Conflicts = append(s.out.Conflicts, access.Conflict{
				Code: string(diag.RC4006), Cluster: s.c.ARN, Object: o.Name, Origin: g.Origin(),
				Detail: "a binding of that name exists without our labels, or refers to another role",
			})
			return true
		}
	}
	return false
}

// split spreads subjects over bindings so that whoever is bound already stays where they are.
func (s *site) split(g *grant, ref access.RoleRef, ns string, subjects []access.Subject) map[int][]access.Subject {
	left := map[access.Subject]bool{}
	for _, x := range subjects {
		left[x] = true
	}
	out := map[int][]access.Subject{}
	for _, cb := range s.bindings {
		id, _ := access.ParseBindingName(cb.Binding.Name)
		if id.Policy != g.Policy.Name || id.Grant != g.Name || id.Ref != ref || cb.Binding.Namespace != ns {
			continue
		}
		for _, x := range cb.Binding.Subjects {
			if left[x] && len(out[id.N]) < access.MaxSubjects {
				out[id.N] = append(out[id.N], x)
				delete(left, x)
			}
		}
	}
	n := 0
	for _, x := range subjects {
		if !left[x] {
			continue
		}
		for len(out[n]) >= access.MaxSubjects {
			n++
		}
		out[n] = append(out[n], x)
	}
	for k := range out {
		out[k] = access.SortSubjects(out[k])
	}
	return out
}
