package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// fields are the names of a row's members.
func fields() []string { return []string{"rolearn", "userarn", "username", "groups", "userid", "sso"} }

// types judges what the members of a row are: names that mean nothing, names that are there twice, values that are read as empty.
func (d *document) types(r *row) {
	for _, m := range r.Members {
		if !slices.ContainsFunc(fields(), func(f string) bool { return strings.EqualFold(f, m.Name) }) {
			because(d.say(diag.RC2008, r.at(m.NameAt), fmt.Sprintf("%q is not a field of a row", m.Name)),
				"The authenticator ignores it.", cmp.Or(diag.DidYouMean(m.Name, []string{r.ownName(), "username", "groups"}), "delete it"))
		}
	}
	for _, f := range fields() {
		d.repeated(r, f)
	}
	if r.arn != nil && !r.misnamed {
		d.text(r, r.arn, "The authenticator drops this row: it has no ARN.")
	}
	d.user(r)
	d.groupList(r)
}

// text reports a member that should be text and is read as empty.
func (d *document) text(r *row, m *awsauth.Member, effect string) {
	if m.Value.Kind == awsauth.KindString || m.Value.Kind == awsauth.KindNull {
		return
	}
	r.broken = true
	because(d.say(diag.RC2007, r.place(m), wrongType(m.Name, m.Value)), effect, quoteIt(m.Name+": ", m.Value))
}

// wrongType says what a value is instead of text.
func wrongType(name string, v awsauth.Value) string {
	switch v.Kind {
	case awsauth.KindBool:
		return fmt.Sprintf("%s %q is a YAML boolean and is read as empty", name, v.Text)
	case awsauth.KindNumber:
		return fmt.Sprintf("%s %q is a YAML number and is read as empty", name, v.Text)
	case awsauth.KindList:
		return name + " is a list and is read as empty"
	case awsauth.KindMap:
		return name + " is a mapping and is read as empty"
	case awsauth.KindNull:
		return name + " is nothing and is read as empty"
	case awsauth.KindString:
	}
	return fmt.Sprintf("%s %q is a text and is read as empty", name, v.Text)
}

func quoteIt(before string, v awsauth.Value) string {
	switch v.Kind {
	case awsauth.KindBool, awsauth.KindNumber:
		return fmt.Sprintf("quote it: %s\"%s\"", before, v.Text)
	case awsauth.KindNull:
		return "delete it, or write a name"
	case awsauth.KindString, awsauth.KindList, awsauth.KindMap:
	}
	return "write one text in quotes"
}

func (d *document) user(r *row) {
	m := r.member("username")
	switch {
	case r.entry == nil && !r.misnamed || r.entry != nil && r.entry.Username != "":
	case m == nil && r.key == awsauth.KeyRoles && r.isNode():
	case m == nil:
		d.emptyUser(r, r.start())
	case m.Value.Kind == awsauth.KindNull, m.Value.Kind == awsauth.KindString && m.Value.Text == "":
		d.emptyUser(r, r.place(m))
	default:
		d.text(r, m, "The row stays live with an empty user name.")
	}
}

func (d *document) emptyUser(r *row, at diag.Pos) {
	hint := "give it a user name"
	if set, ok := r.permissionSet(); ok {
		hint = fmt.Sprintf("username: \"sso:%s:{{SessionNameRaw}}\"", set)
	}
	because(d.say(diag.RC2015, at, "the row has no user name"),
		"The row lets its principal in with an empty user name: no binding can name it, and no audit log tells who acted.", hint)
}

func (d *document) groupList(r *row) {
	m := r.member("groups")
	if m == nil || r.entry != nil && m.Value.Kind != awsauth.KindList && len(r.entry.Groups) > 0 {
		return
	}
	switch m.Value.Kind {
	case awsauth.KindNull:
	case awsauth.KindList:
		for _, e := range m.Value.Elements {
			if e.Kind != awsauth.KindString {
				r.broken = true
				because(d.say(diag.RC2007, r.at(e.At), wrongType("group", e)), "The row stays live, with an empty name in place of this group.", quoteIt("- ", e))
			}
		}
	case awsauth.KindString, awsauth.KindNumber, awsauth.KindBool, awsauth.KindMap:
		r.broken = true
		because(d.say(diag.RC2007, r.place(m), "groups is not a list and is read as empty"),
			"The row stays live without any group.", fmt.Sprintf("groups: [\"%s\"]", m.Value.Text))
	}
}

// repeated reports a member that is there more than once, on the later.
func (d *document) repeated(r *row, name string) {
	var before *awsauth.Member
	for i := range r.Members {
		m := &r.Members[i]
		if !strings.EqualFold(m.Name, name) {
			continue
		}
		if before != nil {
			d.repeatedAfter(r, before, m)
		}
		before = m
	}
}

func (d *document) repeatedAfter(r *row, before, m *awsauth.Member) {
	wins, loses := m, before
	detail := "Of the same name twice the last one counts."
	if before.Name != m.Name {
		detail = "Letter case does not count, and of such names the last in the order of their bytes counts: " + max(before.Name, m.Name) + "."
		if before.Name > m.Name {
			wins, loses = before, m
		}
	}
	f := d.say(diag.RC2006, r.at(m.NameAt), fmt.Sprintf("%s is there already, on line %d", m.Name, r.at(before.NameAt).Line))
	because(f, detail, "delete the one that is not meant")
	if !covers(wins.Value, loses.Value) {
		f.Severity = diag.Error
	}
}

// covers tells whether a value says all that another says.
func covers(v, w awsauth.Value) bool {
	if v.Kind != w.Kind {
		return false
	}
	for _, e := range w.Elements {
		if !slices.ContainsFunc(v.Elements, func(x awsauth.Value) bool { return x.Text == e.Text }) {
			return false
		}
	}
	return v.Text == w.Text || v.Kind == awsauth.KindList
}
