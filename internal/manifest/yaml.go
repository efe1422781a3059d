package manifest

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v3"
)

// piece is one document of a multi-document file, as kubectl cuts it.
type piece struct{ start, end int }

// pieces cuts a text before every line that begins with the document separator.
func pieces(text string) []piece {
	var out []piece
	start := 0
	for at := 0; at < len(text); at = lineEnd(text, at) {
		if at > start && separates(text[at:]) {
			out = append(out, piece{start, at})
			start = at
		}
	}
	return append(out, piece{start, len(text)})
}

func separates(line string) bool {
	return strings.HasPrefix(line, "---") && (len(line) == 3 || strings.IndexByte(" \t\r\n", line[3]) >= 0)
}

// significant is the text from its first line that is no comment, directive, separator or blank.
func significant(text string) string {
	for at := 0; at < len(text); at = lineEnd(text, at) {
		line := text[at:lineEnd(text, at)]
		if separates(line) {
			line = line[3:]
		}
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' && line[0] != '%' && line != "..." {
			return text[at+strings.Index(text[at:], line):]
		}
	}
	return ""
}

// parseYAML reads one document; nil without an error stands for an empty one.
func parseYAML(text string, p piece) (*node, error) {
	doc, err := parseOne(text[p.start:p.end])
	if err != nil {
		return nil, err
	}
	if len(doc.Content) == 0 {
		return nil, nil //nolint:nilnil // an empty document is no mistake
	}
	c := converter{text: text[:p.end], line: 1, at: p.start, made: map[*yaml.Node]*node{}}
	return c.convert(doc.Content[0], -1), nil
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
	made             map[*yaml.Node]*node
}

func (c *converter) convert(y *yaml.Node, indent int) *node {
	if y.Kind == yaml.AliasNode {
		if y.Alias == nil || c.made[y.Alias] == nil {
			return &node{kind: scalar, tag: "!!null", style: plain, at: c.offset(y)}
		}
		return c.made[y.Alias]
	}
	n := &node{at: c.offset(y), indent: indent, value: y.Value, tag: y.ShortTag(), anchored: y.Anchor != "", flow: y.Style&yaml.FlowStyle != 0}
	if y.Anchor != "" || y.Style&yaml.TaggedStyle != 0 {
		n.at = afterProperties(c.text, n.at)
	}
	c.made[y] = n
	switch y.Kind {
	case yaml.MappingNode:
		n.kind = mapping
	case yaml.SequenceNode:
		n.kind = sequence
	case yaml.ScalarNode:
		n.kind, n.style = scalar, styleOf(y.Style)
		if n.style == plain && y.Style&yaml.TaggedStyle == 0 && oldBool(n.value) {
			n.tag = "!!bool"
		}
		return n
	case yaml.DocumentNode, yaml.AliasNode:
	}
	inside := indent
	if !n.flow {
		inside = y.Column - 1
	}
	for _, child := range y.Content {
		n.content = append(n.content, c.convert(child, inside))
	}
	return n
}

func styleOf(s yaml.Style) style {
	switch {
	case s&yaml.LiteralStyle != 0:
		return literal
	case s&yaml.FoldedStyle != 0:
		return folded
	case s&yaml.SingleQuotedStyle != 0:
		return single
	case s&yaml.DoubleQuotedStyle != 0:
		return double
	}
	return plain
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

// complaint is what the parser says of a text and where.
type complaint struct {
	message    string
	start, end int
}

// complain finds the place at which a document cannot be read: the parser tells the line at which the construct began, so the
// shortest beginning of the document that fails in the same way is looked for.
func complain(text string, p piece, err error) complaint {
	body := text[p.start:p.end]
	message := err.Error()
	fails := func(n int) bool {
		_, err := parseOne(body[:n])
		return err != nil && err.Error() == message
	}
	at := shortest(lineEnd(body, 0), len(body), fails)
	from := lineStart(body, max(at-1, 0))
	at = shortest(from+1, at, fails)
	start := max(at-1, 0)
	for start > from && !utf8.RuneStart(body[start]) {
		start--
	}
	if start > from && strings.IndexByte("[{", body[start-1]) >= 0 {
		// Of a bracket that is not closed only what follows is noticed.
		start--
	}
	first := from + len(body[from:]) - len(strings.TrimLeft(body[from:], " "))
	if start < len(body) && strings.IndexByte(":\n\r ", body[start]) >= 0 && first < start {
		start = first
		at = max(first, first+len(strings.TrimRight(body[first:at], ": \r\n")))
	}
	return complaint{message: plainWords(err, body[from:], start == first), start: p.start + start, end: p.start + at}
}

// shortest is the least n for which a condition holds that holds for all greater ones, hi among them. It tries small ones first.
func shortest(lo, hi int, holds func(int) bool) int {
	step := max(lo, 64)
	for probe := lo; probe < hi; probe += step {
		if holds(probe) {
			hi = probe
			break
		}
		lo, step = probe+1, step*2
	}
	for lo < hi {
		mid := lo + (hi-lo)/2
		if holds(mid) {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return hi
}

// plainWords is the parser's complaint without its line, which is often another one's. It is about the beginning of a line, or about what follows there.
func plainWords(err error, line string, beginning bool) string {
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	if where := regexp.MustCompile(`^line \d+: `).FindString(message); where != "" {
		message = message[len(where):]
	}
	switch {
	case strings.Contains(indent, "\t"):
		return "a tab where YAML wants blanks"
	case strings.HasPrefix(message, "did not find expected key") && !beginning:
		return "what stands here does not belong to the value before it"
	case strings.HasPrefix(message, "did not find expected key"):
		return "no key of the mapping begins here: the line is indented too little or too far"
	case strings.HasPrefix(message, "mapping values are not allowed"):
		return "a key is not allowed here: the line is indented too far, the value before it wants quotes, or the key above a colon"
	}
	for complaint, words := range map[string]string{
		"found unexpected end of stream":              "the quote that opens here is never closed",
		"found character that cannot start any token": "a value cannot begin with this character: it wants quotes",
		"did not find expected <document start>":      "the line is indented less than the first one of the document",
		"could not find expected ':'":                 "a colon is missing after a key",
		"did not find expected ',' or ']'":            "the list that begins here is not closed, or a comma is missing",
		"did not find expected ',' or '}'":            "the mapping that begins here is not closed, or a comma is missing",
	} {
		if strings.HasPrefix(message, complaint) {
			return words
		}
	}
	return message
}

// unreadable finds the first byte that no YAML parser takes.
func unreadable(text string) (complaint, bool) {
	for i, r := range text {
		n := utf8.RuneLen(r)
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd"):
			return complaint{"a byte that is not UTF-8", i, i + 1}, true
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0x7f, r >= 0x80 && r < 0xa0 && r != 0x85, r == 0xfffe, r == 0xffff:
			return complaint{fmt.Sprintf("the control character U+%04X", r), i, i + n}, true
		}
	}
	return complaint{}, false
}
