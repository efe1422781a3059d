package yamltree

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rolecall-dev/rolecall/internal/sourcemap"
)

// Map follows the text of a scalar through the bytes of the source it was read from. Where that is not possible, all of the text is at
// the scalar's beginning and the map is not exact: no byte is ever at a wrong place.
func (n *Node) Map(src *sourcemap.Source) *sourcemap.Map {
	d := decoder{Weaver: sourcemap.NewWeaver(src), src: src.Text, at: n.At}
	switch n.Style {
	case Literal, Folded:
		d.block(n)
	case Single:
		d.single()
	case Double:
		d.double()
	case JSON:
		d.json()
	case Plain:
		d.plain(n.Value)
	}
	if d.failed || d.Text() != n.Value {
		return sourcemap.Whole(src, len(n.Value), n.At)
	}
	return d.Map(d.end)
}

// decoder walks through the bytes of one scalar.
type decoder struct {
	*sourcemap.Weaver
	src     string
	at, end int
	failed  bool
	// breaks are line ends that were read and not yet written.
	breaks []Span
}

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
func (d *decoder) putBreak(b Span) {
	if b.End-b.Start == 3 {
		d.Copy(b.Start, b.End)
		return
	}
	d.Put("\n", b.Start, b.End)
}

// fold writes the line breaks read so far as flow scalars do: one is a blank, of several the first is dropped.
func (d *decoder) fold() {
	for i, b := range d.breaks {
		switch {
		case i > 0 || b.End-b.Start == 3:
			d.putBreak(b)
		case len(d.breaks) == 1:
			d.Put(" ", b.Start, b.End)
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
		d.breaks = append(d.breaks, Span{d.at, d.at + n})
		d.at += n
	}
	return start, end
}

// gap writes what stands between two words of a flow scalar.
func (d *decoder) gap() {
	start, end := d.blanks()
	if len(d.breaks) == 0 {
		d.Copy(start, end)
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
	d.Copy(start, d.at)
}

func (d *decoder) plain(value string) {
	for d.Len() < len(value) && d.at < len(d.src) {
		before := d.at
		if start := d.at; strings.HasPrefix(d.rest(), value[d.Len():]) {
			d.at += len(value) - d.Len()
			d.Copy(start, d.at)
			break
		}
		d.word("")
		if d.Len() >= len(value) {
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
			d.Put("'", d.at, d.at+2)
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
	d.Put(text, start, d.at)
}

// code reads an escape of so many hexadecimal digits.
func (d *decoder) code(start, digits int) {
	r, ok := hex(d.rest(), digits)
	d.failed = !ok
	if !ok {
		return
	}
	d.at += 2 + digits
	d.Put(string(r), start, d.at)
}

// hex reads the digits after a backslash and a letter.
func hex(s string, digits int) (rune, bool) {
	if len(s) < 2+digits {
		return 0, false
	}
	n, err := strconv.ParseUint(s[2:2+digits], 16, 32)
	return rune(n), err == nil && n <= utf8.MaxRune
}
