package awsauth_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
)

func roleARN(name string) access.ARN { return access.ARN("arn:aws:iam::111122223333:role/" + name) }

const developer = "AWSReservedSSO_EKSDeveloper_c194f596bcea55cc"

// mapping is one row of text.
func mapping(arn access.ARN, username string, groups ...string) string {
	return "- rolearn: \"" + string(arn) + "\"\n  username: \"" + username + "\"\n  groups: [" + strings.Join(groups, ", ") + "]\n"
}

func TestRowsAreOursByRecordOrByShape(t *testing.T) {
	template := "sso:EKSDeveloper:{{SessionNameRaw}}"
	row := access.Row{RoleARN: roleARN(developer), Username: template, Groups: []string{}}
	record := func(owner string, rows ...access.Row) map[string]string {
		l := awsauth.Ledger{}
		for _, r := range rows {
			l[r.RoleARN] = awsauth.Digest(r)
		}
		value, err := l.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return map[string]string{access.RowsAnnotation(owner): value}
	}
	changed := row
	changed.Username = "somebody"
	tests := []struct {
		name, text  string
		annotations map[string]string
		want        []awsauth.OwnedRow
	}{
		{name: "a recorded row", text: mapping(row.RoleARN, template), annotations: record(owner, row), want: []awsauth.OwnedRow{{Row: row}}},
		{name: "a recorded row that was changed", text: mapping(row.RoleARN, "somebody"), annotations: record(owner, row), want: []awsauth.OwnedRow{{Row: changed, Drifted: true}}},
		{name: "a recorded row that is gone", text: node, annotations: record(owner, row)},
		{
			name: "a recorded row that a later one overrides", text: mapping(row.RoleARN, template) + mapping(row.RoleARN, "somebody"),
			annotations: record(owner, row), want: []awsauth.OwnedRow{{Row: row, Shadowed: true}},
		},
		{name: "an unrecorded row of our shape", text: mapping(row.RoleARN, template), want: []awsauth.OwnedRow{{Row: row}}},
		{name: "a record that cannot be read leaves the shape", text: mapping(row.RoleARN, template), annotations: map[string]string{access.RowsAnnotation(owner): "{"}, want: []awsauth.OwnedRow{{Row: row}}},
		{name: "a row of our shape in another's record", text: mapping(row.RoleARN, template), annotations: record("other", row)},
		{name: "another set's username", text: mapping(row.RoleARN, "sso:Admin:{{SessionNameRaw}}")},
		{name: "a foreign group", text: mapping(row.RoleARN, template, "view")},
		{name: "another owner's group", text: mapping(row.RoleARN, template, "rolecall:other:p:g")},
		{name: "another account", text: mapping("arn:aws:iam::444455556666:role/"+developer, template)},
		{name: "an ARN with a path", text: mapping("arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/"+developer, template)},
		{name: "a role that is not of Identity Center", text: mapping(roleARN("EKSDeveloper"), template)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cm := access.ConfigMap{Data: map[string]string{"mapRoles": tt.text}, Annotations: tt.annotations}
			got := awsauth.Owned(cm, owner, account)
			if len(got) == 0 {
				got = nil
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("owned (-want +got):\n%s", d)
			}
		})
	}
}

func TestReservedNamesBelongToTheirOwnersOnly(t *testing.T) {
	arn := roleARN(developer)
	good := "sso:EKSDeveloper:{{SessionNameRaw}}"
	listed := func(owner string) map[string]string {
		return map[string]string{access.RowsAnnotation(owner): `{"` + string(arn) + `":"0"}`}
	}
	tests := []struct {
		name, text  string
		annotations map[string]string
		want        int
	}{
		{name: "a node row", text: node},
		{name: "a session name after the prefix", text: mapping(arn, "sso:{{SessionNameRaw}}")},
		{name: "an account in a name", text: mapping(arn, "{{AccountID}}:a:b", "{{AccessKeyID}}:rolecall:x")},
		{name: "a name with a reserved word inside", text: mapping(arn, "x-sso:a:b", "my-rolecall:a")},
		{name: "our recorded row", text: mapping(arn, "sso:Other:{{SessionName}}", "rolecall:x:y:z"), annotations: listed(owner)},
		{name: "a row of our shape", text: mapping(arn, good, "rolecall:platform:p:g")},
		{name: "another owner's row", text: mapping(arn, good, "rolecall:other:p:g"), annotations: listed("other")},
		{name: "another owner's row without a record", text: mapping(arn, good, "rolecall:other:p:g"), want: 1},
		{name: "another owner's row with our group", text: mapping(arn, good, "rolecall:platform:p:g"), annotations: listed("other"), want: 1},
		{name: "another owner's row with another set's name", text: mapping(arn, "sso:Admin:{{SessionNameRaw}}"), annotations: listed("other"), want: 1},
		{name: "a role of the same set in another account", text: mapping("arn:aws:iam::444455556666:role/"+developer, good), want: 1},
		{name: "a foreign row with a username of ours", text: mapping(roleARN("x"), "sso:EKSDeveloper:{{SessionName}}"), want: 1},
		{name: "a foreign row with a fixed username", text: mapping(roleARN("x"), "sso:EKSDeveloper:ann@example.com"), want: 1},
		{name: "a foreign row with a group of ours", text: mapping(roleARN("x"), "x", "rolecall:platform:p:g"), want: 1},
		{name: "a group that anything could come after", text: mapping(roleARN("x"), "x", "'rolecall:{{SessionName}}'"), want: 1},
		{name: "a session that calls itself sso", text: mapping(roleARN("x"), "{{SessionName}}:EKSDeveloper:ann"), want: 1},
		{name: "a session that completes the prefix", text: mapping(roleARN("x"), "x", "'ro{{SessionNameRaw}}call:a'"), want: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cm := access.ConfigMap{Data: map[string]string{"mapRoles": tt.text}, Annotations: tt.annotations}
			if got := awsauth.Violations(cm, owner, account); len(got) != tt.want {
				t.Errorf("got %v, want %d", got, tt.want)
			}
		})
	}
}

func TestUsersCanTakeReservedNamesToo(t *testing.T) {
	cm := access.ConfigMap{Data: map[string]string{
		"mapUsers": "- userarn: " + string(roleARN(developer)) + "\n  username: sso:EKSDeveloper:{{SessionNameRaw}}\n- userarn: a\n  username: sso{{SessionName}}:x:y\n",
	}}
	got := awsauth.Violations(cm, owner, account)
	want := []awsauth.Entry{
		{Key: awsauth.KeyUsers, ARN: string(roleARN(developer)), Username: "sso:EKSDeveloper:{{SessionNameRaw}}"},
		{Key: awsauth.KeyUsers, ARN: "a", Username: "sso{{SessionName}}:x:y", Index: 1},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("violations (-want +got):\n%s", d)
	}
}

func TestADigestTellsRowsApart(t *testing.T) {
	rows := []access.Row{
		{RoleARN: "a", Username: "b"},
		{RoleARN: "ab"},
		{RoleARN: "a", Username: "b", Groups: []string{"c", "d"}},
		{RoleARN: "a", Username: "b", Groups: []string{"d", "c"}},
		{RoleARN: "a", Username: "b", Groups: []string{"cd"}},
		{RoleARN: "a", Username: "b", Groups: []string{""}},
	}
	seen := map[string]access.Row{}
	for _, r := range rows {
		d := awsauth.Digest(r)
		if other, twice := seen[d]; twice {
			t.Errorf("%v and %v have the digest %s", r, other, d)
		}
		seen[d] = r
		if len(d) != 10 {
			t.Errorf("digest %q has %d digits, want 10", d, len(d))
		}
	}
}
