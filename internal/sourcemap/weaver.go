package sourcemap

import "strings"

// Weaver makes a text out of pieces of a source and remembers where each comes from.
type Weaver struct {
	src  *Source
	out  strings.Builder
	runs []run
}

// NewWeaver begins an empty text whose pieces come from a source.
func NewWeaver(src *Source) *Weaver { return &Weaver{src: src} }

// Copy adds the bytes of the source from start to end as they are.
func (w *Weaver) Copy(start, end int) {
	if start >= end {
		return
	}
	if k := len(w.runs) - 1; k >= 0 && w.runs[k].same && w.runs[k].end() == start {
		w.runs[k].n += end - start
		w.runs[k].size = w.runs[k].n
	} else {
		w.runs = append(w.runs, run{text: w.out.Len(), n: end - start, at: start, size: end - start, same: true})
	}
	w.out.WriteString(w.src.Text[start:end])
}

// Put adds a text that stands for the bytes of the source from start to end.
func (w *Weaver) Put(text string, start, end int) {
	if text == "" {
		return
	}
	if text == w.src.Text[start:end] {
		w.Copy(start, end)
		return
	}
	w.runs = append(w.runs, run{text: w.out.Len(), n: len(text), at: start, size: end - start})
	w.out.WriteString(text)
}

// Append adds a text with the places it has by a map into the same source.
func (w *Weaver) Append(text string, m *Map) {
	for _, r := range m.runs {
		if r.same {
			w.Copy(r.at, r.end())
		} else {
			w.Put(text[r.text:r.text+r.n], r.at, r.end())
		}
	}
}

// Len is the length of the text so far.
func (w *Weaver) Len() int { return w.out.Len() }

// Text is the text so far.
func (w *Weaver) Text() string { return w.out.String() }

// End is where in the source ends what was added last; 0 before anything was.
func (w *Weaver) End() int {
	if len(w.runs) == 0 {
		return 0
	}
	return w.runs[len(w.runs)-1].end()
}

// Map is the exact map of the text so far, which ends in the source at end. Nothing may be added afterwards.
func (w *Weaver) Map(end int) *Map { return &Map{src: w.src, runs: w.runs, end: end, exact: true} }
