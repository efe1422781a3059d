package sourcemap

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rolecall-dev/rolecall/internal/diag"
)

// stride is how far apart the places are at which a source knows how many characters come before.
const stride = 512

// Source is a text with its lines. Finding a place in it takes the same time however long its lines are.
type Source struct {
	// Name is the file of every place in the text.
	Name, Text string
	// lines are the offsets at which lines begin.
	lines []int
	// counts are the characters before every stride-th byte.
	counts []int
}

// NewSource looks through a text for its lines.
func NewSource(name, text string) *Source {
	s := &Source{Name: name, Text: text, lines: []int{0}}
	n := 0
	for i := range len(text) {
		if i%stride == 0 {
			s.counts = append(s.counts, n)
		}
		if utf8.RuneStart(text[i]) {
			n++
		}
		if text[i] == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	s.counts = append(s.counts, n)
	return s
}

// characters counts those before an offset; bytes that are not UTF-8 may count as none.
func (s *Source) characters(offset int) int {
	n := s.counts[min(offset/stride, len(s.counts)-1)]
	for i := offset / stride * stride; i < offset; i++ {
		if utf8.RuneStart(s.Text[i]) {
			n++
		}
	}
	return n
}

// line is the number of the line that holds an offset, from 0, and where its text begins and ends.
func (s *Source) line(offset int) (number, start, end int) {
	i, found := slices.BinarySearch(s.lines, offset)
	if !found {
		i--
	}
	start, end = s.lines[i], len(s.Text)
	if i+1 < len(s.lines) {
		end = s.lines[i+1] - 1
	}
	if end > start && s.Text[end-1] == '\r' {
		end--
	}
	return i, start, end
}

// Pos is the place of the bytes from start to end, as far as it lies on the line of start; offsets outside of the text count as its ends.
func (s *Source) Pos(start, end int) diag.Pos {
	start = min(max(start, 0), len(s.Text))
	end = min(max(end, start), len(s.Text))
	number, from, to := s.line(start)
	start = min(start, to)
	end = min(max(end, start), to)
	before := s.characters(start)
	return diag.Pos{
		File: s.Name, Line: number + 1, Column: before - s.characters(from) + 1,
		Source: s.Text[from:to], Width: s.characters(end) - before,
	}
}

// Piece is the exact map of the bytes from start to end, taken as a text of their own.
func (s *Source) Piece(start, end int) *Map {
	return &Map{src: s, runs: []run{{n: end - start, at: start, size: end - start, same: true}}, end: end, exact: true}
}

// LineStart is the offset at which the line of an offset begins.
func LineStart(text string, offset int) int { return strings.LastIndexByte(text[:offset], '\n') + 1 }

// LineEnd is the offset at which the next line begins.
func LineEnd(text string, offset int) int {
	if i := strings.IndexByte(text[offset:], '\n'); i >= 0 {
		return offset + i + 1
	}
	return len(text)
}
