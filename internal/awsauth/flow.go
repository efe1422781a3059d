package awsauth

import (
	"errors"
	"fmt"
	"strings"
)

// flowList reads a list in brackets. What follows the closing bracket is not looked at: the authenticator does not either.
func (s *scanner) flowList(l layout) (layout, error) {
	l.style = styleFlow
	starts := make([]int, len(s.lines)+1)
	for i, ln := range s.lines {
		starts[i+1] = starts[i] + len(ln.text) + len(ln.eol)
	}
	l.open = starts[s.y] + s.x
	parts, err := s.flow()
	if err != nil {
		return layout{}, err
	}
	l.end = starts[s.y] + s.x - 1
	for _, p := range parts {
		l.elems = append(l.elems, byteSpan{starts[p.start.y] + p.start.x, starts[p.end.y] + p.end.x})
	}
	return l, nil
}

type point struct{ y, x int }

// part is an element of the outermost flow collection, without the blanks around it.
type part struct{ start, end point }

// flowState is what a flow collection needs to know from one character to the next.
type flowState struct {
	depth int
	// plain says that an unquoted scalar is open: quotes and "#" inside it mean nothing.
	plain bool
	// open says that an element of the outermost collection has begun.
	open  bool
	parts []part
}

// flow reads a flow collection to the end of its closing bracket and returns the elements at its outermost level.
func (s *scanner) flow() ([]part, error) {
	from := s.y
	var f flowState
	for {
		if s.x >= len(s.cur()) {
			if s.y+1 == len(s.lines) {
				return nil, fmt.Errorf("line %d opens a bracket that is not closed", from+1)
			}
			s.y, s.x = s.y+1, 0
			// A scalar may go on in the next line, but a comment may begin there too.
			f.plain = f.plain && !blank(s.cur())
			continue
		}
		if err := s.flowChar(&f); err != nil {
			return nil, err
		}
		if f.depth == 0 {
			return f.parts, nil
		}
	}
}

// flowChar reads one character, a whole quotation or the rest of a comment line.
func (s *scanner) flowChar(f *flowState) error {
	c := s.cur()[s.x]
	switch {
	case c == ' ' || c == '\t':
		s.x++
		return nil
	case c == '#' && (s.x == 0 || s.cur()[s.x-1] == ' ' || s.cur()[s.x-1] == '\t'):
		s.x, f.plain = len(s.cur()), false
		return nil
	case c == ',' && f.depth == 1:
		if !f.open {
			return errors.New("an element of the list is missing before a comma")
		}
		f.open, f.plain = false, false
		s.x++
		return nil
	case (c == ']' || c == '}') && f.depth == 1:
		f.depth = 0
		s.x++
		return nil
	case f.depth == 0:
		f.depth = 1
		s.x++
		return nil
	}
	return s.flowElement(f)
}

// flowElement reads a character that belongs to an element of the outermost collection.
func (s *scanner) flowElement(f *flowState) error {
	if !f.open {
		f.open = true
		f.parts = append(f.parts, part{start: point{s.y, s.x}})
	}
	switch c := s.cur()[s.x]; {
	case (c == '"' || c == '\'') && !f.plain:
		if err := s.quoted(); err != nil {
			return err
		}
	case strings.IndexByte("[{", c) >= 0:
		f.depth, f.plain = f.depth+1, false
		s.x++
	case strings.IndexByte("]}", c) >= 0:
		f.depth, f.plain = f.depth-1, false
		s.x++
	case c == ',':
		f.plain = false
		s.x++
	case indicator(s.rest(), ':'):
		f.plain = false
		s.x++
	default:
		// "key":value is allowed after a quoted key: a colon alone does not begin a scalar.
		f.plain = f.plain || c != ':'
		s.x++
	}
	f.parts[len(f.parts)-1].end = point{s.y, s.x}
	return nil
}
