package manifest

import (
	"slices"
	"strings"
)

// kind is the shape of a node.
type kind int

const (
	scalar kind = iota + 1
	mapping
	sequence
)

// style is how a scalar is written.
type style int

const (
	plain style = iota + 1
	literal
	folded
	single
	double
	// inJSON is a string of a JSON document.
	inJSON
)

// node is a piece of a YAML or JSON document. An alias is the node it stands for.
type node struct {
	kind  kind
	style style
	// flow tells that a mapping or sequence is written in brackets.
	flow bool
	// tag is the short YAML tag, as YAML 1.1 resolves it.
	tag   string
	value string
	// at is the offset of the first character, after anchor and tag; indent is the column of the collection around it.
	at, indent int
	// content are the elements of a sequence, or keys and values of a mapping in turn.
	content []*node
	// anchored tells that an anchor names the node: others may stand for it.
	anchored bool
}

// isText tells whether the API server takes a node for a string.
func (n *node) isText() bool {
	return n.kind == scalar && (n.tag == "!!str" || n.tag == "!!timestamp")
}

func (n *node) isNull() bool { return n.kind == scalar && n.tag == "!!null" }

// pairs yields keys and values of a mapping in order, those of merge keys first. It goes three merges deep.
func (n *node) pairs(yield func(key, value *node) bool) { n.walk(yield, 3) }

func (n *node) walk(yield func(key, value *node) bool, depth int) bool {
	if n == nil || n.kind != mapping {
		return true
	}
	for i := 0; i+1 < len(n.content) && depth > 0; i += 2 {
		if n.content[i].tag != "!!merge" {
			continue
		}
		merged := []*node{n.content[i+1]}
		if merged[0].kind == sequence && len(merged[0].content) <= 8 {
			merged = merged[0].content
		}
		for _, m := range slices.Backward(merged) {
			if !m.walk(yield, depth-1) {
				return false
			}
		}
	}
	for i := 0; i+1 < len(n.content); i += 2 {
		if n.content[i].tag != "!!merge" && !yield(n.content[i], n.content[i+1]) {
			return false
		}
	}
	return true
}

// get is the value of a key, nil when there is none; of several the last.
func (n *node) get(key string) *node {
	_, v := n.pair(key)
	return v
}

func (n *node) pair(key string) (k, v *node) {
	for a, b := range n.pairs {
		if a.kind == scalar && a.value == key {
			k, v = a, b
		}
	}
	return k, v
}

// text is the value of a key that holds a string.
func (n *node) text(key string) string {
	if v := n.get(key); v != nil && v.isText() {
		return v.value
	}
	return ""
}

// has finds a key in whatever case.
func (n *node) has(keys ...string) bool {
	for k := range n.pairs {
		for _, key := range keys {
			if k.kind == scalar && strings.EqualFold(k.value, key) {
				return true
			}
		}
	}
	return false
}
