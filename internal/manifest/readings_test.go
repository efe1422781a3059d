package manifest_test

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rolecall-dev/rolecall/internal/manifest"
)

// digest says what a file holds: a line per document, per value and per finding, the last with its line and caret.
func digest(name, text string) string {
	docs, found := manifest.Read(manifest.File{Name: name, Data: []byte(text)})
	var b strings.Builder
	for _, d := range docs {
		fmt.Fprintf(&b, "%s %s", d.Pos.String(), d.Form)
		if d.Partial {
			b.WriteString(" partial")
		}
		b.WriteString("\n")
		for _, v := range d.Values {
			fmt.Fprintf(&b, "  %s %s %q\n", v.KeyPos, v.Key, v.Text)
		}
	}
	for _, d := range found {
		fmt.Fprintf(&b, "%s\n    | %q\n    |  %s%s\n", d.String(), d.Pos.Source, strings.Repeat(" ", max(d.Pos.Column-1, 0)), strings.Repeat("^", max(d.Pos.Width, 1)))
	}
	return b.String()
}

// TestFilesAreReadAsTheReadingsSay reads testdata/readings: pairs of a file, whose folder is the name of the case, and its digest.
func TestFilesAreReadAsTheReadingsSay(t *testing.T) {
	archives, err := filepath.Glob("testdata/readings/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no readings: %v", err)
	}
	for _, archive := range archives {
		a, err := txtar.ParseFile(archive)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(a.Files); i += 2 {
			file, want := a.Files[i], a.Files[i+1]
			t.Run(strings.TrimSuffix(filepath.Base(archive), ".txtar")+"/"+path.Dir(file.Name), func(t *testing.T) {
				if want.Name != path.Dir(file.Name)+"/want" {
					t.Fatalf("%q is followed by %q", file.Name, want.Name)
				}
				if d := cmp.Diff(string(want.Data), digest(path.Base(file.Name), string(file.Data))); d != "" {
					t.Errorf("what is found (-want +got):\n%s", d)
				}
			})
		}
	}
}

// TestBytesThatAreNoTextAreShownWhereTheyAre has what would not survive in an archive.
func TestBytesThatAreNoTextAreShownWhereTheyAre(t *testing.T) {
	for text, want := range map[string]string{
		" \n": `
f:1:1: error RC2028: the file is empty
    | " "
    |  ^
`,
		"ELF\x00": `
f:1:1: error RC2028: this is a binary file, not an aws-auth document
    | "ELF\x00"
    |  ^
`,
		head + "data: {mapRoles: é\x01}\n": `
f:6:19: error RC2001: the file cannot be read: the control character U+0001
    | "data: {mapRoles: é\x01}"
    |                    ^
`,
	} {
		if d := cmp.Diff(strings.TrimPrefix(want, "\n"), digest("f", text)); d != "" {
			t.Errorf("%q (-want +got):\n%s", text, d)
		}
	}
}
