package graph

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/rbac"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Question is what is asked about a user: may they make the request through the set?
type Question struct {
	// Request is nil for "what may they do at all?".
	Request *access.Request
	// Privileged asks for what amounts to the administration of the cluster, in the request's place.
	Privileged bool
	// Through is the name of a permission set; empty for any.
	Through string
	// From is the account in which the set is held; empty for any.
	From access.AccountID
	// Rules asks for all rules of every binding, besides.
	Rules bool
}

// Paths returns every chain by which the user comes, or might come, to what is asked. Where none does, it returns the chains that
// come nearest, each with the hop that is broken.
func (c *Cluster) Paths(u access.User, q Question) []Path {
	var out []Path
	for _, account := range c.accounts {
		if q.From == "" || account == q.From {
			for _, h := range c.Holdings(u, account) {
				out = append(out, c.pathsOf(h, q)...)
			}
		}
	}
	if len(out) == 0 {
		out = c.unheld(u, q)
	}
	if d := c.Unread(); d != "" && Judge(out) == Denied && !u.Disabled {
		out = append(out, Path{set: q.Through, Hops: []Hop{c.g.userHop(u), {
			Kind: HopMapping, Name: notKnown, Status: Unknown, Code: c.unreadCode(),
			Evidence: c.g.found(c.Name, whereAwsAuth, d+"; it may map roles of other accounts too"),
		}}})
	}
	return out
}

// pathsOf goes through every door that the holding may open.
func (c *Cluster) pathsOf(h Holding, q Question) []Path {
	if q.Through != "" && h.Set != q.Through {
		return nil
	}
	var out []Path
	for _, d := range c.doorsOf(doorKey{h.Account, h.Set}) {
		// What may be held and leads nowhere, or what a row that is passed over would not give either, explains nothing.
		idle := !h.Certain() && d.Mapping.Status == Broken && d.Mapping.Code == ""
		if !idle && (!d.hidden() || d.wouldGive(h, q)) {
			out = append(out, d.Paths(h, q)...)
		}
	}
	return out
}

// wouldGive tells whether the door would give what is asked if its row counted.
func (d *Door) wouldGive(h Holding, q Question) bool {
	grants, masters := d.grantsOf(h.User)
	return len(d.tails(grants, masters, q)) > 0
}

// Unread says why it is not known who is mapped in the cluster, "" when it is.
func (c *Cluster) Unread() string {
	switch {
	case c.auth != nil:
		return c.auth.object + ": " + c.auth.why
	case c.Mode != access.ModeConfigMap:
		return "in mode " + string(c.Mode) + " access entries count, and this version does not read them"
	}
	return ""
}

func (c *Cluster) unreadCode() diag.Code {
	if c.auth != nil {
		return c.auth.code
	}
	return diag.RC5004
}

// prefix is the chain as far as the role.
func (c *Cluster) prefix(h Holding) []Hop {
	g := c.g
	hops := []Hop{g.userHop(h.User)}
	assigned := Hop{Kind: HopAssignment, Name: h.Set + " in " + g.AccountName(h.Account), Status: OK}
	if h.Principal.Kind == access.PrincipalGroup {
		hop := Hop{Kind: HopGroup, Name: g.PrincipalName(h.Principal), Status: OK}
		if h.in == HopGroup {
			hop.Status, hop.Code, hop.Evidence = Unknown, h.doubt.code, g.missing(h.doubt)
		} else {
			hop.Evidence = g.found("membership of "+h.User.Name, "identitystore ListGroupMemberships", "")
		}
		hops = append(hops, hop)
		assigned.Evidence = g.found("assignment to the group "+g.PrincipalName(h.Principal), "sso ListAccountAssignments", "")
	} else {
		assigned.Evidence = g.found("assignment to the user", "sso ListAccountAssignments", "")
	}
	if h.in == HopAssignment {
		assigned.Status, assigned.Code, assigned.Evidence = Unknown, h.doubt.code, g.missing(h.doubt)
	}
	set := Hop{Kind: HopPermissionSet, Name: h.Set, Status: OK}
	if h.in == HopPermissionSet {
		set.Status, set.Code, set.Evidence = Unknown, h.doubt.code, g.missing(h.doubt)
	} else if sets := g.setsNamed[h.Set]; len(sets) > 0 {
		set.Evidence = g.found(string(sets[0].ARN), "sso DescribePermissionSet", "")
	}
	return append(hops, assigned, set)
}

func (g *Graph) userHop(u access.User) Hop {
	h := Hop{Kind: HopUser, Name: u.Name, Status: OK, Evidence: g.found(string(u.ID), "identitystore ListUsers", "enabled")}
	if u.Disabled {
		h.Status, h.Code = Broken, diag.RC3013
		h.Evidence = g.found(string(u.ID), "identitystore ListUsers", "the user is disabled and cannot sign in")
	}
	return h
}

// Paths goes on from the holding through the door: to every binding that gives what is asked, or else to where it ends.
func (d *Door) Paths(h Holding, q Question) []Path {
	hops := append(d.c.prefix(h), d.Role, d.Mapping)
	if d.entry == nil || d.c.entriesCount() {
		return []Path{d.unseen(hops, h)}
	}
	identity := d.identityHop(h.User)
	base := append(hops, identity)
	grants, masters := d.grantsOf(h.User)
	if identity.Status == Unknown {
		// Only what does not depend on the user name is known.
		grants, masters = d.grants, d.masters
		base = append(slices.Clone(hops), d.sureIdentity(identity))
	}
	tails := d.tails(grants, masters, q)
	if len(tails) > 0 {
		return d.join(base, tails, h)
	}
	if identity.Status == Unknown {
		why := &doubt{object: "bindings that name the user", where: d.c.Name, why: "they cannot be told apart without the user name", code: identity.Code}
		return d.join(append(slices.Clone(hops), identity), []tail{{hops: d.c.unknownTail(why)}}, h)
	}
	if d.c.rbac != nil {
		return d.join(base, []tail{{hops: d.c.unknownTail(d.c.rbac)}}, h)
	}
	return d.join(base, []tail{{hops: d.refusal(grants, q.Request)}}, h)
}

// sureIdentity is the identity as far as it does not matter: what follows rests on groups alone.
func (d *Door) sureIdentity(h Hop) Hop {
	if d.identity == OK {
		h.Status = OK
	}
	return h
}

func (d *Door) join(base []Hop, tails []tail, h Holding) []Path {
	out := make([]Path, 0, len(tails))
	for _, t := range tails {
		out = append(out, Path{Hops: slices.Concat(base, t.hops), Rules: t.rules, set: h.Set, door: d})
	}
	return out
}

// unseen is the path through a door of which nobody knows where it leads.
func (d *Door) unseen(hops []Hop, h Holding) Path {
	status := Unknown
	if d.Mapping.Status == Broken {
		status = Broken
	}
	identity := Hop{Kind: HopIdentity, Name: notKnown, Status: status}
	if d.entry != nil {
		identity.Name = identityName(d.identityOf(h.User))
	}
	path := Path{Hops: append(hops, identity), set: h.Set, door: d}
	if status == Broken {
		// What would follow is told only where it is known.
		path.Hops = hops
	}
	return path
}

func identityName(id access.Identity) string {
	name := id.Username
	if name == "" {
		name = "(no user name)"
	}
	if len(id.Groups) > 0 {
		name += " in " + strings.Join(id.Groups, ", ")
	}
	return name
}

func (d *Door) identityHop(u access.User) Hop {
	h := Hop{Kind: HopIdentity, Name: identityName(d.identityOf(u)), Status: d.identity, Code: d.code, Evidence: d.c.g.found(rowText(*d.entry), rowPlace(*d.entry), d.problem)}
	if why := d.c.g.Unpredictable(u); why != "" && d.personal() && d.identity != Broken {
		h.Status, h.Code = Unknown, diag.RC3014
		h.Evidence = d.c.g.found(u.Name, "identitystore ListUsers", "the session name cannot be predicted: "+why)
	}
	return h
}

// tail is what a path ends in.
type tail struct {
	hops  []Hop
	rules []rbacv1.PolicyRule
}

// tails are the bindings and rules that give what is asked. Without a request they are all that give anything.
func (d *Door) tails(grants []rbac.Grant, masters bool, q Question) []tail {
	if masters {
		return []tail{{hops: d.c.mastersTail()}}
	}
	if d.c.rbac != nil {
		return nil
	}
	var out []tail
	for _, g := range grants {
		if rule := q.rule(g); rule != "" {
			t := tail{hops: []Hop{d.c.bindingHop(g), d.c.ruleHop(OK, rule, g, "")}}
			if q.Rules {
				t.rules = g.Role.Rules
			}
			out = append(out, t)
		}
	}
	return out
}

// rule says by which of its rules a grant gives what is asked; "" when by none.
func (q Question) rule(g rbac.Grant) string {
	switch {
	case g.Role == nil:
		return ""
	case q.Privileged:
		return g.Privileged()
	case q.Request == nil && nothing(g):
		return ""
	case q.Request == nil:
		return summary(g.Role.Rules)
	}
	if rule := g.Allows(*q.Request); rule != nil {
		return RuleText(*rule)
	}
	return ""
}

func (c *Cluster) mastersTail() []Hop {
	const why = "the API server asks no authorizer about members of system:masters"
	e := c.g.found("group "+access.MastersGroup, "the API server", why)
	return []Hop{
		{Kind: HopBinding, Name: access.MastersGroup, Status: OK, Code: diag.RC2012, Evidence: e},
		{Kind: HopRule, Name: "everything", Status: OK, Evidence: e},
	}
}

func (c *Cluster) unknownTail(d *doubt) []Hop {
	return []Hop{{Kind: HopBinding, Name: notKnown, Status: Unknown, Code: d.code, Evidence: c.g.missing(d)}}
}

// BindingName names a binding for people: the role and where it holds.
func BindingName(b *access.Binding) string {
	if b.Namespace == "" {
		return b.Ref.Name + " everywhere"
	}
	return b.Ref.Name + " in " + b.Namespace
}

// bindingObject names the object.
func bindingObject(b *access.Binding) string {
	if b.Namespace == "" {
		return "ClusterRoleBinding " + b.Name
	}
	return "RoleBinding " + b.Namespace + "/" + b.Name
}

func (c *Cluster) bindingHop(g rbac.Grant) Hop {
	h := Hop{Kind: HopBinding, Name: BindingName(g.Binding), Status: OK}
	h.Evidence = c.g.found(bindingObject(g.Binding), c.Name, "it names the "+strings.ToLower(string(g.By.Kind))+" "+g.By.Name)
	if g.Role == nil {
		h.Status, h.Code = Broken, diag.RC1015
		h.Evidence = c.g.found(bindingObject(g.Binding), c.Name, fmt.Sprintf("the %s %s that it refers to does not exist", g.Binding.Ref.Kind, g.Binding.Ref.Name))
	}
	return h
}

func (c *Cluster) ruleHop(s Status, name string, g rbac.Grant, detail string) Hop {
	return Hop{Kind: HopRule, Name: name, Status: s, Evidence: c.g.found(fmt.Sprintf("%s %s", g.Binding.Ref.Kind, g.Binding.Ref.Name), c.Name, detail)}
}

// refusal is why nothing gives what is asked: nothing names the identity, or what does gives something else.
func (d *Door) refusal(grants []rbac.Grant, r *access.Request) []Hop {
	grants = slices.DeleteFunc(slices.Clone(grants), func(g rbac.Grant) bool { return g.Role != nil && nothing(g) && len(g.Role.Rules) > 0 })
	if len(grants) == 0 {
		h := Hop{Kind: HopBinding, Name: "none", Status: Broken}
		h.Evidence = d.c.g.found("bindings", d.c.Name, "no binding names this user or one of these groups")
		if len(d.groups) > 0 {
			h.Code = diag.RC3006
		}
		return []Hop{h}
	}
	best := slices.MinFunc(grants, func(a, b rbac.Grant) int { return cmp.Compare(d.distance(a, r), d.distance(b, r)) })
	hop := d.c.bindingHop(best)
	if more := len(grants) - 1; more > 0 {
		hop.Name += fmt.Sprintf(" (and %d more)", more)
	}
	if hop.Status == Broken {
		return []Hop{hop}
	}
	switch {
	case len(best.Role.Rules) == 0:
		return []Hop{hop, d.c.ruleHop(Broken, "no rules", best, "the role has no rules; an aggregated ClusterRole has those that the API server has filled in")}
	case r == nil:
		return []Hop{hop, d.c.ruleHop(Broken, "nothing", best, "the role gives nothing")}
	case d.distance(best, r) == 0:
		return []Hop{hop, d.c.ruleHop(Broken, rbac.Sentence(*r), best, "the role allows it, in "+best.Binding.Namespace+" only")}
	}
	return []Hop{hop, d.c.ruleHop(Broken, rbac.Sentence(*r), best, d.c.nearRule(best, *r))}
}

// distance says how near a grant that does not give what is asked comes to it: in another namespace, by the role, not at all.
func (d *Door) distance(g rbac.Grant, r *access.Request) int {
	switch {
	case g.Role == nil:
		return 3
	case r == nil:
		return 2
	}
	elsewhere := *r
	elsewhere.Namespace = g.Binding.Namespace
	if g.Allows(elsewhere) != nil {
		return 0
	}
	if g.Applies(r.Namespace) {
		return 1
	}
	return 2
}

// nearRule says which rule speaks of the resource and why it does not reach.
func (c *Cluster) nearRule(g rbac.Grant, r access.Request) string {
	for i := range g.Role.Rules {
		rule := &g.Role.Rules[i]
		named := r
		if len(rule.ResourceNames) > 0 {
			named.Name = rule.ResourceNames[0]
			if rbac.Allows(rule, named) {
				return "a rule allows it for " + strings.Join(rule.ResourceNames, ", ") + " only"
			}
		}
		for _, v := range rule.Verbs {
			other := r
			other.Verb = v
			if rbac.Allows(rule, other) {
				return "its rule for " + cmp.Or(r.Resource, r.Path) + " allows " + strings.Join(rule.Verbs, ", ")
			}
		}
	}
	return "no rule of the role speaks of it"
}

// RuleText writes a rule in one line: verbs, then what they are about.
func RuleText(r rbacv1.PolicyRule) string {
	s := strings.Join(r.Verbs, ",")
	if len(r.NonResourceURLs) > 0 {
		return s + " " + strings.Join(r.NonResourceURLs, ",")
	}
	s += " " + strings.Join(r.Resources, ",")
	if groups := strings.Join(r.APIGroups, ","); groups != "" {
		s += " of " + groups
	}
	if len(r.ResourceNames) > 0 {
		s += " named " + strings.Join(r.ResourceNames, ",")
	}
	return s
}

func summary(rules []rbacv1.PolicyRule) string {
	if len(rules) == 1 {
		return RuleText(rules[0])
	}
	return fmt.Sprintf("%d rules", len(rules))
}

// unheld are the chains of a user who holds nothing that leads in: for each set that would, the assignment that is missing. A set that would make
// them an administrator is not proposed to anybody who did not ask about it.
func (c *Cluster) unheld(u access.User, q Question) []Path {
	var out []Path
	for _, d := range c.Doors() {
		if q.Through != "" && d.Set != q.Through || d.entry == nil || !d.CanMatter() || q.Through == "" && d.cell.Privileged != "" || len(d.Holdings(u)) > 0 {
			continue
		}
		for _, p := range d.Paths(Holding{User: u, Account: d.Account, Set: d.Set}, q) {
			if p.Status() != Broken {
				out = append(out, c.notAssigned(p, d))
			}
		}
	}
	if len(out) > 0 {
		return out[:min(len(out), maxWays)]
	}
	set := cmp.Or(q.Through, "any permission set")
	account := c.g.AccountName(c.Account)
	hop := Hop{Kind: HopAssignment, Name: set + " in " + account, Status: Broken, Evidence: c.g.found("assignments in "+account, "sso ListAccountAssignments", u.Name+" is not assigned "+set+" there, alone or through a group")}
	return []Path{{Hops: []Hop{c.g.userHop(u), hop}, set: q.Through}}
}

// maxWays is how many sets that the user does not hold are named.
const maxWays = 3

// notAssigned breaks the path at the assignment.
func (c *Cluster) notAssigned(p Path, d *Door) Path {
	account := c.g.AccountName(d.Account)
	for i := range p.Hops {
		if h := &p.Hops[i]; h.Kind == HopAssignment {
			h.Status = Broken
			h.Evidence = c.g.found("assignments of "+d.Set+" in "+account, "sso ListAccountAssignments", "neither the user nor a group of theirs is assigned "+d.Set+" there")
		}
	}
	return p
}
