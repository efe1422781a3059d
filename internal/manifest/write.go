package manifest

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/rolecall-dev/rolecall/internal/sourcemap"
	"github.com/rolecall-dev/rolecall/internal/yamltree"
)

// lines edits a literal block: what is new gets the block's indentation and line ends.
func (t target) lines(edits []Edit) ([]patch, error) {
	o, src := t.value.origin, t.text
	h, ok := t.value.node.Header(src)
	if !ok || !o.Exact() {
		return nil, ErrStyle
	}
	b := block{src: src, text: t.value.Text, origin: o, eol: eolBefore(src, h.Body), indent: t.indentation(h)}
	var out []patch
	if h.Body == len(src) && !strings.HasSuffix(src, "\n") {
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
	origin         *sourcemap.Map
	indent         int
}

// edit writes one edit. The patch reaches from the character of its start to that of its end, the indentation of the last line included.
func (b block) edit(e Edit) patch {
	p := patch{}
	p.start, _ = b.origin.At(e.Start)
	p.end, _ = b.origin.At(e.End)
	pad := spaces(b.indent)
	// follows tells that something stands on the line behind the edit.
	follows := e.End < len(b.text) && b.text[e.End] != '\n'
	pieces := strings.Split(b.ended(e, p.end), "\n")
	var out strings.Builder
	if e.Start == 0 || b.text[e.Start-1] == '\n' {
		if from := sourcemap.LineStart(b.src, p.start); strings.TrimSpace(b.src[from:p.start]) == "" {
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
func (t target) indentation(h yamltree.Header) int {
	text := t.value.Text
	for at := 0; at < len(text); at = sourcemap.LineEnd(text, at) {
		if text[at] == '\n' {
			continue
		}
		offset, _ := t.value.origin.At(at)
		return offset - sourcemap.LineStart(t.text, offset)
	}
	if h.Indent > 0 {
		return h.Indent
	}
	return max(t.value.node.Indent, 0) + 2
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
func chomped(h yamltree.Header, was, want string) []patch {
	need, is := chomping(want), strings.Trim(string(rune(h.Chomp)), "\x00")
	if want == "" || need == is || chomping(was) == need || is == "+" && need == "" {
		return nil
	}
	return []patch{{h.ChompAt, h.ChompAt + len(is), need}}
}

// asLiteral writes the whole value as a literal block.
func (t target) asLiteral() ([]patch, error) {
	start, end, err := t.extent()
	if err != nil {
		return nil, err
	}
	n, next := t.value.node, end
	isBlock := n.Style == yamltree.Literal || n.Style == yamltree.Folded
	if !isBlock {
		next = sourcemap.LineEnd(t.text, end)
		if strings.TrimSpace(t.text[end:next]) != "" {
			return nil, ErrStyle
		}
	}
	eol := eolBefore(t.text, sourcemap.LineEnd(t.text, start))
	indent := max(n.Indent, 0) + 2
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
	if n := t.value.node; n.Style == yamltree.Literal || n.Style == yamltree.Folded {
		text += eolBefore(t.text, sourcemap.LineEnd(t.text, start))
	}
	return []patch{{start, end, text}}, nil
}

// extent is where the scalar of the value stands, quotes included.
func (t target) extent() (start, end int, err error) {
	n, o := t.value.node, t.value.origin
	if n.IsNull() {
		for _, word := range []string{"null", "Null", "NULL", "~"} {
			if strings.HasPrefix(t.text[n.At:], word) {
				return n.At, n.At + len(word), nil
			}
		}
		return t.afterKey()
	}
	if !o.Exact() {
		return 0, 0, ErrStyle
	}
	switch n.Style {
	case yamltree.Single, yamltree.Double, yamltree.JSON:
		return n.At, o.End() + 1, nil
	case yamltree.Plain, yamltree.Literal, yamltree.Folded:
	}
	return n.At, o.End(), nil
}

// afterKey is the place of a value that is not written at all.
func (t target) afterKey() (start, end int, err error) {
	for k := range t.doc.data.Pairs {
		if k.Value != t.value.Key || k.Style != yamltree.Plain {
			continue
		}
		at := k.At + len(k.Value)
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
	case d.data != nil && d.data.Kind == yamltree.Mapping && d.data.Flow:
		return []way{func() ([]patch, error) { return t.member(d.data, t.want) }}
	case d.data != nil && d.data.Kind == yamltree.Mapping:
		return []way{t.after, func() ([]patch, error) { return t.before(d.data, t.entry(d.data.Content[0].Indent)) }}
	case d.data == nil && d.object.Flow:
		return []way{func() ([]patch, error) {
			return []patch{{d.object.At + 1, d.object.At + 1, `"data": {` + quoted(t.key) + ": " + quoted(t.want) + "}, "}}, nil
		}}
	case d.data == nil:
		indent := d.object.Content[0].Indent
		return []way{func() ([]patch, error) { return t.before(d.object, "data:"+t.eol()+spaces(indent+2)+t.entry(indent+2)) }}
	case d.data.IsNull():
		return []way{t.emptyData}
	}
	return nil
}

func spaces(n int) string { return strings.Repeat(" ", max(n, 0)) }

func (t target) eol() string { return eolBefore(t.text, sourcemap.LineEnd(t.text, 0)) }

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
	last := data.Content[len(data.Content)-1]
	if !last.IsText() || last.Anchored {
		return nil, ErrStyle
	}
	o := last.Map(sourcemap.NewSource("", t.text))
	if !o.Exact() {
		return nil, ErrStyle
	}
	at, lead := o.End(), ""
	if last.Style != yamltree.Literal && last.Style != yamltree.Folded || sourcemap.LineStart(t.text, at) != at {
		at = sourcemap.LineEnd(t.text, at)
	}
	if at == len(t.text) && !strings.HasSuffix(t.text, "\n") {
		lead = t.eol()
	}
	indent := data.Content[0].Indent
	return []patch{{at, at, lead + spaces(indent) + t.entry(indent)}}, nil
}

// before writes the entry in front of the first one of a mapping.
func (t target) before(n *yamltree.Node, entry string) ([]patch, error) {
	first := n.Content[0]
	return []patch{{first.At, first.At, entry + spaces(first.Indent)}}, nil
}

// member writes a member in front of the others of a mapping in braces.
func (t target) member(n *yamltree.Node, text string) ([]patch, error) {
	at := n.At + 1
	entry := quoted(t.key) + ": " + quoted(text)
	if len(n.Content) > 0 {
		entry += "," + t.text[at:n.Content[0].At]
		at = n.Content[0].At
	}
	return []patch{{at, at, entry}}, nil
}

// emptyData writes the first entry of a data that is there without a value.
func (t target) emptyData() ([]patch, error) {
	k, _ := t.doc.object.Pair("data")
	at := k.At + len("data:")
	next := sourcemap.LineEnd(t.text, k.At)
	if k.Style != yamltree.Plain || at > len(t.text) || t.text[at-1] != ':' || strings.TrimSpace(t.text[at:next]) != "" && !strings.HasPrefix(strings.TrimSpace(t.text[at:next]), "#") {
		return nil, ErrStyle
	}
	lead := ""
	if next == len(t.text) && !strings.HasSuffix(t.text, "\n") {
		lead = t.eol()
	}
	return []patch{{next, next, lead + spaces(k.Indent+2) + t.entry(k.Indent+2)}}, nil
}
