package manifest

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rolecall-dev/rolecall/internal/diag"
)

// stride is how far apart the places are at which a source knows how many characters come before.
const stride = 512

// source is a text with its lines. Finding a place in it takes the same time however long its lines are.
type source struct {
	name, text string
	// lines are the offsets at which lines begin.
	lines []int
	// counts are the characters before every stride-th byte.
	counts []int
}

func newSource(name, text string) *source {
	s := &source{name: name, text: text, lines: []int{0}}
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
func (s *source) characters(offset int) int {
	n := s.counts[min(offset/stride, len(s.counts)-1)]
	for i := offset / stride * stride; i < offset; i++ {
		if utf8.RuneStart(s.text[i]) {
			n++
		}
	}
	return n
}

// line is the number of the line that holds an offset, from 0, and where its text begins and ends.
func (s *source) line(offset int) (number, start, end int) {
	i, found := slices.BinarySearch(s.lines, offset)
	if !found {
		i--
	}
	start, end = s.lines[i], len(s.text)
	if i+1 < len(s.lines) {
		end = s.lines[i+1] - 1
	}
	if end > start && s.text[end-1] == '\r' {
		end--
	}
	return i, start, end
}

// pos is the place from start to end, as far as it lies on the line of start.
func (s *source) pos(start, end int) diag.Pos {
	start = min(max(start, 0), len(s.text))
	end = min(max(end, start), len(s.text))
	number, from, to := s.line(start)
	start = min(start, to)
	end = min(max(end, start), to)
	before := s.characters(start)
	return diag.Pos{
		File: s.name, Line: number + 1, Column: before - s.characters(from) + 1,
		Source: s.text[from:to], Width: s.characters(end) - before,
	}
}

// run says where a piece of a text comes from.
type run struct {
	// text is where the piece begins in the text, n its length; file and size are the same in the source.
	text, n, file, size int
	// same tells that the bytes are copied as they are; n and size are equal then.
	same bool
}

// origin maps the bytes of a text to its source. The runs are in order and cover the text; nil stands for a text that is its own source.
type origin struct {
	src  *source
	runs []run
	// end is where the text ends in the source.
	end int
	// exact tells that the text was followed byte by byte; otherwise every place is that of the whole.
	exact bool
}

// find is the run that holds an offset of the text.
func (o *origin) find(offset int) (run, bool) {
	i, found := slices.BinarySearchFunc(o.runs, offset, func(r run, offset int) int { return r.text - offset })
	if !found {
		i--
	}
	if i < 0 || offset >= o.runs[i].text+o.runs[i].n {
		return run{}, false
	}
	return o.runs[i], true
}

// at is the place of a byte in the source, and the place after it.
func (o *origin) at(offset int) (start, end int) {
	r, ok := o.find(offset)
	switch {
	case !ok:
		return o.end, o.end
	case r.same:
		start = r.file + offset - r.text
		return start, start + 1
	}
	return r.file, r.file + r.size
}

// whole is the origin of a text that cannot be followed: all of it is at one place.
func whole(src *source, text string, start, end int) *origin {
	return &origin{src: src, runs: []run{{n: len(text), file: start, size: end - start}}, end: end}
}

// through returns the origin in the source of outer for an origin in the text of outer.
func (o *origin) through(outer *origin) *origin {
	if outer == nil {
		return o
	}
	out := &origin{src: outer.src, exact: o.exact}
	out.end, _ = outer.at(o.end)
	for _, r := range o.runs {
		if !r.same {
			start, _ := outer.at(r.file)
			end := start
			if r.size > 0 {
				_, end = outer.at(r.file + r.size - 1)
			}
			out.runs = append(out.runs, run{text: r.text, n: r.n, file: start, size: max(end-start, 0)})
			continue
		}
		for done := 0; done < r.n; {
			piece, ok := outer.find(r.file + done)
			if !ok {
				out.runs = append(out.runs, run{text: r.text + done, n: r.n - done, file: out.end})
				break
			}
			skip := r.file + done - piece.text
			n := min(piece.n-skip, r.n-done)
			next := run{text: r.text + done, n: n, file: piece.file, size: piece.size, same: piece.same}
			if piece.same {
				next.file, next.size = piece.file+skip, n
			}
			out.runs = append(out.runs, next)
			done += n
		}
	}
	return out
}

// weaver makes a text out of pieces of a source and remembers where each comes from.
type weaver struct {
	src  string
	out  []byte
	runs []run
}

// copy takes the bytes of the source from start to end as they are.
func (w *weaver) copy(start, end int) {
	if start >= end {
		return
	}
	if k := len(w.runs) - 1; k >= 0 && w.runs[k].same && w.runs[k].file+w.runs[k].n == start {
		w.runs[k].n += end - start
		w.runs[k].size = w.runs[k].n
	} else {
		w.runs = append(w.runs, run{text: len(w.out), n: end - start, file: start, size: end - start, same: true})
	}
	w.out = append(w.out, w.src[start:end]...)
}

// put adds a text that stands for the bytes of the source from start to end.
func (w *weaver) put(text string, start, end int) {
	if text == "" {
		return
	}
	if text == w.src[start:end] {
		w.copy(start, end)
		return
	}
	w.runs = append(w.runs, run{text: len(w.out), n: len(text), file: start, size: end - start})
	w.out = append(w.out, text...)
}

func (w *weaver) origin(src *source, end int) *origin {
	return &origin{src: src, runs: w.runs, end: end, exact: true}
}

// lineStart is the offset at which the line of an offset begins.
func lineStart(text string, offset int) int { return strings.LastIndexByte(text[:offset], '\n') + 1 }

// lineEnd is the offset at which the next line begins.
func lineEnd(text string, offset int) int {
	if i := strings.IndexByte(text[offset:], '\n'); i >= 0 {
		return offset + i + 1
	}
	return len(text)
}
