package awsauth_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
)

const rollbackAccount = access.AccountID("111122223333")

func described(rows []awsauth.RowFate) []string {
	out := []string{}
	for _, f := range rows {
		whose := "theirs"
		if f.Ours {
			whose = "ours"
		}
		out = append(out, strings.Join([]string{string(f.Fate), whose, f.ARN[strings.LastIndexByte(f.ARN, '/')+1:]}, " "))
	}
	return out
}

// withRow adds a row of ours.
func withRow(t rapidT, cm access.ConfigMap, name string, groups ...string) access.ConfigMap {
	row := access.Row{RoleARN: access.ARN("arn:aws:iam::111122223333:role/" + name), Username: "u", Groups: append([]string{}, groups...)}
	out, err := awsauth.Edit(cm, owner, []access.RowEdit{{After: &row}})
	if err != nil {
		t.Fatalf("adding: %v", err)
	}
	return out
}

// rapidT is what tests and properties have in common.
type rapidT interface {
	Fatalf(format string, args ...any)
}

const (
	foreignA = "- {rolearn: 'arn:aws:iam::111122223333:role/a', username: a}\n"
	foreignB = "- {rolearn: 'arn:aws:iam::111122223333:role/b', username: b}\n"
)

func text(mapRoles string) access.ConfigMap {
	return access.ConfigMap{Data: map[string]string{"mapRoles": mapRoles, "other": "x"}, Annotations: map[string]string{"note": "theirs"}}
}

func TestARollbackTakesNothingFromOthers(t *testing.T) {
	then := withRow(t, text(foreignA), "ours")
	tests := []struct {
		name     string
		now      *access.ConfigMap
		rows     []string
		refusals []string
		only     []string
		left     []string
	}{
		{name: "nothing changed", now: &then, rows: []string{}, only: []string{}, left: []string{}},
		{
			name: "one of ours came", now: new(withRow(t, then, "late")),
			rows: []string{"gone ours late"}, only: []string{"gone ours late"}, left: []string{},
		},
		{
			name: "one of theirs came", now: new(withRow(t, text(foreignA+foreignB), "ours")),
			rows: []string{"gone theirs b"}, refusals: []string{"arn:aws:iam::111122223333:role/b"}, only: []string{}, left: []string{"gone theirs b"},
		},
		{
			name: "one of theirs changed", now: new(withRow(t, text(strings.Replace(foreignA, "username: a", "username: z", 1)), "ours")),
			rows: []string{"changed theirs a"}, refusals: []string{"arn:aws:iam::111122223333:role/a"}, only: []string{}, left: []string{"changed theirs a"},
		},
		{
			name: "one of theirs is gone", now: new(withRow(t, text(""), "ours")),
			rows: []string{"back theirs a"}, only: []string{}, left: []string{"back theirs a"},
		},
		{
			name: "ours is gone", now: new(text(foreignA)),
			rows: []string{"back ours ours"}, only: []string{"back ours ours"}, left: []string{},
		},
		{
			name: "ours changed", now: new(withRow(t, text(foreignA), "ours", "more")),
			rows: []string{"changed ours ours"}, only: []string{"changed ours ours"}, left: []string{},
		},
		{name: "nobody reads it any more", now: new(text("- rolearn: a\n\tb: c\n")), rows: []string{"back theirs a", "back ours ours"}},
		{name: "all is gone", now: nil, rows: []string{"back theirs a", "back ours ours"}, only: []string{"back ours ours"}, left: []string{"back theirs a"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			all := awsauth.PutBack(tt.now, &then, owner, rollbackAccount)
			if d := cmp.Diff(tt.rows, described(all.Rows)); d != "" {
				t.Errorf("rows (-want +got):\n%s", d)
			}
			var refused []string
			for _, d := range all.Refusals {
				refused = append(refused, d.Object)
			}
			if d := cmp.Diff(tt.refusals, refused); d != "" {
				t.Errorf("refused for (-want +got):\n%s", d)
			}
			if d := cmp.Diff(then.Data["mapRoles"], all.After.Data["mapRoles"]); d != "" {
				t.Errorf("text (-want +got):\n%s", d)
			}
			only, err := awsauth.PutOursBack(tt.now, &then, owner, rollbackAccount)
			if tt.only == nil {
				if err == nil {
					t.Error("rows were put into a text that nobody reads")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff([][]string{tt.only, tt.left}, [][]string{described(only.Rows), described(only.Left)}); d != "" {
				t.Errorf("only ours: rows and left (-want +got):\n%s", d)
			}
		})
	}
}

func TestARollbackLeavesWhatTheAuthenticatorDoesNotReadAlone(t *testing.T) {
	then := access.ConfigMap{Data: map[string]string{"mapRoles": foreignA, "mapAccounts": "- '222233334444'\n", "note": "old"}}
	now := access.ConfigMap{
		Data:        map[string]string{"mapRoles": foreignA, "mapUsers": "[]", "note": "new", "maproles": "x"},
		Annotations: map[string]string{"note": "theirs", "rolecall.dev/rows.else": "{}", "rolecall.dev/rows." + owner: "{}"},
	}
	r := awsauth.PutBack(&now, &then, owner, rollbackAccount)
	want := access.ConfigMap{
		Data:        map[string]string{"mapRoles": foreignA, "mapAccounts": "- '222233334444'\n", "note": "new", "maproles": "x"},
		Annotations: map[string]string{"note": "theirs", "rolecall.dev/rows.else": "{}"},
	}
	if d := cmp.Diff(want, r.After); d != "" {
		t.Errorf("aws-auth (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"maproles", "note"}, r.Keys); d != "" {
		t.Errorf("keys that have changed (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"back theirs 222233334444"}, described(r.Rows)); d != "" {
		t.Errorf("rows (-want +got):\n%s", d)
	}
}

// TestPuttingBackWhatRunsDidUndoesIt edits our rows at random and puts the first text back, whole and in our part.
func TestPuttingBackWhatRunsDidUndoesIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := access.ConfigMap{Data: map[string]string{"mapRoles": foreignText(t)}}
		if rapid.Bool().Draw(t, "a row from before") {
			start = withRow(t, start, "first")
		}
		now := start
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"x", "y", "z"}), 0, 3, rapid.ID).Draw(t, "rows") {
			now = withRow(t, now, name)
		}
		all := awsauth.PutBack(&now, &start, owner, rollbackAccount)
		if d := cmp.Diff(start.Data, all.After.Data); d != "" || len(all.Refusals) > 0 {
			t.Fatalf("refusals %v, put back whole (-want +got):\n%s", all.Refusals, d)
		}
		only, err := awsauth.PutOursBack(&now, &start, owner, rollbackAccount)
		if d := cmp.Diff(start.Data, only.After.Data); err != nil || d != "" {
			t.Fatalf("%v, put back in our part (-want +got):\n%s", err, d)
		}
		if !maps.Equal(start.Annotations, only.After.Annotations) || len(only.Left) > 0 {
			t.Fatalf("annotations %v, left %v", only.After.Annotations, only.Left)
		}
	})
}

func TestABackupFileHoldsWhateverAwsAuthCanHold(t *testing.T) {
	check := func(t rapidT, cm *access.ConfigMap) {
		want := awsauth.BackupFile{Cluster: "arn:aws:eks:eu-central-1:111122223333:cluster/c", Backup: access.Backup{
			Number: 12, Owner: owner, Taken: time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC), Run: "r", Command: "apply", Caller: "arn:x", ConfigMap: cm,
		}}
		file, err := want.Encode()
		if err != nil {
			t.Fatalf("encoding: %v", err)
		}
		got, err := awsauth.DecodeBackupFile(file)
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Fatalf("%v (-want +got):\n%s\n%s", err, d, file)
		}
	}
	check(t, nil)
	printable := rapid.StringOf(rapid.OneOf(rapid.Rune(), rapid.SampledFrom([]rune("\n\r\t :#-|>'\"\\\u2028\x00\x7f"))))
	rapid.Check(t, func(t *rapid.T) {
		cm := &access.ConfigMap{
			Data:            rapid.MapOfN(rapid.StringMatching(`[-._a-zA-Z0-9]{1,12}`), printable, 1, 3).Draw(t, "data"),
			ResourceVersion: "7",
		}
		if rapid.Bool().Draw(t, "annotated") {
			cm.Annotations = map[string]string{"note": printable.Draw(t, "note")}
		}
		check(t, cm)
	})
}

func TestAFileThatIsNoAwsAuthIsNoBackup(t *testing.T) {
	for _, file := range []string{"", "x: y", "kind: ConfigMap\nmetadata: {name: other, namespace: kube-system}\n", "\t", "# rolecall.dev/backup: {\n"} {
		if got, err := awsauth.DecodeBackupFile([]byte(file)); err == nil {
			t.Errorf("%q was read as %+v", file, got)
		}
	}
	got, err := awsauth.DecodeBackupFile([]byte("kind: ConfigMap\nmetadata: {name: aws-auth, namespace: kube-system}\ndata: {mapRoles: '[]'}\n"))
	if err != nil || got.Backup.ConfigMap == nil || got.Backup.ConfigMap.Data["mapRoles"] != "[]" {
		t.Errorf("a manifest of somebody else: %+v, %v", got, err)
	}
}
