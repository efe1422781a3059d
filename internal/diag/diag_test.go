package diag_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/diag"
)

var update = flag.Bool("update", false, "rewrite generated files")

func TestRenderShowsWhatPeopleNeed(t *testing.T) {
	long := `      - rolearn: arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_EKSDeveloper_c194f596bcea55cc`
	for _, c := range []struct {
		name string
		d    diag.Diagnostic
		o    diag.Options
		want string
	}{
		{
			name: "a place in a file comes with its source line, a caret and the detail beside it",
			d: diag.Diagnostic{
				Severity: diag.Error, Code: diag.RC2007, Summary: `username "y" is a YAML boolean and is read as empty`,
				Detail: "the row stays live with no user name", Hint: `quote it: username: "y"`,
				Pos: diag.Pos{File: "aws-auth.yaml", Line: 14, Column: 19, Source: "        username: y", Width: 1},
			},
			want: "aws-auth.yaml:14:19: error RC2007: username \"y\" is a YAML boolean and is read as empty\n" +
				"   14 |         username: y\n" +
				"      |                   ^ the row stays live with no user name\n" +
				"  hint: quote it: username: \"y\"\n",
		},
		{
			name: "a long source line is cut to the width",
			d: diag.Diagnostic{
				Severity: diag.Error, Code: diag.RC2002, Summary: "role ARN keeps its path",
				Pos: diag.Pos{File: "a.yaml", Line: 9, Column: 18, Source: long, Width: 10},
			},
			want: "a.yaml:9:18: error RC2002: role ARN keeps its path\n" +
				"    9 |       - rolearn: arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-central-1…\n" +
				"      |                  ^^^^^^^^^^\n",
		},
		{
			name: "a place far to the right is brought into view",
			d: diag.Diagnostic{
				Severity: diag.Note, Code: diag.RC2002, Summary: "far",
				Pos: diag.Pos{File: "a.yaml", Line: 1, Column: 101, Source: strings.Repeat("x", 100) + "HERE" + strings.Repeat("y", 10), Width: 4},
			},
			o: diag.Options{Width: 60},
			want: "a.yaml:1:101: note RC2002: far\n" +
				"    1 | …" + strings.Repeat("x", 23) + "HERE" + strings.Repeat("y", 10) + "\n" +
				"      | " + strings.Repeat(" ", 24) + "^^^^\n",
		},
		{
			name: "without a file the cluster and the object are the place, and details are wrapped",
			d: diag.Diagnostic{
				Severity: diag.Warning, Code: diag.RC3010, Summary: "excess access", Cluster: "a/r/c", Object: "RoleBinding x",
				Detail: "one two three four five six seven\n  as    caller",
			},
			o:    diag.Options{Width: 22},
			want: "a/r/c RoleBinding x: warning RC3010: excess access\n  one two three four\n  five six seven\n    as    caller\n",
		},
		{
			name: "control characters cannot reach the terminal",
			d: diag.Diagnostic{
				Severity: diag.Error, Code: diag.RC1006, Summary: "group \"\x1b[2Jx\u202e\"", Detail: "a\x07", Hint: "b\x00",
				Pos: diag.Pos{File: "a\nb.yaml", Line: 1, Column: 2, Source: "\tx\x1b[0m\xff", Width: 2},
			},
			want: `a\nb.yaml:1:2: error RC1006: group "\x1b[2Jx\u202e"` + "\n" +
				`    1 |  x\x1b[0m\xff` + "\n" +
				`      |  ^^^^^ a\x07` + "\n" +
				`  hint: b\x00` + "\n",
		},
		{
			name: "a caret may stand after the end of the line",
			d: diag.Diagnostic{
				Severity: diag.Error, Code: diag.RC1001, Summary: "end", Pos: diag.Pos{File: "f", Line: 1, Column: 40, Source: "ab"},
			},
			want: "f:1:40: error RC1001: end\n    1 | ab\n      |   ^\n",
		},
		{
			name: "colours are added on demand only",
			d:    diag.Diagnostic{Severity: diag.Error, Code: diag.RC1001, Summary: "s"},
			o:    diag.Options{Color: true},
			want: "\x1b[1;31merror RC1001\x1b[0m: s\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := diag.Render(&b, c.d, c.o); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, b.String()); d != "" {
				t.Errorf("rendering (-want +got):\n%s", d)
			}
		})
	}
}

func TestFindingsDocumentIsFlatSortedAndReadable(t *testing.T) {
	l := diag.List{
		{Severity: diag.Note, Code: diag.RC1010, Summary: "late", Pos: diag.Pos{File: "b.yaml", Line: 1, Column: 1}},
		{Severity: diag.Error, Code: diag.RC1002, Summary: "first", Detail: "d", Hint: "h", Fixable: true, Pos: diag.Pos{File: "a.yaml", Line: 3, Column: 7, Source: "x", Width: 1}, Cluster: "c", Object: "o"},
	}
	got, err := json.MarshalIndent(diag.NewFindings(l), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	want := `{
 "apiVersion": "rolecall.dev/v1alpha1",
 "kind": "Findings",
 "findings": [
  {
   "code": "RC1002",
   "severity": "error",
   "summary": "first",
   "detail": "d",
   "hint": "h",
   "fixable": true,
   "file": "a.yaml",
   "line": 3,
   "column": 7,
   "cluster": "c",
   "object": "o"
  },
  {
   "code": "RC1010",
   "severity": "note",
   "summary": "late",
   "fixable": false,
   "file": "b.yaml",
   "line": 1,
   "column": 1
  }
 ],
 "summary": {
  "error": 1,
  "warning": 0,
  "note": 1
 }
}`
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Errorf("document (-want +got):\n%s", d)
	}
	var back diag.Findings
	if err := json.Unmarshal(got, &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(l[0], back.Findings[1]); d != "" {
		t.Errorf("read back (-want +got):\n%s", d)
	}
	if l.Max() != diag.Error || !l.HasErrors() || diag.List(nil).Max() != 0 || diag.List(nil).HasErrors() {
		t.Error("the gravest severity is wrong")
	}
	if l[0].Code != diag.RC1010 {
		t.Error("the list given was reordered")
	}
}

func TestSeverityWordsRoundTripAndOrder(t *testing.T) {
	for _, s := range []diag.Severity{diag.Error, diag.Warning, diag.Note} {
		if got, err := diag.ParseSeverity(s.String()); err != nil || got != s {
			t.Errorf("ParseSeverity(%q) = %v, %v", s, got, err)
		}
	}
	if _, err := diag.ParseSeverity("fatal"); err == nil {
		t.Error("an unknown word was accepted")
	}
	if _, err := json.Marshal(diag.Diagnostic{Code: diag.RC1001}); err == nil {
		t.Error("a diagnostic without a severity was encoded")
	}
	if !diag.Error.AtLeast(diag.Warning) || diag.Note.AtLeast(diag.Warning) || diag.Severity(0).AtLeast(diag.Note) {
		t.Error("AtLeast orders wrongly")
	}
}

func TestSuggestFindsWhatWasMeantAndNothingElse(t *testing.T) {
	fields := []string{"clusterRole", "namespaces", "groups", "expires", "bind"}
	for word, want := range map[string]string{
		"clusterrole": "clusterRole", "namespace": "namespaces", "gruops": "groups", "expire": "expires", "bnd": "bind",
		"quux": "", "": "", "x": "", "groups": "",
	} {
		if got := diag.Suggest(word, fields); got != want {
			t.Errorf("Suggest(%q) = %q, want %q", word, got, want)
		}
	}
	if got, want := diag.DidYouMean("sre-oncall", []string{"sre-on-call", "dev"}), `did you mean "sre-on-call"?`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRegistryIsComplete(t *testing.T) {
	counts := map[string]int{}
	seen := map[string]bool{}
	for _, code := range diag.Codes() {
		e, ok := diag.Lookup(code)
		if !ok || e.Code != code {
			t.Fatalf("%s is not found", code)
		}
		counts[string(code[:3])]++
		if e.Title == "" || e.Severity == 0 || len(e.Explanation) < 40 || e.Remedy == "" {
			t.Errorf("%s lacks text", code)
		}
		if seen[string(code)] {
			t.Errorf("%s is there twice", code)
		}
		seen[string(code)] = true
	}
	want := map[string]int{"RC1": 17, "RC2": 29, "RC3": 16, "RC4": 10, "RC5": 6}
	if d := cmp.Diff(want, counts); d != "" {
		t.Errorf("codes per family (-want +got):\n%s", d)
	}
	if _, ok := diag.Lookup("rc2002"); !ok {
		t.Error("codes are not found in lower case")
	}
	if _, ok := diag.Lookup("RC9999"); ok {
		t.Error("a code that does not exist was found")
	}
}

func TestExplainFitsATerminal(t *testing.T) {
	for _, code := range diag.Codes() {
		e, _ := diag.Lookup(code)
		var b strings.Builder
		if err := diag.Explain(&b, e); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if len([]rune(line)) > 101 {
				t.Errorf("%s: line is too long: %s", code, line)
			}
		}
	}
}

func TestPageOfDiagnosticsIsCurrent(t *testing.T) {
	const page = "../../docs/diagnostics.md"
	var b bytes.Buffer
	if err := diag.Markdown(&b); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.MkdirAll("../../docs", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(page, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(b.String(), string(have)); d != "" {
		t.Errorf("docs/diagnostics.md is stale; go test ./internal/diag -update rewrites it (-want +got):\n%s", d)
	}
}
