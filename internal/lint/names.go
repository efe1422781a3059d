package lint

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// template is whatever looks like one.
var template = regexp.MustCompile(`\{\{[^{}]*(?:\}\}|\}|$)`)

// permissionSet is the permission set of the role of the row, as far as its name is read as it will be once its ARN is mended.
func (r *row) permissionSet() (string, bool) {
	name, ok := r.role()
	if !ok {
		return "", false
	}
	return access.PermissionSetOfRole(name)
}

// role is the name of the row's role.
func (r *row) role() (string, bool) {
	if r.verdict.of != role {
		return "", false
	}
	arn := cmp.Or(string(r.verdict.mended), r.arn.Value.Text)
	if p, err := parseARN(arn); err != nil || p.Service != "iam" {
		return "", false
	}
	return arn[strings.LastIndexByte(arn, '/')+1:], true
}

// groups reports group names that cannot be meant.
func (d *document) groups(r *row) {
	for _, g := range r.groupNames() {
		switch {
		case strings.IndexFunc(g.Text, unicode.IsSpace) >= 0 || strings.HasPrefix(g.Text, "-"):
			r.broken = true
			f := d.say(diag.RC2029, r.at(g.At), fmt.Sprintf("%q is one group", g.Text))
			because(f, "A blank too many before a dash makes YAML read two items of a list as one text: nobody gets either group.",
				"begin each group on a line of its own, its dash under the dash before")
		case g.Text == "system:masters":
			because(d.say(diag.RC2012, r.at(g.At), "system:masters passes every authorization check"),
				"No binding can limit this group, and taking one away does not revoke it.", "use a group of your own and bind it to cluster-admin")
		}
	}
}

// names judges what user name and groups a session gets.
func (d *document) names(r *row) {
	d.reserved(r)
	if m := r.member("username"); m != nil && m.Value.Kind == awsauth.KindString && !r.isNode() {
		d.templates(r, m.Value)
		d.sessionName(r, m)
	}
	for _, g := range r.groupNames() {
		d.templates(r, g)
	}
}

func (d *document) templates(r *row, v awsauth.Value) {
	for _, found := range template.FindAllString(v.Text, -1) {
		if slices.Contains(awsauth.Templates(), found) {
			continue
		}
		hint := "write one of " + strings.Join(awsauth.Templates(), ", ")
		if meant := diag.Suggest(strings.Join(strings.Fields(found), "")+" ", awsauth.Templates()); meant != "" {
			hint = "did you mean " + meant + "?"
		}
		because(d.say(diag.RC2017, r.at(v.At), found+" is not filled in"),
			"The authenticator knows five templates, spelled exactly; anything else stays as it is written, the same for everybody.", hint)
		return
	}
}

// sessionName judges user names made of what the caller calls the session.
func (d *document) sessionName(r *row, m *awsauth.Member) {
	if r.verdict.of != role {
		return
	}
	text := m.Value.Text
	name, _ := r.role()
	if !isReserved(name) {
		if rest := strings.NewReplacer(awsauth.TemplateSessionName, "", awsauth.TemplateSessionNameRaw, "").Replace(text); rest == "" && text != "" {
			because(d.say(diag.RC2014, r.place(m), "whoever assumes the role chooses this user name"),
				"The session name is the caller's own choice, unless the role's trust policy pins it: the user can be anybody.",
				"pin sts:RoleSessionName in the trust policy, or write a fixed user name")
		}
		return
	}
	if strings.Contains(text, awsauth.TemplateSessionName) {
		because(d.say(diag.RC2013, r.place(m), awsauth.TemplateSessionName+" makes one user of two people"),
			"It replaces every @ by -: a@b and a-b become one user, and each has what is bound to the other.",
			"use "+awsauth.TemplateSessionNameRaw+", and change the bindings that name these users")
	}
}

// reserved reports names that only rolecall's own rows may yield.
func (d *document) reserved(r *row) {
	e := awsauth.Entry{Key: r.key, ARN: "", Username: r.username()}
	for _, g := range r.groupNames() {
		e.Groups = append(e.Groups, g.Text)
	}
	if r.verdict.of == role {
		e.ARN = cmp.Or(string(r.verdict.mended), r.arn.Value.Text)
	}
	if awsauth.OwnShape(e, d.options.Account) {
		return
	}
	const detail = "Whoever comes in through this row gets what rolecall binds to other people. rolecall binds nothing in the cluster until it is gone."
	if awsauth.YieldsUsername(e.Username) {
		because(d.say(diag.RC2027, r.place(r.member("username")), "only rolecall may yield such a user name"), detail,
			"rename the user, or take the row over with adopt: in rolecall.yaml")
	}
	for _, g := range r.groupNames() {
		if awsauth.YieldsGroup(g.Text) {
			because(d.say(diag.RC2027, r.at(g.At), "only rolecall may yield such a group"), detail,
				"rename the group, or take the row over with adopt: in rolecall.yaml")
		}
	}
}
