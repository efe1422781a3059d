package awsauth

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	yamlv2 "go.yaml.in/yaml/v2"
	"sigs.k8s.io/yaml"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// jsonRow has the members the authenticator reads of a row. Letter case is ignored and
// unknown members are dropped, as encoding/json does it. Rows of both keys share the shape: each key reads its own ARN member only.
type jsonRow struct {
	RoleARN  string      `json:"rolearn"`
	SSO      *SSOMatcher `json:"sso"`
	Username string      `json:"username"`
	Groups   []string    `json:"groups"`
	UserID   string      `json:"userid"`
}

type jsonUser struct {
	UserARN  string   `json:"userarn"`
	Username string   `json:"username"`
	Groups   []string `json:"groups"`
	UserID   string   `json:"userid"`
}

// Parse reads the data of an aws-auth ConfigMap as aws-iam-authenticator 0.7 does: YAML
// becomes JSON, JSON becomes rows. A syntax error drops every row of its key; a wrong type in a member empties that
// member and keeps the row; a row without an ARN is dropped alone; only the first YAML document counts.
func Parse(data map[string]string) Document {
	d, _ := parse(data)
	return d
}

// parse also returns the JSON that it made of mapRoles and mapUsers.
func parse(data map[string]string) (Document, map[Key][]byte) {
	var d Document
	raw := map[Key][]byte{}
	d.Roles = d.parseRoles(data[string(KeyRoles)], raw)
	d.Users = d.parseUsers(data[string(KeyUsers)], raw)
	d.Accounts = d.parseAccounts(data[string(KeyAccounts)])
	return d, raw
}

func (d *Document) problem(k Key, row int, message string) {
	d.Problems = append(d.Problems, Problem{Key: k, Row: row, Message: message})
}

func (d *Document) parseRoles(text string, raw map[Key][]byte) []Entry {
	var rows []jsonRow
	raw[KeyRoles] = d.unmarshal(KeyRoles, text, &rows)
	var out []Entry
	for i, r := range rows {
		e := Entry{
			Key: KeyRoles, ARN: r.RoleARN, Username: r.Username, Groups: r.Groups,
			UserID: r.UserID, SSO: r.SSO, Index: i,
		}
		if err := validRole(e); err != nil {
			d.problem(KeyRoles, i, "row is dropped: "+err.Error())
			continue
		}
		out = append(out, e)
	}
	return out
}

func (d *Document) parseUsers(text string, raw map[Key][]byte) []Entry {
	var rows []jsonUser
	raw[KeyUsers] = d.unmarshal(KeyUsers, text, &rows)
	var out []Entry
	for i, r := range rows {
		if r.UserARN == "" {
			d.problem(KeyUsers, i, "row is dropped: it has no userarn")
			continue
		}
		out = append(out, Entry{
			Key: KeyUsers, ARN: r.UserARN, Username: r.Username, Groups: r.Groups,
			UserID: r.UserID, Index: i,
		})
	}
	return out
}

// parseAccounts reads plain YAML: unquoted digits stay text with their leading zeros.
func (d *Document) parseAccounts(text string) []string {
	if skippable(text) {
		return nil
	}
	var out []string
	if err := guard(func() error { return yamlv2.Unmarshal([]byte(text), &out) }); err != nil {
		d.Problems = append(d.Problems, Problem{Key: KeyAccounts, Row: -1, Message: err.Error(), Fatal: len(out) == 0})
	}
	return out
}

// unmarshal fills rows with what survives of the text, and returns the text as JSON.
func (d *Document) unmarshal(k Key, text string, rows any) []byte {
	if skippable(text) {
		return nil
	}
	raw, err := toJSON(text)
	if err != nil {
		d.Problems = append(d.Problems, Problem{Key: k, Row: -1, Message: err.Error(), Fatal: true})
		return nil
	}
	if err := json.Unmarshal(raw, rows); err != nil {
		d.Problems = append(d.Problems, Problem{Key: k, Row: -1, Message: err.Error(), Fatal: !isList(raw)})
	}
	return raw
}

// toJSON is the authenticator's first step. What begins with a brace it takes for JSON as it stands.
func toJSON(text string) (out []byte, err error) {
	if strings.HasPrefix(strings.TrimLeftFunc(text, unicode.IsSpace), "{") {
		return []byte(text), nil
	}
	err = guard(func() (err error) {
		out, err = yaml.YAMLToJSON([]byte(text))
		return err //nolint:wrapcheck // its words are what the authenticator would log
	})
	return out, err
}

// guard turns a panic of the YAML library on hostile input into an error.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("reading YAML: %v", r)
		}
	}()
	return f()
}

func isList(raw []byte) bool {
	raw = bytes.TrimSpace(raw)
	return bytes.HasPrefix(raw, []byte("[")) || bytes.Equal(raw, []byte("null"))
}

// skippable tells the values that the authenticator takes for empty before it parses.
func skippable(text string) bool {
	return slices.Contains([]string{"", "``", `""`, "''"}, strings.TrimSpace(text))
}

// setName is what a permission set may be called in an sso matcher.
var setName = regexp.MustCompile(`^[\w+=,.@-]{1,32}$`)

// validRole applies the authenticator's own checks; the text of an ARN is not among them.
func validRole(e Entry) error {
	switch {
	case e.ARN == "" && e.SSO == nil:
		return fmt.Errorf("it has neither rolearn nor sso")
	case e.ARN != "" && e.SSO != nil:
		return fmt.Errorf("it has both rolearn and sso")
	case e.SSO == nil:
		return nil
	case !access.AccountIDPattern.MatchString(e.SSO.AccountID):
		return fmt.Errorf("sso.accountID %q is not an account id", e.SSO.AccountID)
	case !setName.MatchString(e.SSO.PermissionSetName):
		return fmt.Errorf("sso.permissionSetName %q is not the name of a permission set", e.SSO.PermissionSetName)
	case !slices.Contains(partitions(), e.SSO.Partition):
		return fmt.Errorf("sso.partition %q is unknown", e.SSO.Partition)
	}
	return nil
}

// partitions lists what the authenticator accepts as sso.partition.
func partitions() []string {
	return []string{"", "aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"}
}
