package awsauth

import (
	"errors"
	"fmt"
	"strings"
)

// style is how the rows of a text are written.
type style int

const (
	// styleEmpty has no row and no value: blank lines and comments at most.
	styleEmpty style = iota + 1
	// stylePlaceholder is a lone value that the authenticator takes for empty.
	stylePlaceholder
	// styleBlock has a row per dash.
	styleBlock
	// styleFlow is a list in brackets, JSON included.
	styleFlow
)

// layout says where the rows of a text stand.
type layout struct {
	style style
	lines []line
	// indent is the column of the dashes of a block list.
	indent int
	// items are the line ranges of a block list's rows, comments after a row left out.
	items []lineSpan
	// last is the number of lines of the first document up to its last line that is not blank.
	last int
	// open, elems and end are the byte positions of a flow list: its "[", its elements and its "]".
	open, end int
	elems     []byteSpan
}

type line struct{ text, eol string }

type lineSpan struct{ first, last int }

type byteSpan struct{ start, end int }

// splitLines cuts a text after its line ends; joined again the lines give the same text. The last line has no end.
func splitLines(text string) []line {
	var out []line
	for {
		head, tail, found := strings.Cut(text, "\n")
		if !found {
			return append(out, line{text: head})
		}
		if body, cr := strings.CutSuffix(head, "\r"); cr {
			out = append(out, line{body, "\r\n"})
		} else {
			out = append(out, line{head, "\n"})
		}
		text = tail
	}
}

func joinLines(lines []line) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l.text)
		b.WriteString(l.eol)
	}
	return b.String()
}

// scanner walks through YAML and finds out where top-level rows begin and end. It
// knows no more of YAML than that needs; whoever uses it checks the result against the parser.
type scanner struct {
	lines []line
	// y and x are the line and the byte in it.
	y, x int
	// indents are the columns of the open block collections, innermost last.
	indents []int
	// touched is the last line that holds a part of a value.
	touched int
}

// scan finds the rows of a text.
func scan(text string) (layout, error) {
	if strings.Count(text, "\r") != strings.Count(text, "\r\n") {
		return layout{}, errors.New("a carriage return stands where no line ends")
	}
	l := layout{style: styleEmpty, lines: splitLines(text)}
	if skippable(text) && strings.TrimSpace(text) != "" || isNull(text) {
		l.style = stylePlaceholder
		return l, nil
	}
	s := &scanner{lines: l.lines}
	s.prologue()
	if s.y == len(s.lines) || s.documentEnd() {
		l.last = s.lastUsed(s.y)
		return l, nil
	}
	s.x = indentOf(s.cur())
	switch {
	case s.cur()[s.x] == '[':
		return s.flowList(l)
	case s.dash():
		return s.blockList(l)
	}
	return layout{}, fmt.Errorf("line %d does not begin a list", s.y+1)
}

func isNull(text string) bool {
	switch strings.TrimSpace(text) {
	case "~", "null", "Null", "NULL":
		return true
	}
	return false
}

func (s *scanner) cur() string { return s.lines[s.y].text }

// rest is what remains of the line.
func (s *scanner) rest() string { return s.cur()[s.x:] }

// prologue goes to the first line with a value, past comments, directives and the document's start.
func (s *scanner) prologue() {
	started := false
	for ; s.y < len(s.lines); s.y++ {
		t := strings.TrimPrefix(s.cur(), "\ufeff")
		switch {
		case blank(t):
		case !started && strings.HasPrefix(t, "%"):
		case !started && strings.TrimRight(t, " \t") == "---":
			started = true
		default:
			return
		}
	}
}

// blank tells a line without a value: empty or a comment.
func blank(t string) bool {
	t = strings.TrimLeft(t, " \t")
	return t == "" || t[0] == '#'
}

func indentOf(t string) int { return len(t) - len(strings.TrimLeft(t, " ")) }

// documentEnd tells whether the line is a document marker.
func (s *scanner) documentEnd() bool { return isMarker(s.cur()) }

func isMarker(t string) bool {
	if !strings.HasPrefix(t, "---") && !strings.HasPrefix(t, "...") {
		return false
	}
	return len(t) == 3 || t[3] == ' ' || t[3] == '\t'
}

// lastUsed is the number of lines before end up to the last that is not empty.
func (s *scanner) lastUsed(end int) int {
	for end > 0 && strings.TrimSpace(s.lines[end-1].text) == "" {
		end--
	}
	return end
}

// dash tells whether a list item begins here.
func (s *scanner) dash() bool { return indicator(s.rest(), '-') }

// indicator tells whether t begins with the indicator c, followed by a blank or the line's end.
func indicator(t string, c byte) bool {
	return t != "" && t[0] == c && (len(t) == 1 || t[1] == ' ' || t[1] == '\t')
}

func (s *scanner) blockList(l layout) (layout, error) {
	l.style, l.indent = styleBlock, s.x
	for s.y < len(s.lines) && !s.documentEnd() {
		if blank(s.cur()) {
			s.y++
			continue
		}
		col := indentOf(s.cur())
		s.x = col
		if col < l.indent || col == l.indent && !s.dash() {
			return layout{}, fmt.Errorf("line %d does not belong to the list", s.y+1)
		}
		if col == l.indent {
			l.items = append(l.items, lineSpan{s.y, s.y})
			s.indents = nil
		}
		if err := s.blockLine(); err != nil {
			return layout{}, err
		}
		l.items[len(l.items)-1].last = s.touched
	}
	l.last = s.lastUsed(s.y)
	return l, nil
}

// parent is the column of the innermost open collection.
func (s *scanner) parent() int {
	if len(s.indents) == 0 {
		return -1
	}
	return s.indents[len(s.indents)-1]
}

func (s *scanner) push(col int) {
	if col > s.parent() {
		s.indents = append(s.indents, col)
	}
}

// blockLine reads one line in block context, with all further lines of the scalars it
// begins, and leaves the scanner at the start of the next line.
func (s *scanner) blockLine() error {
	for len(s.indents) > 0 && s.parent() > s.x {
		s.indents = s.indents[:len(s.indents)-1]
	}
	for {
		s.x += len(s.rest()) - len(strings.TrimLeft(s.rest(), " \t"))
		if s.rest() == "" || s.rest()[0] == '#' {
			break
		}
		s.touched = s.y
		next, err := s.blockToken()
		if err != nil {
			return err
		}
		if next {
			return nil
		}
	}
	s.y, s.x = s.y+1, 0
	return nil
}

// blockToken reads one token; next says that it ended at the start of a line.
func (s *scanner) blockToken() (next bool, err error) {
	t := s.rest()
	switch {
	case indicator(t, '-'), indicator(t, '?'):
		s.push(s.x)
		s.x++
	case indicator(t, ':'):
		s.x++
	case t[0] == '&' || t[0] == '*' || t[0] == '!':
		s.x += strings.IndexAny(t+" ", " \t")
	case t[0] == '|' || t[0] == '>':
		s.blockScalar()
		return true, nil
	case t[0] == '"' || t[0] == '\'':
		return false, s.keyed(s.quoted)
	case t[0] == '[' || t[0] == '{':
		return false, s.keyed(func() error {
			_, err := s.flow()
			return err
		})
	default:
		return s.plain(), nil
	}
	return false, nil
}

// keyed reads a value that may turn out to be a key.
func (s *scanner) keyed(read func() error) error {
	col := s.x
	if err := read(); err != nil {
		return err
	}
	s.touched = s.y
	if indicator(strings.TrimLeft(s.rest(), " \t"), ':') {
		s.push(col)
	}
	return nil
}

// blockScalar reads a literal or folded scalar from its header on.
func (s *scanner) blockScalar() {
	need := 0
	for _, c := range strings.Fields(s.rest())[0] {
		if c >= '1' && c <= '9' {
			need = max(s.parent(), 0) + int(c-'0')
		}
	}
	s.x = 0
	for s.y++; s.y < len(s.lines); s.y++ {
		t := s.cur()
		if strings.Trim(t, " ") == "" {
			continue
		}
		if need == 0 {
			need = max(indentOf(t), s.parent()+1, 1)
		}
		if indentOf(t) < need {
			return
		}
		s.touched = s.y
	}
}

// quoted reads a quoted scalar, over line ends where need be.
func (s *scanner) quoted() error {
	quote, from := s.rest()[0], s.y
	for s.x++; ; s.x++ {
		for s.x >= len(s.cur()) {
			if s.y+1 == len(s.lines) {
				return fmt.Errorf("line %d opens a quotation that does not end", from+1)
			}
			s.y, s.x = s.y+1, 0
		}
		switch c := s.cur()[s.x]; {
		case c == '\\' && quote == '"':
			s.x++
		case c == quote && quote == '\'' && strings.HasPrefix(s.rest()[1:], "'"):
			s.x++
		case c == quote:
			s.x++
			return nil
		}
	}
}

// plain reads an unquoted scalar: a key up to its colon, or a value with the lines that
// continue it. It tells whether it ended at the start of a line.
func (s *scanner) plain() bool {
	t := s.rest()
	for i := range len(t) {
		switch {
		case indicator(t[i:], ':'):
			s.push(s.x)
			s.x += i + 1
			return false
		case t[i] == '#' && i > 0 && (t[i-1] == ' ' || t[i-1] == '\t'):
			s.x += i
			return false
		}
	}
	s.x = 0
	for s.y++; s.y < len(s.lines); s.y++ {
		t := s.cur()
		if strings.TrimSpace(t) == "" {
			continue
		}
		if blank(t) || indentOf(t) <= s.parent() || s.documentEnd() {
			return true
		}
		s.touched = s.y
		if strings.Contains(t, " #") {
			s.y++
			return true
		}
	}
	return true
}
