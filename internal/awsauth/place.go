package awsauth

import (
	"strings"
	"unicode/utf8"

	yamlv3 "go.yaml.in/yaml/v3"
)

const bom = "\ufeff"

// lineStarts are the bytes at which lines begin, as YAML counts lines: it knows more line ends than we do elsewhere.
func lineStarts(text string) []int {
	out := []int{len(text) - len(strings.TrimPrefix(text, bom))}
	for i := 0; i < len(text); {
		c, size := utf8.DecodeRuneInString(text[i:])
		i += size
		switch c {
		case '\r':
			if i < len(text) && text[i] == '\n' {
				i++
			}
			out = append(out, i)
		case '\n', '\u0085', '\u2028', '\u2029':
			out = append(out, i)
		}
	}
	return out
}

// lineEnd is the byte at which the line ends that has the byte at.
func lineEnd(text string, at int) int {
	if i := strings.IndexAny(text[at:], "\r\n"); i >= 0 {
		return at + i
	}
	return len(text)
}

// offset is the byte of a line and column, both counted from 1 and the latter in characters; -1 for a place outside the text.
func (o *outliner) offset(line, column int) int {
	if line < 1 || line > len(o.lines) || column < 1 {
		return -1
	}
	start, end := o.lines[line-1], len(o.text)
	if line < len(o.lines) {
		end = o.lines[line]
	}
	at, seen := o.runes[line]
	if !seen {
		at = nonASCII(o.text[start:end])
		o.runes[line] = at
	}
	x := column - 1
	if at != nil {
		if x >= len(at) {
			return -1
		}
		x = at[x]
	}
	if start+x > end {
		return -1
	}
	return start + x
}

// nonASCII are the byte positions of the characters of a line and its end; nil for a line of ASCII, where they are their own numbers.
func nonASCII(t string) []int {
	ascii := true
	for i := range len(t) {
		ascii = ascii && t[i] < utf8.RuneSelf
	}
	if ascii {
		return nil
	}
	var out []int
	for i := range t {
		out = append(out, i)
	}
	return append(out, len(t))
}

// line is the rest of the line on which a node begins.
func (o *outliner) line(n *yamlv3.Node) Span {
	at := o.offset(n.Line, n.Column)
	if at < 0 || at >= len(o.text) {
		return Span{}
	}
	end := len(o.text)
	if n.Line < len(o.lines) {
		end = o.lines[n.Line]
	}
	return Span{at, at + len(strings.TrimRight(o.text[at:end], "\r\n"))}
}

// scalar is the place and the text of a node. A place that does not hold what the library read there is not known.
func (o *outliner) scalar(n *yamlv3.Node) Value {
	v := Value{Text: n.Value}
	at := o.offset(n.Line, n.Column)
	if at < 0 || at > len(o.text) {
		return v
	}
	if n.Kind == yamlv3.AliasNode {
		v.At = o.plain(at, "*"+n.Value)
		return v
	}
	if at = o.pastProperties(at); n.Kind != yamlv3.ScalarNode {
		if at < len(o.text) {
			v.At = Span{at, at + 1}
		}
		return v
	}
	switch {
	case n.Style&yamlv3.DoubleQuotedStyle != 0:
		v.Quote = '"'
		v.At = o.quoted(at, '"')
	case n.Style&yamlv3.SingleQuotedStyle != 0:
		v.Quote = '\''
		v.At = o.quoted(at, '\'')
	case n.Style&(yamlv3.LiteralStyle|yamlv3.FoldedStyle) != 0:
		v.Quote = '|'
		v.At = o.blockText(at, n.Value)
	default:
		v.At = o.plain(at, n.Value)
	}
	return v
}

// pastProperties skips an anchor and a tag in front of a value.
func (o *outliner) pastProperties(at int) int {
	for at < len(o.text) && (o.text[at] == '&' || o.text[at] == '!') {
		for at < len(o.text) && strings.IndexByte(" \t\r\n", o.text[at]) < 0 {
			at++
		}
		for at < len(o.text) && strings.IndexByte(" \t\r\n", o.text[at]) >= 0 {
			at++
		}
		if at < len(o.text) && o.text[at] == '#' {
			at = lineEnd(o.text, at)
			for at < len(o.text) && strings.IndexByte(" \t\r\n", o.text[at]) >= 0 {
				at++
			}
		}
	}
	return min(at, len(o.text))
}

// quoted is what stands between the quotes of a scalar.
func (o *outliner) quoted(at int, quote byte) Span {
	if at >= len(o.text) || o.text[at] != quote {
		return Span{}
	}
	for i := at + 1; i < len(o.text); i++ {
		switch c := o.text[i]; {
		case c == '\\' && quote == '"':
			i++
		case c == quote && quote == '\'' && strings.HasPrefix(o.text[i+1:], "'"):
			i++
		case c == quote:
			return Span{at + 1, i}
		}
	}
	return Span{}
}

// blockText is the first line of a literal or folded scalar that has text, without its indentation.
func (o *outliner) blockText(at int, value string) Span {
	header := lineEnd(o.text, at)
	if strings.TrimSpace(value) == "" {
		return Span{at, header}
	}
	for i := header; i < len(o.text); i++ {
		if strings.IndexByte(" \t\r\n", o.text[i]) < 0 {
			return Span{i, lineEnd(o.text, i)}
		}
	}
	return Span{}
}

// plain is an unquoted scalar: its words, however many lines it goes over.
func (o *outliner) plain(at int, value string) Span {
	end := at
	if value == "" {
		// Nothing is written: the place is the dash that something could follow, or where it could be.
		if at > 0 && o.text[at-1] == '-' {
			return Span{at - 1, at}
		}
		return Span{at, at}
	}
	for word := range strings.FieldsSeq(value) {
		for end < len(o.text) && strings.IndexByte(" \t\r\n", o.text[end]) >= 0 && end > at {
			end++
		}
		if !strings.HasPrefix(o.text[end:], word) {
			return Span{}
		}
		end += len(word)
	}
	return Span{at, end}
}
