package lint_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/lint"
	"github.com/rolecall-dev/rolecall/internal/manifest"
)

const (
	account = "arn:aws:iam::111122223333:"
	sso     = account + "role/AWSReservedSSO_Dev_0123456789abcdef"
)

// arnRow is a row that nothing is wrong with but its ARN.
func arnRow(arn string) string { return "- rolearn: " + arn + "\n  username: u\n  groups: [g]\n" }

// row is a row that nothing is wrong with but its user name and groups.
func row(arn, username, groups string) string {
	return "- rolearn: " + arn + "\n  username: " + username + "\n  groups: " + groups + "\n"
}

// said is what lint says of rows by themselves, in few words.
func said(l diag.List) string {
	var b strings.Builder
	for _, d := range l {
		at := fmt.Sprintf("%d:%d", d.Pos.Line, d.Pos.Column)
		if d.Pos.Line == 0 {
			at = d.Pos.File
		}
		fmt.Fprintf(&b, "%s %s %s", at, d.Severity, d.Code)
		if d.Fixable {
			b.WriteString(" fixable")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestRows(t *testing.T) {
	for _, tt := range []struct {
		name, roles, users, accounts, want string
		options                            lint.Options
	}{
		{name: "a sound row", roles: arnRow(sso)},
		{name: "an Identity Center path", roles: arnRow(account + "role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Dev_0123456789abcdef"), want: "1:12 error RC2002 fixable\n"},
		{name: "any path", roles: arnRow("'" + account + "role/team/x'"), want: "1:13 error RC2002 fixable\n"},
		{name: "a path whose role is mapped already, in another case", roles: arnRow(account+"role/team/x") + arnRow(account+"role/X"), want: "1:12 error RC2002\n"},
		{name: "a path before a name that lacks its suffix is no name to write", roles: arnRow(account + "role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Dev"), want: "1:12 error RC2002\n"},
		{name: "a path in an anchor that another row has too", roles: "- rolearn: &x " + account + "role/team/x\n  username: u\n- userarn: *x\n  rolearn: " + sso + "\n  username: u\n", want: "1:15 error RC2002\n"},
		{name: "a permission set", roles: arnRow("arn:aws:sso:::permissionSet/ssoins-1/ps-1"), want: "1:12 error RC2003\n"},
		{name: "a session", roles: arnRow("arn:aws:sts::111122223333:assumed-role/x/dana@example.com"), want: "1:12 error RC2004 fixable\n"},
		{name: "a session under mapUsers has two mistakes and one fix", users: "- userarn: arn:aws:sts::111122223333:assumed-role/x/y\n  username: u\n", want: "1:12 error RC2004 fixable\n1:12 warning RC2005 fixable\n"},
		{name: "a user with a path is right", users: "- userarn: " + account + "user/team/x\n  username: u\n"},
		{name: "a blank in an ARN", roles: arnRow("\"" + account + "role/x \""), want: "1:13 error RC2009\n"},
		{name: "a missing colon", roles: arnRow("arn:aws:iam:111122223333:role/x"), want: "1:12 error RC2009\n"},
		{name: "an instance profile", roles: arnRow(account + "instance-profile/x"), want: "1:12 error RC2009\n"},
		{name: "a role without a name", roles: arnRow(account + "role/"), want: "1:12 error RC2009\n"},
		{name: "a Region in the ARN of a role", roles: arnRow("arn:aws:iam:eu-west-1:111122223333:role/x"), want: "1:12 error RC2009\n"},
		{name: "a row that is a text", roles: "- " + sso + "\n", want: "1:3 error RC2009\n"},
		{name: "a role under mapRoles with the name of users", roles: "- userarn: " + sso + "\n  username: u\n", want: "1:3 error RC2009\n"},
		{name: "an empty ARN", roles: arnRow(`""`), want: "1:13 error RC2009\n"},
		{name: "an IAM group", roles: arnRow(account + "group/x"), want: "1:12 error RC2010\n"},
		{name: "root", users: "- userarn: " + account + "root\n  username: u\n", want: "1:12 warning RC2010\n"},
		{name: "wildcards", roles: arnRow(account + "role/AWSReservedSSO_Dev_*"), want: "1:12 error RC2023\n"},
		{name: "an account that lost its zero", roles: arnRow("arn:aws:iam::11122223333:role/x"), want: "1:12 error RC2024\n"},
		{name: "no suffix", roles: arnRow(account + "role/AWSReservedSSO_Dev"), want: "1:12 error RC2025\n"},
		{name: "a suffix in capitals matches all the same", roles: arnRow(account + "role/AWSReservedSSO_Dev_0123456789ABCDEF")},
		{name: "no suffix, in other letters", roles: arnRow(account + "role/awsreservedsso_Dev"), want: "1:12 error RC2025\n"},
		{name: "another partition than the cluster's", roles: arnRow(sso), options: lint.Options{Partition: "aws-cn"}, want: "1:12 warning RC2026\n"},
		{name: "another partition than most rows", roles: arnRow(sso) + arnRow(account+"role/x") + arnRow("arn:aws-cn:iam::111122223333:role/y"), want: "7:12 warning RC2026\n"},
		{name: "of two partitions neither is wrong", roles: arnRow(sso) + arnRow("arn:aws-cn:iam::111122223333:role/y")},

		{name: "a role under mapUsers that matches", users: "- userarn: " + sso + "\n  username: u\n", roles: "[]", want: "1:12 warning RC2005 fixable\n"},
		{name: "a role under mapUsers that is lost", users: "- rolearn: " + sso + "\n  username: u\n", roles: "[]", want: "1:12 error RC2005 fixable\n"},
		{name: "a role under mapUsers that mapRoles has already", users: "- rolearn: " + sso + "\n  username: u\n", roles: arnRow(sso), want: "1:12 error RC2005\n"},
		{name: "a role under mapUsers where mapRoles cannot be read", users: "- rolearn: " + sso + "\n  username: u\n", roles: "a: b", want: "1:1 error RC2001\n1:12 error RC2005\n"},
		{name: "a user under mapRoles that is lost", roles: "- userarn: " + account + "user/x\n  username: u\n", want: "1:12 error RC2022 fixable\n"},
		{name: "sso", roles: "- sso: {permissionSetName: Dev, accountID: '111122223333'}\n  username: u\n", want: "1:3 error RC2019\n"},

		{name: "the same role in another case", roles: arnRow(sso) + arnRow(strings.ToLower(sso)), want: "4:12 warning RC2006\n"},
		{name: "the same role and nothing lost", roles: arnRow(account+"role/x") + arnRow(account+"role/X"), want: "4:12 warning RC2006\n"},
		{name: "another user name is a loss", roles: arnRow(account+"role/x") + row(account+"role/x", "v", "[g]"), want: "4:12 error RC2006\n"},
		{name: "fewer groups are a loss", roles: row(account+"role/x", "u", "[a, b]") + row(account+"role/x", "u", "[b]"), want: "4:12 error RC2006\n"},
		{name: "over both keys one is misplaced", roles: arnRow(account + "role/x"), users: "- userarn: " + account + "role/x\n  username: u\n", want: "1:12 warning RC2005\n"},
		{name: "a name twice in a row", roles: "- rolearn: " + sso + "\n  groups: [a]\n  groups: [a, b]\n  username: u\n", want: "3:3 warning RC2006\n"},
		{name: "a name twice in a row, taking a group away", roles: "- rolearn: " + sso + "\n  groups: [a]\n  Groups: [b]\n  username: u\n", want: "3:3 error RC2006\n"},
		{name: "a merge key that is overridden is no repetition", roles: "- &x\n  rolearn: " + sso + "\n  username: u\n- <<: *x\n  rolearn: " + account + "role/x\n"},

		{name: "a boolean user name", roles: row(sso, "y", "[g]"), want: "2:13 error RC2007\n"},
		{name: "a number with a letter in it", roles: row(sso, "0o17", "[g]"), want: "2:13 error RC2007\n"},
		{name: "a number with an underscore", roles: row(sso, "1_000", "[g]"), want: "2:13 error RC2007\n"},
		{name: "a number with a zero in front", roles: row(sso, "08", "[g]"), want: "2:13 error RC2007\n"},
		{name: "what only looks like a boolean", roles: row(sso, "yEs", "[on call, g]"), want: "3:12 error RC2029\n"},
		{name: "a date is text", roles: row(sso, "2001-01-01", "['y']")},
		{name: "groups in one text", roles: row(sso, "u", "ops"), want: "3:11 error RC2007\n"},
		{name: "every wrong type, though the log names the first", roles: row(sso, "y", "[g, null, 1]"), want: "2:13 error RC2007\n3:15 error RC2007\n3:21 error RC2007\n"},
		{name: "no groups at all", roles: "- rolearn: " + sso + "\n  username: u\n  groups:\n"},
		{name: "an ARN that is a number", roles: arnRow("5"), want: "1:12 error RC2007\n"},
		{name: "a user name that another spelling saves", roles: "- rolearn: " + sso + "\n  Username: u\n  username: 5\n", want: "3:3 error RC2006\n"},
		{name: "an unknown field", roles: arnRow(sso) + "  group: x\n", want: "4:3 warning RC2008\n"},
		{name: "no user name", roles: "- rolearn: " + sso + "\n", want: "1:3 warning RC2015\n"},
		{name: "an empty user name", roles: row(sso, "", "[g]"), want: "2:3 warning RC2015\n"},
		{name: "user name null", roles: row(sso, "~", "[g]"), want: "2:13 warning RC2015\n"},

		{name: "groups run together", roles: "- rolearn: " + sso + "\n  username: u\n  groups:\n  - a\n   - b\n", want: "4:5 error RC2029\n"},
		{name: "system:masters", roles: row(sso, "u", "[\"system:masters\"]"), want: "3:13 warning RC2012\n"},
		{name: "a session name of Identity Center", roles: row(sso, "dev:{{SessionName}}", "[g]"), want: "2:13 warning RC2013\n"},
		{name: "the raw session name of Identity Center", roles: row(sso, "dev:{{SessionNameRaw}}", "[g]")},
		{name: "a session name that anybody chooses", roles: row(account+"role/x", "'{{SessionName}}'", "[g]"), want: "2:14 warning RC2014\n"},
		{name: "a session name behind a word", roles: row(account+"role/x", "ci:{{SessionName}}", "[g]")},
		{name: "a template in other letters", roles: row(sso, "'{{sessionname}}'", "[g]"), want: "2:14 warning RC2017\n"},
		{name: "a template with blanks", roles: row(sso, "'{{ SessionName }}'", "[g]"), want: "2:14 warning RC2017\n"},
		{name: "a template that is not closed", roles: row(sso, "'x:{{SessionName}'", "[g]"), want: "2:14 warning RC2017\n"},
		{name: "rolecall's own row", roles: row(sso, "sso:Dev:{{SessionNameRaw}}", "['rolecall:o:p:g']")},
		{name: "rolecall's own row for another account", roles: row(sso, "sso:Dev:{{SessionNameRaw}}", "[]"), options: lint.Options{Account: "444455556666"}, want: "2:13 error RC2027\n"},
		{name: "rolecall's names for another role", roles: row(account+"role/x", "sso:Dev:{{SessionNameRaw}}", "['rolecall:o:p:g']"), want: "2:13 error RC2027\n3:13 error RC2027\n"},
		{name: "a template that renders to a reserved name", roles: row(sso, "'{{SessionNameRaw}}:a:b'", "[g]"), want: "2:14 error RC2027\n"},
		{name: "sso: and a session name alone is harmless", roles: row(sso, "sso:{{SessionNameRaw}}", "[g]")},

		{name: "nodes", roles: row(account+"role/n", "system:node:{{EC2PrivateDNSName}}", "['system:bootstrappers', 'system:nodes']")},
		{name: "nodes without a group", roles: row(account+"role/n", "system:node:{{EC2PrivateDNSName}}", "['system:bootstrappers']"), want: "1:3 error RC2011\n"},
		{name: "nodes with a template that is none", roles: row(account+"role/n", "system:node:{{EC2PrivateDnsName}}", "['system:bootstrappers', 'system:nodes']"), want: "1:3 error RC2011\n"},
		{name: "Windows nodes", roles: row(account+"role/windows", "system:node:{{EC2PrivateDNSName}}", "['system:bootstrappers', 'system:nodes']"), want: "1:3 error RC2011\n"},
		{name: "Fargate with the user name of EC2", roles: row(account+"role/f", "system:node:{{EC2PrivateDNSName}}", "['system:bootstrappers', 'system:nodes', 'system:node-proxier']"), want: "1:3 error RC2011\n"},
		{name: "Fargate", roles: row(account+"role/f", "system:node:{{SessionName}}", "['system:bootstrappers', 'system:nodes', 'system:node-proxier']")},
		{name: "nodes whose groups are no list have one mistake", roles: row(account+"role/n", "system:node:{{EC2PrivateDNSName}}", "'system:nodes'"), want: "3:12 error RC2007\n"},

		{name: "an account", accounts: "- '111122223333'\n", want: "1:4 warning RC2016\n"},
		{name: "an account id without its zero", accounts: "- 12345678901\n", want: "1:3 error RC2024\n"},
		{name: "an account that is nothing", accounts: "- ~\n- [a]\n", want: "1:3 error RC2007\n2:3 error RC2007\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := manifest.Document{File: "rows.yaml", Form: manifest.FormConfigMap}
			for _, v := range []manifest.Value{{Key: "mapRoles", Text: tt.roles}, {Key: "mapUsers", Text: tt.users}, {Key: "mapAccounts", Text: tt.accounts}} {
				if v.Text != "" || v.Key != "mapAccounts" {
					d.Values = append(d.Values, v)
				}
			}
			found := lint.Document(d, tt.options)
			// That the nodes' row is missing is tested by itself.
			var rest diag.List
			for _, f := range found {
				if f.Code != diag.RC2011 || f.Pos.Line > 0 {
					rest = append(rest, f)
				}
			}
			if d := cmp.Diff(tt.want, said(rest)); d != "" {
				t.Errorf("findings (-want +got):\n%s", d)
			}
		})
	}
}

func TestUnreadableText(t *testing.T) {
	for _, tt := range []struct{ name, text, place, hint string }{
		{name: "an unquoted template", text: "- rolearn: a\n  username: {{SessionName}}\n", place: "2:13", hint: `quote it: "{{SessionName}}"`},
		{name: "an unquoted template in a row in braces", text: "- {rolearn: a, username: {{SessionNameRaw}}:x}\n", place: "1:1", hint: `quote it: "{{SessionNameRaw}}:x"`},
		{name: "a tab", text: "- rolearn: a\n\tusername: u\n", place: "2:1", hint: "indent with blanks: this line has a tab"},
		{name: "a key too far in", text: "- rolearn: a\n    username: u\n", place: "2:5", hint: "indent the names of a row alike, and quote a text that has a colon and a blank in it"},
		{name: "a number that JSON has not", text: "- rolearn: a\n  username: .inf\n", place: "2:13", hint: `quote it: ".inf"`},
		{name: "a directive", text: "%YAML 1.2\n---\n- rolearn: a\n", place: "1:1", hint: "delete the line that begins with %YAML"},
		{name: "a mapping instead of a list", text: "rolearn: a\n", place: "1:1", hint: "begin each row with a dash: - rolearn: …"},
		{name: "a word", text: "nothing", place: "1:1", hint: "write a list, a line with a dash for each of its items"},
		{name: "an alias without its anchor", text: "- rolearn: a\n  groups: *g\n", place: "2:11", hint: "write out what *g stands for"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := manifest.Document{Form: manifest.FormRows, Values: []manifest.Value{{Key: "mapRoles", Text: tt.text}}}
			found := lint.Document(d, lint.Options{})
			if len(found) != 1 || found[0].Code != diag.RC2001 {
				t.Fatalf("findings: %v", found)
			}
			if got := fmt.Sprintf("%d:%d", found[0].Pos.Line, found[0].Pos.Column); got != tt.place || found[0].Hint != tt.hint {
				t.Errorf("got %s, hint %q; want %s, hint %q", got, found[0].Hint, tt.place, tt.hint)
			}
		})
	}
}

func TestUnreadableTextSaysHowManyRowsAreDropped(t *testing.T) {
	d := manifest.Document{Form: manifest.FormRows, Values: []manifest.Value{{Key: "mapRoles", Text: "- rolearn: a\n- rolearn: b\n\t- x\n"}}}
	const want = "The authenticator drops all 2 rows of mapRoles, those of nodes included, at once and without a word in the cluster."
	if found := lint.Document(d, lint.Options{}); len(found) != 1 || found[0].Detail != want {
		t.Errorf("findings: %+v", found)
	}
}

func TestNodesAreMissedInWholeConfigMapsOnly(t *testing.T) {
	for _, tt := range []struct {
		form manifest.Form
		want string
	}{
		{manifest.FormConfigMap, "key mapRoles error RC2011\n"},
		{manifest.FormLive, "key mapRoles error RC2011\n"},
		{manifest.FormRows, ""},
		{manifest.FormEksctl, ""},
		{manifest.FormProgram, ""},
	} {
		t.Run(string(tt.form), func(t *testing.T) {
			d := document(map[string]string{"mapRoles": arnRow(sso)})
			d.Form = tt.form
			if d := cmp.Diff(tt.want, said(lint.Document(d, lint.Options{}))); d != "" {
				t.Errorf("findings (-want +got):\n%s", d)
			}
		})
	}
}

func TestOtherKeys(t *testing.T) {
	for _, tt := range []struct{ key, want string }{
		{"maproles", "key maproles error RC2018\n"},
		{"MapUsers", "key MapUsers error RC2018\n"},
		{"map_accounts", "key map_accounts error RC2018\n"},
		{"mapRole", "key mapRole error RC2018\n"},
		{"README", ""},
	} {
		t.Run(tt.key, func(t *testing.T) {
			d := document(map[string]string{tt.key: "- x\n"})
			d.Form = manifest.FormRows
			if d := cmp.Diff(tt.want, said(lint.Document(d, lint.Options{}))); d != "" {
				t.Errorf("findings (-want +got):\n%s", d)
			}
		})
	}
}

// BenchmarkDocument judges a ConfigMap about as large as one can be, in which every row is sound, or fixable.
func BenchmarkDocument(b *testing.B) {
	for name, path := range map[string]string{"sound": "", "fixable": "t/"} {
		var text strings.Builder
		for i := range 4500 {
			text.WriteString(row(fmt.Sprintf("%srole/%sfixture-role-with-a-name-%d", account, path, i), "system:node:{{EC2PrivateDNSName}}", "['system:bootstrappers', 'system:nodes']"))
		}
		f := manifest.File{Name: "x.yaml", Data: []byte(text.String())}
		docs, _ := manifest.Read(f)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(text.Len()))
			for b.Loop() {
				lint.Document(docs[0], lint.Options{})
			}
		})
	}
}
