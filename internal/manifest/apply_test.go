package manifest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/manifest"
)

// edit replaces the first occurrence of old in the text of mapRoles.
func edit(t *testing.T, d manifest.Document, old, text string) manifest.Edit {
	t.Helper()
	v, _ := d.Value("mapRoles")
	at := strings.Index(v.Text, old)
	if at < 0 {
		t.Fatalf("%q is not in %q", old, v.Text)
	}
	return manifest.Edit{Key: "mapRoles", Start: at, End: at + len(old), New: text}
}

func TestAnEditWithinALineChangesNothingElse(t *testing.T) {
	for name, text := range samples() {
		t.Run(name, func(t *testing.T) {
			docs, _ := read(t, text)
			got, err := manifest.Apply(manifest.File{Name: "f.yaml", Data: []byte(text)}, map[int][]manifest.Edit{0: {edit(t, docs[0], "role/dev", "role/x")}})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(strings.Replace(text, "role/dev", "role/x", 1), string(got)); d != "" {
				t.Errorf("file (-want +got):\n%s", d)
			}
		})
	}
}

func TestRowsAreAddedAndRemovedInTheFilesStyle(t *testing.T) {
	const data = head + "data:\n"
	const two = "- rolearn: a\n  username: b\n# note  \n- rolearn: c\n"
	block := func(header string) string {
		return data + "  mapRoles: " + header + "\n    - rolearn: a\n      username: b\n    # note  \n    - rolearn: c\n"
	}
	end := func(text, add string) manifest.Edit {
		return manifest.Edit{Key: "mapRoles", Start: len(text), End: len(text), New: add}
	}
	for _, c := range []struct {
		name, file string
		edits      []manifest.Edit
		want       string
	}{
		{
			name: "a row at the end of a literal block", file: block("|") + "  other: x\n",
			edits: []manifest.Edit{end(two, "- rolearn: d\n  username: e\n")},
			want:  block("|") + "    - rolearn: d\n      username: e\n  other: x\n",
		},
		{
			name: "the last row of a literal block is removed", file: block("|") + "  other: x\n",
			edits: []manifest.Edit{{Key: "mapRoles", Start: strings.Index(two, "- rolearn: c"), End: len(two)}},
			want:  strings.Replace(block("|"), "    - rolearn: c\n", "", 1) + "  other: x\n",
		},
		{
			name: "the first row of a literal block is removed", file: block("|"),
			edits: []manifest.Edit{{Key: "mapRoles", Start: 0, End: strings.Index(two, "# note")}},
			want:  strings.Replace(block("|"), "    - rolearn: a\n      username: b\n", "", 1),
		},
		{
			name: "several edits in any order", file: block("|"),
			edits: []manifest.Edit{
				end(two, "- rolearn: d\n"), {Key: "mapRoles", Start: 11, End: 12, New: "A"}, {Key: "mapRoles", Start: 13, End: 27, New: "  userid: u\n"},
			},
			want: strings.NewReplacer("rolearn: a", "rolearn: A", "username: b", "userid: u").Replace(block("|")) + "    - rolearn: d\n",
		},
		{
			name: "CRLF stays", file: strings.ReplaceAll(block("|"), "\n", "\r\n"),
			edits: []manifest.Edit{end(two, "- rolearn: d\n")},
			want:  strings.ReplaceAll(block("|")+"    - rolearn: d\n", "\n", "\r\n"),
		},
		{
			name: "a stripped block gets a row and stays stripped", file: block("|-") + "  other: x\n",
			edits: []manifest.Edit{end(two[:len(two)-1], "\n- rolearn: d")},
			want:  block("|-") + "    - rolearn: d\n  other: x\n",
		},
		{
			name: "a stripped block that gets a line end is no longer stripped", file: block("|-") + "  other: x\n",
			edits: []manifest.Edit{end(two[:len(two)-1], "\n- rolearn: d\n")},
			want:  block("|") + "    - rolearn: d\n  other: x\n",
		},
		{
			name: "a file that ends without a line end", file: strings.TrimSuffix(block("|"), "\n"),
			edits: []manifest.Edit{end(two[:len(two)-1], "\n- rolearn: d\n")},
			want:  block("|") + "    - rolearn: d\n",
		},
		{
			name: "an empty block", file: data + "  mapRoles: |\n  other: x\n",
			edits: []manifest.Edit{end("", "- rolearn: d\n")},
			want:  data + "  mapRoles: |\n    - rolearn: d\n  other: x\n",
		},
		{
			name: "an empty block at the very end", file: data + "  mapRoles: |",
			edits: []manifest.Edit{end("", "- rolearn: d\n")},
			want:  data + "  mapRoles: |\n    - rolearn: d\n",
		},
		{
			name: "an empty string becomes a block", file: data + "  mapRoles: \"\"\n  other: x\n",
			edits: []manifest.Edit{end("", "- rolearn: d\n")},
			want:  data + "  mapRoles: |\n    - rolearn: d\n  other: x\n",
		},
		{
			name: "nothing becomes a block", file: data + "  mapRoles:\n  other: x\n",
			edits: []manifest.Edit{end("", "- rolearn: d\n")},
			want:  data + "  mapRoles: |\n    - rolearn: d\n  other: x\n",
		},
		{
			name: "null becomes a block", file: data + "  mapRoles: null\n  other: x\n",
			edits: []manifest.Edit{end("", "- rolearn: d\n")},
			want:  data + "  mapRoles: |\n    - rolearn: d\n  other: x\n",
		},
		{
			name: "a double-quoted value", file: data + `  mapRoles: "- rolearn: a\n"` + "\n",
			edits: []manifest.Edit{end("- rolearn: a\n", "- rolearn: \"d\"\n")},
			want:  data + `  mapRoles: "- rolearn: a\n- rolearn: \"d\"\n"` + "\n",
		},
		{
			name: "a plain value that has to be quoted", file: data + "  mapRoles: '[]'\n  other: x # y\n",
			edits: []manifest.Edit{{Key: "other", Start: 0, End: 1, New: "a: b"}},
			want:  data + "  mapRoles: '[]'\n  other: \"a: b\" # y\n",
		},
		{
			name: "a key is made after the last", file: block("|"),
			edits: []manifest.Edit{{Key: "mapUsers", New: "- userarn: u\n"}},
			want:  block("|") + "  mapUsers: |\n    - userarn: u\n",
		},
		{
			name: "a key is made where the file has no last line end", file: data + "  x: z",
			edits: []manifest.Edit{{Key: "mapRoles", New: "- rolearn: u\n"}},
			want:  data + "  x: z\n  mapRoles: |\n    - rolearn: u\n",
		},
		{
			name: "a key is made before the first where the last would change", file: strings.TrimSuffix(block("|"), "\n"),
			edits: []manifest.Edit{{Key: "mapUsers", New: "- userarn: u\n"}},
			want:  data + "  mapUsers: |\n    - userarn: u\n  " + strings.TrimSuffix(strings.TrimPrefix(block("|"), data+"  "), "\n"),
		},
		{
			name: "data is made", file: head,
			edits: []manifest.Edit{{Key: "mapRoles", New: "- rolearn: u\n"}},
			want:  "data:\n  mapRoles: |\n    - rolearn: u\n" + head,
		},
		{
			name: "data is there and empty", file: head + "data: # none\nx: y\n",
			edits: []manifest.Edit{{Key: "mapRoles", New: "- rolearn: u\n"}},
			want:  head + "data: # none\n  mapRoles: |\n    - rolearn: u\nx: y\n",
		},
		{
			name: "data is there in braces", file: head + "data: {}\n",
			edits: []manifest.Edit{{Key: "mapRoles", New: "- rolearn: u\n"}},
			want:  head + `data: {"mapRoles": "- rolearn: u\n"}` + "\n",
		},
		{
			name: "a member is made in JSON", file: "{\"kind\": \"ConfigMap\",\n \"apiVersion\": \"v1\", \"data\": {\n  \"mapRoles\": \"[]\"\n }}",
			edits: []manifest.Edit{{Key: "mapUsers", New: "- userarn: \"u\"\n"}},
			want:  "{\"kind\": \"ConfigMap\",\n \"apiVersion\": \"v1\", \"data\": {\n  \"mapUsers\": \"- userarn: \\\"u\\\"\\n\",\n  \"mapRoles\": \"[]\"\n }}",
		},
		{
			name: "UTF-16 stays", file: utf16LE(block("|")),
			edits: []manifest.Edit{end(two, "- rolearn: d\n")},
			want:  utf16LE(block("|") + "    - rolearn: d\n"),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := manifest.Apply(manifest.File{Name: "f.yaml", Data: []byte(c.file)}, map[int][]manifest.Edit{0: c.edits})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, string(got)); d != "" {
				t.Errorf("file (-want +got):\n%s", d)
			}
		})
	}
}

func utf16LE(text string) string {
	out := []byte{0xff, 0xfe}
	for _, r := range text {
		out = append(out, byte(r), byte(r>>8))
	}
	return string(out)
}

func TestWhatAStyleCannotExpressIsRefusedOrWrittenAnew(t *testing.T) {
	const data = head + "data:\n"
	for _, c := range []struct {
		name, file string
		edit       manifest.Edit
		want       string
	}{
		{
			name: "a row in a folded value", file: data + "  mapRoles: >\n    [a,\n    b]\n  other: x\n",
			edit: manifest.Edit{Key: "mapRoles", Start: 5, End: 5, New: "\n- c"},
			want: data + "  mapRoles: |\n    [a, b\n    - c]\n  other: x\n",
		},
		{
			name: "a line end in a plain value", file: data + "  mapRoles: a b\n  other: x\n",
			edit: manifest.Edit{Key: "mapRoles", Start: 1, End: 2, New: "\n"},
			want: data + "  mapRoles: |-\n    a\n    b\n  other: x\n",
		},
		{
			name: "a line end in a single-quoted value", file: data + "  mapRoles: 'it''s'\n",
			edit: manifest.Edit{Key: "mapRoles", Start: 4, End: 4, New: "\n"},
			want: data + "  mapRoles: |\n    it's\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := manifest.File{Name: "f.yaml", Data: []byte(c.file)}
			edits := map[int][]manifest.Edit{0: {c.edit}}
			if got, err := manifest.Apply(f, edits); !errors.Is(err, manifest.ErrStyle) || got != nil {
				t.Errorf("edited in place: %v\n%s", err, got)
			}
			got, err := manifest.Rewrite(f, edits)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, string(got)); d != "" {
				t.Errorf("file (-want +got):\n%s", d)
			}
		})
	}
}

func TestEditsThatMakeNoSenseAreErrors(t *testing.T) {
	f := manifest.File{Name: "f.yaml", Data: []byte(samples()["literal"])}
	for name, edits := range map[string]map[int][]manifest.Edit{
		"no such document":               {1: {{Key: "mapRoles", New: "x"}}},
		"outside":                        {0: {{Key: "mapRoles", Start: 0, End: 1000}}},
		"overlapping":                    {0: {{Key: "mapRoles", Start: 0, End: 3}, {Key: "mapRoles", Start: 2, End: 4}}},
		"backwards":                      {0: {{Key: "mapRoles", Start: 3, End: 2}}},
		"inside a key that is not there": {0: {{Key: "mapUsers", Start: 0, End: 2, New: "x"}}},
	} {
		if got, err := manifest.Apply(f, edits); err == nil || got != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestWhatIsWrittenElsewhereIsEditedThere(t *testing.T) {
	for _, c := range []struct{ name, file, text, old, new string }{
		{"a plain scalar of eksctl", "f.yaml", "kind: ClusterConfig\niamIdentityMappings:\n- arn: role/old # here\n", "role/old", "role/x"},
		{"a quoted scalar of eksctl", "f.yaml", "kind: ClusterConfig\niamIdentityMappings:\n- {arn: a, username: 'x old', groups: [b]}\n", "old", "new"},
		{"an object of Terraform", "f.tf", "x = [{ rolearn = \"role/old\", groups = [\"a\"] }]\n", "role/old", "role/x"},
		{"a heredoc of Terraform", "f.tf", "x = <<-EOT\n  - rolearn: role/old\n    username: u\nEOT\n", "role/old", "role/x"},
		{"a ConfigMap in a heredoc", "f.sh", "kubectl apply -f - <<EOT\n" + head + "data:\n  mapRoles: |\n    - rolearn: role/old\nEOT\n", "role/old", "role/x"},
		{"a value that another names", "f.yaml", "x: &a |\n  - rolearn: old\n" + head + "data:\n  mapRoles: *a\n", "old", "new"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := manifest.File{Name: c.file, Data: []byte(c.text)}
			docs, found := manifest.Read(f)
			if len(docs) != 1 {
				t.Fatalf("documents %v, findings %v", docs, found)
			}
			got, err := manifest.Apply(f, map[int][]manifest.Edit{0: {edit(t, docs[0], c.old, c.new)}})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(strings.Replace(c.text, c.old, c.new, 1), string(got)); d != "" {
				t.Errorf("file (-want +got):\n%s", d)
			}
		})
	}
}

func TestWhatHasNoPlaceInTheFileIsNotEdited(t *testing.T) {
	for name, c := range map[string]struct {
		file, text string
		edit       manifest.Edit
	}{
		"glue of eksctl's rows":         {"f.yaml", "kind: ClusterConfig\niamIdentityMappings:\n- arn: a\n", manifest.Edit{Key: "mapRoles", Start: 0, End: 9, New: "- userarn"}},
		"a new row of eksctl":           {"f.yaml", "kind: ClusterConfig\niamIdentityMappings:\n- arn: a\n", manifest.Edit{Key: "mapRoles", Start: 15, End: 15, New: "- rolearn: b\n"}},
		"a new key of eksctl":           {"f.yaml", "kind: ClusterConfig\niamIdentityMappings:\n- arn: a\n", manifest.Edit{Key: "mapUsers", New: "[]"}},
		"a quote that ends the string":  {"f.tf", "x = [{ rolearn = \"a\" }]\n", manifest.Edit{Key: "mapRoles", Start: 12, End: 13, New: "\" + x + \""}},
		"a row that only a program has": {"f.tf", "x = [{ rolearn = \"a\" }]\n", manifest.Edit{Key: "mapRoles", Start: 12, End: 13, New: "${x}"}},
		"a file that is a list of rows": {"f.yaml", "- rolearn: a\n", manifest.Edit{Key: "mapUsers", New: "[]"}},
	} {
		f := manifest.File{Name: c.file, Data: []byte(c.text)}
		if got, err := manifest.Apply(f, map[int][]manifest.Edit{0: {c.edit}}); err == nil {
			t.Errorf("%s: %s", name, got)
		}
	}
}
