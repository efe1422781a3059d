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

// users looks for bindings of users whom no mapping yields. Certificates and identity providers make users too, so only those are
// reported that look like a mapping's work: sso:<set>:<user>, and people of Identity Center whose @ the row's template replaces.
func (l *live) users() {
	if l.mappingsUnknown() || l.unread(access.PartRBAC) {
		return
	}
	k := newKnown(l)
	names, where := l.boundUsers()
	for _, name := range names {
		if why, hint := k.impossible(name); why != "" {
			l.cannotOccur(name, where[name], why, hint)
		}
	}
}

// mappingsUnknown tells whether there may be mappings besides those that are known: the document is not all of aws-auth, or entries may be there.
func (l *live) mappingsUnknown() bool {
	whole := l.d.Form == manifest.FormLive || l.d.Form == manifest.FormConfigMap
	return !whole || l.d.Partial || l.broken && l.c.Mode.Rows() || l.entriesUnknown()
}

// entriesUnknown tells whether there may be access entries that let somebody in: some were not read, or whether they are dead is not known.
func (l *live) entriesUnknown() bool {
	return l.c.Mode.Entries() && (l.d.Form != manifest.FormLive || l.unread(access.PartEntries) || l.gap(access.PartRoles, access.PartOrganization, access.PartAccounts))
}

// mappingWord is what lets people into the cluster.
func (l *live) mappingWord() string {
	switch l.c.Mode {
	case access.ModeAPI:
		return "access entry"
	case access.ModeAPIAndConfigMap:
		return "access entry or row of aws-auth"
	case access.ModeConfigMap:
	}
	return "row of aws-auth"
}

// known is what is known of the users that can occur in the cluster.
type known struct {
	yields yields
	// chosen are those of mappings for other roles than Identity Center's, whose sessions are called as whoever assumes them likes; Identity Center's are
	// called as users are.
	chosen yields
	// people has the names of all users, folded the same in lower case.
	people, folded map[string]bool
	// all says that every user was read.
	all bool
	// word is what lets people in.
	word string
}

func newKnown(l *live) known {
	mappings := slices.Concat(l.counting, l.perhaps)
	k := known{
		yields: newYields(mappings), chosen: newYields(slices.DeleteFunc(slices.Clone(mappings), ofIdentityCenter)),
		people: map[string]bool{}, folded: map[string]bool{}, all: !l.gap(access.PartUsers, access.PartInstance), word: l.mappingWord(),
	}
	for _, u := range l.x.Users {
		k.people[u.Name], k.folded[strings.ToLower(u.Name)] = true, true
	}
	return k
}

// impossible says why nobody can be that user, "" where somebody may, or the name is no mapping's work.
func (k known) impossible(name string) (why, hint string) {
	_, person, _ := access.ParseUsername(name)
	ours := person != ""
	dashed := strings.ReplaceAll(name, "@", "-")
	switch {
	case ours && k.all && k.yields.may(name) && !k.chosen.may(name) && !k.folded[strings.ToLower(person)]:
		return fmt.Sprintf("Nobody in Identity Center is called %q: the user was renamed or deleted. Whoever gets that name next gets what is bound to it.", person),
			"rolecall apply for a binding of rolecall's own; otherwise name the user as they are called now, or take them out of the binding"
	case k.yields.may(name) || !ours && !k.people[name]:
		return "", ""
	case dashed != name && k.yields.template(dashed):
		return fmt.Sprintf("The row's template is {{SessionName}}, which replaces @ by -: this person arrives as %q.", dashed),
			"use {{SessionNameRaw}} in the row, or name that user in the binding"
	case ours:
		return "No " + k.word + " yields a user of that name, so the binding gives nobody anything.",
			"rolecall apply for a binding of rolecall's own; otherwise correct the name, or take it out of the binding"
	}
	return "", ""
}

// ofIdentityCenter tells whether the mapping is for a role that Identity Center made, as far as its name says.
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
		for _, w := range awsauth.Templates() {
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
	case awsauth.TemplateSessionName:
		others = "_+=,.-"
	case awsauth.TemplateSessionNameRaw:
		others = "_+=,.-@"
	case awsauth.TemplateEC2Name:
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
