package lint

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// people looks at who comes in through the rows and access entries of Identity Center roles.
func (l *live) people() {
	roles := map[string]access.Role{}
	for _, r := range l.x.Roles {
		roles[strings.ToLower(string(r.ARN.WithoutPath()))] = r
	}
	sets := map[string]access.PermissionSet{}
	for _, p := range l.x.PermissionSets {
		sets[p.Name] = p
	}
	arrivals := map[string]*arrival{}
	for _, e := range l.counting {
		role, ok := roles[strings.ToLower(e.ARN)]
		name, reserved := role.PermissionSetName()
		set, known := sets[name]
		if !ok || !reserved || !known {
			continue
		}
		assigned := l.x.Assigned(role.Account, set.ARN)
		l.dead(e, role, set, assigned)
		l.odd(e, role, set, assigned)
		l.arrive(arrivals, e, role, assigned)
	}
	if !l.entriesUnknown() {
		l.collide(arrivals)
	}
}

// odd reports holders of whom nobody can say as whom they arrive, where the row makes user names of session names.
func (l *live) odd(e awsauth.Entry, role access.Role, set access.PermissionSet, assigned []access.Principal) {
	if !strings.Contains(e.Username, "{{SessionName") {
		return
	}
	if l.twins == nil {
		l.twins = map[string]int{}
		for _, u := range l.x.Users {
			l.twins[strings.ToLower(u.Name)]++
		}
	}
	for _, u := range l.x.Expand(assigned) {
		why := ""
		switch {
		case !access.PredictableSessionName(u.Name):
			why = "It is longer than 64 characters, or has characters outside [A-Za-z0-9_+=,.@-]."
		case l.twins[strings.ToLower(u.Name)] > 1:
			why = "Another user's name differs only in case."
		default:
			continue
		}
		l.say(diag.New(diag.RC3014, l.places.username(e), fmt.Sprintf("user %q arrives under a name that cannot be predicted", u.Name)).
			WithDetail(why+" The row makes the user name of the session name, and what Identity Center makes of this one is not documented.\n"+
				diag.Escape(strings.Join([]string{holders(l.x, role.Account, set.ARN, []access.User{u}), set.Name, role.Name, e.Username}, " → "))).
			WithHint("change the user name in the directory, or bind a group of the row in place of the user"), u.Name)
	}
}

// arrival is a user name in the cluster, and the people who arrive under it.
type arrival struct {
	people map[access.PrincipalID]access.User
	// rows are those through which they come; the first is where the finding stands.
	rows []awsauth.Entry
	sets map[string]bool
}

// arrive adds the holders of a role under the names that the row gives them.
func (l *live) arrive(arrivals map[string]*arrival, e awsauth.Entry, role access.Role, assigned []access.Principal) {
	if e.Username == "" || strings.Contains(e.Username, awsauth.TemplateAccessKeyID) {
		return
	}
	set, _ := role.PermissionSetName()
	for _, u := range l.x.Expand(assigned) {
		if !access.PredictableSessionName(u.Name) {
			continue
		}
		name := awsauth.Render(e.Username, awsauth.Session{AccountID: string(role.Account), Name: u.Name})
		a, seen := arrivals[name]
		if !seen {
			a = &arrival{people: map[access.PrincipalID]access.User{}, sets: map[string]bool{}}
			arrivals[name] = a
		}
		a.people[u.ID] = u
		a.sets[set] = true
		if n := len(a.rows); n == 0 || a.rows[n-1].ARN != e.ARN {
			a.rows = append(a.rows, e)
		}
	}
}

func (l *live) collide(arrivals map[string]*arrival) {
	for _, name := range slices.Sorted(maps.Keys(arrivals)) {
		a := arrivals[name]
		if len(a.people) < 2 {
			continue
		}
		who := "two people"
		if len(a.people) > 2 {
			who = fmt.Sprintf("%d people", len(a.people))
		}
		e := a.rows[0]
		why := fmt.Sprintf("%s hold %s and get this name. Each has what is bound to the others, and audit logs cannot tell them apart.",
			names(slices.Collect(maps.Values(a.people))), strings.Join(slices.Sorted(maps.Keys(a.sets)), " or "))
		l.say(diag.New(diag.RC3008, l.places.username(e), fmt.Sprintf("%s arrive as %q", who, name)).WithDetail(why).
			WithHint(fmt.Sprintf("username: %q in the mapping, and the same in the bindings that name these users", slices.Sorted(maps.Keys(a.sets))[0]+":{{SessionNameRaw}}")), "user "+name)
	}
}

// names lists people, the first five by name.
func names(people []access.User) string {
	const shown = 5
	slices.SortFunc(people, func(a, b access.User) int { return cmp.Compare(a.Name, b.Name) })
	var out []string
	for _, u := range people[:min(shown, len(people))] {
		out = append(out, u.Name)
	}
	if more := len(people) - shown; more > 0 {
		return strings.Join(out, ", ") + fmt.Sprintf(" and %d more", more)
	}
	last := len(out) - 1
	return strings.Join(out[:last], ", ") + " and " + out[last]
}

// dead reports assignments of the row's set that give nobody anything: their principal is disabled or gone.
func (l *live) dead(e awsauth.Entry, role access.Role, set access.PermissionSet, assigned []access.Principal) {
	usersUnread, groupsUnread := l.gap(access.PartUsers, access.PartInstance), l.gap(access.PartGroups, access.PartInstance)
	for _, p := range assigned {
		var state string
		switch p.Kind {
		case access.PrincipalUser:
			u, there := l.x.User(p.ID)
			switch {
			case there && u.Disabled:
				state = fmt.Sprintf("user %s is disabled", u.Name)
			case !there && !usersUnread:
				state = fmt.Sprintf("user %s is deleted", p.ID)
			}
		case access.PrincipalGroup:
			if _, there := l.x.Group(p.ID); !there && !groupsUnread {
				state = fmt.Sprintf("group %s is deleted", p.ID)
			}
		}
		if state == "" {
			continue
		}
		l.say(diag.New(diag.RC3013, l.places.arn(e), state+" and still assigned "+set.Name).
			WithDetail(fmt.Sprintf("The assignment in %s gives nobody anything today.", l.x.AccountName(role.Account))).
			WithHint(fmt.Sprintf("aws sso-admin delete-account-assignment --instance-arn %s --permission-set-arn %s --target-type AWS_ACCOUNT --target-id %s --principal-type %s --principal-id %s",
				l.x.Instance.ARN, set.ARN, role.Account, p.Kind, p.ID)), string(p.ID))
	}
}
