package manifest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rolecall-dev/rolecall/internal/manifest"
)

// nest writes n objects, each of which refers to the one before it many times.
func nest(first, format string, times int) string {
	text := "x0: &a0 " + first + "\n"
	for i := 1; i < 30; i++ {
		text += fmt.Sprintf("x%d: &a%d "+format+"\n", i, i, strings.Repeat(fmt.Sprintf("*a%d,", i-1), times))
	}
	return text
}

// TestHostileFilesAreReadToTheEnd would not come to its end if any of these took more than linear time.
func TestHostileFilesAreReadToTheEnd(t *testing.T) {
	big := func(s string) string { return strings.Repeat(s, (1<<17)/len(s)) }
	for name, text := range map[string]string{
		"deep JSON": big("["), "deep JSON objects": big(`{"a":`), "deep lists": big("- "), "deep mappings": big("{"), "deep keys": big("? "),
		"aliases of aliases":      nest("[x]", "[%s]", 9) + head,
		"lists of lists":          nest("{kind: ConfigMap, data: {mapRoles: x}}", "{items: [%s]}", 1000) + "kind: List\nitems: [*a29]\n",
		"merges of merges":        nest("{mapRoles: x}", "{<<: [%s]}", 8) + "kind: ConfigMap\ndata: {<<: *a29}\n",
		"an anchor in itself":     "a: &a {kind: List, items: [*a], data: {<<: *a}}\nkind: List\nitems: [*a]\n",
		"one key many times":      head + "data:\n" + strings.Repeat("  mapRoles: x\n", 100_000),
		"one JSON key many times": `{"kind":"ConfigMap","data":{` + strings.Repeat(`"mapRoles":"x",`, 100_000) + `"a":"b"}}`,
		"invalid UTF-8":           big("\xff"), "NUL": big("\x00"), "UTF-16": "\xff\xfe" + big("a\x00"), "half a UTF-16 character": "\xfe\xff\xd8",
		"many documents": big("---\na: b\n"), "many empty documents": big("---\n"), "many broken documents": big("---\n# mapRoles\na: @\n"),
		"one comment": "# mapRoles\n#" + big("{{-"), "anchors": big("&a "), "tags": big("!a "), "line ends": head + "data:\n  mapRoles: |\n" + big("\n \n"),
		"carriage returns": head + "data:\n  mapRoles: |\n" + big("    a\r"), "one plain line": head + "data:\n  mapRoles: " + big("a b "),
		"an open quote": head + "data:\n  mapRoles: \"" + big("\n"), "a mistake at the end": head + "data:\n  mapRoles: |\n" + big("    - x\n") + "   x: y\n",
		"too large": strings.Repeat("#", manifest.MaxBytes+1), "open strings": big("<<A\n'\"`"), "one heredoc": big("<<A\n"),
	} {
		for _, file := range []string{"f.yaml", "f.tf", "-"} {
			docs, found := manifest.Read(manifest.File{Name: file, Data: []byte(text)})
			if len(docs) == 0 && !found.HasErrors() {
				t.Errorf("%s as %s: nothing was found and nothing said", name, file)
			}
			for _, d := range docs {
				for _, v := range d.Values {
					for i := range min(len(v.Text), 1000) {
						if pos := v.Pos(i, len(v.Text)); pos.Line < 1 {
							t.Fatalf("%s as %s: byte %d is at %v", name, file, i, pos)
						}
					}
				}
			}
		}
	}
}
