// Package yamltree reads YAML and JSON as kubectl does, into trees whose nodes know where they stand: the text of a scalar
// can be followed byte by byte through block and folded styles, quotation and escapes.
package yamltree

import (
	"slices"
	"strings"
)

// Kind is the shape of a node.
type Kind int

// The kinds.
const (
	Scalar Kind = iota + 1
	Mapping
	Sequence
)

// Style is how a scalar is written.
type Style int

// The styles; JSON is that of the strings and collections of a JSON document.
const (
	Plain Style = iota + 1
	Literal
	Folded
	Single
	Double
	JSON
)

// Node is a piece of a YAML or JSON document. An alias is the node it stands for, so that a node may be found in several places, itself among them.
type Node struct {
	Kind  Kind
	Style Style
	// Flow tells that a mapping or sequence is written in brackets.
	Flow bool
	// Tag is the short YAML tag, as YAML 1.1 resolves it.
	Tag string
	// Value is the text of a scalar.
	Value string
	// At is the offset of the first character, after anchor and tag. Indent is the column of the collection around it, -1 where there is none;
	// in JSON it is 0.
	At, Indent int
	// Content are the elements of a sequence, or keys and values of a mapping in turn.
	Content []*Node
	// Anchored tells that an anchor names the node: others may stand for it.
	Anchored bool
}

// IsText tells whether the API server takes a node for a string.
func (n *Node) IsText() bool {
	return n.Kind == Scalar && (n.Tag == "!!str" || n.Tag == "!!timestamp")
}

// IsNull tells whether a node is null, in a word or for want of anything written.
func (n *Node) IsNull() bool { return n.Kind == Scalar && n.Tag == "!!null" }

// Pairs yields keys and values of a mapping in order, those of merge keys first. It goes three merges deep.
func (n *Node) Pairs(yield func(key, value *Node) bool) { n.walk(yield, 3) }

func (n *Node) walk(yield func(key, value *Node) bool, depth int) bool {
	if n == nil || n.Kind != Mapping {
		return true
	}
	for i := 0; i+1 < len(n.Content) && depth > 0; i += 2 {
		if n.Content[i].Tag != "!!merge" {
			continue
		}
		merged := []*Node{n.Content[i+1]}
		if merged[0].Kind == Sequence && len(merged[0].Content) <= 8 {
			merged = merged[0].Content
		}
		for _, m := range slices.Backward(merged) {
			if !m.walk(yield, depth-1) {
				return false
			}
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag != "!!merge" && !yield(n.Content[i], n.Content[i+1]) {
			return false
		}
	}
	return true
}

// Get is the value of a key, nil when there is none; of several the last. Nodes that are no mapping, or nil, have no keys.
func (n *Node) Get(key string) *Node {
	_, v := n.Pair(key)
	return v
}

// Pair is a key with its value, both nil when there is none; of several the last.
func (n *Node) Pair(key string) (k, v *Node) {
	for a, b := range n.Pairs {
		if a.Kind == Scalar && a.Value == key {
			k, v = a, b
		}
	}
	return k, v
}

// Text is the value of a key that holds a string, and empty otherwise.
func (n *Node) Text(key string) string {
	if v := n.Get(key); v != nil && v.IsText() {
		return v.Value
	}
	return ""
}

// Has tells whether a mapping has one of these keys, in whatever case.
func (n *Node) Has(keys ...string) bool {
	for k := range n.Pairs {
		for _, key := range keys {
			if k.Kind == Scalar && strings.EqualFold(k.Value, key) {
				return true
			}
		}
	}
	return false
}

// Extent is where the text of a scalar stands without its quote, as far as that is on one line; of a collection it is the first character.
func (n *Node) Extent(text string) Span {
	if n.Kind != Scalar {
		return Span{n.At, min(n.At+1, len(text))}
	}
	start := n.At
	switch n.Style {
	case Single, Double, JSON:
		start++
	case Literal, Folded:
		return Span{start, start + 1}
	case Plain:
	}
	if strings.HasPrefix(text[min(start, len(text)):], n.Value) {
		return Span{start, start + len(n.Value)}
	}
	return Span{start, start + 1}
}
