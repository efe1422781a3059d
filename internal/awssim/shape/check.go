package shape

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Rule is what a value broke.
type Rule int

// The rules.
const (
	Malformed Rule = iota + 1 // not JSON, or not an object
	WrongType
	UnknownMember
	Missing
	NotOne // a union without exactly one member
	TooShort
	TooLong
	TooLow
	TooHigh
	BadPattern
	BadEnum
)

// Violation is one broken rule.
type Violation struct {
	Rule Rule
	Path string // such as "Tags.1.Key"; empty for the input itself
	Text string // what AWS says about it
}

// Check returns what is wrong with the text of an input, in the order of the
// shape's members. An empty text is the same as an empty object.
func (s *Shape) Check(text []byte) []Violation {
	if len(bytes.TrimSpace(text)) == 0 {
		text = []byte("{}")
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return []Violation{{Rule: Malformed, Text: "Could not parse the request body as JSON"}}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return []Violation{{Rule: Malformed, Text: "Unexpected text after the request body"}}
	}
	var c checker
	c.check(s, "", value)
	return c.found
}

// Syntactic says whether the first of the violations is one that AWS finds
// while it reads the input, before it looks at values.
func Syntactic(found []Violation) bool {
	return slices.ContainsFunc(found, func(v Violation) bool {
		return v.Rule == Malformed || v.Rule == WrongType || v.Rule == UnknownMember
	})
}

// Summary joins violations as AWS does in a ValidationException.
func Summary(found []Violation) string {
	var texts []string
	for _, v := range found {
		texts = append(texts, v.Text)
	}
	noun := "errors"
	if len(found) == 1 {
		noun = "error"
	}
	return fmt.Sprintf("%d validation %s detected: %s", len(found), noun, strings.Join(texts, "; "))
}

type checker struct{ found []Violation }

func (c *checker) add(rule Rule, path, text string) {
	c.found = append(c.found, Violation{Rule: rule, Path: path, Text: text})
}

func (c *checker) constraint(rule Rule, path string, value any, text string) {
	c.add(rule, path, fmt.Sprintf("Value '%v' at '%s' failed to satisfy constraint: %s", value, display(path), text))
}

func (c *checker) check(s *Shape, path string, value any) {
	switch s.Kind {
	case KindString:
		c.checkString(s, path, value)
	case KindInteger:
		c.checkInteger(s, path, value)
	case KindBoolean:
		if _, ok := value.(bool); !ok {
			c.wrongType(path, value, "Boolean")
		}
	case KindList:
		c.checkList(s, path, value)
	case KindMap:
		c.checkMap(s, path, value)
	case KindStruct, KindUnion:
		c.checkStruct(s, path, value)
	case KindDocument:
	}
}

func (c *checker) wrongType(path string, value any, want string) {
	kind := "STRUCT_VALUE"
	switch value.(type) {
	case string:
		kind = "STRING_VALUE"
	case json.Number:
		kind = "NUMBER_VALUE"
	case bool:
		kind = "TRUE_VALUE"
	case []any:
		kind = "LIST_VALUE"
	}
	c.add(WrongType, path, kind+" can not be converted to "+want+" at '"+display(path)+"'")
}

func (c *checker) checkString(s *Shape, path string, value any) {
	text, ok := value.(string)
	if !ok {
		c.wrongType(path, value, "String")
		return
	}
	if s.Enum != nil && !slices.Contains(s.Enum, text) {
		c.constraint(BadEnum, path, text, "Member must satisfy enum value set: ["+strings.Join(s.Enum, ", ")+"]")
		return
	}
	c.checkLength(s, path, text, utf8.RuneCountInString(text))
	if s.Pattern != nil && !s.Pattern.MatchString(text) {
		c.constraint(BadPattern, path, text, "Member must satisfy regular expression pattern: "+s.source)
	}
}

func (c *checker) checkLength(s *Shape, path string, value any, n int) {
	if n < s.Min {
		c.constraint(TooShort, path, value, "Member must have length greater than or equal to "+strconv.Itoa(s.Min))
	}
	if s.Max > 0 && n > s.Max {
		c.constraint(TooLong, path, value, "Member must have length less than or equal to "+strconv.Itoa(s.Max))
	}
}

func (c *checker) checkInteger(s *Shape, path string, value any) {
	number, ok := value.(json.Number)
	if !ok {
		c.wrongType(path, value, "Integer")
		return
	}
	n, err := strconv.Atoi(number.String())
	if err != nil {
		c.wrongType(path, value, "Integer")
		return
	}
	if n < s.Min {
		c.constraint(TooLow, path, n, "Member must have value greater than or equal to "+strconv.Itoa(s.Min))
	}
	if s.Max > 0 && n > s.Max {
		c.constraint(TooHigh, path, n, "Member must have value less than or equal to "+strconv.Itoa(s.Max))
	}
}

func (c *checker) checkList(s *Shape, path string, value any) {
	list, ok := value.([]any)
	if !ok {
		c.wrongType(path, value, "List")
		return
	}
	c.checkLength(s, path, value, len(list))
	for i, element := range list {
		c.check(s.Element, join(path, strconv.Itoa(i+1)+".member"), element)
	}
}

func (c *checker) checkMap(s *Shape, path string, value any) {
	object, ok := value.(map[string]any)
	if !ok {
		c.wrongType(path, value, "Map")
		return
	}
	c.checkLength(s, path, value, len(object))
	for _, key := range slices.Sorted(maps.Keys(object)) {
		c.check(s.Element, join(path, key), object[key])
	}
}

func (c *checker) checkStruct(s *Shape, path string, value any) {
	object, ok := value.(map[string]any)
	if !ok {
		c.wrongType(path, value, "Structure")
		return
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if _, known := s.member(name); !known {
			c.add(UnknownMember, join(path, name), "Unknown member '"+name+"' at '"+display(join(path, name))+"'")
		}
	}
	set := 0
	for _, m := range s.Members {
		v, present := object[m.Name]
		switch {
		case present && v != nil:
			set++
			c.check(m.Shape, join(path, m.Name), v)
		case m.Required:
			c.constraint(Missing, join(path, m.Name), "null", "Member must not be null")
		}
	}
	if s.Kind == KindUnion && set != 1 {
		c.add(NotOne, path, "Exactly one member must be set at '"+display(path)+"'")
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// display writes a path as AWS' messages do: members begin in lower case.
func display(path string) string {
	parts := strings.Split(path, ".")
	for i, p := range parts {
		r, size := utf8.DecodeRuneInString(p)
		parts[i] = string(unicode.ToLower(r)) + p[size:]
	}
	return strings.Join(parts, ".")
}
