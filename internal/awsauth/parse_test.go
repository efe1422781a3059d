package awsauth_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
)

func TestRowsAreReadAsTheAuthenticatorReadsThem(t *testing.T) {
	type row struct {
		ARN, Username string
		Groups        []string
		Index         int
	}
	tests := []struct {
		name, text string
		want       []row
		// problems are the rows complained about, -1 for the key; fatal that all rows are dropped.
		problems []int
		fatal    bool
	}{
		{name: "nothing", text: " \n"},
		{name: "two backticks", text: "``"},
		{name: "null", text: "null"},
		{name: "only a comment", text: "# none"},
		{name: "member names in any case", text: "- RoLeArN: a\n  USERNAME: b", want: []row{{"a", "b", nil, 0}}},
		{name: "of two cases the last in byte order", text: "- username: low\n  Username: up\n  rolearn: a", want: []row{{"a", "low", nil, 0}}},
		{name: "a member twice: the last", text: "- rolearn: a\n  rolearn: b", want: []row{{"b", "", nil, 0}}},
		{name: "anchors and merges", text: "- &x {rolearn: a, username: b}\n- {<<: *x, rolearn: c}", want: []row{{"a", "b", nil, 0}, {"c", "b", nil, 1}}},
		{name: "only the first document", text: "- rolearn: a\n---\n- rolearn: b", want: []row{{"a", "", nil, 0}}},
		{name: "text after brackets is unread", text: "[{rolearn: a}]\n- rolearn: b", want: []row{{"a", "", nil, 0}}},
		{name: "JSON", text: `[{"rolearn":"a","groups":["x"]}]`, want: []row{{"a", "", []string{"x"}, 0}}},
		{name: "a scalar for groups empties them", text: "- rolearn: a\n  username: u\n  groups: x\n- rolearn: b", want: []row{{"a", "u", nil, 0}, {"b", "", nil, 1}}, problems: []int{-1}},
		{name: "a boolean for the username empties it", text: "- rolearn: a\n  username: y", want: []row{{"a", "", nil, 0}}, problems: []int{-1}},
		{name: "numbers of odd spelling", text: "- rolearn: a\n  username: 1_000\n- rolearn: b\n  username: 12:30", want: []row{{"a", "", nil, 0}, {"b", "12:30", nil, 1}}, problems: []int{-1}},
		{name: "booleans for groups", text: "- rolearn: a\n  groups: [yes, no]", want: []row{{"a", "", []string{"", ""}, 0}}, problems: []int{-1}},
		{name: "a row without an ARN goes alone", text: "- username: u\n- rolearn: a", want: []row{{"a", "", nil, 1}}, problems: []int{0}},
		{name: "a row with an ARN and a matcher goes alone", text: "- rolearn: x\n  sso: {permissionSetName: P, accountID: \"111122223333\"}\n- rolearn: a", want: []row{{"a", "", nil, 1}}, problems: []int{0}},
		{name: "a matcher with a number for the account goes", text: "- sso: {permissionSetName: P, accountID: 111122223333}", problems: []int{-1, 0}},
		{name: "a matcher of an unknown partition goes", text: "- sso: {permissionSetName: P, accountID: \"111122223333\", partition: mars}", problems: []int{0}},
		{name: "any text passes for an ARN", text: "- rolearn: garbage", want: []row{{"garbage", "", nil, 0}}},
		{name: "a stray blank joins two groups", text: "- rolearn: a\n  groups:\n  - x\n   - y", want: []row{{"a", "", []string{"x - y"}, 0}}},
		{name: "a tab drops everything", text: "- rolearn: a\n\tusername: b", problems: []int{-1}, fatal: true},
		{name: "a map drops everything", text: "rolearn: a", problems: []int{-1}, fatal: true},
		{name: "a scalar drops everything", text: "hello", problems: []int{-1}, fatal: true},
		{name: "infinity drops everything", text: "- rolearn: a\n  x: .inf", problems: []int{-1}, fatal: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := awsauth.Parse(map[string]string{"mapRoles": tt.text, "mapUsers": "- userarn: u"})
			var got []row
			for _, e := range d.Roles {
				got = append(got, row{e.ARN, e.Username, e.Groups, e.Index})
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("rows (-want +got):\n%s", d)
			}
			var problems []int
			for _, p := range d.Problems {
				problems = append(problems, p.Row)
			}
			if d := cmp.Diff(tt.problems, problems); d != "" {
				t.Errorf("problems (-want +got):\n%s", d)
			}
			if _, fatal := d.Fatal(awsauth.KeyRoles); fatal != tt.fatal {
				t.Errorf("fatal: got %t, want %t", fatal, tt.fatal)
			}
			if len(d.Users) != 1 {
				t.Errorf("mapUsers is read on its own: got %v", d.Users)
			}
		})
	}
}

func TestWhatBeginsWithABraceIsReadAsJSON(t *testing.T) {
	d := awsauth.Parse(map[string]string{"mapRoles": " {rolearn: a}"})
	want := awsauth.Problem{Key: awsauth.KeyRoles, Row: -1, Message: "invalid character 'r' looking for beginning of object key string", Fatal: true}
	if d := cmp.Diff([]awsauth.Problem{want}, d.Problems); d != "" {
		t.Errorf("problems (-want +got):\n%s", d)
	}
}

func TestUnquotedAccountsKeepTheirZeros(t *testing.T) {
	d := awsauth.Parse(map[string]string{"mapAccounts": "- 012345678901\n- \"111122223333\"\n- 001234567012\n"})
	want := []string{"012345678901", "111122223333", "001234567012"}
	if d := cmp.Diff(want, d.Accounts); d != "" {
		t.Errorf("accounts (-want +got):\n%s", d)
	}
}

func TestLookupTakesTheRowThatTheAuthenticatorTakes(t *testing.T) {
	d := awsauth.Parse(map[string]string{
		"mapRoles":    "- {rolearn: 'arn:aws:iam::111122223333:role/Dev', username: first}\n- {rolearn: 'ARN:aws:iam::111122223333:role/dev', username: second}\n- {rolearn: 'arn:aws:iam::111122223333:role/p/ath', username: never}\n- {rolearn: 'arn:aws:iam::111122223333:user/eve', username: role-row}\n- {rolearn: 'arn:aws:iam::111122223333:role/istanbul', username: never}\n- {rolearn: 'arn:aws:iam::111122223333:role/\u0130stanbul', username: never}",
		"mapUsers":    "- {userarn: 'arn:aws:iam::111122223333:user/eve', username: user-row}\n- {userarn: 'arn:aws:iam::111122223333:user/bob', username: bob}\n- {userarn: 'arn:aws:iam::111122223333:role/late', username: late}\n- {userarn: 'arn:aws:iam::111122223333:role/\u0130', username: never}",
		"mapAccounts": "- 444455556666\n- \"{{AccountID}}\"\n- \"\"",
	})
	tests := []struct {
		name, arn, want string
		key             awsauth.Key
	}{
		{"the last of two, in whatever case", "arn:aws:iam::111122223333:role/DEV", "second", awsauth.KeyRoles},
		{"mapRoles before mapUsers", "arn:aws:iam::111122223333:user/eve", "role-row", awsauth.KeyRoles},
		{"a user", "arn:aws:iam::111122223333:user/Bob", "bob", awsauth.KeyUsers},
		{"a role under mapUsers", "arn:aws:iam::111122223333:role/late", "late", awsauth.KeyUsers},
		{"anybody of an account", "arn:aws:iam::444455556666:role/Any", "arn:aws:iam::444455556666:role/Any", awsauth.KeyAccounts},
		{"what is no ARN is of no account", "stranger", "", ""},
		{"an ARN without an account, where mapAccounts has an empty one", "arn:aws:iam:::role/x", "arn:aws:iam:::role/x", awsauth.KeyAccounts},
		{"a letter whose lower case is another letter", "arn:aws:iam::111122223333:role/\u0130", "", ""},
		{"a row in whose place another was put", "arn:aws:iam::111122223333:role/istanbul", "", ""},
		{"a row with a path never matches", "arn:aws:iam::111122223333:role/ath", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, _ := d.Lookup(access.ARN(tt.arn))
			got := awsauth.Entry{Key: e.Key, Username: e.Username}
			want := awsauth.Entry{Key: tt.key, Username: tt.want}
			if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("row (-want +got):\n%s", d)
			}
		})
	}
}

func TestTemplatesAreFilledAsTheAuthenticatorFillsThem(t *testing.T) {
	s := awsauth.Session{AccountID: "111122223333", Name: "ann@example.com", AccessKeyID: "ASIAEXAMPLE"}
	stranger := awsauth.Entry{Key: awsauth.KeyAccounts, Username: "arn:aws:iam::111122223333:role/{{AccountID}}"}
	if d := cmp.Diff(access.Identity{Username: stranger.Username}, stranger.Identity(s)); d != "" {
		t.Errorf("the name of somebody whom mapAccounts lets in (-want +got):\n%s", d)
	}
	e := awsauth.Entry{
		Username: "sso:Dev:{{SessionNameRaw}}",
		Groups:   []string{"{{SessionName}}", "{{AccountID}}-{{AccessKeyID}}", "{{ SessionName }}", "{{Unknown}}", "{{EC2PrivateDNSName}}"},
	}
	want := access.Identity{
		Username: "sso:Dev:ann@example.com",
		Groups:   []string{"ann-example.com", "111122223333-ASIAEXAMPLE", "{{ SessionName }}", "{{Unknown}}", "{{EC2PrivateDNSName}}"},
	}
	if d := cmp.Diff(want, e.Identity(s)); d != "" {
		t.Errorf("identity (-want +got):\n%s", d)
	}
}
