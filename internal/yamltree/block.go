package yamltree

import "strings"

// Header is the first line of a block scalar.
type Header struct {
	// Indent is how far the text is indented, 0 where its first line decides.
	Indent int
	// Chomp is the chomping indicator, 0 where there is none; ChompAt is its offset, or where it would stand.
	Chomp   byte
	ChompAt int
	// Body is where the next line begins.
	Body int
}

// Header reads the header of a literal or folded scalar from the text it was read from; it is not ok where there is none.
func (n *Node) Header(text string) (h Header, ok bool) {
	at := n.At
	if at >= len(text) || text[at] != '|' && text[at] != '>' {
		return Header{}, false
	}
	h.ChompAt = at + 1
	for at++; at < len(text); at++ {
		switch c := text[at]; {
		case c == '+' || c == '-':
			h.Chomp, h.ChompAt = c, at
			continue
		case '1' <= c && c <= '9':
			h.Indent = max(n.Indent, 0) + int(c-'0')
			if h.Chomp == 0 {
				h.ChompAt = at + 1
			}
			continue
		}
		break
	}
	for at < len(text) && lineBreak(text[at:]) == 0 {
		at++
	}
	h.Body = min(at+lineBreak(text[at:]), len(text))
	return h, true
}

// block reads a literal or folded scalar.
func (d *decoder) block(n *Node) {
	h, ok := n.Header(d.src)
	if d.failed = !ok; !ok {
		return
	}
	d.at = h.Body
	indent := h.Indent
	if indent == 0 {
		indent = max(d.indentation(), n.Indent+1, 1)
	}
	var lead, trail []Span
	trail = d.empty(indent)
	blankBefore := false
	for d.at < len(d.src) && d.column() == indent {
		blank := d.src[d.at] == ' ' || d.src[d.at] == '\t'
		d.join(n.Style == Folded && !blankBefore && !blank, lead, trail)
		blankBefore = blank
		start := d.at
		for d.at < len(d.src) && lineBreak(d.rest()) == 0 {
			d.at++
		}
		d.Copy(start, d.at)
		lead = nil
		if n := lineBreak(d.rest()); n > 0 {
			lead = []Span{{d.at, d.at + n}}
			d.at += n
		}
		d.end = d.at
		trail = d.empty(indent)
	}
	d.chomp(h, lead, trail)
}

// chomp writes the line breaks at the end as far as they count.
func (d *decoder) chomp(h Header, lead, trail []Span) {
	if d.end == 0 {
		d.end = h.Body
	}
	if h.Chomp == '-' {
		if len(lead) > 0 {
			d.end = lead[0].Start
		}
		return
	}
	if h.Chomp != '+' {
		trail = nil
	}
	for _, b := range append(lead, trail...) {
		d.putBreak(b)
		d.end = b.End
	}
}

// join writes the line breaks between two lines.
func (d *decoder) join(fold bool, lead, trail []Span) {
	if fold && len(lead) > 0 && lead[0].End-lead[0].Start < 3 {
		if len(trail) == 0 {
			d.Put(" ", lead[0].Start, lead[0].End)
		}
		lead = nil
	}
	for _, b := range lead {
		d.putBreak(b)
	}
	for _, b := range trail {
		d.putBreak(b)
	}
}

// indentation is that of the first line with a text, or of a longer one of blanks before it.
func (d *decoder) indentation() int {
	indent := 0
	for rest := d.rest(); ; {
		spaces := len(rest) - len(strings.TrimLeft(rest, " "))
		indent = max(indent, spaces)
		n := lineBreak(rest[spaces:])
		if n == 0 {
			return indent
		}
		rest = rest[spaces+n:]
	}
}

// column is how many blanks stand between the beginning of the line and here.
func (d *decoder) column() int {
	n := 0
	for n < d.at && d.src[d.at-n-1] == ' ' {
		n++
	}
	return n
}

// empty passes the lines without a text and the indentation of the next one, and returns their breaks.
func (d *decoder) empty(indent int) []Span {
	var out []Span
	for {
		for i := 0; i < indent && d.at < len(d.src) && d.src[d.at] == ' '; i++ {
			d.at++
		}
		n := lineBreak(d.rest())
		if n == 0 {
			return out
		}
		out = append(out, Span{d.at, d.at + n})
		d.at += n
	}
}
