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
			if !slices.Contains(templates, m) {
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

var (
	template  = regexp.MustCompile(`\{\{[^{}]*\}\}`)
	templates = []string{"{{AccountID}}", "{{SessionName}}", "{{SessionNameRaw}}", "{{AccessKeyID}}", "{{EC2PrivateDNSName}}"}
	// fieldName is a name at the beginning of a line, or in a map in braces.
	fieldName = regexp.MustCompile(`(?m)(?:^[ \t]*(?:-[ \t]+)?|[{,][ \t]*)["']?(\w+)["']?[ \t]*:(?:[ \t]|$)`)
	rowFields = []string{"rolearn", "userarn", "username", "groups", "userid", "sso", "permissionsetname", "accountid", "partition"}
)

func known(name string) bool { return slices.Contains(rowFields, strings.ToLower(name)) }

// unread is a field of the row that the authenticator does not know, "" when there is none.
func (c *Cluster) unread(e awsauth.Entry) string {
	text := c.AwsAuth.Data[string(e.Key)]
	// Most texts have none, and an outline of them all is not cheap.
	if !slices.ContainsFunc(fieldName.FindAllStringSubmatch(text, -1), func(m []string) bool { return !known(m[1]) }) {
		return ""
	}
	rows := awsauth.Outline(e.Key, text)
	if e.Index >= len(rows) {
		return ""
	}
	for _, m := range rows[e.Index].Members {
		if !known(m.Name) {
			return m.Name
		}
	}
	return ""
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

// Own tells whether the row is as rolecall writes rows.
func (d *Door) Own() bool { return d.entry != nil && awsauth.OwnShape(*d.entry, d.Account) }

// Identity is what the door makes of the user; what depends on what is not known is left as it is written.
func (d *Door) Identity(u access.User) access.Identity {
	if d.entry == nil {
		return access.Identity{}
	}
	return d.identityOf(u)
}
