package yamltree

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v3"

	"github.com/rolecall-dev/rolecall/internal/sourcemap"
)

// Span are the bytes of a text from Start to End.
type Span struct{ Start, End int }

// Documents cuts a text into its documents as kubectl does: before every line that begins with the document separator. A text has at
// least one, and their spans are all of it. It is a mistake, and the text has none, where a byte is one that no YAML parser takes.
func Documents(text string) ([]Span, *Mistake) {
	if m, bad := unreadable(text); bad {
		return nil, &m
	}
	var out []Span
	start := 0
	for at := 0; at < len(text); at = sourcemap.LineEnd(text, at) {
		if at > start && separates(text[at:]) {
			out = append(out, Span{start, at})
			start = at
		}
	}
	return append(out, Span{start, len(text)}), nil
}

func separates(line string) bool {
	return strings.HasPrefix(line, "---") && (len(line) == 3 || strings.IndexByte(" \t\r\n", line[3]) >= 0)
}

// Significant is the text from its first line that is no comment, directive, separator or blank.
func Significant(text string) string {
	for at := 0; at < len(text); at = sourcemap.LineEnd(text, at) {
		line := text[at:sourcemap.LineEnd(text, at)]
		if separates(line) {
			line = line[3:]
		}
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' && line[0] != '%' && line != "..." {
			return text[at+strings.Index(text[at:], line):]
		}
	}
	return ""
}

// Parse reads one document of a text; nil without an error stands for an empty one. Offsets in the tree count from the beginning of the text.
// A second document in the same span is refused, which kubectl would leave out without a word. The error is the parser's; Explain says more of it.
func Parse(text string, doc Span) (*Node, error) {
	tree, err := parseOne(text[doc.Start:doc.End])
	if err != nil {
		return nil, err
	}
	if len(tree.Content) == 0 {
		return nil, nil //nolint:nilnil // an empty document is no mistake
	}
	c := converter{text: text[:doc.End], line: 1, at: doc.Start, made: map[*yaml.Node]*Node{}}
	return c.convert(tree.Content[0], -1), nil
}

// errSecond says that a document is followed by another one that kubectl does not read.
var errSecond = errors.New("a second document begins without --- before it")

// parseOne reads the one document of a text; that nothing follows it is more than kubectl looks for.
func parseOne(text string) (doc yaml.Node, err error) {
	err = guard(func() error {
		d := yaml.NewDecoder(strings.NewReader(text))
		if err := d.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
			return err //nolint:wrapcheck // its words are for the user
		}
		var more yaml.Node
		if err := d.Decode(&more); !errors.Is(err, io.EOF) {
			return cmp.Or(err, errSecond)
		}
		return nil
	})
	return doc, err
}

// guard turns a panic of the YAML library on hostile input into an error.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("reading YAML: %v", r)
		}
	}()
	return f()
}

// converter makes nodes with offsets out of nodes with lines and columns. Nodes come in the order of the text, so that the text is walked once.
type converter struct {
	text string
	// line and column are those of at, from 1 and 0.
	line, column, at int
	made             map[*yaml.Node]*Node
}

func (c *converter) convert(y *yaml.Node, indent int) *Node {
	if y.Kind == yaml.AliasNode {
		if y.Alias == nil || c.made[y.Alias] == nil {
			return &Node{Kind: Scalar, Tag: "!!null", Style: Plain, At: c.offset(y)}
		}
		return c.made[y.Alias]
	}
	n := &Node{At: c.offset(y), Indent: indent, Value: y.Value, Tag: y.ShortTag(), Anchored: y.Anchor != "", Flow: y.Style&yaml.FlowStyle != 0}
	if y.Anchor != "" || y.Style&yaml.TaggedStyle != 0 {
		n.At = afterProperties(c.text, n.At)
	}
	c.made[y] = n
	switch y.Kind {
	case yaml.MappingNode:
		n.Kind = Mapping
	case yaml.SequenceNode:
		n.Kind = Sequence
	case yaml.ScalarNode:
		n.Kind, n.Style = Scalar, styleOf(y.Style)
		if n.Style == Plain && y.Style&yaml.TaggedStyle == 0 && oldBool(n.Value) {
			n.Tag = "!!bool"
		}
		return n
	case yaml.DocumentNode, yaml.AliasNode:
	}
	inside := indent
	if !n.Flow {
		inside = y.Column - 1
	}
	for _, child := range y.Content {
		n.Content = append(n.Content, c.convert(child, inside))
	}
	return n
}

func styleOf(s yaml.Style) Style {
	switch {
	case s&yaml.LiteralStyle != 0:
		return Literal
	case s&yaml.FoldedStyle != 0:
		return Folded
	case s&yaml.SingleQuotedStyle != 0:
		return Single
	case s&yaml.DoubleQuotedStyle != 0:
		return Double
	}
	return Plain
}

// oldBool tells the words that YAML 1.1, which kubectl speaks, takes for truth values and 1.2 for text.
func oldBool(word string) bool {
	switch strings.ToLower(word) {
	case "y", "n":
		return true
	case "yes", "no", "on", "off":
		return word == strings.ToLower(word) || word == strings.ToUpper(word) || word[1:] == strings.ToLower(word[1:])
	}
	return false
}

// offset finds the byte of a node's line and column.
func (c *converter) offset(y *yaml.Node) int {
	if y.Line < c.line || y.Line == c.line && y.Column-1 < c.column {
		return c.at
	}
	for c.line < y.Line && c.at < len(c.text) {
		n := lineBreak(c.text[c.at:])
		if n == 0 {
			c.at++
			continue
		}
		c.at += n
		c.line++
		c.column = 0
	}
	for c.column < y.Column-1 && c.at < len(c.text) {
		_, n := utf8.DecodeRuneInString(c.text[c.at:])
		c.at += n
		c.column++
	}
	return c.at
}

// afterProperties passes the anchor and the tag of a node.
func afterProperties(text string, at int) int {
	for at < len(text) && (text[at] == '&' || text[at] == '!') {
		for at < len(text) && strings.IndexByte(" \t\r\n", text[at]) < 0 {
			at++
		}
		for at < len(text) && strings.IndexByte(" \t\r\n", text[at]) >= 0 {
			at++
		}
	}
	return at
}
