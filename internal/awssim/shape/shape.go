// Package shape checks the JSON input of an operation against a description of
// its members, as strictly as AWS does and in one respect more: a member that
// the operation does not have is refused, since AWS would silently ignore it.
package shape

import (
	"regexp"
	"slices"
)

// Kind is the type of a value.
type Kind int

// The kinds of values.
const (
	KindString Kind = iota + 1
	KindInteger
	KindBoolean
	KindList
	KindMap
	KindStruct
	KindUnion
	KindDocument
)

// Shape describes a value.
type Shape struct {
	Kind    Kind
	Members []Member // of a struct or union
	Element *Shape   // of a list or map
	// Min and Max bound the length of a string (in characters), of a list or
	// map, or the value of an integer. A Max of zero is no bound.
	Min, Max int
	Pattern  *regexp.Regexp // the whole string must match
	source   string         // the pattern as AWS writes it, for messages
	Enum     []string
}

// Member is one member of a struct.
type Member struct {
	Name     string
	Shape    *Shape
	Required bool
}

// Text returns a string shape. An empty pattern allows any text.
func Text(shortest, longest int, pattern string) *Shape {
	s := &Shape{Kind: KindString, Min: shortest, Max: longest, source: pattern}
	if pattern != "" {
		s.Pattern = regexp.MustCompile(`^(?:` + pattern + `)$`)
	}
	return s
}

// Enum returns a string shape with a closed set of values.
func Enum(values ...string) *Shape { return &Shape{Kind: KindString, Enum: values} }

// Integer returns an integer shape.
func Integer(lowest, highest int) *Shape { return &Shape{Kind: KindInteger, Min: lowest, Max: highest} }

// Boolean returns a boolean shape.
func Boolean() *Shape { return &Shape{Kind: KindBoolean} }

// Document returns the shape of any JSON value.
func Document() *Shape { return &Shape{Kind: KindDocument} }

// List returns a list shape.
func List(element *Shape, shortest, longest int) *Shape {
	return &Shape{Kind: KindList, Element: element, Min: shortest, Max: longest}
}

// Map returns the shape of an object with free keys.
func Map(element *Shape, shortest, longest int) *Shape {
	return &Shape{Kind: KindMap, Element: element, Min: shortest, Max: longest}
}

// Struct returns a structure with the members.
func Struct(members ...Member) *Shape { return &Shape{Kind: KindStruct, Members: members} }

// Union returns a structure of which exactly one member is set.
func Union(members ...Member) *Shape { return &Shape{Kind: KindUnion, Members: members} }

// Need returns a required member.
func Need(name string, s *Shape) Member { return Member{Name: name, Shape: s, Required: true} }

// May returns an optional member.
func May(name string, s *Shape) Member { return Member{Name: name, Shape: s} }

// Relaxed returns a copy without patterns, lengths, ranges and enumerations:
// only names, nesting, types and required members remain.
func (s *Shape) Relaxed() *Shape {
	out := &Shape{Kind: s.Kind}
	if s.Element != nil {
		out.Element = s.Element.Relaxed()
	}
	for _, m := range s.Members {
		out.Members = append(out.Members, Member{Name: m.Name, Shape: m.Shape.Relaxed(), Required: m.Required})
	}
	return out
}

func (s *Shape) member(name string) (Member, bool) {
	i := slices.IndexFunc(s.Members, func(m Member) bool { return m.Name == name })
	if i < 0 {
		return Member{}, false
	}
	return s.Members[i], true
}
