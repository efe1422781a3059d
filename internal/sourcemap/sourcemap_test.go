package sourcemap_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/sourcemap"
)

func TestAPlaceIsOnOneLineAndCountsCharacters(t *testing.T) {
	text := "é日: a\r\nbc\n" + strings.Repeat("é", 1000) + "x"
	for name, c := range map[string]struct {
		start, end int
		want       diag.Pos
	}{
		"characters, not bytes":            {2, 5, diag.Pos{Line: 1, Column: 2, Width: 1, Source: "é日: a"}},
		"up to the end of its line":        {7, 11, diag.Pos{Line: 1, Column: 5, Width: 1, Source: "é日: a"}},
		"a line end":                       {9, 10, diag.Pos{Line: 1, Column: 6, Source: "é日: a"}},
		"the beginning of a line":          {10, 11, diag.Pos{Line: 2, Column: 1, Width: 1, Source: "bc"}},
		"far along a line":                 {len(text) - 1, len(text), diag.Pos{Line: 3, Column: 1001, Width: 1, Source: text[13:]}},
		"before the text":                  {-5, -3, diag.Pos{Line: 1, Column: 1, Source: "é日: a"}},
		"behind the text":                  {len(text) + 5, len(text) + 9, diag.Pos{Line: 3, Column: 1002, Source: text[13:]}},
		"from a byte to one before it":     {12, 10, diag.Pos{Line: 2, Column: 3, Source: "bc"}},
		"all of a line and of those below": {10, len(text), diag.Pos{Line: 2, Column: 1, Width: 2, Source: "bc"}},
	} {
		c.want.File = "f"
		if d := cmp.Diff(c.want, sourcemap.NewSource("f", text).Pos(c.start, c.end)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	if d := cmp.Diff(diag.Pos{File: "f", Line: 1, Column: 1}, sourcemap.NewSource("f", "").Pos(0, 1)); d != "" {
		t.Errorf("an empty text (-want +got):\n%s", d)
	}
}

func TestTheLinesOfAnOffset(t *testing.T) {
	const text = "ab\n\ncd"
	for offset, want := range [][2]int{{0, 3}, {0, 3}, {0, 3}, {3, 4}, {4, 6}, {4, 6}, {4, 6}} {
		if d := cmp.Diff(want, [2]int{sourcemap.LineStart(text, offset), sourcemap.LineEnd(text, offset)}); d != "" {
			t.Errorf("the line of %d begins and ends (-want +got):\n%s", offset, d)
		}
	}
}

func TestAPlaceInATextIsThePlaceOfWhatItStandsFor(t *testing.T) {
	src := sourcemap.NewSource("f", `x: "a\tb" # c`)
	w := sourcemap.NewWeaver(src)
	w.Copy(4, 5)
	w.Put("\t", 5, 7)
	w.Copy(7, 8)
	m := w.Map(8)
	for name, c := range map[string]struct{ start, end, column, width int }{
		"a byte as it is": {0, 1, 5, 1}, "an escape": {1, 2, 6, 2}, "up to an escape": {0, 2, 5, 3}, "all": {0, 3, 5, 4}, "nothing": {1, 1, 6, 0}, "the end": {3, 3, 9, 0},
	} {
		if p := m.Pos(c.start, c.end); p.Column != c.column || p.Width != c.width {
			t.Errorf("%s is at column %d, width %d, want %d and %d", name, p.Column, p.Width, c.column, c.width)
		}
	}
	if w.Text() != "a\tb" || w.Len() != 3 || w.End() != 8 || !m.Exact() {
		t.Errorf("text %q, length %d, end %d, exact: %v", w.Text(), w.Len(), w.End(), m.Exact())
	}
}

func TestAPieceOfASourceIsFollowed(t *testing.T) {
	m := sourcemap.NewSource("f", "abcdef").Piece(2, 5)
	for i, want := range []int{2, 3, 4, 5} {
		if at, _ := m.At(i); at != want || m.Verbatim(i, i+1) != (i < 3) {
			t.Errorf("byte %d is at %d, want %d", i, at, want)
		}
	}
	if !m.Exact() || m.End() != 5 || !m.Verbatim(0, 3) || m.Verbatim(0, 4) {
		t.Errorf("exact: %v, end %d", m.Exact(), m.End())
	}
}

func TestATextThatCannotBeFollowedIsAtOnePlace(t *testing.T) {
	m := sourcemap.Whole(sourcemap.NewSource("f", "a: b"), 10, 3)
	for i := range 11 {
		if start, end := m.At(i); start != 3 || end != 3 || m.Verbatim(i, i+1) {
			t.Errorf("byte %d is at %d to %d", i, start, end)
		}
	}
	if m.Exact() || m.End() != 3 {
		t.Errorf("exact: %v, end %d", m.Exact(), m.End())
	}
}

// byteMap is what a map says of every byte.
type byteMap struct {
	start, end int
	verbatim   bool
}

// woven draws a text made of pieces of a source and of characters that are not in it, and what its map has to say.
func woven(t *rapid.T, src *sourcemap.Source, foreign string) (*sourcemap.Weaver, []byteMap) {
	w := sourcemap.NewWeaver(src)
	var want []byteMap
	for at := 0; at < len(src.Text); {
		start := rapid.IntRange(at, len(src.Text)).Draw(t, "start")
		end := rapid.IntRange(start, len(src.Text)).Draw(t, "end")
		at = end
		if rapid.Bool().Draw(t, "copy") {
			w.Copy(start, end)
			for i := start; i < end; i++ {
				want = append(want, byteMap{i, i + 1, true})
			}
			continue
		}
		text := rapid.StringMatching("["+foreign+"]{1,3}").Draw(t, "put")
		w.Put(text, start, end)
		for range text {
			want = append(want, byteMap{start, end, false})
		}
	}
	return w, want
}

func said(m *sourcemap.Map, length int) []byteMap {
	var out []byteMap
	for i := range length {
		start, end := m.At(i)
		out = append(out, byteMap{start, end, m.Verbatim(i, i+1)})
	}
	return out
}

func drawSource(t *rapid.T) *sourcemap.Source {
	return sourcemap.NewSource("f", rapid.StringMatching(`[a-z\n]{0,30}`).Draw(t, "source"))
}

func TestEveryByteOfAWovenTextIsWhereItWasTakenFrom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src := drawSource(t)
		w, want := woven(t, src, "A-Z")
		if d := cmp.Diff(want, said(w.Map(w.End()), w.Len()), cmp.AllowUnexported(byteMap{})); d != "" {
			t.Errorf("bytes (-want +got):\n%s", d)
		}
		again := sourcemap.NewWeaver(src)
		again.Append(w.Text(), w.Map(w.End()))
		if d := cmp.Diff(want, said(again.Map(0), again.Len()), cmp.AllowUnexported(byteMap{})); d != "" || again.Text() != w.Text() {
			t.Errorf("the same text appended, %q for %q (-want +got):\n%s", again.Text(), w.Text(), d)
		}
	})
}

func TestThroughAnotherMapEveryByteIsWhereThatOneSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		outer, _ := woven(t, drawSource(t), "A-Z")
		outerMap := outer.Map(outer.End())
		inner, bytes := woven(t, sourcemap.NewSource("g", outer.Text()), "0-9")
		innerMap := inner.Map(inner.End())
		m := innerMap.Through(outerMap)
		for i, b := range bytes {
			start, end := m.At(i)
			wantStart, _ := outerMap.At(b.start)
			wantEnd := wantStart
			if b.end > b.start {
				_, wantEnd = outerMap.At(b.end - 1)
			}
			if start != wantStart || end != max(wantEnd, wantStart) {
				t.Fatalf("byte %d is at %d to %d, want %d to %d", i, start, end, wantStart, wantEnd)
			}
			if got, want := m.Verbatim(i, i+1), b.verbatim && outerMap.Verbatim(b.start, b.end); got != want {
				t.Fatalf("byte %d is verbatim: %v, want %v", i, got, want)
			}
		}
		if end, _ := outerMap.At(innerMap.End()); m.End() != end || m.Exact() != innerMap.Exact() || innerMap.Through(nil) != innerMap {
			t.Errorf("the end is at %d, want %d", m.End(), end)
		}
	})
}
