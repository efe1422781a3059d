package graph

import (
	"regexp"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// flaw is the code of what makes a row that counts give less than it looks like, "" when nothing does.
func (c *Cluster) flaw(e awsauth.Entry) diag.Code {
	code, _ := c.flawOf(e)
	return code
}

func (c *Cluster) flawDetail(e awsauth.Entry) string {
	_, why := c.flawOf(e)
	return why
}

func (c *Cluster) flawOf(e awsauth.Entry) (diag.Code, string) {
	if e.Key == awsauth.KeyAccounts {
		return "", ""
	}
	if i := slices.IndexFunc(e.Groups, func(g string) bool { return strings.ContainsAny(g, " \t\n") }); i >= 0 {
		return diag.RC2029, "the blanks make one group of \"" + e.Groups[i] + "\", which nothing is bound to"
	}
	for _, t := range append([]string{e.Username}, e.Groups...) {
		for _, m := range template.FindAllString(t, -1) {
			if !rendered(m) {
				return diag.RC2017, "the authenticator knows no " + m + " and leaves it as it is written, the same for everybody"
			}
		}
	}
	if e.Username != "" && len(e.Groups) > 0 {
		return "", ""
	}
	for _, p := range c.doc.Problems {
		if p.Key == e.Key && !p.Fatal && (p.Row == e.Index || p.Row < 0) {
			return diag.RC2007, "a value of the wrong type in " + string(e.Key) + " is read as empty: " + p.Message
		}
	}
	if name := c.unread(e); name != "" {
		return diag.RC2008, "the authenticator does not know the field " + name + " and reads nothing from it"
	}
	return "", ""
}

var template = regexp.MustCompile(`\{\{[^{}]*\}\}`)

// rendered tells whether the authenticator puts something in the place of a template.
func rendered(template string) bool { return slices.Contains(awsauth.Templates(), template) }

// known tells whether the authenticator knows a field of a row, or of its matcher.
func known(name string) bool {
	switch strings.ToLower(name) {
	case "rolearn", "userarn", "username", "groups", "userid", "sso", "permissionsetname", "accountid", "partition":
		return true
	}
	return false
}

// unread is a field of the row that the authenticator does not know, "" when there is none.
func (c *Cluster) unread(e awsauth.Entry) string {
	if rows := c.outlines[e.Key]; e.Index < len(rows) {
		for _, m := range rows[e.Index].Members {
			if !known(m.Name) {
				return m.Name
			}
		}
	}
	return ""
}

// outline reads all that is written in the rows of the texts that seem to have fields of unknown names. Most have none, and it takes longer than to
// read the rows.
func (c *Cluster) outline() map[awsauth.Key][]awsauth.OutlineRow {
	out := map[awsauth.Key][]awsauth.OutlineRow{}
	for _, k := range []awsauth.Key{awsauth.KeyRoles, awsauth.KeyUsers} {
		if c.AwsAuth != nil && strange(c.AwsAuth.Data[string(k)]) {
			out[k] = awsauth.Outline(k, c.AwsAuth.Data[string(k)])
		}
	}
	return out
}

// strange tells whether some colon in the text ends a name that is unknown.
func strange(text string) bool {
	for from := 0; ; {
		i := strings.IndexByte(text[from:], ':')
		if i < 0 {
			return false
		}
		at := from + i
		from = at + 1
		if from < len(text) && !strings.ContainsRune(" \t\r\n", rune(text[from])) {
			continue
		}
		name := strings.TrimRight(text[:at], `"' `)
		if name = name[1+strings.LastIndexAny(name, "\n\"' {,-"):]; !known(name) {
			return true
		}
	}
}

// placeOf is where a row names the ARN, or the key that has it in its text.
func (c *Cluster) placeOf(arn access.ARN) string {
	for _, e := range c.rows[fold(string(arn))] {
		return strings.TrimPrefix(rowPlace(e), whereAwsAuth+", ")
	}
	return string(awsauth.KeyRoles)
}

// OwnRow tells whether a row for the ARN is as rolecall writes rows.
func (c *Cluster) OwnRow(arn access.ARN) bool {
	return slices.ContainsFunc(c.rows[fold(string(arn))], func(e awsauth.Entry) bool { return awsauth.OwnShape(e, c.Account) })
}

// foreign tells whether an account is known to be none of the organization: Identity Center makes no role there.
func (g *Graph) foreign(account access.AccountID) bool {
	if _, member := g.Account(account); member || len(g.Accounts) == 0 {
		return false
	}
	return g.gap(anyGap, access.PartOrganization, access.PartAccounts) == nil
}

// Own tells whether the mapping is one that rolecall made: a row as it writes rows, or an access entry with an owner's tag.
func (d *Door) Own() bool {
	if d.source != nil {
		return d.source.Owned()
	}
	return d.entry != nil && awsauth.OwnShape(*d.entry, d.Account)
}

// Identity is what the door makes of the user; what depends on what is not known is left as it is written.
func (d *Door) Identity(u access.User) access.Identity {
	if d.entry == nil {
		return access.Identity{}
	}
	return d.identityOf(u)
}
