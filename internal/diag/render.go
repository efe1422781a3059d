package diag

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Options say how diagnostics are rendered for people.
type Options struct {
	// Color adds ANSI colours; nothing is said by colour alone.
	Color bool
	// Width is the number of columns to keep to; 0 means 100. Summaries and hints are never cut.
	Width int
}

func (o Options) width() int {
	if o.Width <= 0 {
		return 100
	}
	return o.Width
}

// Render writes one diagnostic: the line "file:line:column: error RC2002: summary", the source line with a caret where
// there is one, the detail and the hint. Everything that came from outside is escaped.
func Render(w io.Writer, d Diagnostic, o Options) error { return (&renderer{Options: o}).render(w, d) }

// renderer remembers how far it came in a line: thousands of findings may be in one line of JSON.
type renderer struct {
	Options
	last cursor
}

func (o *renderer) render(w io.Writer, d Diagnostic) error {
	var b strings.Builder
	b.WriteString(d.place() + o.paint(d.Severity, d.Severity.String()+" "+string(d.Code)) + ": " + Escape(d.Summary) + "\n")
	detail := o.source(&b, d)
	for line := range strings.Lines(detail) {
		for _, part := range wrap(Escape(strings.TrimRight(line, "\r\n")), o.width()-2) {
			b.WriteString("  " + part + "\n")
		}
	}
	if d.Hint != "" {
		b.WriteString("  hint: " + strings.Join(escapeLines(d.Hint), "\n        ") + "\n")
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing a diagnostic: %w", err)
	}
	return nil
}

// RenderAll writes every diagnostic of l in its order, a blank line between two.
func RenderAll(w io.Writer, l List, o Options) error {
	r := &renderer{Options: o}
	for i, d := range l {
		if i > 0 {
			if _, err := io.WriteString(w, "\n"); err != nil {
				return fmt.Errorf("writing diagnostics: %w", err)
			}
		}
		if err := r.render(w, d); err != nil {
			return err
		}
	}
	return nil
}

// source writes the source line and its caret, with a short detail beside it, and returns the detail that is still to be written.
func (o *renderer) source(b *strings.Builder, d Diagnostic) string {
	if d.Pos.Source == "" || d.Pos.Line == 0 || d.Pos.Column == 0 {
		return d.Detail
	}
	number := fmt.Sprintf("%5d", d.Pos.Line)
	gutter := strings.Repeat(" ", len(number))
	room := max(o.width()-len(number)-len(" | "), 20)
	text, start, width := o.excerpt(d.Pos, room)
	b.WriteString(number + " | " + text + "\n")
	caret := gutter + " | " + strings.Repeat(" ", start) + o.paint(d.Severity, strings.Repeat("^", width))
	rest := d.Detail
	if fits := start + width + 1 + utf8.RuneCountInString(rest); rest != "" && !strings.Contains(rest, "\n") && fits <= room {
		caret += " " + Escape(rest)
		rest = ""
	}
	b.WriteString(caret + "\n")
	return rest
}

// excerpt cuts the source line to room characters around the place; start and width count columns of the text it returns.
// Of a long line only what is near the place is looked at.
func (o *renderer) excerpt(p Pos, room int) (text string, start, width int) {
	const before = 24
	first, source := p.Column-1, p.Source
	var cells []string
	if first > room-before {
		if at := o.last.at(source, first-before+1); at < len(source) {
			source, first = source[at:], before
			cells = append(cells, "…")
		}
	}
	for len(source) > 0 && len(cells) <= max(room, first+max(p.Width, 1)) {
		r, n := utf8.DecodeRuneInString(source)
		cell := escapeRune(r, source[:n])
		if r == '\t' {
			cell = " "
		}
		cells = append(cells, cell)
		source = source[n:]
	}
	first = min(first, len(cells))
	last := min(first+max(p.Width, 1), max(len(cells), first+1))
	start = columns(cells[:first])
	width = max(columns(cells[min(first, len(cells)):min(last, len(cells))]), 1)
	line := []rune(strings.Join(cells, ""))
	if len(line) > room {
		line = append(line[:room-1], '…')
	}
	start = min(start, room-1)
	return strings.TrimRight(string(line), " "), start, min(width, room-start)
}

func columns(cells []string) int {
	n := 0
	for _, c := range cells {
		n += utf8.RuneCountInString(c)
	}
	return n
}

// wrap breaks text into lines of at most width characters between words; a continuation keeps the indentation. A longer word stays whole.
func wrap(text string, width int) []string {
	if utf8.RuneCountInString(text) <= width {
		return []string{text}
	}
	indent := text[:len(text)-len(strings.TrimLeft(text, " "))]
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = indent + word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width:
			lines = append(lines, line)
			line = indent + word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}

func escapeLines(s string) []string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	for i, l := range lines {
		lines[i] = Escape(l)
	}
	return lines
}

// paint colours text by severity when colours are wanted.
func (o Options) paint(s Severity, text string) string {
	if !o.Color {
		return text
	}
	color := 0
	switch s {
	case Error:
		color = 31
	case Warning:
		color = 33
	case Note:
		color = 36
	}
	return "\x1b[1;" + strconv.Itoa(color) + "m" + text + "\x1b[0m"
}
