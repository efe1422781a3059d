// Package awsauth reads the aws-auth ConfigMap exactly as aws-iam-authenticator
// does, and edits it by splicing bytes, so that whatever is not ours stays as it was.
package awsauth

import (
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// Key is a key of the ConfigMap's data that the authenticator reads. Keys are case-sensitive.
type Key string

// The keys the authenticator reads; it ignores all others.
const (
	KeyRoles    Key = "mapRoles"
	KeyUsers    Key = "mapUsers"
	KeyAccounts Key = "mapAccounts"
)

// Document is what the authenticator understands of an aws-auth ConfigMap.
//
//nolint:recvcheck // it is filled by pointer while it is parsed, and a value afterwards
type Document struct {
	// Roles and Users are the rows that are in force, in order of appearance.
	// A later row for the same ARN overrides an earlier one; both are listed.
	Roles, Users []Entry
	// Accounts are the ids whose every principal is let in, in order of appearance.
	Accounts []string
	// Problems are what the authenticator would complain about, by key and then row.
	Problems []Problem
}

// Entry is one row of mapRoles or mapUsers.
type Entry struct {
	// Key is where the row stands. It is KeyAccounts only in an answer of Lookup that comes from mapAccounts.
	Key Key
	// ARN is the row's rolearn or userarn as written; empty for a row with an sso matcher.
	ARN string
	// Username and Groups are templates; either may be empty.
	Username string
	Groups   []string
	// UserID is parsed by the authenticator and not used by this backend.
	UserID string
	// SSO is set where the row matches by permission set instead of by ARN. EKS has that feature off: such a row never matches there.
	SSO *SSOMatcher
	// Index counts the rows of the text from 0, rows that are dropped included.
	Index int
}

// SSOMatcher is the authenticator's alpha way of matching an Identity Center role without its suffix.
type SSOMatcher struct {
	PermissionSetName string `json:"permissionSetName"`
	AccountID         string `json:"accountID"`
	Partition         string `json:"partition,omitempty"`
}

// Row is the entry as rolecall writes rows; Groups is never nil.
func (e Entry) Row() access.Row {
	return access.Row{RoleARN: access.ARN(e.ARN), Username: e.Username, Groups: append([]string{}, e.Groups...)}
}

// Problem is something the authenticator logs when it reads the text, then goes on.
type Problem struct {
	Key Key
	// Row is the index of the row it is about, -1 when it is about the key.
	Row     int
	Message string
	// Fatal says that all rows of that key are dropped.
	Fatal bool
}

// Fatal returns the first problem that drops all rows of a key.
func (d Document) Fatal(k Key) (Problem, bool) {
	for _, p := range d.Problems {
		if p.Key == k && p.Fatal {
			return p, true
		}
	}
	return Problem{}, false
}

// Lookup finds the row that the authenticator applies to a caller. The ARN is the
// canonical one: the role rebuilt from the STS session, without its path. Roles are
// tried before users and both before mapAccounts; letter case is ignored, and the last of several rows wins.
//
// Of mapUsers rows that differ only in case the authenticator takes a random one; Lookup takes the last.
func (d Document) Lookup(canonicalARN access.ARN) (Entry, bool) {
	// The authenticator asks with the ARN in lower case. That is not the same as ignoring case where one letter's lower case is another's.
	lower := strings.ToLower(string(canonicalARN))
	for _, rows := range [][]Entry{d.Roles, d.Users} {
		for i, row := range slices.Backward(rows) {
			if row.ARN != "" && strings.EqualFold(row.ARN, lower) && !replaced(row, rows[i+1:]) {
				return row, true
			}
		}
	}
	caller, err := access.ParseARN(canonicalARN)
	if err != nil {
		return Entry{}, false
	}
	for i, a := range d.Accounts {
		if a == caller.Account {
			return Entry{Key: KeyAccounts, ARN: string(canonicalARN), Username: string(canonicalARN), Index: i}, true
		}
	}
	return Entry{}, false
}

// replaced tells whether a later row takes the row's place in the authenticator's table, where it may then match somebody else.
func replaced(row Entry, later []Entry) bool {
	return slices.ContainsFunc(later, func(e Entry) bool { return e.place() == row.place() })
}

// place is the key under which the authenticator keeps a row.
func (e Entry) place() string {
	switch {
	case e.Key != KeyRoles:
		return e.ARN
	case e.SSO == nil:
		return strings.ToLower(e.ARN)
	}
	partition := ""
	if e.SSO.Partition == "" {
		partition = "aws"
	}
	return strings.ToLower("arn:" + partition + ":iam::" + e.SSO.AccountID + ":role/AWSReservedSSO_" + e.SSO.PermissionSetName + "_*")
}

// Session is what the authenticator knows of a caller when it renders templates.
type Session struct {
	AccountID string
	// Name is the role session name; empty for IAM users, federated users and root.
	Name        string
	AccessKeyID string
	// PrivateDNSName is the EC2 name of the instance for node rows; empty leaves that template as it is.
	PrivateDNSName string
}

// Render fills a username or group template as the authenticator does: the
// replacements run one after the other, and unknown templates stay as they are.
func Render(template string, s Session) string {
	if s.PrivateDNSName != "" {
		template = strings.ReplaceAll(template, TemplateEC2Name, s.PrivateDNSName)
	}
	template = strings.ReplaceAll(template, TemplateAccountID, s.AccountID)
	template = strings.ReplaceAll(template, TemplateSessionName, strings.ReplaceAll(s.Name, "@", "-"))
	template = strings.ReplaceAll(template, TemplateSessionNameRaw, s.Name)
	return strings.ReplaceAll(template, TemplateAccessKeyID, s.AccessKeyID)
}

// Identity is the Kubernetes user that a row makes of a caller. What mapAccounts lets in keeps its ARN for a name, whatever stands in that.
func (e Entry) Identity(s Session) access.Identity {
	if e.Key == KeyAccounts {
		return access.Identity{Username: e.Username}
	}
	id := access.Identity{Username: Render(e.Username, s)}
	for _, g := range e.Groups {
		id.Groups = append(id.Groups, Render(g, s))
	}
	return id
}
