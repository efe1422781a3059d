package yamltree_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/rolecall-dev/rolecall/internal/sourcemap"
	"github.com/rolecall-dev/rolecall/internal/yamltree"
)

// text draws what YAML gives a meaning to.
func text() *rapid.Generator[string] {
	character := rapid.SampledFrom([]string{
		"a", "b", "- ", ": ", "\n", "\n", "\n  ", " ", "  ", "'", `"`, `\`, "#", " #", "é", "日", "😀", "\t", "{", "}", "[", "]", "|", ">", "&", "*", "!", "%", "@", "`", "\u00a0", "\u2028", "\u0085", "~", strings.Repeat("word ", 24),
	})
	return rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(character, 0, 20).Draw(t, "text"), "") })
}

// tree draws mappings and sequences of scalars in all styles.
func tree(depth int) *rapid.Generator[*yaml.Node] {
	styles := rapid.SampledFrom([]yaml.Style{0, yaml.LiteralStyle, yaml.FoldedStyle, yaml.SingleQuotedStyle, yaml.DoubleQuotedStyle})
	return rapid.Custom(func(t *rapid.T) *yaml.Node {
		kind := rapid.SampledFrom([]yaml.Kind{yaml.ScalarNode, yaml.MappingNode, yaml.SequenceNode}).Draw(t, "kind")
		if depth == 0 || kind == yaml.ScalarNode {
			return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: styles.Draw(t, "style"), Value: text().Draw(t, "value")}
		}
		n := &yaml.Node{Kind: kind}
		if rapid.IntRange(0, 3).Draw(t, "brackets") == 0 {
			n.Style = yaml.FlowStyle
		}
		for _, child := range rapid.SliceOfN(tree(depth-1), 0, 3).Draw(t, "content") {
			if kind == yaml.MappingNode {
				n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: rapid.StringMatching(`[a-z]{2,9}`).Draw(t, "key")})
			}
			n.Content = append(n.Content, child)
		}
		return n
	})
}

// fails is the part of testing.TB that rapid has too.
type fails interface {
	Fatalf(format string, args ...any)
}

// check requires of all nodes that they lie inside of the text, and of scalars that what is copied as it is stands where it is said to stand.
func check(t fails, src *sourcemap.Source, n *yamltree.Node, seen map[*yamltree.Node]bool) {
	if seen[n] {
		return
	}
	seen[n] = true
	if e := n.Extent(src.Text); n.At < 0 || n.At > len(src.Text) || e.Start < n.At || e.End < e.Start {
		t.Fatalf("%q: a node at %d with extent %v", src.Text, n.At, e)
	}
	for _, child := range n.Content {
		check(t, src, child, seen)
	}
	if n.Kind != yamltree.Scalar {
		return
	}
	m, last := n.Map(src), n.At
	for i := range n.Value {
		start, end := m.At(i)
		if start < last || end < start || m.End() < end || m.End() > len(src.Text) {
			t.Fatalf("%q: byte %d of %q is at %d to %d, behind %d or outside of %d", src.Text, i, n.Value, start, end, last, m.End())
		}
		if m.Verbatim(i, i+1) && src.Text[start] != n.Value[i] {
			t.Fatalf("%q: byte %d of %q is said to be at %d", src.Text, i, n.Value, start)
		}
		last = start
	}
}

// exact requires that every scalar of a tree was followed.
func exact(t fails, src *sourcemap.Source, n *yamltree.Node) {
	if n.Kind == yamltree.Scalar && !n.Map(src).Exact() {
		t.Fatalf("%q was not followed in\n%s", n.Value, src.Text)
	}
	for _, child := range n.Content {
		exact(t, src, child)
	}
}

// written is a tree as the YAML writer writes it. Some texts it writes as what it does not read: those are none.
func written() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		var b bytes.Buffer
		e := yaml.NewEncoder(&b)
		e.SetIndent(rapid.IntRange(2, 6).Draw(t, "indent"))
		if err := e.Encode(tree(3).Draw(t, "tree")); err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "crlf") {
			return strings.ReplaceAll(b.String(), "\n", "\r\n")
		}
		return b.String()
	}).Filter(func(file string) bool {
		var again yaml.Node
		return yaml.Unmarshal([]byte(file), &again) == nil
	})
}

func TestEveryScalarOfATreeIsFollowed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		file := written().Draw(t, "file")
		n, err := yamltree.Parse(file, yamltree.Span{End: len(file)})
		if err != nil {
			t.Fatalf("%v in\n%s", err, file)
		}
		src := sourcemap.NewSource("f", file)
		check(t, src, n, map[*yamltree.Node]bool{})
		exact(t, src, n)
	})
}

func TestEveryStringOfJSONIsFollowed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(text(), 1, 5).Draw(t, "texts")
		file, err := json.Marshal(map[string]any{"a": texts, "b": 1, "c": nil, "d": true})
		if err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "ascii") {
			file = bytes.ReplaceAll(bytes.ReplaceAll(file, []byte("😀"), []byte(`\ud83d\ude00`)), []byte("é"), []byte(`\u00e9`))
		}
		nodes, err := yamltree.ParseJSON(string(file))
		if err != nil || len(nodes) != 1 {
			t.Fatalf("%v, %v in\n%s", nodes, err, file)
		}
		for i, n := range nodes[0].Get("a").Content {
			if n.Value != texts[i] {
				t.Fatalf("%q, want %q", n.Value, texts[i])
			}
		}
		src := sourcemap.NewSource("f", string(file))
		check(t, src, nodes[0], map[*yamltree.Node]bool{})
		exact(t, src, nodes[0])
	})
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"a: &a [*a]\nitems: *a\n", "? [a]\n: b\n", "data: {<<: [{mapRoles: a}]}\n", "data:\n  mapRoles: \"\\\n  a\\ud83d\"\n", "mapRoles: |\r\n  a\r\r\n  b\u2028c\u0085 d\n",
		`{"kind":"ConfigMap","data":{"mapRoles":"\ud83d\ude00\ud83d"}}`, "{\"a\": [1, null, true, \"\\u0064\"]} {", "a: >2-\n    b\n\n\n   c\n---\nd: 'e''\n\n  f'\n", "a: &x !!str |\n  b\nc: *x\n",
		"a: b\n c: d\n", "a: \"\\x2d b:\n      c\\n\\\n      \\u0020 \\\n      d\\n\"\n", "a: [b\n", "\xff", "a:\n\tb\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		src := sourcemap.NewSource("f", text)
		nodes, err := yamltree.ParseJSON(text)
		if err != nil {
			inside(t, yamltree.Span{End: len(text)}, yamltree.ExplainJSON(text, err))
		}
		docs, mistake := yamltree.Documents(text)
		if mistake != nil {
			inside(t, yamltree.Span{End: len(text)}, *mistake)
		}
		for _, doc := range docs {
			n, err := yamltree.Parse(text, doc)
			if err != nil {
				inside(t, doc, yamltree.Explain(text, doc, err))
			}
			if n != nil {
				nodes = append(nodes, n)
			}
		}
		seen := map[*yamltree.Node]bool{}
		for _, n := range nodes {
			check(t, src, n, seen)
		}
	})
}

// inside requires that a mistake lies in a part of a text and says something.
func inside(t fails, part yamltree.Span, m yamltree.Mistake) {
	if m.Message == "" || m.Start < part.Start || m.End < m.Start || m.End > part.End {
		t.Fatalf("the mistake %q at %d to %d, outside of %v", m.Message, m.Start, m.End, part)
	}
}
