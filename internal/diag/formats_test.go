package diag_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rolecall-dev/rolecall/internal/diag"
)

// findings are one of each severity, with and without a file, and names that every format would take for its own syntax.
func findings() diag.List {
	return diag.List{
		{Severity: diag.Note, Code: diag.RC2012, Summary: "100% of it", Pos: diag.Pos{File: "b,c:d.yaml", Line: 2, Column: 3, Source: "  - x", Width: 0}},
		{
			Severity: diag.Warning, Code: diag.RC3007, Summary: "user <b>|`a_b*c`[x](http://x)\x1b[31m",
			Detail: "first\nsecond", Hint: "do it", Cluster: "prod/eu central/c", Object: "RoleBinding shop/x",
		},
		{
			Severity: diag.Error, Code: diag.RC2002, Summary: "role ARN keeps its path", Fixable: true,
			Pos: diag.Pos{File: "dir/a b.yaml", Line: 9, Column: 16, Source: "      - rolearn: arn", Width: 3},
		},
	}
}

func TestGitHubGetsCommandsTheGravestFirst(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := diag.GitHub(&b, findings()); err != nil {
		t.Fatal(err)
	}
	want := "::error file=dir/a b.yaml,line=9,col=16,endColumn=19,title=RC2002::role ARN keeps its path\n" +
		"::warning title=RC3007::prod/eu central/c RoleBinding shop/x: user <b>|`a_b*c`[x](http://x)\\x1b[31m%0Afirst%0Asecond%0Ahint: do it\n" +
		"::notice file=b%2Cc%3Ad.yaml,line=2,col=3,endColumn=4,title=RC2012::100%25 of it\n"
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Errorf("commands (-want +got):\n%s", d)
	}
}

func TestAPlaceInAClusterIsNoFileOfTheRepository(t *testing.T) {
	t.Parallel()
	d := diag.New(diag.RC2012, diag.Pos{File: "prod/eu/c aws-auth mapRoles", Line: 3, Column: 5}, "s")
	d.Cluster = "prod/eu/c"
	var b bytes.Buffer
	if err := diag.GitHub(&b, diag.List{d}); err != nil {
		t.Fatal(err)
	}
	if want := "::warning title=RC2012::prod/eu/c aws-auth mapRoles:3:5: s\n"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

func TestGitHubIsToldHowManyAnnotationsItHides(t *testing.T) {
	t.Parallel()
	var l diag.List
	for i := range 13 {
		l = append(l, diag.New(diag.RC2002, diag.Pos{File: "f", Line: i + 1}, "s"))
	}
	var b bytes.Buffer
	if err := diag.GitHub(&b, l); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "::error "); n != 13 || !strings.HasSuffix(b.String(), "\n3 more than GitHub shows as annotations; all of them are above\n") {
		t.Errorf("%d commands:\n%s", n, b.String())
	}
}

func TestNoFindingCanOpenAWorkflowCommandOfItsOwn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("a%:,\n\r:=`|<\x1b")))
		d := diag.New(diag.RC2002, diag.Pos{File: text.Draw(t, "file"), Line: 1, Column: 1}, text.Draw(t, "summary")).WithDetail(text.Draw(t, "detail"))
		d.Cluster, d.Object = text.Draw(t, "cluster"), text.Draw(t, "object")
		var b bytes.Buffer
		if err := diag.GitHub(&b, diag.List{d}); err != nil {
			t.Fatal(err)
		}
		if got := b.String(); strings.Count(got, "\n") != 1 || strings.ContainsAny(got, "\r\x1b") || !strings.HasPrefix(got, "::error ") {
			t.Fatalf("%q is not one command", got)
		}
	})
}

func TestMarkdownShowsTextAsItIs(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := diag.MarkdownTable(&b, findings()); err != nil {
		t.Fatal(err)
	}
	want := "| | Where | What |\n| --- | --- | --- |\n" +
		"| warning RC3007 | prod/eu central/c RoleBinding shop/x | **user &lt;b&gt;\\|\\`a\\_b\\*c\\`\\[x\\](http://x)\\\\x1b\\[31m**<br>first<br>second<br>hint: do it |\n" +
		"| note RC2012 | b,c:d.yaml:2:3 | **100% of it** |\n" +
		"| error RC2002 | dir/a b.yaml:9:16 | **role ARN keeps its path** |\n"
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Errorf("table (-want +got):\n%s", d)
	}
	b.Reset()
	if err := diag.MarkdownTable(&b, nil); err != nil || b.Len() > 0 {
		t.Errorf("no findings are %q, %v; want no table", b.String(), err)
	}
}

func TestSARIFHasWhatCodeScanningRequires(t *testing.T) {
	t.Parallel()
	log := sarif(t, findings())
	run := only(t, log["runs"])
	driver := member(t, run, "tool", "driver")
	if log["version"] != "2.1.0" || run["columnKind"] != "unicodeCodePoints" || driver["name"] != "rolecall" {
		t.Errorf("version %v, columns in %v, tool %v", log["version"], run["columnKind"], driver["name"])
	}
	rules, _ := driver["rules"].([]any)
	for i, r := range rules {
		rule, _ := r.(map[string]any)
		tags, _ := member(t, rule, "properties")["tags"].([]any)
		for _, text := range []string{"shortDescription", "fullDescription", "help"} {
			if member(t, rule, text)["text"] == "" {
				t.Errorf("rule %d has no %s", i, text)
			}
		}
		if rule["id"] == "" || len(tags) > 20 || !slices.Contains([]any{"error", "warning", "note"}, member(t, rule, "defaultConfiguration")["level"]) {
			t.Errorf("rule %d: %v", i, rule)
		}
	}
	results, _ := run["results"].([]any)
	var got []string
	for _, r := range results {
		result, _ := r.(map[string]any)
		index, _ := result["ruleIndex"].(float64)
		rule, _ := rules[int(index)].(map[string]any)
		if rule["id"] != result["ruleId"] {
			t.Errorf("ruleIndex leads to %v, want %v", rule["id"], result["ruleId"])
		}
		physical := member(t, only(t, result["locations"]), "physicalLocation")
		line := fmt.Sprint(result["level"], " ", result["ruleId"], " ", member(t, physical, "artifactLocation")["uri"])
		if region, ok := physical["region"].(map[string]any); ok {
			line += fmt.Sprintf(" %v:%v-%v", region["startLine"], region["startColumn"], region["endColumn"])
		}
		got = append(got, line)
	}
	want := []string{"warning RC3007 prod/eu%20central/c", "note RC2012 b%2Cc%3Ad.yaml 2:3-4", "error RC2002 dir/a%20b.yaml 9:16-19"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("results (-want +got):\n%s", d)
	}
	first, _ := results[0].(map[string]any)
	if text, _ := member(t, first, "message")["text"].(string); strings.Contains(strings.ReplaceAll(text, `\](`, ""), "](") || strings.Contains(text, "\x1b") {
		t.Errorf("the message %q holds a link or a control character", text)
	}
}

func TestSARIFKeepsTheGravestWhereThereAreTooMany(t *testing.T) {
	t.Parallel()
	var l diag.List
	for i := range diag.MaxResults {
		l = append(l, diag.Diagnostic{Severity: diag.Note, Code: diag.RC2012, Summary: "s", Pos: diag.Pos{File: "a", Line: i + 1}})
	}
	l = append(l, diag.New(diag.RC2002, diag.Pos{File: "z", Line: 1}, "grave"))
	results, _ := only(t, sarif(t, l)["runs"])["results"].([]any)
	last, _ := results[len(results)-1].(map[string]any)
	if len(results) != diag.MaxResults || last["ruleId"] != "RC2002" {
		t.Errorf("%d results, the last %v; want %d and the error among them", len(results), last["ruleId"], diag.MaxResults)
	}
}

func sarif(t *testing.T, l diag.List) map[string]any {
	t.Helper()
	var b bytes.Buffer
	if err := diag.SARIF(&b, l); err != nil {
		t.Fatal(err)
	}
	var log map[string]any
	if err := json.Unmarshal(b.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	return log
}

// only is the one object in a list.
func only(t *testing.T, v any) map[string]any {
	t.Helper()
	list, _ := v.([]any)
	if len(list) != 1 {
		t.Fatalf("%d items, want one: %v", len(list), v)
	}
	m, _ := list[0].(map[string]any)
	return m
}

func member(t *testing.T, m map[string]any, path ...string) map[string]any {
	t.Helper()
	for _, p := range path {
		next, ok := m[p].(map[string]any)
		if !ok {
			t.Fatalf("there is no %s in %v", p, m)
		}
		m = next
	}
	return m
}

func TestFingerprintsStayWhenLinesMove(t *testing.T) {
	t.Parallel()
	at := func(line, column int, source string) diag.Diagnostic {
		return diag.New(diag.RC2002, diag.Pos{File: "f", Line: line, Column: column, Source: source, Width: 3}, "s")
	}
	long := strings.Repeat("é", 1000) + "abc" + strings.Repeat("y", 1000)
	before := diag.List{at(1, 3, "  abc"), at(2, 3, "  abc"), at(3, 1, "xyz"), at(4, 1001, long)}.Fingerprints()
	after := diag.List{at(11, 5, "    abc"), at(15, 3, "  abc"), at(20, 1, "xyz"), at(21, 1002, "z"+long)}.Fingerprints()
	if d := cmp.Diff(before, after); d != "" {
		t.Errorf("fingerprints (-before +after):\n%s", d)
	}
	if got := slices.Compact(slices.Sorted(slices.Values(before[:3]))); len(got) != 3 {
		t.Errorf("two of %v are the same", before)
	}
	live := diag.List{{Code: diag.RC3007, Cluster: "a", Summary: "s"}, {Code: diag.RC3007, Cluster: "b", Summary: "s"}}.Fingerprints()
	if live[0] == live[1] {
		t.Errorf("findings about two clusters have one fingerprint")
	}
}

// BenchmarkRenderALongLine shows that the cost of a finding does not hang on how long its line is.
func BenchmarkRenderALongLine(b *testing.B) {
	d := diag.New(diag.RC2002, diag.Pos{File: "f", Line: 1, Column: 1 << 19, Source: strings.Repeat("x", 1<<20), Width: 30}, "s")
	for b.Loop() {
		if err := diag.Render(&bytes.Buffer{}, d, diag.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
