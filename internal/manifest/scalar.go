package manifest

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// decode reads a scalar from the bytes it is written in and returns where each byte of its text comes from. Where that cannot be followed,
// all of the text is at the scalar's beginning: never at a wrong place.
func decode(src *source, n *node) *origin {
	d := decoder{weaver: weaver{src: src.text}, at: n.at}
	switch n.style {
	case literal, folded:
		d.block(n)
	case single:
		d.single()
	case double:
		d.double()
	case inJSON:
		d.json()
	case plain:
		d.plain(n.value)
	}
	if d.failed || string(d.out) != n.value {
		return whole(src, n.value, n.at, n.at)
	}
	return d.origin(src, d.end)
}

// decoder walks through the bytes of one scalar.
type decoder struct {
	weaver
	at, end int
	failed  bool
	// breaks are line ends that were read and not yet written.
	breaks []span
}

type span struct{ start, end int }

func (d *decoder) rest() string { return d.src[d.at:] }

// lineBreak is the length of a YAML line break at the beginning of s.
func lineBreak(s string) int {
	switch {
	case strings.HasPrefix(s, "\r\n"), strings.HasPrefix(s, "\u0085"):
		return 2
	case strings.HasPrefix(s, "\n"), strings.HasPrefix(s, "\r"):
		return 1
	case strings.HasPrefix(s, "\u2028"), strings.HasPrefix(s, "\u2029"):
		return 3
	}
	return 0
}

// putBreak writes a line break as YAML reads it.
func (d *decoder) putBreak(b span) {
	if b.end-b.start == 3 {
		d.copy(b.start, b.end)
		return
	}
	d.put("\n", b.start, b.end)
}

// fold writes the line breaks read so far as flow scalars do: one is a blank, of several the first is dropped.
func (d *decoder) fold() {
	for i, b := range d.breaks {
		switch {
		case i > 0 || b.end-b.start == 3:
			d.putBreak(b)
		case len(d.breaks) == 1:
			d.put(" ", b.start, b.end)
		}
	}
	d.breaks = d.breaks[:0]
}

// blanks reads blanks and line breaks between words and returns where the blanks before the first break are.
func (d *decoder) blanks() (start, end int) {
	start, end = d.at, d.at
	for d.at < len(d.src) {
		if c := d.src[d.at]; c == ' ' || c == '\t' {
			d.at++
			if len(d.breaks) == 0 {
				end = d.at
			}
			continue
		}
		n := lineBreak(d.rest())
		if n == 0 {
			break
		}
		d.breaks = append(d.breaks, span{d.at, d.at + n})
		d.at += n
	}
	return start, end
}

// gap writes what stands between two words of a flow scalar.
func (d *decoder) gap() {
	start, end := d.blanks()
	if len(d.breaks) == 0 {
		d.copy(start, end)
		return
	}
	d.fold()
}

// word copies what needs no thought: up to a blank, a line break or one of the stops.
func (d *decoder) word(stops string) {
	start := d.at
	for d.at < len(d.src) {
		c := d.src[d.at]
		if c == ' ' || c == '\t' || strings.IndexByte(stops, c) >= 0 || c < ' ' || c >= utf8.RuneSelf && lineBreak(d.rest()) > 0 {
			break
		}
		d.at++
	}
	d.copy(start, d.at)
}

func (d *decoder) plain(value string) {
	for len(d.out) < len(value) && d.at < len(d.src) {
		before := d.at
		if start := d.at; strings.HasPrefix(d.rest(), value[len(d.out):]) {
			d.at += len(value) - len(d.out)
			d.copy(start, d.at)
			break
		}
		d.word("")
		if len(d.out) >= len(value) {
			break
		}
		d.gap()
		if d.at == before {
			break
		}
	}
	d.end = d.at
}

// open passes the opening quote.
func (d *decoder) open(quote string) bool {
	d.failed = !strings.HasPrefix(d.rest(), quote)
	d.at += len(quote)
	return !d.failed
}

func (d *decoder) single() {
	if !d.open("'") {
		return
	}
	for d.at < len(d.src) {
		d.word("'")
		switch {
		case strings.HasPrefix(d.rest(), "''"):
			d.put("'", d.at, d.at+2)
			d.at += 2
		case strings.HasPrefix(d.rest(), "'"):
			d.end = d.at
			return
		case d.stuck(d.gap):
			return
		}
	}
	d.failed = true
}

// stuck tells that a step did not move: the text is not what it was taken for.
func (d *decoder) stuck(step func()) bool {
	before := d.at
	step()
	d.failed = d.failed || d.at == before
	return d.failed
}

func (d *decoder) double() {
	if !d.open(`"`) {
		return
	}
	for d.at < len(d.src) {
		d.word(`"\`)
		switch {
		case strings.HasPrefix(d.rest(), `"`):
			d.end = d.at
			return
		case strings.HasPrefix(d.rest(), `\`):
			if d.stuck(d.escape) {
				return
			}
		case d.stuck(d.gap):
			return
		}
	}
	d.failed = true
}

// escapes are the YAML escapes of one character; \x, \u and \U have digits.
const (
	escapes  = "0abt\tnvfre \"'\\/N_LP"
	escapees = "\x00\a\b\t\t\n\v\f\r\x1b \"'\\/\u0085\u00a0\u2028\u2029"
)

// escape reads one escape of a double-quoted scalar.
func (d *decoder) escape() {
	start := d.at
	if d.at+1 >= len(d.src) {
		d.failed = true
		return
	}
	if n := lineBreak(d.src[d.at+1:]); n > 0 {
		// The break is not there, nor are the blanks that the next line begins with; empty lines are.
		d.at += 1 + n
		d.blanks()
		for _, b := range d.breaks {
			d.putBreak(b)
		}
		d.breaks = d.breaks[:0]
		return
	}
	c := d.src[d.at+1]
	if digits := strings.IndexByte("x u   U", c); digits >= 0 && c != ' ' {
		d.code(start, digits+2)
		return
	}
	i := strings.IndexByte(escapes, c)
	if i < 0 {
		d.failed = true
		return
	}
	d.at += 2
	text := escapees[i : i+1]
	if i > 14 {
		text = string([]rune(escapees)[i])
	}
	d.put(text, start, d.at)
}

// code reads an escape of so many hexadecimal digits.
func (d *decoder) code(start, digits int) {
	r, ok := hex(d.rest(), digits)
	d.failed = !ok
	if !ok {
		return
	}
	d.at += 2 + digits
	d.put(string(r), start, d.at)
}

// hex reads the digits after a backslash and a letter.
func hex(s string, digits int) (rune, bool) {
	if len(s) < 2+digits {
		return 0, false
	}
	n, err := strconv.ParseUint(s[2:2+digits], 16, 32)
	return rune(n), err == nil && n <= utf8.MaxRune
}
