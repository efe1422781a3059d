package manifest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/yamltree"
)

// ErrStyle says that an edit cannot be expressed in the style its value is written in. Rewrite may do it.
var ErrStyle = errors.New("the value is written in a style that cannot be edited in place")

// Apply carries out edits, by index of the document as Read returned them, and returns the file's new bytes. Every byte outside the edited scalars
// stays as it is. It is an error when an edit cannot be expressed in the file's own style, ErrStyle where Rewrite may help; nothing is changed then.
// The result has been read again: the values edited have the text asked for, and all others the one they had.
func Apply(f File, edits map[int][]Edit) ([]byte, error) { return carryOut(f, edits, inPlace) }

// Rewrite does what Apply does, and writes a value anew where its style cannot express an edit: as a literal block, or as a string in JSON.
func Rewrite(f File, edits map[int][]Edit) ([]byte, error) { return carryOut(f, edits, anew) }

// manner is how far a value may change besides its text.
type manner int

const (
	inPlace manner = iota + 1
	anew
)

func carryOut(f File, edits map[int][]Edit, m manner) ([]byte, error) {
	for _, index := range slices.Sorted(maps.Keys(edits)) {
		byKey := map[string][]Edit{}
		for _, e := range edits[index] {
			byKey[e.Key] = append(byKey[e.Key], e)
		}
		for _, key := range slices.Sorted(maps.Keys(byKey)) {
			data, err := step(f, target{index: index, key: key}, byKey[key], m)
			if err != nil {
				return nil, fmt.Errorf("editing %s in %s: %w", key, f.Name, err)
			}
			f.Data = data
		}
	}
	return f.Data, nil
}

// target is a value to edit.
type target struct {
	index int
	key   string
	// doc and value are where it stands, want is the text it is to have.
	doc   Document
	value Value
	want  string
	text  string
}

// step edits one value.
func step(f File, t target, edits []Edit, m manner) ([]byte, error) {
	docs, _ := Read(f)
	if t.index < 0 || t.index >= len(docs) {
		return nil, fmt.Errorf("there is no document %d", t.index)
	}
	t.doc, t.text = docs[t.index], decodeText(f.Data)
	value, exists := t.doc.Value(t.key)
	t.value = value
	edits, err := ordered(edits, len(value.Text))
	if err != nil {
		return nil, err
	}
	if t.want = edited(value.Text, edits); t.want == value.Text && exists {
		return f.Data, nil
	}
	if !bytes.Equal(encodeText(f.Data, t.text), f.Data) {
		return nil, errors.New("the file's encoding is damaged")
	}
	ways := t.ways(edits, m)
	if !exists {
		ways = t.makeKey()
	}
	reason := ErrStyle
	for _, way := range ways {
		patches, err := way()
		if err != nil {
			reason = err
			continue
		}
		data := encodeText(f.Data, patched(t.text, patches))
		if err := t.check(docs, File{Name: f.Name, Data: data}); err == nil {
			return data, nil
		}
	}
	return nil, reason
}

// ordered sorts edits by place; they must lie in a text of that length and must not overlap.
func ordered(edits []Edit, length int) ([]Edit, error) {
	edits = slices.Clone(edits)
	slices.SortStableFunc(edits, func(a, b Edit) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End)) })
	last := 0
	for _, e := range edits {
		if e.Start < last || e.End < e.Start || e.End > length {
			return nil, fmt.Errorf("the edit of bytes %d to %d overlaps another or lies outside of the %d bytes there are", e.Start, e.End, length)
		}
		last = e.End
	}
	return edits, nil
}

func edited(text string, edits []Edit) string {
	var b strings.Builder
	last := 0
	for _, e := range edits {
		b.WriteString(text[last:e.Start])
		b.WriteString(e.New)
		last = e.End
	}
	b.WriteString(text[last:])
	return b.String()
}

// patch replaces bytes of the file's text.
type patch struct {
	start, end int
	text       string
}

func patched(text string, patches []patch) string {
	slices.SortStableFunc(patches, func(a, b patch) int { return cmp.Compare(a.start, b.start) })
	var b strings.Builder
	last := 0
	for _, p := range patches {
		p.start = max(p.start, last)
		b.WriteString(text[last:p.start])
		b.WriteString(p.text)
		last = max(p.end, p.start)
	}
	b.WriteString(text[last:])
	return b.String()
}

// check reads the new file and requires that exactly the text asked for has changed.
func (t target) check(before []Document, f File) error {
	after, _ := Read(f)
	if len(after) != len(before) {
		return ErrStyle
	}
	for i, d := range after {
		want := map[string]string{}
		for _, v := range before[i].Values {
			want[v.Key] = v.Text
		}
		if i == t.index {
			want[t.key] = t.want
		}
		got := map[string]string{}
		for _, v := range d.Values {
			got[v.Key] = v.Text
		}
		if d.Form != before[i].Form || !maps.Equal(want, got) {
			return ErrStyle
		}
	}
	return nil
}

// way is one way to write an edit.
type way func() ([]patch, error)

// ways are how the value can be written, what changes least first.
func (t target) ways(edits []Edit, m manner) []way {
	span := func() ([]patch, error) { return t.spans(edits) }
	n := t.value.node
	if n == nil || t.doc.Form == FormProgram {
		return []way{span}
	}
	block := t.doc.data != nil && !t.doc.data.Flow
	var out []way
	if t.value.Text == "" && block && n.Style != yamltree.Literal {
		out = append(out, t.asLiteral)
	}
	if n.Style == yamltree.Literal {
		out = append(out, func() ([]patch, error) { return t.lines(edits) })
	} else {
		out = append(out, span)
	}
	if n.Style == yamltree.Plain && (n.IsNull() || !strings.Contains(t.want, "\n")) {
		out = append(out, t.asQuoted)
	}
	if m == anew {
		if block {
			out = append(out, t.asLiteral)
		}
		out = append(out, t.asQuoted)
	}
	return out
}

// spans replaces the bytes that the edited ones come from.
func (t target) spans(edits []Edit) ([]patch, error) {
	o := t.value.origin
	if o == nil || !o.Exact() {
		return nil, ErrStyle
	}
	var out []patch
	for _, e := range edits {
		p := patch{}
		p.start, _ = o.At(e.Start)
		p.end = p.start
		if e.End > e.Start {
			_, p.end = o.At(e.End - 1)
		}
		text, err := t.written(e)
		if err != nil {
			return nil, err
		}
		p.text = text
		if p.end < p.start {
			return nil, ErrStyle
		}
		out = append(out, p)
	}
	return out, nil
}

// written is the new text of an edit as it has to stand in the scalar.
func (t target) written(e Edit) (string, error) {
	var s yamltree.Style
	if t.value.node != nil && t.doc.Form != FormProgram {
		s = t.value.node.Style
	}
	switch s {
	case yamltree.Double, yamltree.JSON:
		return quoteInside(e.New), nil
	case yamltree.Single:
		if strings.Contains(e.New, "\n") {
			return "", ErrStyle
		}
		return strings.ReplaceAll(e.New, "'", "''"), nil
	case yamltree.Folded, yamltree.Plain:
		if strings.Contains(e.New, "\n") {
			return "", ErrStyle
		}
	case yamltree.Literal:
	}
	if e.End > e.Start && s != yamltree.Plain {
		if !t.value.origin.Verbatim(e.Start, e.End) {
			return "", ErrStyle
		}
	}
	return e.New, nil
}
