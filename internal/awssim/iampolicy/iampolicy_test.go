package iampolicy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/awssim/iampolicy"
)

const role = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Dev_0123456789abcdef"

func allow(rest string) string { return statements(`{"Effect":"Allow",` + rest + `}`) }

func statements(s string) string { return `{"Version":"2012-10-17","Statement":[` + s + `]}` }

func parsed(t *testing.T, texts ...string) []iampolicy.Document {
	t.Helper()
	var docs []iampolicy.Document
	for _, text := range texts {
		doc, err := iampolicy.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, doc)
	}
	return docs
}

func TestEvaluate(t *testing.T) {
	get := iampolicy.Request{Action: "iam:GetRole", Resource: role}
	deny := statements(`{"Effect":"Deny","Action":"iam:Get*","Resource":"*"}`)
	tests := []struct {
		name    string
		docs    []string
		request iampolicy.Request
		want    iampolicy.Decision
	}{
		{"nothing allows nothing", nil, get, iampolicy.ImplicitDeny},
		{"an action by its name", []string{allow(`"Action":"iam:GetRole","Resource":"*"`)}, get, iampolicy.Allowed},
		{"an action in other letters", []string{allow(`"Action":"IAM:getrole","Resource":"*"`)}, get, iampolicy.Allowed},
		{"an action by a wildcard", []string{allow(`"Action":["eks:*","iam:G?t*"],"Resource":["*"]`)}, get, iampolicy.Allowed},
		{"every action", []string{allow(`"Action":"*","Resource":"*"`)}, get, iampolicy.Allowed},
		{"another action", []string{allow(`"Action":"iam:ListRoles","Resource":"*"`)}, get, iampolicy.ImplicitDeny},
		{"one statement without a list", []string{`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:*","Resource":"*"}}`}, get, iampolicy.Allowed},
		{"a path wildcard covers the region segment", []string{allow(`"Action":"iam:*","Resource":"arn:aws:iam::*:role/aws-reserved/sso.amazonaws.com/*"`)}, get, iampolicy.Allowed},
		{"a resource in other letters", []string{allow(`"Action":"iam:*","Resource":"arn:aws:iam::111122223333:ROLE/*"`)}, get, iampolicy.ImplicitDeny},
		{"deny wins over allow in any order", []string{deny, allow(`"Action":"*","Resource":"*"`)}, get, iampolicy.ExplicitDeny},
		{"deny of something else does not matter", []string{allow(`"Action":"iam:ListRoles","Resource":"*"`), deny}, iampolicy.Request{Action: "iam:ListRoles", Resource: role}, iampolicy.Allowed},
		{"NotAction covers all other actions", []string{allow(`"NotAction":["iam:DeleteRole"],"Resource":"*"`)}, get, iampolicy.Allowed},
		{"NotAction leaves its own out", []string{allow(`"NotAction":"iam:get*","Resource":"*"`)}, get, iampolicy.ImplicitDeny},
		{"NotResource covers all other resources", []string{allow(`"Action":"*","NotResource":"arn:aws:s3:::*"`)}, get, iampolicy.Allowed},
		{"NotResource leaves its own out", []string{allow(`"Action":"*","NotResource":"` + role + `"`)}, get, iampolicy.ImplicitDeny},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := iampolicy.Evaluate(parsed(t, tt.docs...), tt.request)
			if d := cmp.Diff(tt.want.String(), got.String()); d != "" {
				t.Errorf("decision (-want +got):\n%s", d)
			}
		})
	}
}

func TestConditions(t *testing.T) {
	tests := []struct {
		name      string
		condition string
		context   map[string][]string
		want      bool
	}{
		{"equal text", `{"StringEquals":{"eks:accessEntryType":"STANDARD"}}`, map[string][]string{"eks:accessEntryType": {"STANDARD"}}, true},
		{"a key in other letters", `{"StringEquals":{"EKS:AccessEntryType":["a","STANDARD"]}}`, map[string][]string{"eks:accessEntryType": {"STANDARD"}}, true},
		{"other text", `{"StringEquals":{"eks:accessEntryType":"STANDARD"}}`, map[string][]string{"eks:accessEntryType": {"standard"}}, false},
		{"other letters where they do not count", `{"StringEqualsIgnoreCase":{"k:a":"STANDARD"}}`, map[string][]string{"k:a": {"standard"}}, true},
		{"an absent key", `{"StringEquals":{"k:a":"x"}}`, nil, false},
		{"an absent key with IfExists", `{"StringEqualsIfExists":{"k:a":"x"}}`, nil, true},
		{"a present key with IfExists", `{"StringEqualsIfExists":{"k:a":"x"}}`, map[string][]string{"k:a": {"y"}}, false},
		{"unequal text", `{"StringNotEquals":{"k:a":["x","y"]}}`, map[string][]string{"k:a": {"z"}}, true},
		{"one of the unwanted texts", `{"StringNotEquals":{"k:a":["x","y"]}}`, map[string][]string{"k:a": {"y"}}, false},
		{"an absent key is unequal", `{"StringNotEquals":{"k:a":"x"}}`, nil, true},
		{"a pattern", `{"StringLike":{"k:a":"rolecall:*"}}`, map[string][]string{"k:a": {"rolecall:dev"}}, true},
		{"all values like a pattern", `{"ForAllValues:StringLike":{"k:a":"rolecall:*"}}`, map[string][]string{"k:a": {"rolecall:dev", "rolecall:ops"}}, true},
		{"one value unlike a pattern", `{"ForAllValues:StringLike":{"k:a":"rolecall:*"}}`, map[string][]string{"k:a": {"rolecall:dev", "other"}}, false},
		{"all of no values", `{"ForAllValues:StringLike":{"k:a":"rolecall:*"}}`, nil, true},
		{"any value like a pattern", `{"ForAnyValue:StringLike":{"k:a":"rolecall:*"}}`, map[string][]string{"k:a": {"other", "rolecall:ops"}}, true},
		{"any of no values", `{"ForAnyValue:StringLike":{"k:a":"*"}}`, nil, false},
		{"the null test of an absent key", `{"Null":{"k:a":"true"}}`, nil, true},
		{"the null test of a present key", `{"Null":{"k:a":true}}`, map[string][]string{"k:a": {"x"}}, false},
		{"the null test that wants a key", `{"Null":{"k:a":"false"}}`, map[string][]string{"k:a": {"x"}}, true},
		{"an ARN by a pattern", `{"ArnLike":{"eks:principalArn":"arn:aws:iam::*:role/aws-reserved/sso.amazonaws.com/*"}}`, map[string][]string{"eks:principalArn": {role}}, true},
		{"an ARN wildcard stays in its field", `{"ArnEquals":{"eks:principalArn":"arn:aws:*:role/x"}}`, map[string][]string{"eks:principalArn": {"arn:aws:iam::1:role/x"}}, false},
		{"an unwanted ARN", `{"ArnNotLike":{"eks:principalArn":"arn:aws:iam::*:role/*"}}`, map[string][]string{"eks:principalArn": {role}}, false},
		{"a truth", `{"Bool":{"aws:SecureTransport":false}}`, map[string][]string{"aws:SecureTransport": {"true"}}, false},
		{"two operators that both hold", `{"StringEquals":{"k:a":"x"},"StringLike":{"k:b":"y*"}}`, map[string][]string{"k:a": {"x"}, "k:b": {"yy"}}, true},
		{"two keys of which one fails", `{"StringEquals":{"k:a":"x","k:b":"y"}}`, map[string][]string{"k:a": {"x"}, "k:b": {"z"}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			docs := parsed(t, allow(`"Action":"*","Resource":"*","Condition":`+tt.condition))
			got := iampolicy.Evaluate(docs, iampolicy.Request{Action: "a:b", Resource: "*", Context: tt.context}) == iampolicy.Allowed
			if got != tt.want {
				t.Errorf("holds = %t, want %t", got, tt.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct {
		name, text, want string
	}{
		{"text that is not JSON", `{`, "reading policy"},
		{"text after the document", allow(`"Action":"*","Resource":"*"`) + `x`, "text after its end"},
		{"an unknown element", `{"Statements":[]}`, `unknown field "Statements"`},
		{"an unknown version", `{"Version":"2020-01-01","Statement":[]}`, "version"},
		{"no statement", `{"Version":"2012-10-17"}`, "statement is required"},
		{"an empty list of statements", statements(``), "needs a statement"},
		{"an unknown effect", statements(`{"Effect":"allow","Action":"*","Resource":"*"}`), "effect"},
		{"no action", allow(`"Resource":"*"`), "exactly one of Action and NotAction"},
		{"both forms of action", allow(`"Action":"*","NotAction":"a:b","Resource":"*"`), "exactly one of Action and NotAction"},
		{"an action without its service", allow(`"Action":"GetRole","Resource":"*"`), "service:name"},
		{"no resource", allow(`"Action":"*"`), "Resource or NotResource is required"},
		{"both forms of resource", allow(`"Action":"*","Resource":"*","NotResource":"*"`), "exclude each other"},
		{"a resource that is no ARN", allow(`"Action":"*","Resource":"role/x"`), "neither an ARN"},
		{"a principal", allow(`"Action":"*","Resource":"*","Principal":"*"`), "cannot name a principal"},
		{"an operator it does not know", allow(`"Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":"2027-01-01"}}`), "not supported"},
		{"a null test that may be absent", allow(`"Action":"*","Resource":"*","Condition":{"NullIfExists":{"k:a":"true"}}`), "not supported"},
		{"a policy variable", allow(`"Action":"*","Resource":"arn:aws:iam::*:user/${aws:username}"`), "not supported"},
		{"an action that is no text", allow(`"Action":{},"Resource":"*"`), "not a string"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := iampolicy.Parse([]byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one with %q", err, tt.want)
			}
		})
	}
}

func trust(rest string) string { return allow(`"Action":"sts:AssumeRole",` + rest) }

func TestEvaluateTrust(t *testing.T) {
	caller := iampolicy.Caller{
		Account: "111122223333", ARN: "arn:aws:sts::111122223333:assumed-role/ci/run-1", RoleARN: "arn:aws:iam::111122223333:role/tools/ci",
	}
	assume := iampolicy.Request{Action: "sts:AssumeRole", Context: map[string][]string{"sts:ExternalId": {"42"}, "aws:PrincipalOrgID": {"o-a1b2c3d4e5"}}}
	tests := []struct {
		name, text string
		want       iampolicy.Trust
	}{
		{"the caller's account by its root", trust(`"Principal":{"AWS":"arn:aws:iam::111122223333:root"}`), iampolicy.DelegatedTrust},
		{"the caller's account by its id", trust(`"Principal":{"AWS":["999999999999","111122223333"]}`), iampolicy.DelegatedTrust},
		{"the root in another partition's ARN", trust(`"Principal":{"AWS":"arn:aws-cn:iam::111122223333:root"}`), iampolicy.DelegatedTrust},
		{"the caller's role with its path", trust(`"Principal":{"AWS":"arn:aws:iam::111122223333:role/tools/ci"}`), iampolicy.DirectTrust},
		{"the caller's role without its path", trust(`"Principal":{"AWS":"arn:aws:iam::111122223333:role/ci"}`), iampolicy.NoTrust},
		{"the session itself", trust(`"Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/ci/run-1"}`), iampolicy.DirectTrust},
		{"anyone", trust(`"Principal":"*"`), iampolicy.DirectTrust},
		{"anyone with the right external id", trust(`"Principal":{"AWS":"*"},"Condition":{"StringEquals":{"sts:ExternalId":"42"}}`), iampolicy.DirectTrust},
		{"the wrong external id", trust(`"Principal":{"AWS":"*"},"Condition":{"StringEquals":{"sts:ExternalId":"43"}}`), iampolicy.NoTrust},
		{"the organization", trust(`"Principal":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}`), iampolicy.DirectTrust},
		{"another account", trust(`"Principal":{"AWS":"arn:aws:iam::999999999999:root"}`), iampolicy.NoTrust},
		{"a service", trust(`"Principal":{"Service":"ec2.amazonaws.com"}`), iampolicy.NoTrust},
		{"a SAML provider", allow(`"Action":["sts:AssumeRoleWithSAML","sts:TagSession"],"Principal":{"Federated":"arn:aws:iam::111122223333:saml-provider/x"}`), iampolicy.NoTrust},
		{"another action", allow(`"Action":"sts:TagSession","Principal":"*"`), iampolicy.NoTrust},
		{"everybody but the caller", trust(`"NotPrincipal":{"AWS":"arn:aws:iam::111122223333:root"}`), iampolicy.NoTrust},
		{"a deny", statements(`{"Effect":"Allow","Action":"sts:*","Principal":"*"},{"Effect":"Deny","Action":"sts:AssumeRole","Principal":{"AWS":"111122223333"}}`), iampolicy.DeniedTrust},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			doc, err := iampolicy.ParseTrust([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if got := iampolicy.EvaluateTrust(doc, caller, assume); got != tt.want {
				t.Errorf("trust = %d, want %d", got, tt.want)
			}
		})
	}
}

func TestParseTrustRefuses(t *testing.T) {
	tests := []struct {
		name, text, want string
	}{
		{"no principal", trust(`"Condition":{}`), "Principal is required"},
		{"a resource", trust(`"Principal":"*","Resource":"*"`), "cannot name a resource"},
		{"an unknown kind of principal", trust(`"Principal":{"Aws":"*"}`), "not known"},
		{"an empty principal", trust(`"Principal":{}`), "needs a value"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := iampolicy.ParseTrust([]byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestMatch(t *testing.T) {
	tests := []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "a/b", true},
		{"a*b*c", "aXbYbZc", true},
		{"a*b*c", "aXbYbZ", false},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"*a", "bca", true},
		{"**", "x", true},
		{"a", "A", false},
	}
	for _, tt := range tests {
		if got := iampolicy.Match(tt.pattern, tt.text); got != tt.want {
			t.Errorf("Match(%q, %q) = %t, want %t", tt.pattern, tt.text, got, tt.want)
		}
	}
}
