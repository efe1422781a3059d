package graph

import (
	"regexp"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/rbac"
)

// Asker answers one question for many holders of a door, as Judge does over their paths and without making those.
type Asker struct {
	d *Door
	r access.Request
	// groups says that the groups of the row are enough, or an EKS access policy of the entry; users are the user names that are.
	groups bool
	users  map[string]bool
	// opaque says that an EKS access policy may be enough, of which nobody says what it allows.
	opaque bool
}

// Ask prepares the question.
func (d *Door) Ask(r access.Request) Asker {
	a := Asker{d: d, r: r, users: map[string]bool{}}
	if !d.CanMatter() || d.entry == nil {
		return a
	}
	a.groups = d.masters
	for _, g := range d.known(d.grants) {
		a.groups = a.groups || g.Allows(r) != nil
	}
	a.opaque = opaque(d.policies, Question{Request: &r}) != nil
	if d.c.rbac != nil {
		return a
	}
	for _, g := range d.c.RBAC.All() {
		if g.By.Kind == access.SubjectUser && !a.users[g.By.Name] && g.Allows(r) != nil {
			a.users[g.By.Name] = true
		}
	}
	return a
}

// Verdict says whether the holder may.
func (a Asker) Verdict(h Holding) Verdict {
	d := a.d
	switch {
	case h.User.Disabled || !d.CanMatter():
		return Denied
	case d.entry == nil || d.undecided:
		return VerdictUndecided
	}
	guess := d.guesses(h.User)
	yes := a.groups || !guess && a.named(h.User)
	switch {
	case !yes && (guess || d.c.rbac != nil || a.opaque):
		return VerdictUndecided
	case !yes:
		return Denied
	case h.Certain() && d.Status() == OK && d.identity == OK:
		return Allowed
	}
	return VerdictUndecided
}

// named tells whether the user's own name, or groups that depend on it, give what is asked.
func (a Asker) named(u access.User) bool {
	if a.d.templated {
		return a.d.wouldGive(Holding{User: u}, Question{Request: &a.r})
	}
	return len(a.users) > 0 && a.users[a.d.username(u)]
}

// Foreign is a way into a cluster for others than the holders of permission sets: an ordinary role, an IAM user, a whole account.
type Foreign struct {
	// Name says who comes in: "whoever may assume role x", "IAM user y", "every principal of account z".
	Name string
	ARN  access.ARN
	// Identity is what they become; templates of the session stand as they are written, since the session is theirs to choose.
	Identity access.Identity
	Mapping  Hop
	c        *Cluster
	// anyUser matches the user names that a session can take, nil where the name is fixed.
	anyUser *regexp.Regexp
	grants  []rbac.Grant
	masters bool
	// policies are those of the grants that are EKS access policies.
	policies []rbac.Grant
}

// Foreigners returns the ways in that access entries and aws-auth give to others than holders of permission sets: entries, then rows in order, and
// accounts last. Who can assume a role is not read.
func (c *Cluster) Foreigners() []Foreign {
	out := c.foreignEntries()
	if !c.Mode.Rows() {
		return out
	}
	seen := map[string]bool{}
	for _, rows := range [][]awsauth.Entry{c.doc.Roles, c.doc.Users} {
		for _, e := range rows {
			arn := access.ARN(e.ARN)
			name, isRole := arn.RoleName()
			_, reserved := access.PermissionSetOfRole(name)
			if e.ARN == "" || isRole && (reserved && !c.gone(arn) || arn != arn.WithoutPath()) || seen[fold(e.ARN)] {
				continue
			}
			seen[fold(e.ARN)] = true
			winner, _ := c.doc.Lookup(arn)
			f := c.foreign(winner, nil)
			c.overruled(&f)
			out = append(out, f)
		}
	}
	for i, a := range c.doc.Accounts {
		out = append(out, c.foreign(awsauth.Entry{Key: awsauth.KeyAccounts, ARN: "arn:aws:iam::" + a + ":root", Username: awsauth.TemplateSessionNameRaw, Index: i}, nil))
	}
	return out
}

// gone tells whether a row names a role of Identity Center that does not exist, so that whoever may create one of its name comes in.
func (c *Cluster) gone(arn access.ARN) bool {
	account := arn.Account()
	if c.g.rolesDoubt(account) != nil {
		return false
	}
	return !slices.ContainsFunc(c.g.rolesIn[account], func(r access.Role) bool { return strings.EqualFold(string(r.ARN.WithoutPath()), string(arn)) })
}

// foreign is a row, or an access entry in the form of one, and what its EKS access policies grant.
func (c *Cluster) foreign(e awsauth.Entry, policies []rbac.Grant) Foreign {
	arn := access.ARN(e.ARN)
	f := Foreign{ARN: arn, c: c, policies: policies, Mapping: Hop{Kind: HopMapping, Via: access.ViaRow, Name: rowName(e), Status: OK, Evidence: c.g.found(rowText(e), rowPlace(e), "")}}
	f.Name, f.Mapping.Code = c.whoever(e)
	f.Identity = access.Identity{Username: strings.ReplaceAll(e.Username, awsauth.TemplateAccountID, string(arn.Account()))}
	for _, g := range e.Groups {
		f.Identity.Groups = append(f.Identity.Groups, strings.ReplaceAll(g, awsauth.TemplateAccountID, string(arn.Account())))
	}
	if strings.Contains(e.Username, "{{") && e.Key != awsauth.KeyAccounts {
		f.anyUser = sessions(f.Identity.Username)
	}
	f.masters = slices.Contains(f.Identity.Groups, access.MastersGroup)
	f.grants = slices.Concat(policies, c.groupGrants(f.Identity.Groups))
	for _, g := range c.RBAC.All() {
		if g.By.Kind == access.SubjectUser && (g.By.Name == f.Identity.Username || f.anyUser != nil && f.anyUser.MatchString(g.By.Name)) {
			f.grants = append(f.grants, g)
		}
	}
	return f
}

// whoever says in words who comes in by a row.
func (c *Cluster) whoever(e awsauth.Entry) (string, diag.Code) {
	arn := access.ARN(e.ARN)
	name, isRole := arn.RoleName()
	parts, err := access.ParseARN(arn)
	switch {
	case e.Key == awsauth.KeyAccounts:
		return "every principal of account " + c.g.AccountName(arn.Account()), ""
	case isRole && c.reserved(name):
		return "whoever may create a role " + name + ", which does not exist", diag.RC3001
	case isRole:
		return "whoever may assume role " + name, ""
	case err == nil && strings.HasPrefix(parts.Resource, "user/"):
		return "IAM user " + strings.TrimPrefix(parts.Resource, "user/"), ""
	}
	return e.ARN, ""
}

func (c *Cluster) reserved(role string) bool { _, ok := access.PermissionSetOfRole(role); return ok }

// sessions matches the user names that a template can become.
func sessions(template string) *regexp.Regexp {
	pattern := strings.NewReplacer(
		regexp.QuoteMeta(awsauth.TemplateSessionNameRaw), `[\w+=,.@-]{2,64}`,
		regexp.QuoteMeta(awsauth.TemplateSessionName), `[\w+=,.-]{2,64}`,
		regexp.QuoteMeta(awsauth.TemplateAccessKeyID), `\w*`,
		regexp.QuoteMeta(awsauth.TemplateEC2Name), `[\w.-]*`,
	).Replace(regexp.QuoteMeta(template))
	return regexp.MustCompile("^" + pattern + "$")
}

// Paths are the bindings that give what is asked to whoever comes in so; empty when none does.
func (f Foreign) Paths(q Question) []Path {
	door := Door{c: f.c}
	var out []Path
	tails := door.tails(f.grants, f.masters, q)
	if g := opaque(f.policies, q); g != nil && len(tails) == 0 {
		tails = []tail{{hops: []Hop{f.c.opaqueHop(*g)}}}
	}
	for _, t := range tails {
		out = append(out, Path{Hops: append([]Hop{f.Mapping, {Kind: HopIdentity, Name: identityName(f.Identity), Status: OK}}, t.hops...)})
	}
	return out
}

// Cell is what they may do.
func (f Foreign) Cell() Cell {
	cell := (&Door{c: f.c}).sum(f.masters, f.grants)
	if (f.c.rbac != nil || opaque(f.policies, Question{}) != nil) && !cell.everything() {
		return Cell{Level: access.LevelUnknown}
	}
	return cell
}

// everyMapping are all rows and access entries of the cluster that are read there.
func (c *Cluster) everyMapping() []awsauth.Entry {
	var out []awsauth.Entry
	if c.Mode.Rows() {
		out = slices.Concat(c.doc.Roles, c.doc.Users)
	}
	if c.Mode.Entries() {
		for i := range c.AccessEntries {
			out = append(out, *entered(&c.AccessEntries[i]))
		}
	}
	return out
}

// RBACUnread says why the cluster's RBAC is not known, "" when it is.
func (c *Cluster) RBACUnread() string {
	if c.rbac == nil {
		return ""
	}
	return c.rbac.object + ": " + c.rbac.why
}

// Unmapped returns the subjects of bindings that allow the request and that nobody becomes through a mapping: service accounts, and users and groups of
// other authenticators. Each comes with its bindings; they are noted and not followed.
func (c *Cluster) Unmapped(r access.Request) []rbac.Grant {
	var users []*regexp.Regexp
	groups := map[string]bool{rbac.Authenticated: true, rbac.Unauthenticated: true, access.MastersGroup: true}
	for _, e := range c.everyMapping() {
		users = append(users, sessions(e.Username))
		for _, g := range e.Groups {
			groups[g] = true
		}
	}
	var out []rbac.Grant
	for _, g := range c.RBAC.All() {
		known := g.By.Kind == access.SubjectGroup && groups[g.By.Name] ||
			g.By.Kind == access.SubjectUser && slices.ContainsFunc(users, func(u *regexp.Regexp) bool { return u.MatchString(g.By.Name) })
		if !known && g.Allows(r) != nil {
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b rbac.Grant) int { return a.By.Compare(b.By) })
	return out
}
