package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/manifest"
)

// entries looks at the access entries of the cluster, where it honours them. They have no place in a text.
func (l *live) entries() {
	if l.d.Form != manifest.FormLive || !l.c.Mode.Entries() {
		return
	}
	for i := range l.c.AccessEntries {
		e := &l.c.AccessEntries[i]
		l.refused(e)
		l.lookAlike(diag.Pos{}, e.Principal)
		l.foreignNames(e)
	}
	l.deadEntries()
}

// refused reports an entry that EKS would not take.
func (l *live) refused(e *access.AccessEntry) {
	why := access.RefusedEntry(e.Username, e.Groups)
	if e.Type != access.EntryStandard || why == "" {
		return
	}
	effect := "It was made before EKS refused such entries, or by other means."
	if prefix, reserved := access.ReservedEntryPrefix(e.Username); reserved {
		effect = "User names that begin with " + prefix + " are reserved: whoever comes by this entry is refused, and a row of aws-auth for the same principal does not count either."
	}
	l.say(diag.New(diag.RC3012, diag.Pos{}, "EKS would refuse this access entry: "+why).WithDetail(effect).
		WithHint(l.eks("update-access-entry", e.Principal)+" with another username or other groups"), string(e.Principal))
}

// lookAlike reports a mapped principal that is named as Identity Center names its roles and is none of them.
func (l *live) lookAlike(at diag.Pos, principal access.ARN) {
	name, _ := principal.RoleName()
	if _, looks := access.PermissionSetOfRole(name); !looks || principal.ReservedRole() {
		return
	}
	l.say(diag.New(diag.RC3011, at, fmt.Sprintf("role %s looks like one of Identity Center and is not", name)).
		WithDetail(fmt.Sprintf("It does not lie under %s, where only Identity Center makes roles. Whoever may assume it comes in, and chooses the session name.", access.ReservedRolePath)).
		WithHint("find out who made it: aws iam get-role --role-name "+quote(name)+"; do not map it"), string(principal))
}

// foreignNames reports an entry that is not rolecall's and yields names that only rolecall may yield.
func (l *live) foreignNames(e *access.AccessEntry) {
	if e.Owned() {
		return
	}
	var yields []string
	if awsauth.YieldsUsername(e.Username) {
		yields = append(yields, fmt.Sprintf("user %q", e.Username))
	}
	for _, g := range e.Groups {
		if awsauth.YieldsGroup(g) {
			yields = append(yields, fmt.Sprintf("group %q", g))
		}
	}
	if len(yields) == 0 {
		return
	}
	l.say(diag.New(diag.RC2027, diag.Pos{}, "only rolecall may yield "+strings.Join(yields, " and ")+"; this access entry is somebody else's").
		WithDetail("Whoever comes in by this entry gets what rolecall binds to other people. rolecall binds nothing in the cluster until it is gone.").
		WithHint("rename them, or take the entry over with adopt: in rolecall.yaml"), string(e.Principal))
}

// providers reports identity providers of the cluster whose names are not apart from those that only rolecall may yield.
func (l *live) providers() {
	if l.d.Form != manifest.FormLive {
		return
	}
	for _, p := range l.c.IdentityProviders {
		switch how, by := p.Names(); how {
		case access.Apart:
		case access.Unbound:
			d := diag.New(diag.RC2027, diag.Pos{}, fmt.Sprintf("the identity provider %s may say any name, those that only rolecall may yield among them (%s)", p.Name, by)).
				WithDetail("Nothing stands before the names that it says, so they can be those of Kubernetes itself as well: whoever decides what it says administers the cluster.").
				WithHint("give it a prefix of its own, such as oidc: (an identity provider has to be disassociated and associated anew for that)")
			d.Severity = diag.Warning
			l.say(d, p.Name)
		case access.Within:
			l.say(diag.New(diag.RC2027, diag.Pos{}, fmt.Sprintf("the identity provider %s says names that only rolecall may yield (%s)", p.Name, by)).
				WithDetail("Whoever comes with a token of "+p.Issuer+" may get what rolecall binds to other people. rolecall binds nothing in the cluster until it is gone.").
				WithHint("disassociate it, and associate it anew with another prefix, such as oidc:"), p.Name)
		}
	}
}

// deadEntries reports entries of Identity Center roles that admit nobody.
func (l *live) deadEntries() {
	rolesRead, at := l.rolesRead(), map[roleKey]access.Role{}
	for _, r := range l.x.Roles {
		at[roleKey{r.Account, strings.ToLower(r.Name)}] = r
	}
	provisioned := l.provisioned()
	setsUnread := l.gap(access.PartPermissionSets, access.PartInstance, access.PartProvisioned)
	for i := range l.c.AccessEntries {
		e := &l.c.AccessEntries[i]
		key, _ := nameOf(e.Principal)
		if !e.Principal.ReservedRole() || !rolesRead[key.account] {
			continue
		}
		name, _ := e.Principal.RoleName()
		set, _ := access.PermissionSetOfRole(name)
		role, exists := at[key]
		now, again := l.x.Role(key.account, set)
		switch {
		case exists && role.ARN == e.Principal && !e.Dead(role):
		case exists:
			l.reborn(e, role)
		case again:
			l.superseded(e, name, now)
		case setsUnread || provisioned[setIn{key.account, set}]:
		default:
			l.orphaned(e, name, set)
		}
	}
}

func (l *live) reborn(e *access.AccessEntry, role access.Role) {
	l.say(diag.New(diag.RC3003, diag.Pos{}, "the access entry is dead: its role was made again").
		WithDetail(fmt.Sprintf("EKS ties an entry to the unique id of the role that there was. %s was made on %s, the entry on %s: whoever comes with the role is not let in by it.",
			role.Name, role.Created.UTC().Format("2006-01-02 15:04"), e.Created.UTC().Format("2006-01-02 15:04"))).
		WithHint(l.mendEntry(e, l.eks("delete-access-entry", e.Principal)+", then create it again with the same groups and EKS access policies")), string(e.Principal))
}

func (l *live) superseded(e *access.AccessEntry, name string, now access.Role) {
	set, _ := now.PermissionSetName()
	l.say(diag.New(diag.RC3002, diag.Pos{}, "the role was made again: it is "+now.Name+" now").
		WithDetail(fmt.Sprintf("Identity Center made the role of %s in %s again, under another suffix. This access entry is for the old one, so whoever comes through the new one is not let in by it.",
			set, l.x.AccountName(now.Account))).
		WithHint(l.mendEntry(e, l.eks("create-access-entry", now.ARN)+" with the same groups and EKS access policies; then "+l.eks("delete-access-entry", e.Principal))), name)
}

// orphaned reports the entry of a role that is gone. Unlike a row it cannot be taken over.
func (l *live) orphaned(e *access.AccessEntry, name, set string) {
	d := diag.New(diag.RC3003, diag.Pos{}, "the access entry is dead: its role is gone").
		WithDetail(fmt.Sprintf("There is no role of %s in %s. EKS ties an entry to the unique id of its role, so that no later role comes in by it either.", set, l.x.AccountName(e.Principal.Account()))).
		WithHint(l.mendEntry(e, l.eks("delete-access-entry", e.Principal)))
	d.Severity = diag.Warning
	l.say(d, name)
}

// mendEntry is what to do about an entry: rolecall replaces its own, the others are changed by hand.
func (l *live) mendEntry(e *access.AccessEntry, byHand string) string {
	if e.Owned() {
		return "rolecall apply"
	}
	return byHand
}

// eks is a call of the EKS API about the entry of a principal.
func (l *live) eks(verb string, principal access.ARN) string {
	return fmt.Sprintf("aws eks %s --cluster-name %s --region %s --principal-arn %s", verb, quote(l.c.Name), l.c.Region, quote(string(principal)))
}

// admission says whether an entry lets somebody in. It is known of principals that are not named like roles of Identity Center, and of those where the
// roles of their account were read.
type admission int

const (
	_ admission = iota
	admits
	mayAdmit
	admitsNobody
)

func (l *live) admission(e *access.AccessEntry, roles map[roleKey]access.Role, read map[access.AccountID]bool) admission {
	key, _ := nameOf(e.Principal)
	name, _ := e.Principal.RoleName()
	_, reserved := access.PermissionSetOfRole(name)
	role, there := roles[key]
	switch {
	case !reserved:
		return admits
	case there && role.ARN == e.Principal && !e.Dead(role):
		return admits
	case there, read[key.account] && e.Principal.ReservedRole():
		return admitsNobody
	case read[key.account]:
		return admits
	}
	return mayAdmit
}

// sessionKey is the ARN that a session of the principal shows, in lower case.
func sessionKey(principal access.ARN) string { return strings.ToLower(string(principal.WithoutPath())) }

// hidden takes the rows out of sight whose principal has an access entry, and puts the entries in their place.
func (l *live) hidden() {
	admitting := map[string]*access.AccessEntry{}
	var entries []awsauth.Entry
	if l.c.Mode.Entries() {
		roles, read := map[roleKey]access.Role{}, l.rolesRead()
		for _, r := range l.x.Roles {
			roles[roleKey{r.Account, strings.ToLower(r.Name)}] = r
		}
		for i := range l.c.AccessEntries {
			e := &l.c.AccessEntries[i]
			// An entry has no key of aws-auth, and so no place in its text.
			mapping := awsauth.Entry{ARN: string(e.Principal.WithoutPath()), Username: e.Username, Groups: e.Groups}
			switch l.admission(e, roles, read) {
			case admits:
				admitting[sessionKey(e.Principal)] = e
				entries = append(entries, mapping)
			case mayAdmit:
				l.perhaps = append(l.perhaps, mapping)
			case admitsNobody:
			}
		}
	}
	for _, row := range l.rows {
		switch e := admitting[strings.ToLower(row.ARN)]; {
		case !l.c.Mode.Rows():
		case e != nil:
			l.hides(row, e)
		default:
			l.counting = append(l.counting, row)
		}
	}
	l.counting = append(l.counting, entries...)
}

// hides reports a row that an entry is in front of. That nodes have both is how EKS keeps it, with entries of their own types.
func (l *live) hides(row awsauth.Entry, e *access.AccessEntry) {
	if e.Type != access.EntryStandard && awsauth.NodeRow(row) {
		return
	}
	d := diag.New(diag.RC3004, l.places.arn(row), "an access entry hides this row").
		WithDetail(fmt.Sprintf("%s has an access entry too, and where there is one the row is not looked at: people arrive as %q in %s, and not as %q in %s.",
			e.Principal, e.Username, groupList(e.Groups), row.Username, groupList(row.Groups))).
		WithHint("take the row out, or first give the entry what the row gives: rolecall migrate " + quote(l.name))
	if row.Username == e.Username && slices.Equal(sorted(row.Groups), sorted(e.Groups)) {
		d.Detail = fmt.Sprintf("%s has an access entry too, which gives the same.", e.Principal)
		d.Hint = "take the row out: rolecall migrate " + quote(l.name)
		d.Severity = diag.Note
	}
	l.say(d, row.ARN)
}

func groupList(groups []string) string {
	if len(groups) == 0 {
		return "no group"
	}
	return strings.Join(groups, ", ")
}

func sorted(in []string) []string {
	out := slices.Clone(in)
	slices.Sort(out)
	return slices.Compact(out)
}

// entryGroups looks for the bindings of the groups that access entries give. Those that a row gives too are reported there.
func (l *live) entryGroups(bound map[string]bool) {
	if l.d.Form != manifest.FormLive || !l.c.Mode.Entries() {
		return
	}
	said := map[string]bool{}
	if l.c.Mode.Rows() {
		for _, row := range l.rows {
			for _, g := range row.Groups {
				said[g] = true
			}
		}
	}
	for _, e := range l.c.AccessEntries {
		for _, g := range e.Groups {
			if said[g] || g == "" || bound[g] || builtIn(g) || strings.Contains(g, "{{") {
				continue
			}
			said[g] = true
			l.say(diag.New(diag.RC3006, diag.Pos{}, fmt.Sprintf("no binding names group %q", g)).
				WithDetail(fmt.Sprintf("Whoever comes in by the access entry of %s is in it and can do nothing by it. A binding that somebody makes later would give it meaning.", e.Principal)).
				WithHint(fmt.Sprintf("bind it: kubectl create rolebinding %[1]s --group=%[1]s --clusterrole=view -n NAMESPACE; or take it out of the entry", quote(g))), "group "+g)
		}
	}
}
