package awsauth

import (
	"encoding/json"
	"slices"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"
)

// Span is a stretch of bytes of a text. The zero Span stands for a place that is not known.
type Span struct{ Start, End int }

// Known tells whether the span is a place.
func (s Span) Known() bool { return s != Span{} }

// Kind is what a value is to the authenticator, once YAML has become JSON.
type Kind int

// The kinds.
const (
	KindNull Kind = iota + 1
	KindBool
	KindNumber
	KindString
	KindList
	KindMap
)

// OutlineRow is a row of a text: everything that is written in it, whether the authenticator uses it or not.
type OutlineRow struct {
	// At begins with the first character of the row after its dash and ends with that line.
	At Span
	// Kind is KindMap unless the row is not a row at all.
	Kind Kind
	// Text is what an element of mapAccounts says.
	Text string
	// Members are in order of appearance. What comes from an anchor has the place of the alias.
	Members []Member
}

// Member is a name and a value in a row.
type Member struct {
	Name   string
	NameAt Span
	Value  Value
	// Overridden says that the row has the very same name once more, further down, and that one counts.
	Overridden bool
}

// Value is a value of a row.
type Value struct {
	// At is the scalar between its quotes, of a block scalar its first line; of a list or map only the first character.
	At   Span
	Kind Kind
	// Text is the string of a KindString, and how any other scalar is written.
	Text string
	// Quote is the quotation mark around the scalar, 0 for a plain one and '|' for a block scalar.
	Quote byte
	// Shared says that other rows may have this value too, through an anchor.
	Shared bool
	// Elements are the values of a KindList.
	Elements []Value
}

// Outline says where the rows of a text stand, what is written in them and where. There is one for every row
// that the authenticator finds, in the same order, so that Entry.Index counts them; a text it does not read has none. Where a place cannot
// be told for certain it is not known, and what is written there is what the authenticator reads.
func Outline(k Key, text string) []OutlineRow {
	read := rows
	if k == KeyAccounts {
		read = accounts
	}
	raws, err := read(text)
	if err != nil {
		return nil
	}
	return outline(text, raws)
}

// outline is the outline of a text that is read as these rows.
func outline(text string, raws []json.RawMessage) []OutlineRow {
	if len(raws) == 0 {
		return nil
	}
	o := outliner{text: text, lines: lineStarts(text), runes: map[int][]int{}}
	nodes := o.nodes(len(raws))
	layout := extents(text, len(raws))
	out := make([]OutlineRow, len(raws))
	for i, raw := range raws {
		out[i] = o.row(nodes[i], raw)
		if !out[i].At.Known() && layout != nil {
			out[i].At = layout[i]
		}
	}
	return out
}

// accounts are the elements of mapAccounts, as JSON: scalars are text there, however they are written. Where the two YAML libraries
// do not agree on them they are those that the authenticator reads.
func accounts(text string) ([]json.RawMessage, error) {
	var read Document
	want := slices.DeleteFunc(read.parseAccounts(text), func(a string) bool { return a == "" })
	if _, fatal := read.Fatal(KeyAccounts); fatal || skippable(text) {
		return nil, nil
	}
	var list []any
	var found []string
	err := guard(func() error {
		var doc yamlv3.Node
		if err := yamlv3.Unmarshal([]byte(text), &doc); err != nil {
			return err //nolint:wrapcheck // only whether there is one counts
		}
		for _, n := range sequence(&doc) {
			v := scalarText(n)
			list = append(list, v)
			if s, isText := v.(string); isText && s != "" {
				found = append(found, s)
			}
		}
		return nil
	})
	if err != nil || !slices.Equal(found, want) {
		list = nil
		for _, a := range want {
			list = append(list, a)
		}
	}
	out := make([]json.RawMessage, len(list))
	for i, v := range list {
		if out[i], err = json.Marshal(v); err != nil {
			return nil, err //nolint:wrapcheck // only whether there is one counts
		}
	}
	return out, nil
}

func scalarText(n *yamlv3.Node) any {
	switch n = follow(n); {
	case n.Kind == yamlv3.ScalarNode && n.ShortTag() == "!!null":
		return nil
	case n.Kind == yamlv3.ScalarNode:
		return n.Value
	case n.Kind == yamlv3.SequenceNode:
		return []any{}
	}
	return map[string]any{}
}

// sequence returns the elements of a document that is a list.
func sequence(doc *yamlv3.Node) []*yamlv3.Node {
	if len(doc.Content) == 0 {
		return nil
	}
	if root := follow(doc.Content[0]); root.Kind == yamlv3.SequenceNode {
		return root.Content
	}
	return nil
}

// follow goes from an alias to what it stands for.
func follow(n *yamlv3.Node) *yamlv3.Node {
	if n.Kind == yamlv3.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

// extents are the first lines of n rows as the scanner finds them, nil when it finds another number.
func extents(text string, n int) []Span {
	l, err := scan(text)
	if err != nil || len(l.items)+len(l.elems) != n {
		return nil
	}
	starts := l.starts()
	var out []Span
	for _, it := range l.items {
		t := l.lines[it.first].text
		x := min(l.indent+1, len(t))
		x += len(t[x:]) - len(strings.TrimLeft(t[x:], " \t"))
		out = append(out, Span{starts[it.first] + x, starts[it.first] + len(t)})
	}
	for _, e := range l.elems {
		out = append(out, Span{e.start, lineEnd(text[:e.end], e.start)})
	}
	return out
}

// starts are the byte positions of the lines, and one more for the end of the text.
func (l layout) starts() []int {
	out := make([]int, len(l.lines)+1)
	for i, ln := range l.lines {
		out[i+1] = out[i] + len(ln.text) + len(ln.eol)
	}
	return out
}

// outliner turns the positions of the YAML library into bytes.
type outliner struct {
	text  string
	lines []int
	// runes are the byte positions of the characters of lines that have others than ASCII, by line.
	runes map[int][]int
}

// nodes are the rows as the other YAML library sees them; all nil when it sees another number.
func (o *outliner) nodes(n int) []*yamlv3.Node {
	var doc yamlv3.Node
	err := guard(func() error { return yamlv3.Unmarshal([]byte(o.text), &doc) })
	found := sequence(&doc)
	if err != nil || len(found) != n {
		return make([]*yamlv3.Node, n)
	}
	return found
}

// row reads one row; raw is what the authenticator makes of it and has the last word.
func (o *outliner) row(n *yamlv3.Node, raw json.RawMessage) OutlineRow {
	r := OutlineRow{Kind: kindOf(raw)}
	if r.Kind != KindMap {
		v, _ := o.value(n, raw)
		r.At, r.Text = v.At, v.Text
		return r
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return r
	}
	if n != nil {
		r.At = o.line(n)
		if r.Members = o.members(n, members); r.Members != nil {
			return r
		}
	}
	for _, name := range sortedKeys(members) {
		v, _ := o.value(nil, members[name])
		r.Members = append(r.Members, Member{Name: name, Value: v})
	}
	return r
}

func sortedKeys(m map[string]json.RawMessage) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// pair is a name and its value before the authenticator's reading is known.
type pair struct {
	name, value *yamlv3.Node
	// alias is what brings the pair in from somewhere else, nil for one that is written here.
	alias  *yamlv3.Node
	shared bool
	merged bool
}

// members lists what is written in a row, nil when that is not what the authenticator reads.
func (o *outliner) members(n *yamlv3.Node, want map[string]json.RawMessage) []Member {
	pairs := pairsOf(n, nil, 0)
	last := map[string]int{}
	for i, p := range pairs {
		last[p.name.Value] = i
	}
	if len(last) != len(want) {
		return nil
	}
	out := make([]Member, 0, len(pairs))
	for i, p := range pairs {
		m := Member{Name: p.name.Value, NameAt: o.scalar(p.name).At, Overridden: last[p.name.Value] != i}
		raw, exists := want[m.Name]
		if m.Overridden {
			// What a merge key brings may be overridden; that is what merge keys are for.
			if p.merged || pairs[last[m.Name]].merged {
				continue
			}
			raw, exists = o.reading(p.value)
		}
		if !exists {
			return nil
		}
		v, ok := o.value(p.value, raw)
		if !ok {
			return nil
		}
		v.Shared = v.Shared || p.shared || p.value.Anchor != ""
		m.Value = v
		if p.alias != nil {
			at := o.scalar(p.alias).At
			m.NameAt, m.Value = at, m.Value.from(at)
		}
		out = append(out, m)
	}
	return out
}

// pairsOf lists the members of a mapping, those of merge keys where they stand: later ones count.
func pairsOf(n, alias *yamlv3.Node, depth int) []pair {
	const deepest = 50
	if alias == nil && n.Kind == yamlv3.AliasNode {
		alias = n
	}
	if n = follow(n); n.Kind != yamlv3.MappingNode || depth > deepest {
		return nil
	}
	var out []pair
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		if name.Kind != yamlv3.ScalarNode || name.Value != "<<" || name.Style != 0 {
			out = append(out, pair{name: follow(name), value: value, alias: alias, shared: alias != nil || n.Anchor != ""})
			continue
		}
		merged := []*yamlv3.Node{value}
		if list := follow(value); list.Kind == yamlv3.SequenceNode {
			merged = slices.Clone(list.Content)
			slices.Reverse(merged)
		}
		for _, m := range merged {
			for _, p := range pairsOf(m, alias, depth+1) {
				p.merged, p.shared = true, true
				out = append(out, p)
			}
		}
	}
	return out
}

// from is the value, brought to another place by an alias.
func (v Value) from(at Span) Value {
	v.At, v.Shared, v.Quote = at, true, 0
	elements := slices.Clone(v.Elements)
	for i, e := range elements {
		elements[i] = e.from(at)
	}
	v.Elements = elements
	return v
}

// reading is what the authenticator would make of a value that another one overrides.
func (o *outliner) reading(n *yamlv3.Node) (json.RawMessage, bool) {
	b, err := yamlv3.Marshal(follow(n))
	if err != nil {
		return nil, false
	}
	raw, err := toJSON(string(b))
	return raw, err == nil
}

// value reads a value by its node, nil where there is none. It tells whether node and reading agree.
func (o *outliner) value(n *yamlv3.Node, raw json.RawMessage) (Value, bool) {
	if n != nil && n.Kind == yamlv3.AliasNode && n.Alias != nil {
		v, ok := o.value(n.Alias, raw)
		return v.from(o.scalar(n).At), ok
	}
	v := Value{Kind: kindOf(raw)}
	if n != nil {
		v = o.scalar(n)
		v.Kind = kindOf(raw)
	}
	switch v.Kind {
	case KindList:
		return o.list(v, n, raw)
	case KindMap:
		return v, n == nil || n.Kind == yamlv3.MappingNode
	case KindString:
		var s string
		if json.Unmarshal(raw, &s) != nil || n != nil && v.Text != s {
			return Value{Kind: KindString, Text: s}, false
		}
		v.Text = s
	case KindNull, KindBool, KindNumber:
		if n == nil {
			v.Text = string(raw)
		}
	}
	return v, n == nil || n.Kind == yamlv3.ScalarNode
}

func (o *outliner) list(v Value, n *yamlv3.Node, raw json.RawMessage) (Value, bool) {
	var elements []json.RawMessage
	if json.Unmarshal(raw, &elements) != nil {
		return v, false
	}
	if n != nil && (n.Kind != yamlv3.SequenceNode || len(n.Content) != len(elements)) {
		return v, false
	}
	for i, e := range elements {
		var child *yamlv3.Node
		if n != nil {
			child = n.Content[i]
		}
		element, ok := o.value(child, e)
		if !ok {
			return v, false
		}
		element.Shared = element.Shared || child != nil && child.Anchor != ""
		v.Elements = append(v.Elements, element)
	}
	return v, true
}

func kindOf(raw json.RawMessage) Kind {
	switch c := (string(raw) + " ")[0]; c {
	case '{':
		return KindMap
	case '[':
		return KindList
	case '"':
		return KindString
	case 't', 'f':
		return KindBool
	case 'n':
		return KindNull
	}
	return KindNumber
}
