package manifest

import "strings"

// header is the first line of a block scalar.
type header struct {
	// indent is how far the text is indented, 0 where its first line decides.
	indent int
	chomp  byte
	// chompAt is the offset of the chomping indicator, or where one would stand; body is where the next line begins.
	chompAt, body int
}

// readHeader reads the header of a block scalar whose indicator is at an offset.
func readHeader(src string, n *node) (header, bool) {
	at := n.at
	if at >= len(src) || src[at] != '|' && src[at] != '>' {
		return header{}, false
	}
	h := header{chompAt: at + 1}
	for at++; at < len(src); at++ {
		switch c := src[at]; {
		case c == '+' || c == '-':
			h.chomp, h.chompAt = c, at
			continue
		case '1' <= c && c <= '9':
			h.indent = max(n.indent, 0) + int(c-'0')
			if h.chomp == 0 {
				h.chompAt = at + 1
			}
			continue
		}
		break
	}
	for at < len(src) && lineBreak(src[at:]) == 0 {
		at++
	}
	h.body = min(at+lineBreak(src[at:]), len(src))
	return h, true
}

// block reads a literal or folded scalar.
func (d *decoder) block(n *node) {
	h, ok := readHeader(d.src, n)
	if d.failed = !ok; !ok {
		return
	}
	d.at = h.body
	indent := h.indent
	if indent == 0 {
		indent = max(d.indentation(), n.indent+1, 1)
	}
	var lead, trail []span
	trail = d.empty(indent)
	blankBefore := false
	for d.at < len(d.src) && d.column() == indent {
		blank := d.src[d.at] == ' ' || d.src[d.at] == '\t'
		d.join(n.style == folded && !blankBefore && !blank, lead, trail)
		blankBefore = blank
		start := d.at
		for d.at < len(d.src) && lineBreak(d.rest()) == 0 {
			d.at++
		}
		d.copy(start, d.at)
		lead = nil
		if n := lineBreak(d.rest()); n > 0 {
			lead = []span{{d.at, d.at + n}}
			d.at += n
		}
		d.end = d.at
		trail = d.empty(indent)
	}
	d.chomp(h, lead, trail)
}

// chomp writes the line breaks at the end as far as they count.
func (d *decoder) chomp(h header, lead, trail []span) {
	if d.end == 0 {
		d.end = h.body
	}
	if h.chomp == '-' {
		if len(lead) > 0 {
			d.end = lead[0].start
		}
		return
	}
	if h.chomp != '+' {
		trail = nil
	}
	for _, b := range append(lead, trail...) {
		d.putBreak(b)
		d.end = b.end
	}
}

// join writes the line breaks between two lines.
func (d *decoder) join(fold bool, lead, trail []span) {
	if fold && len(lead) > 0 && lead[0].end-lead[0].start < 3 {
		if len(trail) == 0 {
			d.put(" ", lead[0].start, lead[0].end)
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
func (d *decoder) empty(indent int) []span {
	var out []span
	for {
		for i := 0; i < indent && d.at < len(d.src) && d.src[d.at] == ' '; i++ {
			d.at++
		}
		n := lineBreak(d.rest())
		if n == 0 {
			return out
		}
		out = append(out, span{d.at, d.at + n})
		d.at += n
	}
}
