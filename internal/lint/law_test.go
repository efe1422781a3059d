package lint_test

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/lint"
	"github.com/rolecall-dev/rolecall/internal/manifest"
)

// document is a document with these values, in the order of their keys.
func document(data map[string]string) manifest.Document {
	d := manifest.Document{File: "aws-auth.yaml", Form: manifest.FormConfigMap}
	for _, k := range slices.Sorted(maps.Keys(data)) {
		d.Values = append(d.Values, manifest.Value{Key: k, KeyPos: diag.Pos{File: "key " + k}, Text: data[k]})
	}
	return d
}

// mended is the data with the document's fixable findings mended.
func mended(t interface{ Fatalf(string, ...any) }, data map[string]string) map[string]string {
	out := maps.Clone(data)
	byKey := map[string][]manifest.Edit{}
	for _, e := range lint.Fix(document(data), lint.Options{}) {
		byKey[e.Key] = append(byKey[e.Key], e)
	}
	for k, edits := range byKey {
		text, last := "", 0
		for _, e := range edits {
			if e.Start < last || e.End < e.Start || e.End > len(data[k]) {
				t.Fatalf("edit %+v of %d bytes, after %d", e, len(data[k]), last)
			}
			text += data[k][last:e.Start] + e.New
			last = e.End
		}
		out[k] = text + data[k][last:]
	}
	return out
}

func fixable(l diag.List) []string {
	var out []string
	for _, d := range l {
		if d.Fixable {
			out = append(out, d.String())
		}
	}
	return out
}

// identities are what the authenticator makes of every ARN that it knows and that a caller can have.
func identities(data map[string]string) map[string]string {
	read := awsauth.Parse(data)
	out := map[string]string{}
	for _, e := range slices.Concat(read.Roles, read.Users) {
		arn := access.ARN(strings.ToLower(e.ARN))
		// Of rows of mapUsers that differ only in case a random one counts: nothing can be said of them.
		if e.ARN == "" || strings.Contains(string(arn), ":assumed-role/") || arn.WithoutPath() != arn || slices.ContainsFunc(read.Users, func(u awsauth.Entry) bool { return u.ARN != e.ARN && strings.EqualFold(u.ARN, e.ARN) }) {
			continue
		}
		if found, ok := read.Lookup(access.ARN(e.ARN)); ok {
			out[string(arn)] = fmt.Sprintf("%s %q", found.Username, found.Groups)
		}
	}
	return out
}

// holds checks what is true of every document.
func holds(t interface{ Fatalf(string, ...any) }, data map[string]string) {
	found := lint.Document(document(data), lint.Options{})
	for _, d := range found {
		if len(d.Pos.File) > 0 {
			continue // at a key
		}
		if d.Pos.Line > 0 && (d.Pos.Column < 1 || d.Pos.Column > len([]rune(d.Pos.Source))+1) {
			t.Fatalf("%s is outside of its line %q", d, d.Pos.Source)
		}
		if d.Summary == "" || d.Detail == "" || d.Hint == "" {
			t.Fatalf("%s says too little: %q, %q", d, d.Detail, d.Hint)
		}
	}
	after := mended(t, data)
	if changed := !maps.Equal(data, after); changed != (len(fixable(found)) > 0) {
		t.Fatalf("fixable: %v, changed: %v", fixable(found), changed)
	}
	before := identities(data)
	for arn, id := range identities(after) {
		if was, known := before[arn]; known && was != id {
			t.Fatalf("%s was %s and is %s", arn, was, id)
		}
		delete(before, arn)
	}
	for arn, was := range before {
		t.Fatalf("%s was %s and is nobody", arn, was)
	}
	if left := fixable(lint.Document(document(after), lint.Options{})); len(left) > 0 {
		t.Fatalf("still to be fixed: %v\nin %q", left, after)
	}
	if again := mended(t, after); !maps.Equal(after, again) {
		t.Fatalf("fixing again changes (-once +twice):\n%s", gocmp.Diff(after, again))
	}
}

func arnOf(t *rapid.T) string {
	name := rapid.SampledFrom([]string{"a", "A", "b", "deploy", "AWSReservedSSO_Dev_0123456789abcdef", "AWSReservedSSO_Dev"}).Draw(t, "name")
	return fmt.Sprintf(rapid.SampledFrom([]string{
		"arn:aws:iam::111122223333:role/%s",
		"arn:aws:iam::111122223333:role/team/%s",
		"arn:aws:sts::111122223333:assumed-role/%s/session",
		"arn:aws:iam::111122223333:user/%s",
		"arn:aws:iam::111122223333:user/team/%s",
		"arn:aws:iam:111122223333:role/%s",
		"arn:aws-cn:iam::111122223333:role/%s",
	}).Draw(t, "form"), name)
}

// item writes a row in one of many styles; %[1]s is the name of its ARN and %[2]s the ARN.
func item(t *rapid.T, name string) string {
	style := rapid.SampledFrom([]string{
		"- %[1]s: %[2]s # note\n  username: u\n  groups:\n  - a\n  - b\n",
		"-   username: 'it''s'\n    \"%[1]s\": \"%[2]s\"\n\n",
		"- {%[1]s: '%[2]s', username: \"- x\", groups: [a, \"]\"]}\n",
		"- username: |\n    - rolearn: no\n  # inner\n  %[1]s: %[2]s\n",
		"# before\n- %[1]s:\n    %[2]s\n  groups: system:masters\n# after\n",
		"-\n  note: one\n    - two\n    'three\n  %[1]s: >-\n    %[2]s\n",
		"- {\"%[1]s\": \"%[2]s\",\n  # ]}\n  \"username\": \"x\n  - y\"}\n",
		"- &anchor\n  %[1]s: %[2]s\n- <<: *anchor\n  username: other\n",
		"- %[1]s: %[2]s\n  username: y\n  userid: ü\n  groups: &g [x, 1]\n- rolearn: z\n  groups: *g\n",
	}).Draw(t, "style")
	return fmt.Sprintf(style, name, arnOf(t))
}

func text(t *rapid.T) string {
	names := func() string { return rapid.SampledFrom([]string{"rolearn", "userarn", "RoleArn"}).Draw(t, "name") }
	n := rapid.IntRange(0, 4).Draw(t, "rows")
	if rapid.IntRange(0, 3).Draw(t, "json") == 0 {
		var items []string
		for range n {
			items = append(items, fmt.Sprintf(`{%q: %q, "username": "]", "groups": ["g"]}`, names(), arnOf(t)))
		}
		sep := rapid.SampledFrom([]string{",", ", ", ",\n  ", " ,\r\n\t", ", # x\n "}).Draw(t, "separator")
		return rapid.SampledFrom([]string{"[", "[ ", "# x\n[\n  "}).Draw(t, "head") + strings.Join(items, sep) +
			rapid.SampledFrom([]string{"]", "\n]\n", ",]", "] trailing"}).Draw(t, "tail")
	}
	out := rapid.SampledFrom([]string{"", "# head\n", "---\n", "\n\n"}).Draw(t, "head")
	for range n {
		out += item(t, names())
	}
	out += rapid.SampledFrom([]string{"", "\n\n", "# tail", "---\n- x\n"}).Draw(t, "tail")
	if rapid.Bool().Draw(t, "cut") {
		out = strings.TrimSuffix(out, "\n")
	}
	if !strings.HasPrefix(out, "---") && rapid.Bool().Draw(t, "indent") {
		out = "  " + strings.TrimSuffix(strings.ReplaceAll(out, "\n", "\n  "), "  ")
	}
	if rapid.Bool().Draw(t, "windows") {
		out = strings.ReplaceAll(strings.ReplaceAll(out, "\r\n", "\n"), "\n", "\r\n")
	}
	return out
}

func TestFixMendsWhatItPromisesAndNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := map[string]string{"mapRoles": text(t)}
		if rapid.Bool().Draw(t, "with users") {
			data["mapUsers"] = text(t)
		}
		holds(t, data)
	})
}

func FuzzDocument(f *testing.F) {
	for _, text := range []string{
		"", "null", "- rolearn: a\n\tx: y", "--- [a]", "- |+\n x\n\n\n", "[a,,b]", "[\n#,\n]", "- ? [a]\n  : b\n", "\ufeff- a\n", "- &a [*a]\n", "- a\r- b\r",
		"- rolearn: arn:aws:iam::111122223333:role/x/a\n  username: {{SessionName}}\n", "- <<: [{a: b}, {a: c}]\n  rolearn: !!str arn:aws:iam::1:user/a\n",
		"- rolearn: arn:aws:iam::111122223333:role/x/a\n  groups: [a b, '']\n", "- userarn: arn:aws:iam::111122223333:user/a # x\n", "%YAML 1.2\n--- []\n", "- .inf\n",
	} {
		f.Add(text, cmp.Or(text, "[]"))
	}
	paths, err := filepath.Glob("testdata/corpus/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		docs, _ := manifest.Read(readSpecimen(f, path).input)
		for _, d := range docs {
			roles, _ := d.Value("mapRoles")
			users, _ := d.Value("mapUsers")
			if len(roles.Text) < 10_000 { // the fuzzer is slow with large seeds
				f.Add(roles.Text, users.Text)
			}
		}
	}
	f.Fuzz(func(t *testing.T, roles, users string) {
		holds(t, map[string]string{"mapRoles": roles, "mapUsers": users, "mapAccounts": users})
	})
}
