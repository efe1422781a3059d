package manifest_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/manifest"
)

const head = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: aws-auth\n  namespace: kube-system\n"

// arn is what the rows of the samples hold; where it stands in a file is easily found.
const arn = "arn:aws:iam::111122223333:role/dev"

// rows is the text that the samples hold in every style.
const rows = "- rolearn: " + arn + "\n  username: dev\n"

func read(t *testing.T, text string) ([]manifest.Document, diag.List) {
	t.Helper()
	return manifest.Read(manifest.File{Name: "f.yaml", Data: []byte(text)})
}

// samples hold rows as mapRoles, each in another style.
func samples() map[string]string {
	return map[string]string{
		"literal":                  head + "data:\n  mapRoles: |\n    - rolearn: " + arn + "\n      username: dev\n",
		"literal with CRLF":        strings.ReplaceAll(head+"data:\n  mapRoles: |\n    - rolearn: "+arn+"\n      username: dev\n", "\n", "\r\n"),
		"literal with indentation": head + "data:\n  mapRoles: |2 # here\n    - rolearn: " + arn + "\n      username: dev\n\n  mapUsers: |\n    []\n",
		"literal, kept":            head + "data:\n  mapRoles: |+\n    - rolearn: " + arn + "\n      username: dev\n",
		"literal, anchored":        "x: &a !!str |\n  - rolearn: " + arn + "\n    username: dev\n" + head + "data:\n  mapRoles: *a\n",
		"folded":                   head + "data:\n  mapRoles: >\n    - rolearn: " + arn + "\n      username: dev\n",
		"double":                   head + "data:\n  mapRoles: \"- rolearn: " + arn + "\\n  username: dev\\n\"\n",
		"double, folded":           head + "data:\n  mapRoles: \"\\x2d rolearn:\n      " + arn + "\\n\\\n      \\u0020 \\\n      username: dev\\n\"\n",
		"single":                   head + "data:\n  'mapRoles': '- rolearn: " + arn + "\n\n    username: dev\n\n    '\n",
		"JSON":                     `{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"aws-auth"},"data":{"mapRoles":"- rolearn: ` + arn + `\n  username: \u0064ev\n"}}`,
		"flow":                     `{kind: ConfigMap, apiVersion: v1, metadata: {name: aws-auth}, data: {mapRoles: "- rolearn: ` + arn + `\n  username: dev\n"}}`,
		"list":                     "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: aws-auth}\n  data:\n    mapRoles: |\n      - rolearn: " + arn + "\n        username: dev\n",
		"second document":          "# é\n---\nkind: Namespace\n--- # next\n" + head + "data:\n  mapRoles: |\n    - rolearn: " + arn + "\n      username: dev\n---\n",
		"rows":                     rows,
		"bare":                     "mapRoles: |\n  - rolearn: " + arn + "\n    username: dev\n",
		"UTF-8 with a mark":        "\ufeff" + head + "data:\n  mapRoles: |\n    - rolearn: " + arn + "\n      username: dev\n",
	}
}

// place is the line and column, from 1, of the first occurrence of a text.
func place(text, part string) string {
	text = strings.TrimPrefix(text, "\ufeff")
	before := text[:strings.Index(text, part)]
	return fmt.Sprint("f.yaml:", strings.Count(before, "\n")+1, ":", utf8.RuneCountInString(before[strings.LastIndex(before, "\n")+1:])+1)
}

func TestEveryStyleIsReadAndKnowsItsPlaces(t *testing.T) {
	for name, text := range samples() {
		t.Run(name, func(t *testing.T) {
			docs, found := read(t, text)
			if len(docs) != 1 || len(docs[0].Values) == 0 || len(found) > 0 {
				t.Fatalf("documents %v, findings %v", docs, found)
			}
			v := docs[0].Values[0]
			want := rows
			if name == "single" {
				want = "- rolearn: " + arn + "\nusername: dev\n"
			}
			if name == "literal with indentation" {
				want = strings.ReplaceAll(rows, "  username", "  username")
			}
			if d := cmp.Diff(want, v.Text); d != "" {
				t.Errorf("text (-want +got):\n%s", d)
			}
			at := strings.Index(v.Text, arn)
			pos := v.Pos(at, at+len(arn))
			if got, want := pos.String(), place(text, arn); got != want || pos.Width != len(arn) {
				t.Errorf("the ARN is at %s, width %d, want %s", got, pos.Width, want)
			}
			if !strings.Contains(pos.Source, arn) || strings.ContainsAny(pos.Source, "\r\n") {
				t.Errorf("source line %q", pos.Source)
			}
		})
	}
}

func TestLiveValuesAreTheirOwnFile(t *testing.T) {
	cm := access.ConfigMap{Data: map[string]string{"mapRoles": rows, "mapAccounts": ""}}
	d := manifest.Live("a/r/c", cm)
	v, _ := d.Value("mapRoles")
	got := v.Pos(strings.Index(rows, "dev\n"), strings.Index(rows, "dev\n")+3)
	want := diag.Pos{File: "a/r/c aws-auth mapRoles", Line: 1, Column: 43, Width: 3, Source: "- rolearn: " + arn}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("place (-want +got):\n%s", d)
	}
	if d := cmp.Diff(diag.Pos{Line: 2, Column: 3, Source: "  username: dev", Width: 8}, manifest.Value{Text: rows}.Pos(len("- rolearn: "+arn+"\n  "), len("- rolearn: "+arn+"\n  username"))); d != "" {
		t.Errorf("place in a value without a file (-want +got):\n%s", d)
	}
	if v, _ := d.Value("mapAccounts"); v.Pos(0, 0).Line != 1 {
		t.Errorf("an empty value is at %v", v.Pos(0, 0))
	}
	if v, _ := manifest.Live("", cm).Value("mapRoles"); v.Pos(0, 1).File != "" {
		t.Errorf("without a cluster the file is %q", v.Pos(0, 1).File)
	}
}
