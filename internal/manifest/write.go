package manifest

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// lines edits a literal block: what is new gets the block's indentation and line ends.
func (t target) lines(edits []Edit) ([]patch, error) {
	o, src := t.value.origin, t.text
	h, ok := readHeader(src, t.value.node)
	if !ok || !o.exact {
		return nil, ErrStyle
	}
	b := block{src: src, text: t.value.Text, origin: o, eol: eolBefore(src, h.body), indent: t.indentation(h)}
	var out []patch
	if h.body == len(src) && !strings.HasSuffix(src, "\n") {
		// The header is all there is and ends the file.
		out = append(out, patch{len(src), len(src), b.eol})
	}
	for _, e := range edits {
		out = append(out, b.edit(e))
	}
	return append(out, chomped(h, t.value.Text, t.want)...), nil
}

// block is a literal block that is edited.
type block struct {
	src, text, eol string
	origin         *origin
	indent         int
}

// edit writes one edit. The patch reaches from the character of its start to that of its end, the indentation of the last line included.
func (b block) edit(e Edit) patch {
	p := patch{}
	p.start, _ = b.origin.at(e.Start)
	p.end, _ = b.origin.at(e.End)
	pad := spaces(b.indent)
	// follows tells that something stands on the line behind the edit.
	follows := e.End < len(b.text) && b.text[e.End] != '\n'
	pieces := strings.Split(b.ended(e, p.end), "\n")
	var out strings.Builder
	if e.Start == 0 || b.text[e.Start-1] == '\n' {
		if from := lineStart(b.src, p.start); strings.TrimSpace(b.src[from:p.start]) == "" {
			p.start = from
		}
		if pieces[0] != "" || len(pieces) == 1 && follows {
			out.WriteString(pad)
		}
	}
	out.WriteString(pieces[0])
	for i, line := range pieces[1:] {
		out.WriteString(b.eol)
		if line != "" || i == len(pieces)-2 && follows {
			out.WriteString(pad)
		}
		out.WriteString(line)
	}
	p.text = out.String()
	return p
}

// ended is the new text with its last line end added or left out, as the end of the block wants it.
func (b block) ended(e Edit, end int) string {
	if e.End < len(b.text) {
		return e.New
	}
	closed := b.text == "" || strings.HasSuffix(b.text, "\n")
	result := b.text[:e.Start] + e.New
	switch {
	case closed && result != "" && !strings.HasSuffix(result, "\n"):
		return e.New + "\n"
	case !closed && end < len(b.src):
		return strings.TrimSuffix(e.New, "\n")
	}
	return e.New
}

// indentation is how far the lines of a block are indented.
func (t target) indentation(h header) int {
	text := t.value.Text
	for at := 0; at < len(text); at = lineEnd(text, at) {
		if text[at] == '\n' {
			continue
		}
		offset, _ := t.value.origin.at(at)
		return offset - lineStart(t.text, offset)
	}
	if h.indent > 0 {
		return h.indent
	}
	return max(t.value.node.indent, 0) + 2
}

// eolBefore is the line end that stands before an offset.
func eolBefore(src string, offset int) string {
	if strings.HasSuffix(src[:offset], "\r\n") {
		return "\r\n"
	}
	return "\n"
}

// chomping is the indicator that keeps the line ends a text ends with.
func chomping(text string) string {
	switch trimmed := strings.TrimRight(text, "\n"); len(text) - len(trimmed) {
	case 0:
		return "-"
	case 1:
		if trimmed != "" {
			return ""
		}
	}
	return "+"
}

// chomped changes the chomping indicator where the new text ends in another way than the old one.
func chomped(h header, was, want string) []patch {
	need, is := chomping(want), strings.Trim(string(rune(h.chomp)), "\x00")
	if want == "" || need == is || chomping(was) == need || is == "+" && need == "" {
		return nil
	}
	return []patch{{h.chompAt, h.chompAt + len(is), need}}
}

// asLiteral writes the whole value as a literal block.
func (t target) asLiteral() ([]patch, error) {
	start, end, err := t.extent()
	if err != nil {
		return nil, err
	}
	n, next := t.value.node, end
	isBlock := n.style == literal || n.style == folded
	if !isBlock {
		next = lineEnd(t.text, end)
		if strings.TrimSpace(t.text[end:next]) != "" {
			return nil, ErrStyle
		}
	}
	eol := eolBefore(t.text, lineEnd(t.text, start))
	indent := max(n.indent, 0) + 2
	text := literalBlock(t.want, indent, eol)
	if next == len(t.text) && !strings.HasSuffix(t.want, "\n") {
		text = strings.TrimSuffix(text, eol)
	}
	if start > 0 && t.text[start-1] == ':' {
		text = " " + text
	}
	return []patch{{start, next, text}}, nil
}

// literalBlock is a text as a literal block scalar, its last line ended.
func literalBlock(text string, indent int, eol string) string {
	var b strings.Builder
	b.WriteString("|")
	if strings.HasPrefix(text, " ") || strings.HasPrefix(text, "\n") {
		b.WriteString("2")
	}
	b.WriteString(chomping(text) + eol)
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if line != "" {
			b.WriteString(strings.Repeat(" ", indent))
		}
		b.WriteString(line + eol)
	}
	return b.String()
}

// asQuoted writes the whole value as a double-quoted scalar, which is also a JSON string.
func (t target) asQuoted() ([]patch, error) {
	start, end, err := t.extent()
	if err != nil {
		return nil, err
	}
	text := quoted(t.want)
	if start > 0 && t.text[start-1] == ':' {
		text = " " + text
	}
	if n := t.value.node; n.style == literal || n.style == folded {
		text += eolBefore(t.text, lineEnd(t.text, start))
	}
	return []patch{{start, end, text}}, nil
}

// extent is where the scalar of the value stands, quotes included.
func (t target) extent() (start, end int, err error) {
	n, o := t.value.node, t.value.origin
	if n.isNull() {
		for _, word := range []string{"null", "Null", "NULL", "~"} {
			if strings.HasPrefix(t.text[n.at:], word) {
				return n.at, n.at + len(word), nil
			}
		}
		return t.afterKey()
	}
	if !o.exact {
		return 0, 0, ErrStyle
	}
	switch n.style {
	case single, double, inJSON:
		return n.at, o.end + 1, nil
	case plain, literal, folded:
	}
	return n.at, o.end, nil
}

// afterKey is the place of a value that is not written at all.
func (t target) afterKey() (start, end int, err error) {
	for k := range t.doc.data.pairs {
		if k.value != t.value.Key || k.style != plain {
			continue
		}
		at := k.at + len(k.value)
		if strings.HasPrefix(t.text[at:], ":") {
			return at + 1, at + 1, nil
		}
	}
	return 0, 0, ErrStyle
}

// quoted is a text as a JSON string; YAML reads it the same.
func quoted(text string) string { return `"` + quoteInside(text) + `"` }

// quoteInside escapes a text for the inside of a double-quoted scalar or a JSON string.
func quoteInside(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff || r == utf8.RuneError:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// makeKey writes a key that data does not have: after its last entry, or else before its first.
func (t target) makeKey() []way {
	d := t.doc
	switch {
	case d.Form == FormEksctl || d.Form == FormProgram || d.Form == FormRows && d.data == nil:
		return nil
	case d.data != nil && d.data.kind == mapping && d.data.flow:
		return []way{func() ([]patch, error) { return t.member(d.data, t.want) }}
	case d.data != nil && d.data.kind == mapping:
		return []way{t.after, func() ([]patch, error) { return t.before(d.data, t.entry(d.data.content[0].indent)) }}
	case d.data == nil && d.object.flow:
		return []way{func() ([]patch, error) {
			return []patch{{d.object.at + 1, d.object.at + 1, `"data": {` + quoted(t.key) + ": " + quoted(t.want) + "}, "}}, nil
		}}
	case d.data == nil:
		indent := d.object.content[0].indent
		return []way{func() ([]patch, error) { return t.before(d.object, "data:"+t.eol()+spaces(indent+2)+t.entry(indent+2)) }}
	case d.data.isNull():
		return []way{t.emptyData}
	}
	return nil
}

func spaces(n int) string { return strings.Repeat(" ", max(n, 0)) }

func (t target) eol() string { return eolBefore(t.text, lineEnd(t.text, 0)) }

// entry is the new key with its value in a block mapping.
func (t target) entry(indent int) string {
	if t.want == "" {
		return t.key + `: ""` + t.eol()
	}
	return t.key + ": " + literalBlock(t.want, indent+2, t.eol())
}

// after writes the entry behind the last one of data.
func (t target) after() ([]patch, error) {
	data := t.doc.data
	last := data.content[len(data.content)-1]
	if !last.isText() || last.anchored {
		return nil, ErrStyle
	}
	o := decode(newSource("", t.text), last)
	if !o.exact {
		return nil, ErrStyle
	}
	at, lead := o.end, ""
	if last.style != literal && last.style != folded || lineStart(t.text, at) != at {
		at = lineEnd(t.text, at)
	}
	if at == len(t.text) && !strings.HasSuffix(t.text, "\n") {
		lead = t.eol()
	}
	indent := data.content[0].indent
	return []patch{{at, at, lead + spaces(indent) + t.entry(indent)}}, nil
}

// before writes the entry in front of the first one of a mapping.
func (t target) before(n *node, entry string) ([]patch, error) {
	first := n.content[0]
	return []patch{{first.at, first.at, entry + spaces(first.indent)}}, nil
}

// member writes a member in front of the others of a mapping in braces.
func (t target) member(n *node, text string) ([]patch, error) {
	at := n.at + 1
	entry := quoted(t.key) + ": " + quoted(text)
	if len(n.content) > 0 {
		entry += "," + t.text[at:n.content[0].at]
		at = n.content[0].at
	}
	return []patch{{at, at, entry}}, nil
}

// emptyData writes the first entry of a data that is there without a value.
func (t target) emptyData() ([]patch, error) {
	k, _ := t.doc.object.pair("data")
	at := k.at + len("data:")
	next := lineEnd(t.text, k.at)
	if k.style != plain || at > len(t.text) || t.text[at-1] != ':' || strings.TrimSpace(t.text[at:next]) != "" && !strings.HasPrefix(strings.TrimSpace(t.text[at:next]), "#") {
		return nil, ErrStyle
	}
	lead := ""
	if next == len(t.text) && !strings.HasSuffix(t.text, "\n") {
		lead = t.eol()
	}
	return []patch{{next, next, lead + spaces(k.indent+2) + t.entry(k.indent+2)}}, nil
}
