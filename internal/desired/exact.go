package desired

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/api/v1alpha1"
	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// decide chooses between binding by user and by group, and reports what cannot be granted exactly.
func (s *site) decide(g *grant) (reached, bool) {
	r := reached{g: g, mode: access.ByUser}
	holders := s.x.Expand(s.principalsAfter(s.c.Account, g.set.ARN))
	hold := userSet(holders)
	for _, u := range s.x.Expand(g.principals) {
		if hold[u.ID] {
			r.people = append(r.people, u)
		}
	}
	r.others = len(holders) - len(r.people)
	why := s.notByGroup(g)
	needs, at := s.needsGroup(g)
	switch {
	case g.Bind == v1alpha1.BindUser && needs != "":
		s.inexact(g, g.Pos(at...), needs+" cannot be limited to people, and the grant says bind: User")
		return r, false
	case g.Bind == v1alpha1.BindUser:
	case why != "" && needs != "":
		s.inexact(g, g.Pos(at...), needs+" cannot be limited to people: "+why)
		return r, false
	case why != "" && g.Bind == v1alpha1.BindGroup:
		s.inexact(g, g.Pos("bind"), "it cannot be bound by group: "+why)
		return r, false
	case why == "" && (needs != "" || g.Bind == v1alpha1.BindGroup || s.groupByChoice(g)):
		r.mode = access.ByGroup
	}
	return r, s.entryFree(g)
}

// entryFree refuses EKS access policies where the role is mapped by a row: there is nothing to attach them to.
func (s *site) entryFree(g *grant) bool {
	if s.via(g.set.Name) == access.ViaEntry {
		return true
	}
	for i, p := range g.Allow {
		if p.AccessPolicy == "" {
			continue
		}
		why, hint := fmt.Sprintf("%s is in mode %s, where no access entry can be", s.x.ClusterName(s.c.ARN), s.c.Mode), "use clusterRole or role for this cluster, or exclude it"
		if s.c.Mode.Entries() {
			why = fmt.Sprintf("on %s the role of %s is mapped by a row of aws-auth, which no EKS access policy can be attached to", s.x.ClusterName(s.c.ARN), g.set.Name)
			hint = "move the mapping to an access entry first, or use clusterRole or role"
		}
		s.say(diag.New(diag.RC1013, g.Pos("allow", i, "accessPolicy"), why).WithHint(hint))
		return false
	}
	return true
}

func (s *site) inexact(g *grant, pos diag.Pos, why string) {
	d := diag.New(diag.RC1009, pos, fmt.Sprintf("grant %q cannot be given exactly on %s: %s", g.Name, s.x.ClusterName(s.c.ARN), why))
	d.Cluster = s.x.ClusterName(s.c.ARN)
	s.say(d.WithHint("give these people a permission set of their own, or bind roles by user"))
}

// needsGroup names the first item that only works through a group, and where it stands.
func (s *site) needsGroup(g *grant) (string, []any) {
	for i, p := range g.Allow {
		if len(p.Groups) > 0 {
			return "groups " + strings.Join(p.Groups, ", "), []any{"allow", i, "groups"}
		}
		if p.AccessPolicy != "" {
			return "EKS access policy " + p.AccessPolicy, []any{"allow", i, "accessPolicy"}
		}
	}
	return "", nil
}

// notByGroup says why a group on the role would reach people whom the grant does not name; "" when it would not.
func (s *site) notByGroup(g *grant) string {
	if !s.managed[g.set.ARN] {
		return fmt.Sprintf("rolecall does not manage the assignments of %s", g.set.Name)
	}
	everybody := slices.Concat([]access.Principal(s.x.Assigned(s.c.Account, g.set.ARN)), []access.Principal(s.principalsAfter(s.c.Account, g.set.ARN)))
	var others []string
	for _, p := range access.NewPrincipalSet(everybody...) {
		if !g.principals.Has(p) {
			others = append(others, s.x.PrincipalName(p))
		}
	}
	if len(others) == 0 {
		return ""
	}
	slices.Sort(others)
	verb := "hold"
	if len(others) == 1 {
		verb = "holds"
	}
	return fmt.Sprintf("%s %s the role too", strings.Join(others, ", "), verb)
}

// groupByChoice is what bind: Auto does where binding by group would be exact: it takes it for a role that does not
// exist yet, and otherwise leaves a grant as it is bound.
func (s *site) groupByChoice(g *grant) bool {
	switch s.boundNow(g) {
	case access.ByGroup:
		return true
	case access.ByUser:
		return false
	}
	_, exists := s.x.Role(s.c.Account, g.set.Name)
	return !exists
}

// boundNow is how the grant binds in the cluster today, "" when it does not.
func (s *site) boundNow(g *grant) access.BindMode {
	mode := access.BindMode("")
	for _, cb := range s.bindings {
		id, _ := access.ParseBindingName(cb.Binding.Name)
		if id.Policy != g.Policy.Name || id.Grant != g.Name {
			continue
		}
		for _, sub := range cb.Binding.Subjects {
			if sub.Kind == access.SubjectUser {
				return access.ByUser
			}
			mode = access.ByGroup
		}
	}
	return mode
}

// users are the subjects of a grant bound by user; people whose session name cannot be predicted are reported and left out.
func (s *site) users(r reached) []access.Subject {
	var out []access.Subject
	for _, u := range r.people {
		if why := s.unpredictable(u); why != "" {
			d := diag.New(diag.RC3014, r.g.Pos("to"), fmt.Sprintf("the session name of %q cannot be predicted (%s): they are not bound by user", u.Name, why))
			d.Object = u.Name
			s.say(d)
			continue
		}
		out = append(out, access.Subject{Kind: access.SubjectUser, Name: access.Username(r.g.set.Name, u.Name)})
	}
	return access.SortSubjects(out)
}

// unpredictable says why Identity Center's session name for the user is not known.
func (b *builder) unpredictable(u access.User) string {
	if !access.PredictableSessionName(u.Name) {
		return "longer than 64 characters, or with characters outside [A-Za-z0-9_+=,.@-]"
	}
	if b.twins == nil {
		b.twins = map[string]int{}
		for _, x := range b.x.Users {
			b.twins[strings.ToLower(x.Name)]++
		}
	}
	if b.twins[strings.ToLower(u.Name)] > 1 {
		return "another user's name differs only in case"
	}
	return ""
}

// report says how the grant binds here and what that means.
func (s *site) report(r reached) {
	gb := access.GrantBinding{
		Policy: r.g.Policy.Name, Grant: r.g.Name, Cluster: s.c.ARN, PermissionSet: r.g.set.Name, Mode: r.mode,
		People: len(r.people), Admitted: r.others, Origin: r.g.Origin(),
	}
	gb.Why, gb.Means = s.why(r), "who joins or leaves is let in or cut off by the next run, a running session too"
	if r.mode == access.ByGroup {
		d := r.g.set.SessionDuration
		if d == "" {
			d = "PT1H"
		}
		gb.Means = "who joins is in at once; who leaves keeps it until the session ends (up to " + d + ")"
	}
	s.out.Bindings = append(s.out.Bindings, gb)
}

func (s *site) why(r reached) string {
	if r.mode == access.ByGroup {
		return "nobody else holds the role"
	}
	switch why := s.notByGroup(r.g); {
	case r.g.Bind == v1alpha1.BindUser:
		return "the grant says bind: User"
	case why != "":
		return why
	case s.boundNow(r.g) == access.ByUser:
		return "it is bound by user already; bind: Group would change that"
	}
	return "the role exists already; bind: Group would bind by group"
}

// note is the short form for one binding's line.
func (s *site) note(r reached) string {
	people := fmt.Sprintf("%d people", len(r.people))
	if len(r.people) == 1 {
		people = "1 person"
	}
	if r.mode == access.ByGroup {
		return people + ", by group: " + s.why(r)
	}
	return people + ", by user: " + s.why(r)
}
