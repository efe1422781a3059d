package policy

import (
	"slices"

	"github.com/rolecall-dev/rolecall/internal/diag"
)

// shape is what a node is.
type shape int

const (
	shapeText shape = iota + 1
	shapeMap
	shapeList
	shapeNull
)

// node is a value of a document with its position: YAML without the parts this package refuses.
type node struct {
	shape shape
	pos   diag.Pos
	// text and plain describe scalars; a plain one was written without quotes.
	text    string
	plain   bool
	entries []entry
	// index finds entries by key.
	index map[string]int
	items []*node
}

// entry is a key of a map and its value.
type entry struct {
	key   *node
	value *node
}

// get is the entry of a key, nil where there is none or no node; the first counts where one is repeated.
func (n *node) get(key string) *entry {
	if n == nil {
		return nil
	}
	i, ok := n.index[key]
	if !ok {
		return nil
	}
	return &n.entries[i]
}

// child is the value of a key, nil where there is none.
func (n *node) child(key string) *node {
	if e := n.get(key); e != nil {
		return e.value
	}
	return nil
}

// maps is the items of a list that are maps.
func (n *node) maps() []*node {
	if n == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(n.items), func(item *node) bool { return item.shape != shapeMap })
}

// isText tells whether n is a scalar that everybody reads as text.
func (n *node) isText() bool {
	return n != nil && n.shape == shapeText && (!n.plain || !ambiguous(n.text))
}

// describe names what stands there, for a message.
func (n *node) describe() string {
	switch n.shape {
	case shapeMap:
		return "a map"
	case shapeList:
		return "a list"
	case shapeNull:
		return "nothing"
	case shapeText:
		if n.plain && ambiguous(n.text) {
			return "a " + plainKind(n.text)
		}
		return "text"
	}
	return "nothing"
}

// place finds positions in a document.
type place struct {
	source *source
	root   *node
	broken bool
}

// find walks path as far as the document goes.
func (p place) find(path []any) diag.Pos {
	n := p.root
	if n == nil {
		return diag.Pos{}
	}
	for _, step := range path {
		next := n.step(step)
		if next == nil {
			break
		}
		n = next
	}
	return n.pos
}

// step is the child a path element names, nil where there is none.
func (n *node) step(step any) *node {
	switch s := step.(type) {
	case string:
		return n.child(s)
	case int:
		if s >= 0 && s < len(n.items) {
			return n.items[s]
		}
	}
	return nil
}
