package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/plan"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// planView renders a plan for people: one block for Identity Center, one per cluster, totals last.
type planView struct {
	p    *plan.Plan
	x    *snapshot.Index
	name string
	// again is the flags that say which files a run is about, each after a blank.
	again string
	// applying leaves out what to type next: it is being done.
	applying, people bool
	color  bool
	b      strings.Builder
}

func (v *planView) String() string {
	v.header()
	v.identityCenter()
	for i := range v.x.Clusters {
		v.cluster(&v.x.Clusters[i])
	}
	v.gaps()
	v.totals()
	return v.b.String()
}

// line writes one line; what comes from outside is escaped.
func (v *planView) line(format string, args ...any) {
	v.b.WriteString(strings.TrimRight(diag.Escape(fmt.Sprintf(format, args...)), " ") + "\n")
}

func (v *planView) header() {
	org := v.x.Organization.ID
	if org == "" {
		org = "the organization"
	}
	v.line("Read %s as %s", org, v.x.Caller.ARN)
	v.line("%s, %s, %s  ·  %s", count(len(v.x.Estate), "account"),
		count(len(v.x.Clusters), "cluster"), count(len(v.x.Gaps), "gap"), v.p.Taken.UTC().Format("2006-01-02 15:04:05Z"))
}

func count(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	if stem, ok := strings.CutSuffix(word, "y"); ok {
		return fmt.Sprintf("%d %sies", n, stem)
	}
	return fmt.Sprintf("%d %ss", n, word)
}

func (v *planView) identityCenter() {
	var rows []plan.Change
	for _, c := range v.p.Changes {
		if c.Cluster == "" {
			rows = append(rows, c)
		}
	}
	if len(rows) > 0 {
		v.line("")
		v.line("Identity Center")
		v.changes(rows)
	}
}

// cluster writes the block of one cluster: its changes in the plan's order, and how its grants bind.
func (v *planView) cluster(c *access.Cluster) {
	var rows []plan.Change
	for _, ch := range v.p.Changes {
		if ch.Cluster == c.ARN {
			rows = append(rows, ch)
		}
	}
	var binds []access.GrantBinding
	for _, b := range v.p.Bindings {
		if b.Cluster == c.ARN {
			binds = append(binds, b)
		}
	}
	var conflicts []access.Conflict
	for _, x := range v.p.Conflicts {
		if x.Cluster == c.ARN {
			conflicts = append(conflicts, x)
		}
	}
	if len(rows)+len(binds)+len(conflicts) == 0 {
		return
	}
	v.line("")
	v.line("%s   %s · %s", v.x.ClusterName(c.ARN), c.Mode, doors(c.Mode))
	v.changes(rows)
	for _, x := range conflicts {
		v.wrapped("  ! not ours   ", "                ", x.Object+": "+x.Detail)
	}
	if len(rows) == 0 && len(conflicts) == 0 {
		v.line("  · nothing to change")
	}
	for _, b := range binds {
		v.binding(b)
	}
}

// doors names what maps roles in clusters of the mode.
func doors(m access.AuthenticationMode) string {
	switch m {
	case access.ModeAPI:
		return "access entries"
	case access.ModeAPIAndConfigMap:
		return "access entries, aws-auth"
	case access.ModeConfigMap:
	}
	return "aws-auth"
}

func (v *planView) binding(b access.GrantBinding) {
	who := "1 person"
	if b.People != 1 {
		who = fmt.Sprintf("%d people", b.People)
	}
	if b.Admitted > 0 {
		who += fmt.Sprintf(", and %d more get in at the door and can do nothing by it", b.Admitted)
	}
	how := map[access.BindMode]string{access.ByUser: "by user", access.ByGroup: "by group"}[b.Mode]
	v.wrapped("    ", "      ", fmt.Sprintf("%s/%s binds %s (%s)", b.Policy, b.Grant, how, b.Why))
	v.wrapped("      ", "      ", who+"; "+b.Means)
}

// wrapped writes text by words, at most as wide as the screen.
func (v *planView) wrapped(first, rest, text string) {
	line := first
	for word := range strings.FieldsSeq(text) {
		if len([]rune(line))+len([]rune(word)) >= screenWidth && strings.TrimSpace(line) != "" && (line != first || len([]rune(rest)) < len([]rune(first))) {
			v.line("%s", line)
			line = rest
		}
		if strings.TrimSpace(line) != "" {
			line += " "
		}
		line += word
	}
	v.line("%s", line)
}

// maxName is how wide the column of names gets; a longer one pushes the rest of its line.
const maxName = 48

// changes writes one line a change: glyph, word, object, and what there is to say of it; what does not fit goes below.
func (v *planView) changes(rows []plan.Change) {
	wide := 0
	for _, c := range rows {
		wide = max(wide, len([]rune(diag.Escape(v.object(c)))))
	}
	wide = min(wide, maxName)
	for _, c := range rows {
		head := fmt.Sprintf("%-11s %-*s", word(c.Kind), wide, diag.Escape(v.object(c)))
		notes := v.notes(c)
		var below []string
		for len([]rune(head))+4+len([]rune(strings.Join(notes, "  ")))+2 > screenWidth && len(notes) > 0 {
			below = append([]string{notes[len(notes)-1]}, below...)
			notes = notes[:len(notes)-1]
		}
		v.b.WriteString("  " + v.glyph(c.Action) + " ")
		v.line("%s  %s", head, strings.Join(notes, "  "))
		if len(below) > 0 {
			v.wrapped("                ", "                ", strings.Join(below, " · "))
		}
		if v.people {
			v.named("gains", "lets in", c.Gains)
			v.named("loses", "keeps out", c.Loses)
		}
	}
}

// named lists people; who only passes the door, or no longer does, neither gains nor loses.
func (v *planView) named(what, atDoor string, people []plan.Person) {
	for _, p := range people {
		line := fmt.Sprintf("%s  %s (%s)", what, p.Name, p.Level)
		if p.Level == access.LevelNone {
			line = atDoor + "  " + p.Name
		}
		if p.Because != "" {
			line += ", who " + p.Because
		}
		v.line("                  %s", line)
	}
}

func (v *planView) glyph(a plan.Action) string {
	g := map[plan.Action]string{plan.Create: "+", plan.Update: "~", plan.Delete: "-"}[a]
	if !v.color {
		return g
	}
	return map[plan.Action]string{plan.Create: "\x1b[32m", plan.Update: "\x1b[33m", plan.Delete: "\x1b[31m"}[a] + g + "\x1b[0m"
}

func word(k plan.ObjectKind) string {
	switch k {
	case plan.KindPermissionSetTag:
		return "tag"
	case plan.KindAccountAssignment:
		return "assignment"
	case plan.KindAwsAuthRow:
		return "row"
	case plan.KindAccessEntry:
		return "entry"
	case plan.KindPolicyAssociation:
		return "association"
	case plan.KindRoleBinding, plan.KindClusterRoleBinding:
		return "binding"
	}
	return string(k)
}

// object names a change's object the way a person would.
func (v *planView) object(c plan.Change) string {
	o := c.After
	if o == nil {
		o = c.Before
	}
	switch {
	case o.Mapping != nil:
		if name, ok := o.Mapping.Row.RoleARN.RoleName(); ok {
			return name
		}
	case o.Policy != nil:
		return o.Policy.Association.String() + " of " + o.Policy.PermissionSet
	case o.Binding != nil && o.Binding.Namespace != "":
		return fmt.Sprintf("%s in %s", o.Binding.Ref.Name, o.Binding.Namespace)
	case o.Binding != nil:
		return o.Binding.Ref.Name + " everywhere"
	}
	return c.Name
}

// notes are what the change does and why, with the people counted; the weightiest first.
func (v *planView) notes(c plan.Change) []string {
	var parts []string
	if c.Escalation {
		parts = append(parts, "ESCALATION")
	}
	if n := counted(c); n != "" {
		parts = append(parts, n)
	}
	switch {
	case c.Kind == plan.KindPermissionSetTag:
		parts = append(parts, c.Note)
	case c.Reason == plan.ReasonMatched:
		parts = append(parts, c.Because)
	case c.Because != "":
		parts = append(parts, string(c.Reason)+": "+c.Because)
	case c.Reason == plan.ReasonPeople:
		parts = append(parts, v.peopleChanged(c))
	case c.Reason == plan.ReasonAdopted && c.Action == plan.Delete:
		parts = append(parts, fmt.Sprintf("%s, and dead: it is made anew (%s)", c.Reason, diag.RC3003))
	case c.Reason == plan.ReasonRemade:
		parts = append(parts, fmt.Sprintf("%s (%s)", c.Reason, diag.RC3003))
	case c.Reason != plan.ReasonGranted:
		parts = append(parts, string(c.Reason))
	}
	if c.After != nil && c.After.Mapping != nil {
		if c.After.Mapping.Symbolic() {
			parts = append(parts, "known after apply")
		}
		if c.Before != nil && c.Before.Mapping.Row.Username != c.After.Mapping.Row.Username {
			parts = append(parts, "was "+c.Before.Mapping.Row.Username)
		}
		parts = append(parts, c.After.Mapping.Row.Username)
	}
	if at := c.Origin.String(); at != "" {
		parts = append(parts, at)
	}
	return parts
}

// fewPeople is how many people a change explains in its own line; more of them are named on demand.
const fewPeople = 2

// peopleChanged says who comes and who goes, and why; with --people that is said of each person below.
func (v *planView) peopleChanged(c plan.Change) string {
	all := slices.Concat(c.Gains, c.Loses)
	if len(all) == 0 || len(all) > fewPeople || v.people {
		return string(c.Reason)
	}
	var each []string
	for _, p := range all {
		if p.Because == "" {
			return string(c.Reason)
		}
		each = append(each, p.Name+" "+p.Because)
	}
	return strings.Join(each, "; ")
}

// counted says how many people a change concerns: who gets more than the door gains.
func counted(c plan.Change) string {
	door := func(people []plan.Person) bool {
		return !slices.ContainsFunc(people, func(p plan.Person) bool { return p.Level != access.LevelNone })
	}
	people := func(n int) string {
		if n == 1 {
			return "1 person"
		}
		return fmt.Sprintf("%d people", n)
	}
	switch {
	case len(c.Gains)+len(c.Loses) == 0:
		return ""
	case door(c.Gains) && door(c.Loses) && len(c.Loses) == 0:
		return "lets " + people(len(c.Gains)) + " in"
	case door(c.Gains) && door(c.Loses) && len(c.Gains) == 0:
		return "keeps " + people(len(c.Loses)) + " out"
	}
	return fmt.Sprintf("+%d −%d people", len(c.Gains), len(c.Loses))
}

// gapLine says what was not read and why.
func gapLine(x *snapshot.Index, g access.Gap) string {
	where := []string{}
	if g.Account != "" {
		where = append(where, x.AccountName(g.Account))
	}
	if g.Region != "" {
		where = append(where, g.Region)
	}
	if g.Cluster != "" {
		where = append(where, g.Cluster.Name())
	}
	s := fmt.Sprintf("%s (%s %s)", g.Part, g.Service, g.Operation)
	if len(where) > 0 {
		s = strings.Join(where, "/") + ": " + s
	}
	s += ": " + g.Reason
	if g.Needs != "" {
		s += "; needs " + g.Needs
	}
	return diag.Escape(s)
}

func (v *planView) gaps() {
	if len(v.p.Gaps) == 0 {
		return
	}
	v.line("")
	v.line("Not read, so whatever depends on it stays as it is (--require-complete makes this a failure):")
	for _, g := range v.p.Gaps {
		v.wrapped("  ?", "    ", string(snapshot.GapCode(g.Kind))+" "+gapLine(v.x, g))
	}
}

func (v *planView) totals() {
	v.line("")
	s := v.p.Summary
	if v.p.Empty() {
		v.line("Plan: nothing to do.")
	} else {
		gain := "1 person gains"
		if s.Gain != 1 {
			gain = fmt.Sprintf("%d people gain", s.Gain)
		}
		v.line("Plan: %d to add, %d to change, %d to remove  ·  %s, %d lose", s.Create, s.Update, s.Delete, gain, s.Lose)
		v.escalations()
	}
	if t := v.p.Tests; t != (plan.Tests{}) {
		v.line("Tests, on what this leads to: %d passed, %d failed, %d undecided", t.Passed, t.Failed, t.Undecided)
	}
	for _, c := range v.p.Conflicts {
		if c.Cluster == "" {
			v.wrapped("Not ours, left alone:", "  ", c.Object+": "+c.Detail)
		}
	}
	for _, r := range v.p.Refusals {
		where := ""
		if r.Cluster != "" {
			where = v.x.ClusterName(access.ClusterARN(r.Cluster)) + ": "
		}
		v.wrapped("refused", "  ", string(r.Code)+": "+where+r.Summary)
		if r.Hint != "" {
			v.wrapped("  hint:", "    ", r.Hint)
		}
	}
	switch {
	case !v.p.Applicable:
		v.line("Nothing was changed, and nothing can be: mend the errors above first.")
	case len(v.p.Refusals) > 0:
		v.line("Nothing was changed, and apply would not change anything: a guard refuses this plan.")
	case !v.p.Empty() && !v.applying:
		v.line("Nothing was changed. To carry it out: %s apply%s", v.name, v.again)
	}
}

// escalations says where the grants that give administration say that they may.
func (v *planView) escalations() {
	places := []string{}
	for _, c := range v.p.Changes {
		if at := c.Origin.String(); c.Escalation && !slices.Contains(places, at) {
			places = append(places, at)
		}
	}
	slices.Sort(places)
	if n := v.p.Summary.Escalations; n > 0 {
		v.wrapped("     ", "      ", fmt.Sprintf("%s (privileged: true at %s)", count(n, "escalation"), strings.Join(places, ", ")))
	}
}
