package lint

import (
	"fmt"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// roleKey is a role by its account and its name in lower case: IAM has no two that differ in case alone.
type roleKey struct {
	account access.AccountID
	name    string
}

func nameOf(arn access.ARN) (roleKey, bool) {
	name, ok := arn.RoleName()
	return roleKey{arn.Account(), strings.ToLower(name)}, ok
}

// roles looks for the Identity Center roles that rows name. Of other roles the snapshot knows nothing.
func (l *live) roles() {
	exists, read := map[roleKey]bool{}, l.rolesRead()
	for _, r := range l.x.Roles {
		exists[roleKey{r.Account, strings.ToLower(r.Name)}] = true
	}
	sets := map[string]bool{}
	for _, p := range l.x.PermissionSets {
		sets[p.Name] = true
	}
	provisioned := l.provisioned()
	setsUnread := l.gap(access.PartPermissionSets, access.PartInstance, access.PartProvisioned)
	for _, e := range l.rows {
		arn := access.ARN(e.ARN)
		name, _ := arn.RoleName()
		key, isRole := nameOf(arn)
		set, reserved := access.PermissionSetOfRole(name)
		if arn != arn.WithoutPath() {
			l.lookAlike(l.places.arn(e), arn)
		}
		if !isRole || !reserved || !read[key.account] || exists[key] {
			continue
		}
		now, again := l.x.Role(key.account, set)
		switch {
		case again:
			l.madeAgain(e, name, now)
		case setsUnread || provisioned[setIn{key.account, set}]:
			// What is not known to be absent may be there; and a set that is provisioned has a role.
		case sets[set]:
			l.notProvisioned(e, name, set)
		default:
			l.gone(e, name, set)
		}
	}
}

// setIn is a permission set, by name, in an account.
type setIn struct {
	account access.AccountID
	set     string
}

func (l *live) provisioned() map[setIn]bool {
	out := map[setIn]bool{}
	for _, p := range l.x.Provisioned {
		if set, ok := l.x.PermissionSet(p.PermissionSet); ok {
			out[setIn{p.Account, set.Name}] = true
		}
	}
	return out
}

// rolesRead are the accounts whose roles are known: those of the estate that have a cluster, since only these are looked into.
func (l *live) rolesRead() map[access.AccountID]bool {
	read := map[access.AccountID]bool{}
	for _, c := range l.x.Clusters {
		read[c.Account] = l.x.InEstate(c.Account)
	}
	for _, g := range l.x.Gaps {
		switch {
		case g.Part != access.PartRoles:
		case g.Account == "":
			return nil
		default:
			delete(read, g.Account)
		}
	}
	return read
}

func (l *live) madeAgain(e awsauth.Entry, name string, now access.Role) {
	set, _ := now.PermissionSetName()
	l.say(diag.New(diag.RC3002, l.places.arn(e), "the role was made again: it is "+now.Name+" now").
		WithDetail(fmt.Sprintf("Identity Center made the role of %s in %s again, under another suffix. This row names the old one, so whoever comes through the new one is refused.",
			set, l.x.AccountName(now.Account))).
		WithHint(l.mend(e, set, "write "+string(now.ARN.WithoutPath()))), name)
}

func (l *live) notProvisioned(e awsauth.Entry, name, set string) {
	account := l.x.AccountName(access.ARN(e.ARN).Account())
	l.say(diag.New(diag.RC3005, l.places.arn(e), fmt.Sprintf("permission set %s is not provisioned in %s", set, account)).
		WithDetail("Nobody is assigned it there, so it has no role there, and this row matches nobody. The role that comes with the next assignment will have another suffix.").
		WithHint(l.mend(e, set, fmt.Sprintf("assign %s to somebody in %s and write the ARN of the role that this makes; or take the row out", set, account))), name)
}

func (l *live) gone(e awsauth.Entry, name, set string) {
	account := l.x.AccountName(access.ARN(e.ARN).Account())
	l.say(diag.New(diag.RC3001, l.places.arn(e), fmt.Sprintf("there is no role %s in %s", name, account)).
		WithDetail(fmt.Sprintf("There is no permission set %s either. The row lets nobody in today. It names no path, so whoever may create a role of that name in %s takes over what it gives.", set, account)).
		WithHint("take the row out"), name)
}

// mend is what to do about a row: rolecall replaces its own, the others are edited by hand.
func (l *live) mend(e awsauth.Entry, set, byHand string) string {
	if e.Username == access.UsernameTemplate(set) {
		return "rolecall apply"
	}
	return byHand
}
