package yamltree_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/sourcemap"
	"github.com/rolecall-dev/rolecall/internal/yamltree"
)

// parse reads a text that is one document.
func parse(t *testing.T, text string) *yamltree.Node {
	t.Helper()
	n, err := yamltree.Parse(text, yamltree.Span{End: len(text)})
	if err != nil || n == nil {
		t.Fatalf("%q: %v, %v", text, n, err)
	}
	return n
}

// shown is a tree in one line: a scalar's tag and text, brackets around the rest.
func shown(n *yamltree.Node) string {
	var parts []string
	for _, child := range n.Content {
		parts = append(parts, shown(child))
	}
	switch n.Kind {
	case yamltree.Mapping:
		return "{" + strings.Join(parts, " ") + "}"
	case yamltree.Sequence:
		return "[" + strings.Join(parts, " ") + "]"
	case yamltree.Scalar:
	}
	return fmt.Sprintf("%s:%q", strings.TrimPrefix(n.Tag, "!!"), n.Value)
}

func TestScalarsAreWhatYAML11TakesThemFor(t *testing.T) {
	for text, want := range map[string]string{
		"[yes, Off, y, yEs, 'no', !!str on]": `[bool:"yes" bool:"Off" bool:"y" str:"yEs" str:"no" str:"on"]`,
		"[~, null, 12, 1.5, 2020-01-01, x]":  `[null:"~" null:"null" int:"12" float:"1.5" timestamp:"2020-01-01" str:"x"]`,
		"a: &x [b]\nc: *x\n":                 `{str:"a" [str:"b"] str:"c" [str:"b"]}`,
		"a:\n":                               `{str:"a" null:""}`,
	} {
		if d := cmp.Diff(want, shown(parse(t, text))); d != "" {
			t.Errorf("%q (-want +got):\n%s", text, d)
		}
	}
	if !parse(t, "2020-01-01").IsText() || parse(t, "on").IsText() || !parse(t, "~").IsNull() || parse(t, `""`).IsNull() {
		t.Error("the API server takes a date for text, truth values not, and of empty scalars only those that are not quoted for null")
	}
}

func TestAnAliasIsTheNodeItStandsFor(t *testing.T) {
	n := parse(t, "a: &x [*x]\nb: *x\n")
	a, b := n.Get("a"), n.Get("b")
	if a != b || a.Content[0] != a || !a.Anchored {
		t.Errorf("a is %v, b is %v", a, b)
	}
}

func TestAKeyHasItsLastValueAndMergedOnesComeFirst(t *testing.T) {
	n := parse(t, "x: &x {a: 1, b: two}\ny: &y {a: three}\nz:\n  <<: [*x, *y]\n  b: four\n  b: five\n").Get("z")
	var got []string
	for k, v := range n.Pairs {
		got = append(got, k.Value+"="+v.Value)
	}
	if d := cmp.Diff([]string{"a=three", "a=1", "b=two", "b=four", "b=five"}, got); d != "" {
		t.Errorf("pairs (-want +got):\n%s", d)
	}
	if n.Text("b") != "five" || n.Text("a") != "" || n.Get("a").Value != "1" || n.Get("c") != nil || !n.Has("c", "B") || n.Has("c") {
		t.Errorf("b is %q, a is %v, c is %v", n.Text("b"), n.Get("a"), n.Get("c"))
	}
	if missing := n.Get("c"); missing.Get("d") != nil || missing.Text("d") != "" || missing.Has("d") {
		t.Error("what is not there has keys")
	}
}

func TestDocumentsAreCutAsKubectlCutsThem(t *testing.T) {
	for text, want := range map[string][]string{
		"":                                      {""},
		"a\n---\nb\n--- # c\nd":                 {"a\n", "---\nb\n", "--- # c\nd"},
		"---\na: |\n  ---\n----\n---b\n---\r\n": {"---\na: |\n  ---\n----\n---b\n", "---\r\n"},
	} {
		docs, mistake := yamltree.Documents(text)
		var got []string
		for _, doc := range docs {
			got = append(got, text[doc.Start:doc.End])
		}
		if d := cmp.Diff(want, got); d != "" || mistake != nil {
			t.Errorf("%q: %v (-want +got):\n%s", text, mistake, d)
		}
	}
}

func TestWhatIsSignificantBeginsBehindCommentsAndSeparators(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "# a\n%YAML 1.1\n--- # b\n\n...\n": "", "# a\n  b: c\n# d\n": "b: c\n# d\n", "--- {a: b}\n": "{a: b}\n",
	} {
		if d := cmp.Diff(want, yamltree.Significant(text)); d != "" {
			t.Errorf("%q (-want +got):\n%s", text, d)
		}
	}
}

// marked takes the marks «» out of a text and returns the bytes between them.
func marked(text string) (string, yamltree.Span) {
	before, rest, _ := strings.Cut(text, "«")
	inside, after, _ := strings.Cut(rest, "»")
	return before + inside + after, yamltree.Span{Start: len(before), End: len(before + inside)}
}

func TestTheExtentOfANodeIsWhatCanBeUnderlined(t *testing.T) {
	for _, text := range []string{"a: «b»", "a: '«it»'", `a: "«b»"`, `a: "«\»x41"`, "a: «|»\n  b\n", "a: &x !!str «b» # c", "a: «[»b]", "a:\n  «b»: c\n", "a: \n  «b» \n"} {
		text, want := marked(text)
		n := parse(t, text).Get("a")
		if d := cmp.Diff(want, n.Extent(text)); d != "" {
			t.Errorf("%q (-want +got):\n%s", text, d)
		}
	}
}

func TestTheHeaderOfABlockIsRead(t *testing.T) {
	for text, want := range map[string]yamltree.Header{
		"a: |\n  b\n":           {ChompAt: 4, Body: 5},
		"a: >-  # c\r\n  b\r\n": {Chomp: '-', ChompAt: 4, Body: 12},
		"a: |2+\n    b\n":       {Indent: 2, Chomp: '+', ChompAt: 5, Body: 7},
		"a: |+2\n    b\n":       {Indent: 2, Chomp: '+', ChompAt: 4, Body: 7},
		"a: |2\n    b\n":        {Indent: 2, ChompAt: 5, Body: 6},
		"a: |":                  {ChompAt: 4, Body: 4},
	} {
		got, ok := parse(t, text).Get("a").Header(text)
		if d := cmp.Diff(want, got); d != "" || !ok {
			t.Errorf("%q: %v (-want +got):\n%s", text, ok, d)
		}
	}
	if _, ok := parse(t, "a: b").Get("a").Header("a: b"); ok {
		t.Error("a plain scalar has a header")
	}
}

func TestEveryWayToWriteAScalarIsFollowed(t *testing.T) {
	for text, want := range map[string]string{
		"a: b  c \n\n\n  d\n  e # f\n":                                "b  c\n\nd e",
		"a: 'b''c  \n\n  d\n  e '\n":                                  "b'c\nd e ",
		`a: "\0\a\b\t\n\v\f\r\e\ \"\'\\\N\_\L\P\x41\u00e9\U0001f600"`: "\x00\a\b\t\n\v\f\r\x1b \"'\\\u0085\u00a0\u2028\u2029A\u00e9\U0001f600",
		"a: \"b \\\n\n   \\  c\n  d\"\n":                              "b \n  c d",
		"a: >\n\n  b\n  c\n\n  d\n    e\n\n  f\n\n":                   "\nb c\nd\n  e\n\nf\n",
		"a: >+\n  b\n\n":                                              "b\n\n",
		"a: |-\r\n  b\r\n\r\n    c\r\n\r\n":                           "b\n\n  c",
		"a: |2\n\n    b\n":                                            "\n  b\n",
		"a: |\n  b\r  c\u0085  d\u2028  e\n":                          "b\nc\nd\u2028e\n",
		"a: |\n":                                                      "",
	} {
		n := parse(t, text).Get("a")
		if d := cmp.Diff(want, n.Value); d != "" {
			t.Errorf("%q (-want +got):\n%s", text, d)
		}
		src := sourcemap.NewSource("f", text)
		check(t, src, n, map[*yamltree.Node]bool{})
		exact(t, src, n)
	}
}

func TestAScalarThatIsNotInTheTextIsAtItsBeginning(t *testing.T) {
	const text = "a: 'b c'\n"
	n := *parse(t, text).Get("a")
	n.Value = "something else"
	m := n.Map(sourcemap.NewSource("f", text))
	start, end := m.At(5)
	if m.Exact() || start != 3 || end != 3 || m.End() != 3 {
		t.Errorf("byte 5 is at %d to %d, exact: %v", start, end, m.Exact())
	}
}
