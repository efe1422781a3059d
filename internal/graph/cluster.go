package graph

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/rbac"
)

// fold makes text comparable where letter case does not count.
func fold(s string) string { return strings.ToLower(s) }

// Cluster is a cluster of the graph.
type Cluster struct {
	*access.Cluster
	g    *Graph
	Name string
	RBAC *rbac.Index
	doc  awsauth.Document
	rows map[string][]awsauth.Entry // by ARN in lower case, roles before users, in order of appearance
	auth *doubt
	rbac *doubt
	// outlines are of the texts that have fields which the authenticator does not know.
	outlines map[awsauth.Key][]awsauth.OutlineRow
	// entries are by the ARN that a session of their principal shows, in lower case; unentered says why there may be more.
	entries   map[string][]*access.AccessEntry
	unentered *doubt
	doors     map[doorKey][]*Door
	sets      []doorKey
	// accounts are those whose sets can lead in: the cluster's own, and those that its rows name.
	accounts []access.AccountID
}

type doorKey struct {
	account access.AccountID
	set     string
}

func (k doorKey) compare(o doorKey) int {
	return cmp.Or(cmp.Compare(k.account, o.account), cmp.Compare(k.set, o.set))
}

func (g *Graph) newCluster(c *access.Cluster) *Cluster {
	x := &Cluster{Cluster: c, g: g, Name: g.ClusterName(c.ARN), RBAC: rbac.New(c), rows: map[string][]awsauth.Entry{}, doors: map[doorKey][]*Door{}}
	here := func(gap access.Gap) bool { return gap.Cluster == "" || gap.Cluster == c.ARN }
	x.auth, x.rbac = g.gap(here, access.PartAwsAuth), g.gap(here, access.PartRBAC)
	if c.AwsAuth != nil {
		x.doc = awsauth.Parse(c.AwsAuth.Data)
	}
	for _, rows := range [][]awsauth.Entry{x.doc.Roles, x.doc.Users} {
		for _, e := range rows {
			x.rows[fold(e.ARN)] = append(x.rows[fold(e.ARN)], e)
		}
	}
	x.enter()
	x.outlines = x.outline()
	x.open()
	return x
}

// open makes the doors of every set that has a role in the cluster's account, a row in its aws-auth or an access entry.
func (c *Cluster) open() {
	keys := map[doorKey]bool{}
	accounts := map[access.AccountID]bool{c.Account: true}
	for _, r := range c.g.rolesIn[c.Account] {
		if set, ok := r.PermissionSetName(); ok {
			keys[doorKey{c.Account, set}] = true
		}
	}
	for _, arn := range c.principals() {
		name, _ := arn.RoleName()
		account := arn.Account()
		if set, ok := access.PermissionSetOfRole(name); ok && access.AccountIDPattern.MatchString(string(account)) {
			keys[doorKey{account, set}], accounts[account] = true, true
		}
	}
	if c.g.rolesDoubt(c.Account) != nil {
		// Which sets have a role is told by what is assigned, or may be.
		for _, a := range c.g.byAccount[c.Account] {
			if p, ok := c.g.PermissionSet(a.PermissionSet); ok {
				keys[doorKey{c.Account, p.Name}] = true
			}
		}
		for _, p := range c.g.PermissionSets {
			if c.g.assignmentsDoubt(c.Account, p.ARN) != nil {
				keys[doorKey{c.Account, p.Name}] = true
			}
		}
	}
	c.accounts = slices.Sorted(maps.Keys(accounts))
	c.sets = slices.SortedFunc(maps.Keys(keys), doorKey.compare)
	for _, k := range c.sets {
		c.doors[k] = c.makeDoors(k)
	}
}

// principals are what rows and access entries name, repetitions included.
func (c *Cluster) principals() []access.ARN {
	var out []access.ARN
	for _, rows := range [][]awsauth.Entry{c.doc.Roles, c.doc.Users} {
		for _, e := range rows {
			out = append(out, access.ARN(e.ARN))
		}
	}
	if c.Mode.Entries() {
		for _, e := range c.AccessEntries {
			out = append(out, e.Principal)
		}
	}
	return out
}

// doorsOf returns the doors that the set may open here; the winning row stands first. There is always one, if a broken one.
func (c *Cluster) doorsOf(k doorKey) []*Door {
	if d, ok := c.doors[k]; ok {
		return d
	}
	return c.makeDoors(k)
}

// Doors returns the way in of every set that leads in, or may; by account and set. Rows that another, or an access entry, hides are left out.
func (c *Cluster) Doors() []*Door {
	out := make([]*Door, 0, len(c.sets))
	for _, k := range c.sets {
		for _, d := range c.doors[k] {
			if !d.hidden() {
				out = append(out, d)
			}
		}
	}
	return out
}

// hidden tells whether another row, or an access entry, counts in this one's place.
func (d *Door) hidden() bool { return d.hiddenBy != nil || d.Mapping.Code == diag.RC2006 }

// Door is a way into a cluster: the role of a permission set, and the mapping of that role.
type Door struct {
	Account access.AccountID
	Set     string
	// Role and Mapping are the hops; the mapping is a row of aws-auth or an access entry.
	Role, Mapping Hop
	c             *Cluster
	// mapped is the mapping; its entry is nil where there is none.
	mapped
	// identity is what is wrong with the templates of the row, for everybody.
	identity Status
	problem  string
	code     diag.Code
	// groups are the same for everybody, unless the row's groups are templates of the person.
	groups    []string
	templated bool
	masters   bool
	// bound is what bindings of those groups grant, policies what EKS access policies do, and grants both.
	bound, policies, grants []rbac.Grant
	cell                    Cell
	role                    access.Role
	// control are the calls of the EKS API that the role may make and that matter here.
	control []string
}

// Status is the state of role and mapping together.
func (d *Door) Status() Status { return d.Role.Status.and(d.Mapping.Status) }

// makeDoors resolves the role of the set and finds its rows: the one that counts, and those it hides.
func (c *Cluster) makeDoors(k doorKey) []*Door {
	var out []*Door
	roleHop, role := c.roleHop(k)
	control, _ := role.ControlOf(c.ARN)
	arns := []access.ARN{role.ARN.WithoutPath()}
	if role.ARN == "" {
		arns = c.mappedOfSet(k)
	}
	for _, arn := range arns {
		for _, m := range c.mappings(k, arn, role) {
			d := &Door{Account: k.account, Set: k.set, c: c, role: role, Role: roleHop, Mapping: m.hop, mapped: m, identity: OK, control: control.Effective(c.Mode)}
			d.render()
			out = append(out, d)
		}
	}
	return out
}

// mappedOfSet are the ARNs that rows and access entries give for roles of a set whose role is not known; one empty ARN when there are none.
func (c *Cluster) mappedOfSet(k doorKey) []access.ARN {
	of := func(arn access.ARN) bool {
		name, _ := arn.RoleName()
		set, ok := access.PermissionSetOfRole(name)
		return ok && set == k.set && arn.Account() == k.account
	}
	found, seen := map[access.ARN]bool{}, map[string]bool{}
	for key, rows := range c.rows {
		if arn := access.ARN(rows[0].ARN); of(arn) && arn.WithoutPath() == arn {
			found[arn], seen[key] = true, true
		}
	}
	for key, entries := range c.entries {
		if arn := entries[0].Principal; of(arn) && !seen[key] {
			found[arn.WithoutPath()] = true
		}
	}
	if len(found) == 0 && slices.Contains(c.doc.Accounts, string(k.account)) {
		// Whatever the role is called, its account is let in.
		return []access.ARN{access.ARN("arn:aws:iam::" + string(k.account) + ":role/AWSReservedSSO_" + k.set + "_…")}
	}
	if len(found) == 0 {
		return []access.ARN{""}
	}
	return slices.Sorted(maps.Keys(found))
}

// roleHop resolves the role that Identity Center made for the set.
func (c *Cluster) roleHop(k doorKey) (Hop, access.Role) {
	const where = "iam ListRoles"
	role, ok := c.g.Role(k.account, k.set)
	account := c.g.AccountName(k.account)
	if ok {
		return Hop{Kind: HopRole, Name: role.Name, Status: OK, Evidence: c.g.found(string(role.ARN), where, "")}, role
	}
	name := "AWSReservedSSO_" + k.set + "_…"
	if d := c.g.rolesDoubt(k.account); d != nil {
		return Hop{Kind: HopRole, Name: name, Status: Unknown, Code: d.code, Evidence: c.g.missing(d)}, access.Role{}
	}
	return Hop{
		Kind: HopRole, Name: name, Status: Broken, Code: diag.RC3005,
		Evidence: c.g.found("roles of "+account, where, k.set+" is not provisioned in "+account+": without an assignment there is no role"),
	}, access.Role{}
}

// render works out, once, what the row gives everybody who comes through it.
func (d *Door) render() {
	if d.entry == nil {
		return
	}
	texts := append([]string{d.entry.Username}, d.entry.Groups...)
	for _, t := range texts {
		switch {
		case strings.Contains(t, awsauth.TemplateEC2Name):
			d.identity, d.problem = Broken, "{{EC2PrivateDNSName}} is for EC2 instances: the authenticator refuses every other session"
		case strings.Contains(t, awsauth.TemplateAccessKeyID) && d.identity == OK:
			d.identity, d.problem = Unknown, "{{AccessKeyID}} is another in every session"
		}
	}
	if d.entry.Username == "" {
		d.code, d.problem = diag.RC2015, "the user name is empty; groups count all the same"
	}
	session := awsauth.Session{AccountID: string(d.Account)}
	d.templated = slices.ContainsFunc(d.entry.Groups, func(t string) bool { return strings.Contains(t, "{{SessionName") })
	if !d.templated {
		d.groups = d.entry.Identity(session).Groups
		d.masters = slices.Contains(d.groups, access.MastersGroup)
		d.bound = d.c.groupGrants(d.groups)
	}
	if d.source != nil {
		d.policies = d.c.g.policies.Grants(d.source)
	}
	d.grants = slices.Concat(d.bound, d.policies)
	d.cell = d.sum(d.masters, d.grants)
}

// groupGrants is what the groups and those that everybody is in are granted, each binding once.
func (c *Cluster) groupGrants(groups []string) []rbac.Grant {
	// A user name that nobody has leaves the groups.
	return c.RBAC.Grants(access.Identity{Username: "\x00", Groups: groups})
}

// identityOf is what the row makes of the user.
func (d *Door) identityOf(u access.User) access.Identity {
	id := d.entry.Identity(awsauth.Session{AccountID: string(d.Account), Name: u.Name})
	id.Groups = slices.Clone(id.Groups)
	slices.Sort(id.Groups)
	id.Groups = slices.Compact(id.Groups)
	return id
}

// userGrants are the grants that name the user by the user name that the row gives.
func (d *Door) userGrants(u access.User) []rbac.Grant {
	return d.c.RBAC.OfUser(d.username(u))
}

// username is what the row calls the user.
func (d *Door) username(u access.User) string {
	if prefix, plain := strings.CutSuffix(d.entry.Username, awsauth.TemplateSessionNameRaw); plain && !strings.Contains(prefix, "{{") {
		return prefix + u.Name
	}
	return awsauth.Render(d.entry.Username, awsauth.Session{AccountID: string(d.Account), Name: u.Name})
}

// grantsOf is everything the user is granted through the door, each binding once.
func (d *Door) grantsOf(u access.User) (grants []rbac.Grant, masters bool) {
	if d.templated {
		id := d.identityOf(u)
		return append(d.c.RBAC.Grants(id), d.policies...), slices.Contains(id.Groups, access.MastersGroup)
	}
	own := d.userGrants(u)
	if len(own) == 0 {
		return d.grants, d.masters
	}
	all := append(slices.Clone(own), d.bound...)
	slices.SortStableFunc(all, func(a, b rbac.Grant) int {
		return cmp.Or(cmp.Compare(a.Binding.Namespace, b.Binding.Namespace), cmp.Compare(a.Binding.Name, b.Binding.Name))
	})
	all = slices.CompactFunc(all, func(a, b rbac.Grant) bool { return a.Binding == b.Binding })
	return append(all, d.policies...), d.masters
}

// Grants is everything the user is granted who comes through the door, each binding once, and whether they are in system:masters, which may
// do anything. Where there is no row, or what it calls the user cannot be told, it is what is certain all the same.
func (d *Door) Grants(u access.User) (grants []rbac.Grant, masters bool) {
	switch {
	case d.entry == nil || d.identity == Broken:
		return nil, false
	case d.guesses(u):
		return d.grants, d.masters
	}
	return d.grantsOf(u)
}
