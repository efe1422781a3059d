package lint_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/lint"
	"github.com/rolecall-dev/rolecall/internal/manifest"
)

// specimen is an archive of testdata/corpus; its README.md describes the files.
type specimen struct {
	input              manifest.File
	options            lint.Options
	findings           string
	reads, fixed, then string
	isFixed            bool
}

func readSpecimen(t testing.TB, path string) specimen {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var s specimen
	var pad string
	for _, f := range archive.Files {
		if f.Name == "options" {
			for line := range strings.Lines(string(f.Data)) {
				switch name, value, _ := strings.Cut(strings.TrimSpace(line), ": "); name {
				case "account":
					s.options.Account = access.AccountID(strings.Trim(value, `"`))
				case "partition":
					s.options.Partition = value
				case "pad":
					n, err := strconv.Atoi(value)
					if err != nil {
						t.Fatal(err)
					}
					pad = strings.Repeat("x", n)
				}
			}
		}
	}
	for _, f := range archive.Files {
		name, data := f.Name, string(f.Data)
		if base, quoted := strings.CutSuffix(name, ".quoted"); quoted {
			if data, err = strconv.Unquote(strings.TrimSpace(data)); err != nil {
				t.Fatalf("%s: %v", f.Name, err)
			}
			name = base
		}
		if pad != "" {
			data = strings.ReplaceAll(data, "<pad>", pad)
		}
		switch kind, _, _ := strings.Cut(name, "."); {
		case kind == "input":
			s.input = manifest.File{Name: name, Data: []byte(data)}
		case kind == "fixed":
			s.fixed, s.isFixed = data, true
		case name == "findings":
			s.findings = data
		case name == "reads":
			s.reads = data
		case name == "reads.fixed":
			s.then = data
		}
	}
	return s
}

// judged is what is said of a file, in the words of the corpus, and the edits that mend it.
func judged(f manifest.File, o lint.Options) (string, map[int][]manifest.Edit) {
	docs, found := manifest.Read(f)
	edits := map[int][]manifest.Edit{}
	for i, d := range docs {
		found = append(found, lint.Document(d, o)...)
		if e := lint.Fix(d, o); len(e) > 0 {
			edits[i] = e
		}
	}
	found.Sort()
	var b strings.Builder
	for _, d := range found {
		fmt.Fprintf(&b, "%d:%d %s %s", d.Pos.Line, d.Pos.Column, d.Severity, d.Code)
		if d.Fixable {
			b.WriteString(" fixable")
		}
		b.WriteString("\n")
	}
	return b.String(), edits
}

// reading answers the questions of want: whom the authenticator takes each ARN for.
func reading(f manifest.File, want string) string {
	docs, found := manifest.Read(f)
	refused := slices.Contains(found.Codes(), diag.RC2001)
	data := map[string]string{}
	for _, d := range docs {
		for _, v := range d.Values {
			data[v.Key] = v.Text
		}
	}
	read := awsauth.Parse(data)
	var b strings.Builder
	for line := range strings.Lines(want) {
		arn, _, _ := strings.Cut(strings.TrimSpace(line), " -> ")
		e, ok := read.Lookup(access.ARN(arn))
		if !ok || refused {
			fmt.Fprintf(&b, "%s -> nobody\n", arn)
			continue
		}
		name := e.Username
		if name == "" {
			name = `""`
		}
		fmt.Fprintf(&b, "%s -> %s [%s]\n", arn, name, strings.Join(e.Groups, ","))
	}
	return b.String()
}

func TestCorpus(t *testing.T) {
	paths, err := filepath.Glob("testdata/corpus/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal("the corpus is missing", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			s := readSpecimen(t, path)
			found, edits := judged(s.input, s.options)
			if d := cmp.Diff(s.findings, found); d != "" {
				t.Errorf("findings (-want +got):\n%s", d)
			}
			if d := cmp.Diff(s.reads, reading(s.input, s.reads)); d != "" {
				t.Errorf("reads (-want +got):\n%s", d)
			}
			if s.isFixed != (len(edits) > 0) {
				t.Fatalf("a fixed document is given: %v, edits of documents %v", s.isFixed, slices.Sorted(maps.Keys(edits)))
			}
			if !s.isFixed {
				return
			}
			fixed, err := manifest.Apply(s.input, edits)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(s.fixed, string(fixed)); d != "" {
				t.Errorf("fixed (-want +got):\n%s", d)
			}
			after := manifest.File{Name: s.input.Name, Data: fixed}
			if d := cmp.Diff(s.then, reading(after, s.then)); d != "" {
				t.Errorf("reads.fixed (-want +got):\n%s", d)
			}
			if again, _ := judged(after, s.options); strings.Contains(again, "fixable") {
				t.Errorf("something is still to be fixed:\n%s", again)
			}
		})
	}
}
