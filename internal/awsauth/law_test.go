package awsauth_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
)

// FuzzEdit checks, for any text: reading never panics; an edit is refused or leaves the rows of
// others as they are; and taking our row out again brings back every byte.
func FuzzEdit(f *testing.F) {
	for _, text := range editable() {
		f.Add(text)
	}
	for _, text := range []string{"null", "``", "- rolearn: a\n\tx: y", "--- [a]", "- |+\n x\n\n\n", "# x\r", "[a,,b]", "[\n#,\n]", "[a, # x\n b # ,\n ,]", "- ? [a]\n  : b\n", "\ufeff- a\n", "- a\r- b\r"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		before := access.ConfigMap{Data: map[string]string{"mapRoles": text, "mapUsers": text, "mapAccounts": text}}
		d := awsauth.Parse(before.Data)
		row := ours()
		added, err := awsauth.Edit(before, owner, []access.RowEdit{{After: &row}})
		var refused *awsauth.RefusedError
		if errors.As(err, &refused) || errors.Is(err, access.ErrConflict) {
			return
		}
		if err != nil {
			t.Fatalf("adding: %v", err)
		}
		if diff := cmp.Diff(append(slices.Clone(d.Roles), awsauth.Entry{
			Key: awsauth.KeyRoles, ARN: string(row.RoleARN), Username: row.Username, Groups: row.Groups, Index: rowCount(added) - 1,
		}), awsauth.Parse(added.Data).Roles); diff != "" {
			t.Fatalf("rows (-want +got):\n%s", diff)
		}
		removed, err := awsauth.Edit(added, owner, []access.RowEdit{{Before: &row}})
		if err != nil {
			t.Fatalf("removing: %v\n%s", err, added.Data["mapRoles"])
		}
		want := text
		if placeholder(text) {
			want = ""
		}
		if diff := cmp.Diff(want, removed.Data["mapRoles"]); diff != "" {
			t.Errorf("after adding and removing (-want +got):\n%s\nin between:\n%s", diff, added.Data["mapRoles"])
		}
	})
}

// placeholder tells the values that stand for "no rows" and give way to a list.
func placeholder(text string) bool {
	return slices.Contains([]string{"``", `""`, "''", "~", "null", "Null", "NULL"}, strings.TrimSpace(text))
}

// rowCount counts the rows up to ours, which is the last.
func rowCount(cm access.ConfigMap) int {
	d := awsauth.Parse(cm.Data)
	return d.Roles[len(d.Roles)-1].Index + 1
}

// foreignItem writes somebody else's row in one of many styles.
func foreignItem(t *rapid.T, i int) string {
	arn := fmt.Sprintf("arn:aws:iam::111122223333:role/foreign-%d", i)
	return fmt.Sprintf(rapid.SampledFrom([]string{
		"- rolearn: %s\n  username: u # note\n  groups:\n  - a\n  - b\n",
		"-   rolearn: \"%s\"\n    username: 'it''s'\n\n",
		"- {rolearn: '%s', username: \"- x\", groups: [a, \"]\"]}\n",
		"- username: |\n    - rolearn: no\n  # inner\n  rolearn: %s\n",
		"# before\n- rolearn: %s\n  groups: system:masters\n# after\n",
		"-\n  note: one\n    - two\n    'three\n  rolearn: %s\n",
		"- {\"rolearn\": \"%s\",\n  # ]}\n  \"username\": \"x\n  - y\"}\n",
	}).Draw(t, "style"), arn)
}

func foreignText(t *rapid.T) string {
	n := rapid.IntRange(0, 4).Draw(t, "foreign rows")
	if n > 0 && rapid.Bool().Draw(t, "json") {
		var items []string
		for i := range n {
			items = append(items, fmt.Sprintf(`{"rolearn": "arn:foreign-%d", "username": "]"}`, i))
		}
		sep := rapid.SampledFrom([]string{",", ", ", ",\n  ", " ,\r\n\t"}).Draw(t, "separator")
		return rapid.SampledFrom([]string{"[", "[ ", "# x\n[\n  "}).Draw(t, "head") + strings.Join(items, sep) +
			rapid.SampledFrom([]string{"]", "\n]\n", ",]"}).Draw(t, "tail")
	}
	text := rapid.SampledFrom([]string{"", "# head\n", "---\n", "\n\n"}).Draw(t, "head")
	for i := range n {
		text += foreignItem(t, i)
	}
	text += rapid.SampledFrom([]string{"", "\n\n", "# tail", "  \n"}).Draw(t, "tail")
	if rapid.Bool().Draw(t, "cut") {
		text = strings.TrimSuffix(text, "\n")
	}
	if !strings.HasPrefix(text, "---") && rapid.Bool().Draw(t, "indent") {
		text = "  " + strings.TrimSuffix(strings.ReplaceAll(text, "\n", "\n  "), "  ")
	}
	if rapid.Bool().Draw(t, "windows") {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	return text
}

// TestAnySequenceOfEditsTouchesOnlyOurRows adds, replaces and removes rows at random and compares
// with a plain map; at the end all are removed and every byte is as it was.
func TestAnySequenceOfEditsTouchesOnlyOurRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := access.ConfigMap{Data: map[string]string{"mapRoles": foreignText(t), "x": "y"}}
		foreign := awsauth.Parse(start.Data).Roles
		cm, model := start, map[access.ARN]access.Row{}
		newRow := func(arn access.ARN) *access.Row {
			return &access.Row{
				RoleARN: arn, Username: rapid.SampledFrom([]string{"sso:A:{{SessionNameRaw}}", "yes", "x: 'y' # \"z\""}).Draw(t, "username"),
				Groups: rapid.SliceOfN(rapid.SampledFrom([]string{"rolecall:platform:a:b", "- c", "]"}), 0, 3).Draw(t, "groups"),
			}
		}
		apply := func(edits ...access.RowEdit) {
			next, err := awsauth.Edit(cm, owner, edits)
			if err != nil {
				t.Fatalf("editing: %v\n%s", err, cm.Data["mapRoles"])
			}
			cm = next
		}
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			var edits []access.RowEdit
			for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(0, 4), 1, 3, rapid.ID).Draw(t, "rows") {
				arn := access.ARN(fmt.Sprintf("arn:aws:iam::111122223333:role/ours-%d", n))
				old, exists := model[arn]
				switch {
				case !exists:
					edits = append(edits, access.RowEdit{After: newRow(arn)})
				case rapid.Bool().Draw(t, "remove"):
					edits = append(edits, access.RowEdit{Before: &old})
				default:
					edits = append(edits, access.RowEdit{Before: &old, After: newRow(arn)})
				}
				if after := edits[len(edits)-1].After; after != nil {
					model[arn] = *after
				} else {
					delete(model, arn)
				}
			}
			apply(edits...)
			compare(t, cm, foreign, model)
		}
		for _, arn := range slices.Sorted(maps.Keys(model)) {
			row := model[arn]
			apply(access.RowEdit{Before: &row})
		}
		if d := cmp.Diff(start, cm); d != "" {
			t.Errorf("after removing all (-want +got):\n%s", d)
		}
	})
}

// compare checks that the text has the rows of others and those of the model, and the annotation the latter.
func compare(t *rapid.T, cm access.ConfigMap, foreign []awsauth.Entry, model map[access.ARN]access.Row) {
	t.Helper()
	roles := awsauth.Parse(cm.Data).Roles
	if len(roles) < len(foreign) {
		t.Fatalf("rows of others are lost:\n%s", cm.Data["mapRoles"])
	}
	if d := cmp.Diff(foreign, roles[:len(foreign)]); d != "" && len(foreign) > 0 {
		t.Fatalf("rows of others (-want +got):\n%s", d)
	}
	got := map[access.ARN]access.Row{}
	for _, e := range roles[len(foreign):] {
		got[access.ARN(e.ARN)] = e.Row()
	}
	if d := cmp.Diff(model, got, cmp.Transformer("groups", func(in []string) string { return strings.Join(in, "|") })); d != "" {
		t.Fatalf("our rows (-want +got):\n%s", d)
	}
	ledger := awsauth.Ledger{}
	for arn, r := range model {
		ledger[arn] = awsauth.Digest(r)
	}
	if d := cmp.Diff(ledger, awsauth.ReadLedger(cm, owner)); d != "" {
		t.Fatalf("annotation (-want +got):\n%s", d)
	}
}
