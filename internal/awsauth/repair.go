package awsauth

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Repair says what becomes of a row: its ARN, and the key it belongs under.
type Repair struct {
	Key   Key
	Index int
	// ARN and To are what is right, also where it is so already.
	ARN string
	To  Key
}

// TextEdit replaces the bytes of a key's text. A key that is not there is made; the place is then the zero Span.
type TextEdit struct {
	Key Key
	At  Span
	New string
}

// Repairs plans repairs and returns the edits, sorted by key and place, and which of the repairs they carry out.
// One is left out when its row cannot be edited in place, when another row has the ARN it asks for or would get it, in whatever letter case,
// or when it would change anything else: the new text has been read as the authenticator does, every other row means what it meant and is where it was.
func Repairs(data map[string]string, repairs []Repair) ([]TextEdit, []bool) {
	m := mender{data: data, texts: map[Key]*mendable{}}
	read, raw := parse(data)
	m.read = read
	for _, k := range []Key{KeyRoles, KeyUsers} {
		_, fatal := read.Fatal(k)
		m.texts[k] = newMendable(data[string(k)], raw[k])
		m.texts[k].closed = m.texts[k].closed || fatal
	}
	done := make([]bool, len(repairs))
	var open []int
	for _, i := range m.distinct(repairs) {
		if m.possible(repairs[i]) {
			open = append(open, i)
		}
	}
	trials := maxTrials
	chosen := m.largest(repairs, open, nil, &trials)
	for _, i := range chosen {
		done[i] = true
	}
	edits, _ := m.edits(repairs, chosen)
	return edits, done
}

// maxTrials bounds how often the whole text is read again to find the repairs that cannot be carried out.
const maxTrials = 32

// mender knows the texts before the repairs.
type mender struct {
	data  map[string]string
	read  Document
	texts map[Key]*mendable
}

// mendable is a text whose rows can be taken out one by one.
type mendable struct {
	text   string
	layout layout
	rows   []OutlineRow
	raws   []json.RawMessage
	// spans are the rows as they are written: whole lines of a block list, elements of a flow list.
	spans []Span
	// closed says that the text cannot be edited, or is not read.
	closed bool
}

// newMendable reads a text that the authenticator reads as raw.
func newMendable(text string, raw []byte) *mendable {
	t := &mendable{text: text}
	var err error
	if t.layout, err = scan(text); err != nil {
		t.closed = true
		return t
	}
	if t.raws, err = rowsOf(raw); err != nil || len(t.layout.items)+len(t.layout.elems) != len(t.raws) {
		t.closed = true
		return t
	}
	t.rows = outline(text, t.raws)
	starts := t.layout.starts()
	for _, it := range t.layout.items {
		t.spans = append(t.spans, Span{starts[it.first], starts[it.last+1]})
	}
	for _, e := range t.layout.elems {
		t.spans = append(t.spans, Span{e.start, e.end})
	}
	return t
}

// distinct lists the repairs that give no ARN to a row that another row has already; of several that ask for the same ARN only the first.
func (m mender) distinct(repairs []Repair) []int {
	rows, own := map[string]int{}, map[Key]map[int]string{KeyRoles: {}, KeyUsers: {}}
	for _, e := range slices.Concat(m.read.Roles, m.read.Users) {
		arn := strings.ToLower(e.ARN)
		rows[arn]++
		own[e.Key][e.Index] = arn
	}
	taken := map[string]bool{}
	var out []int
	for i, r := range repairs {
		arn := strings.ToLower(r.ARN)
		others := rows[arn]
		if own[r.Key][r.Index] == arn {
			others--
		}
		if others == 0 && !taken[arn] {
			taken[arn] = true
			out = append(out, i)
		}
	}
	return out
}

// arnMember is the member that has the row's ARN, under the name of either key.
func arnMember(k Key, row OutlineRow) *Member {
	names := []string{"rolearn", "userarn"}
	if k == KeyUsers {
		slices.Reverse(names)
	}
	for _, name := range names {
		var found *Member
		for i := range row.Members {
			if m := &row.Members[i]; strings.EqualFold(m.Name, name) {
				if found != nil {
					return nil
				}
				found = m
			}
		}
		if found != nil {
			return found
		}
	}
	return nil
}

func nameOf(k Key) string {
	if k == KeyUsers {
		return "userarn"
	}
	return "rolearn"
}

// possible tells whether the places are known that the repair has to change.
func (m mender) possible(r Repair) bool {
	from, to := m.texts[r.Key], m.texts[r.To]
	if from == nil || to == nil || from.closed || to.closed || r.Index >= len(from.rows) {
		return false
	}
	arn := arnMember(r.Key, from.rows[r.Index])
	if r.To != r.Key && slices.ContainsFunc(from.rows[r.Index].Members, func(m Member) bool { return m.Value.Shared }) {
		return false // an anchor cannot go where other rows do not find it
	}
	return arn != nil && arn.Value.At.Known() && arn.NameAt.Known() && !arn.Value.Shared
}

// largest finds as many of the open repairs as can be carried out together with the chosen ones, by halving what fails.
func (m mender) largest(repairs []Repair, open, chosen []int, trials *int) []int {
	if len(open) == 0 || *trials == 0 {
		return chosen
	}
	*trials--
	all := append(slices.Clone(chosen), open...)
	slices.Sort(all)
	if edits, ok := m.edits(repairs, all); ok && m.verify(repairs, all, edits) {
		return all
	}
	if len(open) == 1 {
		return chosen
	}
	half := len(open) / 2
	return m.largest(repairs, open[half:], m.largest(repairs, open[:half], chosen, trials), trials)
}

// edits are what carries out the chosen repairs.
func (m mender) edits(repairs []Repair, chosen []int) ([]TextEdit, bool) {
	var out []TextEdit
	gone, added := map[Key][]int{}, map[Key][]string{}
	for _, i := range chosen {
		r := repairs[i]
		from := m.texts[r.Key]
		within := from.inside(r)
		if r.To == r.Key {
			out = append(out, within...)
			continue
		}
		text, ok := m.carried(r, within)
		if !ok {
			return nil, false
		}
		gone[r.Key] = append(gone[r.Key], r.Index)
		added[r.To] = append(added[r.To], text)
	}
	for k, indexes := range gone {
		edits, ok := m.texts[k].without(k, indexes)
		if !ok {
			return nil, false
		}
		out = append(out, edits...)
	}
	for k, texts := range added {
		out = append(out, m.texts[k].with(k, texts, len(gone[k])))
	}
	slices.SortStableFunc(out, func(a, b TextEdit) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.At.Start, b.At.Start), cmp.Compare(a.At.End, b.At.End))
	})
	return out, true
}

// inside are the edits of the row's own text.
func (t *mendable) inside(r Repair) []TextEdit {
	arn := arnMember(r.Key, t.rows[r.Index])
	var out []TextEdit
	if !strings.EqualFold(arn.Name, nameOf(r.To)) {
		out = append(out, TextEdit{r.Key, arn.NameAt, nameOf(r.To)})
	}
	if arn.Value.Text != r.ARN {
		out = append(out, TextEdit{r.Key, arn.Value.At, r.ARN})
	}
	return out
}

// carried is the row as it is written under its new key.
func (m mender) carried(r Repair, within []TextEdit) (string, bool) {
	from, to := m.texts[r.Key], m.texts[r.To]
	span := from.spans[r.Index]
	for i := range within {
		at := &within[i].At
		if at.Start < span.Start || at.End > span.End {
			return "", false
		}
		*at = Span{at.Start - span.Start, at.End - span.Start}
	}
	text := Edited(from.text[span.Start:span.End], r.Key, within)
	switch block := from.layout.style == styleBlock; {
	case to.layout.style == styleFlow && block:
		if strings.Contains(text, "#") {
			return "", false // a comment would get lost
		}
		return asJSON(from.rows[r.Index], from.raws[r.Index], r)
	case to.layout.style == styleFlow:
		return text, true
	case !block:
		text = strings.Repeat(" ", from.layout.indent) + "- " + text
	}
	return shifted(text, from.layout.indent, to.layout), true
}

// asJSON is the row as an element of a list in brackets.
func asJSON(row OutlineRow, raw json.RawMessage, r Repair) (string, bool) {
	var values map[string]json.RawMessage
	if json.Unmarshal(raw, &values) != nil {
		return "", false
	}
	arn := arnMember(r.Key, row)
	var out []string
	for _, m := range row.Members {
		switch {
		case m.Overridden:
		case m.Name == arn.Name:
			out = append(out, quote(nameOf(r.To))+": "+quote(r.ARN))
		default:
			out = append(out, quote(m.Name)+": "+string(values[m.Name]))
		}
	}
	return "{" + strings.Join(out, ", ") + "}", true
}

// shifted is the text of a block item with the indentation and the line ends of another list.
func shifted(text string, indent int, l layout) string {
	var b strings.Builder
	for _, ln := range splitLines(strings.TrimRight(text, "\r\n")) {
		kept := min(indent, indentOf(ln.text))
		if t := ln.text[kept:]; t != "" {
			b.WriteString(strings.Repeat(" ", l.indent) + t)
		}
		b.WriteString(l.eol())
	}
	return b.String()
}

// without takes rows out.
func (t *mendable) without(k Key, indexes []int) ([]TextEdit, bool) {
	slices.Sort(indexes)
	if t.layout.style == styleFlow {
		return t.withoutElements(k, indexes)
	}
	var out []TextEdit
	for _, i := range indexes {
		span := t.spans[i]
		if span.End == len(t.text) && !strings.HasSuffix(t.text, "\n") && span.Start > 0 {
			// The line end before the row goes with it: the text goes on ending without one.
			span.Start -= len(t.layout.lines[t.layout.items[i].first-1].eol)
		}
		if n := len(out); n > 0 && out[n-1].At.End >= span.Start {
			out[n-1].At.End = span.End
			continue
		}
		out = append(out, TextEdit{Key: k, At: span})
	}
	return out, true
}

// withoutElements takes elements out of a flow list, each with the comma before it or, at the front, the one after it.
func (t *mendable) withoutElements(k Key, indexes []int) ([]TextEdit, bool) {
	gone := map[int]bool{}
	for _, i := range indexes {
		gone[i] = true
	}
	var out []TextEdit
	front := 0
	for gone[front] {
		front++
	}
	if front > 0 {
		end := t.layout.end
		if front < len(t.spans) {
			end = t.spans[front].Start
		}
		out = append(out, TextEdit{Key: k, At: Span{t.spans[0].Start, end}})
	}
	for _, i := range indexes {
		if i > front {
			out = append(out, TextEdit{Key: k, At: Span{t.spans[i-1].End, t.spans[i].End}})
		}
	}
	for _, e := range out {
		// A comment between the elements would go with them.
		if strings.Contains(t.text[e.At.Start:e.At.End], "#") {
			return nil, false
		}
	}
	return out, true
}

// with adds rows behind the last one, when so many are gone.
func (t *mendable) with(k Key, rows []string, gone int) TextEdit {
	l, text := t.layout, strings.Join(rows, "")
	switch l.style {
	case stylePlaceholder:
		return TextEdit{k, Span{0, len(t.text)}, text}
	case styleFlow:
		at, separator := l.open+1, l.separator(t.text)
		text = strings.Join(rows, separator)
		if len(l.elems) > gone {
			at, text = l.elems[len(l.elems)-1].end, separator+text
		}
		return TextEdit{k, Span{at, at}, text}
	case styleEmpty, styleBlock:
	}
	at := l.starts()[l.last]
	if at > 0 && t.text[at-1] != '\n' {
		text = l.eol() + strings.TrimRight(text, "\r\n")
	}
	return TextEdit{k, Span{at, at}, text}
}

// Edited is a text with the edits of a key carried out; they are in order and do not overlap.
func Edited(text string, k Key, edits []TextEdit) string {
	var b strings.Builder
	last := 0
	for _, e := range edits {
		if e.Key != k || e.At.Start < last {
			continue
		}
		b.WriteString(text[last:e.At.Start])
		b.WriteString(e.New)
		last = e.At.End
	}
	return b.String() + text[last:]
}

// verify reads the new texts and compares row by row.
func (m mender) verify(repairs []Repair, chosen []int, edits []TextEdit) bool {
	after := maps.Clone(m.data)
	if after == nil {
		after = map[string]string{}
	}
	for k, t := range m.texts {
		if text := Edited(t.text, k, edits); text != t.text {
			after[string(k)] = text
		}
	}
	mended := map[Key]map[int]Repair{KeyRoles: {}, KeyUsers: {}}
	for _, i := range chosen {
		mended[repairs[i].Key][repairs[i].Index] = repairs[i]
	}
	read, raw := parse(after)
	for _, k := range []Key{KeyRoles, KeyUsers} {
		if _, fatal := read.Fatal(k); fatal || !m.same(k, mended, raw[k], read) {
			return false
		}
	}
	return true
}

// same compares the rows of one key with what they should be: those that stayed, then those that came.
func (m mender) same(k Key, mended map[Key]map[int]Repair, raw []byte, read Document) bool {
	raws, err := rowsOf(raw)
	if err != nil {
		return false
	}
	entries := map[int]Entry{}
	for _, e := range slices.Concat(read.Roles, read.Users) {
		if e.Key == k {
			entries[e.Index] = e
		}
	}
	at := 0
	for i, was := range m.texts[k].raws {
		switch r, named := mended[k][i]; {
		case named && r.To != k:
			continue
		case at >= len(raws), !named && !bytes.Equal(raws[at], was), named && !becomes(was, r, entries[at]):
			return false
		}
		at++
	}
	from := KeyRoles
	if k == KeyRoles {
		from = KeyUsers
	}
	for _, i := range slices.Sorted(maps.Keys(mended[from])) {
		if r := mended[from][i]; r.To == k {
			if !becomes(m.texts[from].raws[i], r, entries[at]) {
				return false
			}
			at++
		}
	}
	return at == len(raws)
}

// becomes tells whether a row is read as the repaired one should be: the ARN that was asked for, and all else as it was written.
func becomes(raw json.RawMessage, r Repair, e Entry) bool {
	var was jsonRow
	_ = json.Unmarshal(raw, &was) // a wrong type empties its member, here as there
	return e.Key == r.To && e.ARN == r.ARN && e.SSO == nil && e.Username == was.Username && slices.Equal(e.Groups, was.Groups) && e.UserID == was.UserID
}
