package awsauth_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
)

const (
	owner   = "platform"
	account = access.AccountID("111122223333")
)

func ours() access.Row {
	return access.Row{
		RoleARN:  "arn:aws:iam::111122223333:role/AWSReservedSSO_EKSDeveloper_c194f596bcea55cc",
		Username: "sso:EKSDeveloper:{{SessionNameRaw}}",
		Groups:   []string{"rolecall:platform:payments:developers"},
	}
}

func configMap(mapRoles string) access.ConfigMap {
	return access.ConfigMap{Data: map[string]string{
		"mapRoles":    mapRoles,
		"mapUsers":    "# people\n- userarn: arn:aws:iam::111122223333:user/alice # on call\n  username: 'alice'\n",
		"mapAccounts": "- \"111122223333\"\n",
		"maproles":    "ignored: yes",
	}, Annotations: map[string]string{"example.com/note": "keep me"}, ResourceVersion: "7"}
}

const node = "- rolearn: arn:aws:iam::111122223333:role/node\n  username: system:node:{{EC2PrivateDNSName}}\n  groups:\n  - system:bootstrappers\n  - system:nodes\n"

// editable are texts that rolecall can add a row to and take it out again, leaving every byte as it was.
func editable() map[string]string {
	return map[string]string{
		"nothing at all":                         "",
		"blank lines":                            "\n\n",
		"blanks without a line end":              "   ",
		"a comment only":                         "# managed by the platform team\n",
		"a comment without a line end":           "# managed by the platform team",
		"an empty document with a marker":        "---\n# none yet\n",
		"an empty list in brackets":              "[]",
		"an empty list in brackets with blanks":  "[ ]\n",
		"an empty list over two lines":           "[\n]\n",
		"a node row":                             node,
		"a node row without a final line end":    strings.TrimSuffix(node, "\n"),
		"Windows line ends":                      strings.ReplaceAll(node, "\n", "\r\n"),
		"Windows line ends without a final one":  strings.TrimSuffix(strings.ReplaceAll(node, "\n", "\r\n"), "\r\n"),
		"an indented list":                       "  - rolearn: a\n    username: b\n  - rolearn: c\n    username: d\n",
		"a deeply indented list with a comment":  "        # here\n        - rolearn: a\n",
		"dash on a line of its own":              "-\n  rolearn: a\n  username: b\n-\n  rolearn: c\n",
		"wide dashes":                            "-   rolearn: a\n    username: b\n",
		"comments between rows":                  "# head\n- rolearn: a # nodes\n  # inner\n  username: b\n\n# between\n- rolearn: c\n# tail\n",
		"a commented row at the end":             node + "# - rolearn: old\n#   username: old\n",
		"trailing blank lines":                   node + "\n\n   \n",
		"single quotes with a doubled quote":     "- rolearn: 'a'\n  username: 'it''s # no comment'\n",
		"double quotes with escapes":             "- rolearn: \"a\\\"b\"\n  username: \"x\\u0041 - y\"\n",
		"quotes over several lines":              "- rolearn: \"a\n- b\"\n  username: 'c\n\n  - d'\n- rolearn: e\n",
		"a quote inside a plain scalar":          "- rolearn: a\"b\n  username: it's\n- rolearn: c\n",
		"a plain scalar over several lines":      "- rolearn: a\n  username: one\n    \"two\n    - three\n- rolearn: b\n",
		"a literal block scalar":                 "- rolearn: a\n  username: |\n    - rolearn: not a row\n\n    # not a comment\n- rolearn: b\n",
		"a folded scalar with an indentation":    "- rolearn: a\n  username: >1-\n   x\n   - y\n- rolearn: b\n",
		"a folded scalar that strips":            "- username: >-\n    x\n  rolearn: a\n",
		"a flow map as a row":                    "- {rolearn: a, username: b, groups: [c, 'd, e', \"f]\"]}\n",
		"a flow map over several lines":          "- {rolearn: a,\n  username: b,\n  groups: [c,\n# comment ]\nd]}\n- rolearn: e\n",
		"nested dashes":                          "- rolearn: a\n  groups:\n  - x\n  -   y\n  -\n    z\n",
		"anchors and aliases":                    "- &base\n  rolearn: a\n  groups: &g [x]\n- rolearn: b\n  groups: *g\n- <<: *base\n  rolearn: c\n",
		"keys in quotes":                         "- \"rolearn\": a\n  'username': b\n",
		"explicit keys":                          "- ? rolearn\n  : a\n  ? username\n  : b\n",
		"tags":                                   "- rolearn: !!str 12\n  username: !!str yes\n",
		"a document marker first":                "---\n" + node,
		"a directive and a marker":               "%YAML 1.1\n---\n" + node,
		"a document end":                         node + "...\n",
		"a second document":                      node + "---\n- rolearn: unread\n",
		"unknown fields and odd case":            "- RoleARN: a\n  note: {by: me}\n  userid: AIDA\n",
		"a row without an ARN":                   "- username: lost\n- rolearn: a\n",
		"an empty row":                           "-\n- rolearn: a\n",
		"a scalar for a row":                     "- just text\n- rolearn: a\n",
		"wrong types":                            "- rolearn: a\n  username: y\n  groups: foo\n- rolearn: b\n  username: 12\n",
		"duplicates in two letter cases":         "- rolearn: arn:a\n- rolearn: ARN:A\n  username: wins\n",
		"an sso matcher":                         "- sso:\n    permissionSetName: Dev\n    accountID: \"111122223333\"\n  username: dev\n",
		"one line of JSON":                       `[{"rolearn":"a","username":"b","groups":["c,]","d\"}"]},{"rolearn":"e"}]`,
		"JSON with room":                         "[\n  {\n    \"rolearn\": \"a\",\n    \"groups\": []\n  },\n  {\n    \"rolearn\": \"b\"\n  }\n]\n",
		"JSON with tabs":                         "[\n\t{\n\t\t\"rolearn\": \"a\"\n\t}\n]",
		"JSON with Windows line ends":            "[\r\n  {\"rolearn\": \"a\"},\r\n  {\"rolearn\": \"b\"}\r\n]\r\n",
		"brackets with a comma at the end":       "[{rolearn: a}, {rolearn: b},]\n",
		"brackets with comments":                 "# rows\n[\n  {rolearn: a}, # first ]\n  # {rolearn: x},\n  {rolearn: b} # last, really\n]\n# end\n",
		"brackets and text that nobody reads":    "[{rolearn: a}]\n",
		"brackets with plain scalars":            "[{rolearn: it's, username: a\"b}, {rolearn: c#d}]",
		"a hash that is no comment":              "- rolearn: a#b\n  username: '# c'\n",
		"letters beyond ASCII":                   "- rolearn: å\n  username: \"日本\" # ünïcode\n",
		"a colon inside a scalar":                "- rolearn: arn:aws:iam::1:role/x\n  username: a:b:{{SessionName}}\n",
		"a key without a value":                  "- rolearn: a\n  username:\n  groups:\n",
		"a list under a key at the same column":  "- groups:\n  - a\n  - b\n  rolearn: c\n",
		"a list within a list":                   "- - a\n  - b\n- rolearn: c\n",
		"the row stands between blank documents": "\n\n---\n\n" + node + "\n\n",
	}
}

func TestAddingAndRemovingARowLeavesEveryOtherByte(t *testing.T) {
	for name, text := range editable() {
		t.Run(name, func(t *testing.T) {
			before := configMap(text)
			row := ours()
			added, err := awsauth.Edit(before, owner, []access.RowEdit{{After: &row}})
			if err != nil {
				t.Fatalf("adding: %v", err)
			}
			want := awsauth.Parse(before.Data)
			got := awsauth.Parse(added.Data)
			if n := len(got.Roles); n == 0 || !got.Roles[n-1].Row().Equal(row) {
				t.Fatalf("the row is not the last one:\n%s", added.Data["mapRoles"])
			}
			if d := cmp.Diff(want.Roles, got.Roles[:len(got.Roles)-1], emptyIsNil()); d != "" {
				t.Errorf("rows of others (-want +got):\n%s", d)
			}
			wantOwned := []awsauth.OwnedRow{{Row: row}}
			if d := cmp.Diff(wantOwned, awsauth.Owned(added, owner, account)); d != "" {
				t.Errorf("owned rows (-want +got):\n%s", d)
			}
			removed, err := awsauth.Edit(added, owner, []access.RowEdit{{Before: &row}})
			if err != nil {
				t.Fatalf("removing: %v\n%s", err, added.Data["mapRoles"])
			}
			if d := cmp.Diff(before, removed); d != "" {
				t.Errorf("after adding and removing (-want +got):\n%s\nin between:\n%s", d, added.Data["mapRoles"])
			}
		})
	}
}

func emptyIsNil() cmp.Option {
	return cmp.Transformer("emptyIsNil", func(in []awsauth.Entry) []awsauth.Entry {
		if len(in) == 0 {
			return nil
		}
		return in
	})
}

func TestAnEmptyValueBecomesAListOfRows(t *testing.T) {
	want := "- rolearn: \"arn:aws:iam::111122223333:role/AWSReservedSSO_EKSDeveloper_c194f596bcea55cc\"\n" +
		"  username: \"sso:EKSDeveloper:{{SessionNameRaw}}\"\n" +
		"  groups:\n    - \"rolecall:platform:payments:developers\"\n"
	row := ours()
	for _, text := range []string{"", "``", `""`, " ''\n", "null", "~\n"} {
		got, err := awsauth.Edit(configMap(text), owner, []access.RowEdit{{After: &row}})
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if d := cmp.Diff(want, got.Data["mapRoles"]); d != "" {
			t.Errorf("%q (-want +got):\n%s", text, d)
		}
	}
	got, err := awsauth.Edit(access.ConfigMap{}, owner, []access.RowEdit{{After: &row}})
	if err != nil {
		t.Fatal(err)
	}
	wantMap := access.ConfigMap{
		Data:        map[string]string{"mapRoles": want},
		Annotations: map[string]string{"rolecall.dev/rows.platform": `{"` + string(row.RoleARN) + `":"` + awsauth.Digest(row) + `"}`},
	}
	if d := cmp.Diff(wantMap, got); d != "" {
		t.Errorf("from nothing (-want +got):\n%s", d)
	}
}

func TestARowIsWrittenInTheStyleOfItsList(t *testing.T) {
	row := ours()
	row.Groups = nil
	flow := `{"rolearn": "` + string(row.RoleARN) + `", "username": "` + row.Username + `", "groups": []}`
	tests := []struct{ name, text, want string }{
		{
			"an indented list keeps its indentation", "  - rolearn: a\n# end",
			"  - rolearn: a\n# end\n  - rolearn: \"" + string(row.RoleARN) + "\"\n    username: \"" + row.Username + "\"\n    groups: []",
		},
		{"one line of JSON stays one line", `[{"rolearn":"a"}]`, `[{"rolearn":"a"}, ` + flow + `]`},
		{"JSON over lines gets a line", "[\n  {\"rolearn\": \"a\"}\n]\n", "[\n  {\"rolearn\": \"a\"},\n  " + flow + "\n]\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := awsauth.Edit(configMap(tt.text), owner, []access.RowEdit{{After: &row}})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got.Data["mapRoles"]); d != "" {
				t.Errorf("text (-want +got):\n%s", d)
			}
		})
	}
}

func TestOneWriteReplacesRemovesAndAdds(t *testing.T) {
	row := func(name string, groups ...string) *access.Row {
		return &access.Row{RoleARN: access.ARN("arn:aws:iam::111122223333:role/" + name), Username: "u:" + name, Groups: groups}
	}
	for _, text := range []string{"# top\n- {rolearn: x} # foreign\n", "[{rolearn: x}]\n"} {
		cm, err := awsauth.Edit(configMap(text), owner, []access.RowEdit{{After: row("a")}, {After: row("b", "g")}, {After: row("c")}})
		if err != nil {
			t.Fatal(err)
		}
		cm, err = awsauth.Edit(cm, owner, []access.RowEdit{
			{Before: row("c")},
			{Before: row("a"), After: row("a", "h", "i")},
			{Before: row("b", "g"), After: row("d")},
			{After: row("c", "again")},
		})
		if err != nil {
			t.Fatal(err)
		}
		var got []access.Row
		for _, e := range awsauth.Parse(cm.Data).Roles[1:] {
			got = append(got, e.Row())
		}
		none := []string{}
		want := []access.Row{*row("a", "h", "i"), *row("d", none...), *row("c", "again")}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("rows (-want +got):\n%s\n%s", d, cm.Data["mapRoles"])
		}
		if d := cmp.Diff(3, len(awsauth.ReadLedger(cm, owner))); d != "" {
			t.Errorf("rows in the annotation (-want +got):\n%s", d)
		}
		if prefix, _, _ := strings.Cut(text, "]"); !strings.HasPrefix(cm.Data["mapRoles"], prefix) {
			t.Errorf("the foreign row changed:\n%s", cm.Data["mapRoles"])
		}
	}
}

func TestConflictsAreFoundBeforeAnythingIsWritten(t *testing.T) {
	row := ours()
	cm, err := awsauth.Edit(configMap(node), owner, []access.RowEdit{{After: &row}})
	if err != nil {
		t.Fatal(err)
	}
	other, upper := row, row
	other.Groups = []string{"somebody:else"}
	upper.RoleARN = access.ARN(strings.ToUpper(string(row.RoleARN)))
	tests := []struct {
		name string
		edit access.RowEdit
	}{
		{"a new row whose ARN is there", access.RowEdit{After: &row}},
		{"a new row whose ARN is there in another letter case", access.RowEdit{After: &upper}},
		{"a row to change with other groups", access.RowEdit{Before: &other, After: &row}},
		{"a row to remove with another ARN", access.RowEdit{Before: &upper}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := awsauth.Edit(cm, owner, []access.RowEdit{tt.edit})
			if !errors.Is(err, access.ErrConflict) {
				t.Errorf("got error %v, want a conflict", err)
			}
			if d := cmp.Diff(access.ConfigMap{}, got); d != "" {
				t.Errorf("result (-want +got):\n%s", d)
			}
		})
	}
}

func TestTextsThatCannotBeEditedAreRefused(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"a tab as indentation", "- rolearn: a\n\tusername: b\n", "the authenticator does not read it"},
		{"a map instead of a list", "rolearn: a\n", "the authenticator does not read it"},
		{"a scalar instead of a list", "yes please\n", "the authenticator does not read it"},
		{"infinity", "- rolearn: a\n  x: .inf\n", "the authenticator does not read it"},
		{"an unknown directive", "%YAML 1.2\n---\n- rolearn: a\n", "the authenticator does not read it"},
		{"an anchor on the list", "&all\n- rolearn: a\n", "line 1 does not begin a list"},
		{"a list on the marker's line", "--- [{rolearn: a}]\n", "0 rows are found where the authenticator reads 1"},
		{"a lone carriage return", "# x\r", "a carriage return stands where no line ends"},
		{"null beside a comment", "null # nothing\n", "line 1 does not begin a list"},
		{"too much data", node + "# " + strings.Repeat("x", awsauth.MaxDataBytes), "a ConfigMap holds 1048576"},
	}
	row := ours()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := awsauth.Edit(configMap(tt.text), owner, []access.RowEdit{{After: &row}})
			var refused *awsauth.RefusedError
			if !errors.As(err, &refused) || !strings.Contains(refused.Error(), tt.want) {
				t.Errorf("got error %v, want a refusal with %q", err, tt.want)
			}
		})
	}
}

func TestARowThatOthersReferToIsNotRemoved(t *testing.T) {
	row := access.Row{RoleARN: "arn:a", Username: "u"}
	text := "- rolearn: arn:a\n  username: &name u\n- rolearn: b\n  username: *name\n"
	_, err := awsauth.Edit(configMap(text), owner, []access.RowEdit{{Before: &row}})
	if _, ok := errors.AsType[*awsauth.RefusedError](err); !ok {
		t.Errorf("got error %v, want a refusal", err)
	}
}

func TestAnnotationsOverTheLimitAreRefused(t *testing.T) {
	cm := configMap(node)
	cm.Annotations["example.com/big"] = strings.Repeat("x", awsauth.MaxAnnotationBytes-50)
	row := ours()
	_, err := awsauth.Edit(cm, owner, []access.RowEdit{{After: &row}})
	if err == nil || !strings.Contains(err.Error(), "annotations") {
		t.Errorf("got error %v, want one about annotations", err)
	}
}

func TestEditsThatTookEffectAreNotPending(t *testing.T) {
	row, gone := ours(), access.Row{RoleARN: "arn:gone", Username: "x"}
	add, remove := access.RowEdit{After: &row}, access.RowEdit{Before: &gone}
	cm := configMap(node)
	if d := cmp.Diff([]access.RowEdit{add}, awsauth.Pending(cm, owner, []access.RowEdit{add, remove})); d != "" {
		t.Errorf("before (-want +got):\n%s", d)
	}
	cm, err := awsauth.Edit(cm, owner, []access.RowEdit{add})
	if err != nil {
		t.Fatal(err)
	}
	if got := awsauth.Pending(cm, owner, []access.RowEdit{add, remove}); len(got) != 0 {
		t.Errorf("after: got %v, want nothing", got)
	}
	delete(cm.Annotations, access.RowsAnnotation(owner))
	if d := cmp.Diff([]access.RowEdit{add}, awsauth.Pending(cm, owner, []access.RowEdit{add})); d != "" {
		t.Errorf("without the annotation (-want +got):\n%s", d)
	}
}

func TestOddTextIsQuotedSoThatItComesBack(t *testing.T) {
	row := access.Row{
		RoleARN: "arn:\"quoted\\\"", Username: "yes\n\t\x00\x7f\u0085\u2028\ufeff é😀",
		Groups: []string{"no", "- x", "# y", "{{z}}", "012", " "},
	}
	for _, text := range []string{"", "[]"} {
		cm, err := awsauth.Edit(configMap(text), owner, []access.RowEdit{{After: &row}})
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if d := cmp.Diff(row, awsauth.Parse(cm.Data).Roles[0].Row()); d != "" {
			t.Errorf("row (-want +got):\n%s", d)
		}
	}
}
