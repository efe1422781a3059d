package awsauth_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
)

// unspliceable are texts that the authenticator reads and whose style cannot be edited in place.
func unspliceable() map[string]string {
	return map[string]string{
		"an anchor on the list":         "&all\n- rolearn: a # comment\n  username: u\n",
		"a tag on the list":             "!!seq\n- rolearn: a\n  username: u\n",
		"a list on the marker's line":   "--- [{rolearn: a, username: u}]\n",
		"a null beside a comment":       "null # nothing\n",
		"a name that others refer to":   "- rolearn: arn:gone\n  username: &name 'it''s'\n- rolearn: b\n  username: *name\n  Groups: [&g x, *g]\n  more: {a: [1, 1e3, true, ~], \"b c\": \"\\u2028\"}\n",
		"a merge key":                   "--- &l\n- &base {rolearn: a, groups: [x]}\n- {<<: *base, rolearn: b}\n",
		"rows that are none":            "--- [~, 12, text, [a, b], {}, {rolearn: a}]\n",
		"something after the document":  "--- [{rolearn: a}]\n---\nnot read\n",
		"a wrong type, dropped members": "&l\n- rolearn: a\n  username: y\n  groups: scalar\n  userid: 0o17\n",
	}
}

func TestATextThatCannotBeEditedInPlaceIsWrittenAnewOnlyOnRequest(t *testing.T) {
	row, gone := ours(), access.Row{RoleARN: "arn:gone", Username: "it's", Groups: []string{}}
	for name, text := range unspliceable() {
		t.Run(name, func(t *testing.T) {
			edits := []access.RowEdit{{After: &row}}
			if strings.Contains(text, "arn:gone") {
				edits = append(edits, access.RowEdit{Before: &gone})
			}
			cm := configMap(text)
			_, err := awsauth.Edit(cm, owner, edits)
			refused, ok := errors.AsType[*awsauth.RefusedError](err)
			if !ok || !refused.Style || !strings.Contains(err.Error(), "--allow-rewrite") {
				t.Fatalf("editing in place: error %v, want a refusal that names the flag", err)
			}
			got, err := awsauth.Rewrite(cm, owner, edits)
			if err != nil {
				t.Fatal(err)
			}
			var want []awsauth.Entry
			for _, e := range awsauth.Parse(cm.Data).Roles {
				if e.ARN != "arn:gone" {
					want = append(want, e)
				}
			}
			want = append(want, awsauth.Entry{Key: awsauth.KeyRoles, ARN: string(row.RoleARN), Username: row.Username, Groups: row.Groups})
			index := cmp.Transformer("row", func(e awsauth.Entry) access.Row { return e.Row() })
			if d := cmp.Diff(want, awsauth.Parse(got.Data).Roles, index); d != "" {
				t.Errorf("rows (-want +got):\n%s\n%s", d, got.Data["mapRoles"])
			}
			cm.Data["mapRoles"], got.Data["mapRoles"] = "", ""
			if d := cmp.Diff(cm.Data, got.Data); d != "" {
				t.Errorf("other keys (-want +got):\n%s", d)
			}
			if d := cmp.Diff(awsauth.Ledger{row.RoleARN: awsauth.Digest(row)}, awsauth.ReadLedger(got, owner)); d != "" {
				t.Errorf("annotation (-want +got):\n%s", d)
			}
		})
	}
}

func TestARewrittenTextIsPlain(t *testing.T) {
	row := access.Row{RoleARN: "arn:aws:iam::1:role/b", Username: "u", Groups: []string{"g"}}
	got, err := awsauth.Rewrite(access.ConfigMap{Data: map[string]string{"mapRoles": "&l\n- {rolearn: a, Username: no, x: [1, {k: 'z'}]} # lost\n"}}, owner, []access.RowEdit{{After: &row}})
	if err != nil {
		t.Fatal(err)
	}
	want := `- "Username": false
  "rolearn": "a"
  "x": [1, {"k": "z"}]
- rolearn: "arn:aws:iam::1:role/b"
  username: "u"
  groups:
    - "g"
`
	if d := cmp.Diff(want, got.Data["mapRoles"]); d != "" {
		t.Errorf("text (-want +got):\n%s", d)
	}
}

func TestATextThatNobodyReadsIsNotWrittenAnew(t *testing.T) {
	row := ours()
	for _, text := range []string{"- rolearn: a\n\tusername: b\n", "rolearn: a\n", "- rolearn: a\n  x: .inf\n"} {
		_, err := awsauth.Rewrite(configMap(text), owner, []access.RowEdit{{After: &row}})
		if refused, ok := errors.AsType[*awsauth.RefusedError](err); !ok || refused.Style {
			t.Errorf("%q: error %v, want a refusal that no flag passes", text, err)
		}
	}
}

// TestWhatCanBeEditedInPlaceIsNeverWrittenAnew keeps the flag harmless.
func TestWhatCanBeEditedInPlaceIsNeverWrittenAnew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cm, row := access.ConfigMap{Data: map[string]string{"mapRoles": foreignText(t)}}, ours()
		edits := []access.RowEdit{{After: &row}}
		want, err := awsauth.Edit(cm, owner, edits)
		if err != nil {
			t.Fatal(err)
		}
		got, err := awsauth.Rewrite(cm, owner, edits)
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("%v (-edited +rewritten):\n%s", err, d)
		}
	})
}

// FuzzRewrite checks, for any text, that writing it anew is refused or keeps the rows of others.
func FuzzRewrite(f *testing.F) {
	for _, text := range unspliceable() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cm, row := access.ConfigMap{Data: map[string]string{"mapRoles": text}}, ours()
		d := awsauth.Parse(cm.Data)
		got, err := awsauth.Rewrite(cm, owner, []access.RowEdit{{After: &row}})
		if err != nil {
			return
		}
		roles := awsauth.Parse(got.Data).Roles
		index := cmp.Transformer("row", func(e awsauth.Entry) access.Row { return e.Row() })
		if diff := cmp.Diff(d.Roles, roles[:len(roles)-1], index); diff != "" && len(d.Roles) > 0 {
			t.Fatalf("rows of others (-want +got):\n%s\n%s", diff, got.Data["mapRoles"])
		}
	})
}
