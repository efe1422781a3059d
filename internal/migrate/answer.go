package migrate

import (
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
)

// Caller is somebody who comes to a cluster.
type Caller struct {
	Principal access.IAMPrincipal
	Session   awsauth.Session
}

// Answer is what a cluster makes of a caller.
type Answer struct {
	Identity access.Identity
	Policies []access.PolicyAssociation
}

// AnswerTo says what the cluster makes of a caller, as its authenticator does: by the entry that is bound to the caller's unique id, where the mode
// honours entries; else by the row, where it honours rows. ok is false for somebody who is refused.
func AnswerTo(c *access.Cluster, who Caller) (a Answer, ok bool) {
	if c.Mode.Entries() {
		if e, found := liveEntry(c, who.Principal); found {
			row := awsauth.Entry{Key: awsauth.KeyRoles, Username: e.Username, Groups: e.Groups}
			return Answer{Identity: sorted(row.Identity(who.Session)), Policies: e.Associations}, true
		}
	}
	if !c.Mode.Rows() || c.AwsAuth == nil {
		return Answer{}, false
	}
	row, ok := awsauth.Parse(c.AwsAuth.Data).Lookup(who.Principal.ARN.Canonical())
	if !ok {
		return Answer{}, false
	}
	return Answer{Identity: sorted(row.Identity(who.Session))}, true
}

func sorted(id access.Identity) access.Identity {
	id.Groups = slices.Clone(id.Groups)
	slices.Sort(id.Groups)
	id.Groups = slices.Compact(id.Groups)
	return id
}

// liveEntry finds the entry that admits the principal.
func liveEntry(c *access.Cluster, p access.IAMPrincipal) (access.AccessEntry, bool) {
	for _, e := range c.AccessEntries {
		if e.Principal == p.ARN && !p.Kills(e) {
			return e, true
		}
	}
	return access.AccessEntry{}, false
}

// entryNamed finds an entry whose principal is the row's, whatever its path.
func entryNamed(c *access.Cluster, arn access.ARN) (access.AccessEntry, bool) {
	for _, e := range c.AccessEntries {
		if strings.EqualFold(string(e.Principal.Canonical()), string(arn)) {
			return e, true
		}
	}
	return access.AccessEntry{}, false
}

// unsupported is the first template in a text that is not documented for access entries, "" when there is none.
func unsupported(text string) string {
	for {
		_, rest, ok := strings.Cut(text, "{{")
		if !ok {
			return ""
		}
		name, after, ok := strings.Cut(rest, "}}")
		if !ok {
			return ""
		}
		if name != "SessionName" && name != "SessionNameRaw" {
			return "{{" + name + "}}"
		}
		text = after
	}
}

// settled is a template with what does not depend on the session filled in: the account is the principal's own, and an IAM user has no session name.
func settled(template string, p access.ARN) string {
	template = strings.ReplaceAll(template, awsauth.TemplateAccountID, string(p.Account()))
	if _, role := p.RoleName(); !role {
		template = strings.ReplaceAll(template, awsauth.TemplateSessionName, "")
		template = strings.ReplaceAll(template, awsauth.TemplateSessionNameRaw, "")
	}
	return template
}
