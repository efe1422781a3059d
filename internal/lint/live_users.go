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

// users looks for bindings of users whom no row yields. Certificates and identity providers make users too, so only those are
// reported that look like a mapping's work: sso:<set>:<user>, and people of Identity Center whose @ the row's template replaces.
func (l *live) users() {
	whole := l.d.Form == manifest.FormLive || l.d.Form == manifest.FormConfigMap
	if !whole || l.d.Partial || l.broken || l.c.Mode != access.ModeConfigMap || l.unread(access.PartRBAC) {
		return
	}
	yields := newYields(l.rows)
	people, folded := map[string]bool{}, map[string]bool{}
	for _, u := range l.x.Users {
		people[u.Name], folded[strings.ToLower(u.Name)] = true, true
	}
	// Sessions of Identity Center's roles are called as users are; those of other roles as whoever assumes them likes.
	chosen := newYields(slices.DeleteFunc(slices.Clone(l.rows), ofIdentityCenter))
	usersKnown := !l.gap(access.PartUsers, access.PartInstance)
	names, where := l.boundUsers()
	for _, name := range names {
		_, person, _ := access.ParseUsername(name)
		ours := person != ""
		if ours && usersKnown && yields.may(name) && !chosen.may(name) && !folded[strings.ToLower(person)] {
			l.cannotOccur(name, where[name], fmt.Sprintf("Nobody in Identity Center is called %q: the user was renamed or deleted. Whoever gets that name next gets what is bound to it.", person),
				"rolecall apply for a binding of rolecall's own; otherwise name the user as they are called now, or take them out of the binding")
			continue
		}
		if yields.may(name) || !ours && !people[name] {
			continue
		}
		dashed := strings.ReplaceAll(name, "@", "-")
		if dashed != name && yields.template(dashed) {
			l.cannotOccur(name, where[name], fmt.Sprintf("The row's template is {{SessionName}}, which replaces @ by -: this person arrives as %q.", dashed),
				"use {{SessionNameRaw}} in the row, or name that user in the binding")
		} else if ours {
			l.cannotOccur(name, where[name], "No row of aws-auth yields a user of that name, so the binding gives nobody anything.",
				"rolecall apply for a binding of rolecall's own; otherwise correct the name, or take it out of the binding")
		}
	}
}

// ofIdentityCenter tells whether the row is for a role that Identity Center made, as far as its name says.
func ofIdentityCenter(e awsauth.Entry) bool {
	name, _ := access.ARN(e.ARN).RoleName()
	_, ok := access.PermissionSetOfRole(name)
	return ok
}

func (l *live) cannotOccur(name string, bindings []string, why, hint string) {
	if n := len(bindings); n > 1 {
		why += fmt.Sprintf(" %d bindings name it.", n)
	}
	l.say(diag.New(diag.RC3007, diag.Pos{}, fmt.Sprintf("user %q cannot occur", name)).WithDetail(why).WithHint(hint), bindings[0])
}

// boundUsers are the users that bindings name, in order of appearance, and the bindings of each.
func (l *live) boundUsers() (names []string, where map[string][]string) {
	where = map[string][]string{}
	for _, b := range l.bindings() {
		for _, s := range b.Subjects {
			if s.Kind != access.SubjectUser {
				continue
			}
			if where[s.Name] == nil {
				names = append(names, s.Name)
			}
			where[s.Name] = append(where[s.Name], bindingName(b))
		}
	}
	return names, where
}

// bindingName is a binding as people call it.
func bindingName(b access.Binding) string {
	if b.Namespace == "" {
		return "ClusterRoleBinding " + b.Name
	}
	return "RoleBinding " + b.Namespace + "/" + b.Name
}

// yields is what user names the rows can make.
type yields struct {
	fixed map[string]bool
	// open are the templates by what stands before the first replacement, and lengths how long such beginnings are.
	open    map[string][]opening
	lengths []int
}

// opening is a user name with replacements: what stands after the last, and what the replacement in between can be.
type opening struct {
	suffix string
	// characters a replacement can have; nil where there are several, or text between them.
	allowed func(rune) bool
}

func newYields(rows []awsauth.Entry) yields {
	y := yields{fixed: map[string]bool{}, open: map[string][]opening{}}
	seen := map[string]bool{}
	for _, e := range rows {
		if seen[e.Username] {
			continue
		}
		seen[e.Username] = true
		first, last, n := -1, 0, 0
		var word string
		for _, w := range []string{"{{SessionName}}", "{{SessionNameRaw}}", "{{AccountID}}", "{{AccessKeyID}}", "{{EC2PrivateDNSName}}"} {
			if i := strings.Index(e.Username, w); i >= 0 {
				if first < 0 || i < first {
					first = i
				}
				last = max(last, strings.LastIndex(e.Username, w)+len(w))
				n += strings.Count(e.Username, w)
				word = w
			}
		}
		if first < 0 {
			y.fixed[e.Username] = true
			continue
		}
		t := opening{suffix: e.Username[last:]}
		if n == 1 {
			t.allowed = charactersOf(word)
		}
		prefix := e.Username[:first]
		if len(y.open[prefix]) == 0 && !slices.Contains(y.lengths, len(prefix)) {
			y.lengths = append(y.lengths, len(prefix))
		}
		y.open[prefix] = append(y.open[prefix], t)
	}
	return y
}

// charactersOf tells which characters a replacement can have.
func charactersOf(word string) func(rune) bool {
	others := ""
	switch word {
	case "{{SessionName}}":
		others = "_+=,.-"
	case "{{SessionNameRaw}}":
		others = "_+=,.-@"
	case "{{EC2PrivateDNSName}}":
		others = "_.-"
	}
	return func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune(others, r)
	}
}

// may tells whether some row may yield the name. Where that is not clear, it may.
func (y yields) may(name string) bool { return y.fixed[name] || y.template(name) }

// template tells whether some row's template may.
func (y yields) template(name string) bool {
	for _, n := range y.lengths {
		if n > len(name) {
			continue
		}
		for _, t := range y.open[name[:n]] {
			middle, ok := strings.CutSuffix(name[n:], t.suffix)
			if ok && (t.allowed == nil || strings.IndexFunc(middle, func(r rune) bool { return !t.allowed(r) }) < 0) {
				return true
			}
		}
	}
	return false
}
