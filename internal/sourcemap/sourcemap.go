// Package sourcemap tells where each byte of a text comes from in the file it was read from, however it was written there.
package sourcemap

import (
	"slices"

	"github.com/rolecall-dev/rolecall/internal/diag"
)

// Map leads from the bytes of a text to those of its source. Every byte has a place; it is never a wrong one, at worst that of the whole text.
type Map struct {
	src *Source
	// runs are in order and cover the text.
	runs  []run
	end   int
	exact bool
}

// run says where a piece of a text comes from.
type run struct {
	// text is where the piece begins in the text, n its length; at and size are the same in the source.
	text, n, at, size int
	// same tells that the bytes are copied as they are; n and size are equal then.
	same bool
}

func (r run) end() int { return r.at + r.size }

// Whole is the map of a text of so many bytes that cannot be followed: all of it is at one place of the source.
func Whole(src *Source, length, at int) *Map {
	return &Map{src: src, runs: []run{{n: length, at: at}}, end: at}
}

// Exact tells whether the text was followed byte by byte; otherwise every place is that of the whole.
func (m *Map) Exact() bool { return m.exact }

// End is where the text ends in the source: behind its last byte, before what closes it there.
func (m *Map) End() int { return m.end }

// find is the run that holds an offset of the text.
func (m *Map) find(offset int) (run, bool) {
	i, found := slices.BinarySearchFunc(m.runs, offset, func(r run, offset int) int { return r.text - offset })
	if !found {
		i--
	}
	if i < 0 || offset >= m.runs[i].text+m.runs[i].n {
		return run{}, false
	}
	return m.runs[i], true
}

// At is where the bytes begin and end in the source that a byte of the text stands for. Behind the text both are End.
func (m *Map) At(offset int) (start, end int) {
	r, ok := m.find(offset)
	switch {
	case !ok:
		return m.end, m.end
	case r.same:
		start = r.at + offset - r.text
		return start, start + 1
	}
	return r.at, r.end()
}

// Pos is the place in the file of the bytes from start to end of the text; it spans one line at most.
func (m *Map) Pos(start, end int) diag.Pos {
	from, to := m.At(start)
	switch {
	case start == end:
		to = from
	case end > start+1:
		_, to = m.At(end - 1)
	}
	return m.src.Pos(from, to)
}

// Verbatim tells whether the bytes from start to end of the text stand in the source as they are, one after the other.
func (m *Map) Verbatim(start, end int) bool {
	r, ok := m.find(start)
	return ok && r.same && end <= r.text+r.n
}

// Through leads on to the source of outer, which is a map of this one's source. Without one the map stays as it is.
func (m *Map) Through(outer *Map) *Map {
	if outer == nil {
		return m
	}
	out := &Map{src: outer.src, exact: m.exact}
	out.end, _ = outer.At(m.end)
	for _, r := range m.runs {
		if !r.same {
			start, _ := outer.At(r.at)
			end := start
			if r.size > 0 {
				_, end = outer.At(r.end() - 1)
			}
			out.runs = append(out.runs, run{text: r.text, n: r.n, at: start, size: max(end-start, 0)})
			continue
		}
		for done := 0; done < r.n; {
			piece, ok := outer.find(r.at + done)
			if !ok {
				out.runs = append(out.runs, run{text: r.text + done, n: r.n - done, at: out.end})
				break
			}
			skip := r.at + done - piece.text
			n := min(piece.n-skip, r.n-done)
			next := run{text: r.text + done, n: n, at: piece.at, size: piece.size, same: piece.same}
			if piece.same {
				next.at, next.size = piece.at+skip, n
			}
			out.runs = append(out.runs, next)
			done += n
		}
	}
	return out
}
