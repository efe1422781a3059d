package awsauth_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/awsauth"
)

// written shows an outline by what its places hold: name=value, groups in brackets, ? for a place that is not known.
func written(text string, rows []awsauth.OutlineRow) string {
	at := func(s awsauth.Span) string {
		if !s.Known() {
			return "?"
		}
		return text[s.Start:s.End]
	}
	var out []string
	for _, r := range rows {
		if r.Kind != awsauth.KindMap {
			out = append(out, at(r.At))
			continue
		}
		var members []string
		for _, m := range r.Members {
			v := at(m.Value.At)
			if m.Value.Kind == awsauth.KindList {
				var list []string
				for _, e := range m.Value.Elements {
					list = append(list, at(e.At))
				}
				v = "[" + strings.Join(list, ",") + "]"
			}
			if m.Value.Shared {
				v += "*"
			}
			if m.Overridden {
				v += "-"
			}
			members = append(members, at(m.NameAt)+"="+v)
		}
		out = append(out, strings.Join(members, " "))
	}
	return strings.Join(out, "\n")
}

func TestOutlinePlaces(t *testing.T) {
	for _, tt := range []struct {
		name, text, want string
		key              awsauth.Key
	}{
		{name: "plain scalars end with their text", text: "- rolearn: a # b\n  username: u  \n  groups:\n  - g\n  - h i\n", want: "rolearn=a username=u groups=[g,h i]"},
		{name: "quotes stay outside", text: "- rolearn: \"a\\u0062\"\n  'username': 'it''s'\n", want: `rolearn=a\u0062 username=it''s`},
		{name: "JSON", text: `[{"rolearn":"a","groups":["g","h"]},{"rolearn": "b"}]`, want: "rolearn=a groups=[g,h]\nrolearn=b"},
		{name: "characters outside ASCII do not shift what follows", text: `[{"username":"ä€😀","rolearn":"a"}]`, want: "username=ä€😀 rolearn=a"},
		{name: "a byte order mark does not shift anything", text: "\ufeff- rolearn: a\n", want: "rolearn=a"},
		{name: "Windows line ends", text: "- rolearn: a\r\n  username: u\r\n", want: "rolearn=a username=u"},
		{name: "exotic line ends count as lines", text: "- rolearn: a\n  username: \"x\u2028  y\"\n  groups: [g]\n", want: "rolearn=a username=x\u2028  y groups=[g]"},
		{name: "a plain scalar over two lines", text: "- rolearn: a\n  groups:\n  - b\n   - c\n", want: "rolearn=a groups=[b\n   - c]"},
		{name: "a block scalar is its first line", text: "- rolearn: >-\n\n    a\n    b\n  username: u\n", want: "rolearn=a username=u"},
		{name: "what an alias brings stands at the alias", text: "- rolearn: a\n  groups: &g [x]\n- rolearn: b\n  groups: *g\n", want: "rolearn=a groups=[x]*\nrolearn=b groups=[*g]*"},
		{name: "merge keys bring members", text: "- &x\n  rolearn: a\n  username: u\n- <<: *x\n  rolearn: b\n", want: "rolearn=a* username=u*\n*x=*x* rolearn=b"},
		{name: "tags are skipped", text: "- rolearn: !!str a\n  username: !!str\n    \"5\"\n", want: "rolearn=a username=5"},
		{name: "a repeated name is there twice", text: "- rolearn: a\n  rolearn: b\n", want: "rolearn=a- rolearn=b"},
		{name: "an element that is no row", text: "- rolearn: a\n- b\n-\n", want: "rolearn=a\nb\n-"},
		{name: "a number is written as it is", text: "- rolearn: a\n  username: 0o17\n  groups: [1_000, yes]\n", want: "rolearn=a username=0o17 groups=[1_000,yes]"},
		{name: "only the first document counts", text: "- rolearn: a\n---\n- rolearn: b\n", want: "rolearn=a"},
		{name: "what the authenticator cannot read has no rows", text: "- rolearn: a\n\tx: y\n", want: ""},
		{name: "account ids", key: awsauth.KeyAccounts, text: "- \"111122223333\"\n- 012345678901\n- [a]\n", want: "111122223333\n012345678901\n["},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.key == "" {
				tt.key = awsauth.KeyRoles
			}
			if d := cmp.Diff(tt.want, written(tt.text, awsauth.Outline(tt.key, tt.text))); d != "" {
				t.Errorf("places (-want +got):\n%s", d)
			}
		})
	}
}

// BenchmarkOutline reads a text about as large as a ConfigMap can be, as a block list and on one line.
func BenchmarkOutline(b *testing.B) {
	var block, flow strings.Builder
	for i := range 4500 {
		arn := roleARN(fmt.Sprint("foreign-", i))
		block.WriteString(mapping(arn, "system:node:{{EC2PrivateDNSName}}", "'system:nodes'", "'system:bootstrappers'"))
		fmt.Fprintf(&flow, `{"rolearn":%q,"username":"é system:node:{{EC2PrivateDNSName}}","groups":["system:nodes","system:bootstrappers"]},`, arn)
	}
	for name, text := range map[string]string{"block": block.String(), "line": "[" + strings.TrimSuffix(flow.String(), ",") + "]"} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if len(awsauth.Outline(awsauth.KeyRoles, text)) != 4500 {
					b.Fatal("rows are missing")
				}
			}
		})
	}
}

// FuzzOutline checks, for any text: there is a row for every row that is read; what stands at a place is what is read; every place is in the text.
func FuzzOutline(f *testing.F) {
	for _, text := range editable() {
		f.Add(text)
	}
	for _, text := range []string{"- 012\n- 0x1\n- ~\n- [a]\n- y\n", "['1', \"2\", 3]", "- &a x\n- *a\n", "- a: &x [1, *x]\n", "a: b", "- !!binary aGk=\n", "- ? a\n  : b\n", "- 1\n---\n- 2\n", "- é: ü\n", "- |\n  a\n- b\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d := awsauth.Parse(map[string]string{"mapRoles": text, "mapUsers": text, "mapAccounts": text})
		rows := awsauth.Outline(awsauth.KeyRoles, text)
		for _, r := range rows {
			inside(t, text, r.At)
			for _, m := range r.Members {
				inside(t, text, m.NameAt)
				for _, v := range append([]awsauth.Value{m.Value}, m.Value.Elements...) {
					inside(t, text, v.At)
					if got := text[v.At.Start:v.At.End]; v.At.Known() && v.Kind == awsauth.KindString && v.Quote == 0 && !v.Shared && v.Text != "" && !strings.ContainsAny(got, "\r\n\t \u0085\u2028\u2029") && got != v.Text {
						t.Fatalf("%q stands where %q is read", got, v.Text)
					}
				}
			}
		}
		for _, e := range append(d.Roles, d.Users...) {
			if e.Index >= len(rows) {
				t.Fatalf("row %d is read, and there are %d", e.Index, len(rows))
			}
			if e.Username != "" && !saysUsername(rows[e.Index], e.Username) {
				t.Fatalf("user name %q is read, and the row has %+v", e.Username, rows[e.Index].Members)
			}
		}
		var accounts []string
		for _, r := range awsauth.Outline(awsauth.KeyAccounts, text) {
			inside(t, text, r.At)
			if r.Kind == awsauth.KindString && r.Text != "" {
				accounts = append(accounts, r.Text)
			}
		}
		read := slices.DeleteFunc(slices.Clone(d.Accounts), func(a string) bool { return a == "" })
		if _, fatal := d.Fatal(awsauth.KeyAccounts); !fatal && !slices.Equal(accounts, read) {
			t.Fatalf("accounts %q are read, and there are %q", read, accounts)
		}
	})
}

func saysUsername(r awsauth.OutlineRow, name string) bool {
	return slices.ContainsFunc(r.Members, func(m awsauth.Member) bool { return m.Value.Text == name })
}

func inside(t *testing.T, text string, s awsauth.Span) {
	t.Helper()
	if s.Start < 0 || s.End < s.Start || s.End > len(text) {
		t.Fatalf("%v is outside of a text of %d bytes", s, len(text))
	}
}
