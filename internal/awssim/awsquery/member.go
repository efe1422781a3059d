package awsquery

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rolecall-dev/rolecall/internal/awssim/service"
)

type kind int

const (
	text kind = iota + 1
	number
	flag
	list
	structure
)

// Member is one parameter of an operation: its type and what its values must satisfy.
type Member struct {
	name     string
	kind     kind
	required bool
	bounded  bool
	min, max int // length of text and lists, value of numbers
	pattern  *regexp.Regexp
	source   string // the pattern as the model writes it
	enum     []string
	members  []Member // of a structure
	element  *Member  // of a list
}

// Text is a parameter of any text.
func Text(name string) Member { return Member{name: name, kind: text} }

// Number is a parameter of an integer.
func Number(name string) Member { return Member{name: name, kind: number} }

// Flag is a parameter that is true or false.
func Flag(name string) Member { return Member{name: name, kind: flag} }

// List is a list of elements of the given form, whose own name does not count.
func List(name string, element Member) Member {
	return Member{name: name, kind: list, element: &element}
}

// Struct is a structure, as lists have for elements.
func Struct(name string, members ...Member) Member {
	return Member{name: name, kind: structure, members: members}
}

// Required makes the parameter one that has to be given.
func (m Member) Required() Member { m.required = true; return m }

// Between bounds the length of text or of a list, or the value of a number.
func (m Member) Between(low, high int) Member { m.bounded, m.min, m.max = true, low, high; return m }

// Like demands that the whole text match a regular expression.
func (m Member) Like(pattern string) Member {
	m.source, m.pattern = pattern, regexp.MustCompile(`^(?s:`+pattern+`)$`)
	return m
}

// OneOf demands that the text be one of the values.
func (m Member) OneOf(values ...string) Member { m.enum = values; return m }

// Check compares parameters with a shape. All that is wrong with the values comes in one ValidationError, as AWS reports it.
func Check(members []Member, params url.Values) *service.Error {
	c := checker{params: params, used: map[string]bool{"Action": true, "Version": true}}
	c.members("", "", members)
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if !c.used[name] {
			return refuse("InvalidQueryParameter", fmt.Sprintf("The parameter %s is not recognized.", name))
		}
	}
	if len(c.malformed) > 0 {
		return refuse("MalformedInput", strings.Join(c.malformed, "; "))
	}
	switch n := len(c.problems); n {
	case 0:
		return nil
	case 1:
		return Invalid("1 validation error detected: " + c.problems[0])
	default:
		return Invalid(fmt.Sprintf("%d validation errors detected: %s", n, strings.Join(c.problems, "; ")))
	}
}

// Invalid is a ValidationError.
func Invalid(message string) *service.Error {
	return &service.Error{Code: "ValidationError", Message: message, Status: http.StatusBadRequest}
}

type checker struct {
	params    url.Values
	used      map[string]bool
	problems  []string // values that break a constraint
	malformed []string // values of the wrong type
}

// members checks a structure. prefix is where its parameters stand, path how messages call it.
func (c *checker) members(prefix, path string, members []Member) {
	for _, m := range members {
		c.member(prefix+m.name, join(path, lowerFirst(m.name)), m)
	}
}

func (c *checker) member(key, path string, m Member) {
	if !c.present(key) {
		if m.required {
			c.problem("null", path, "Member must not be null")
		}
		return
	}
	switch m.kind {
	case text, number, flag:
		c.scalar(key, path, m)
	case list:
		c.list(key, path, m)
	case structure:
		c.members(key+".", path, m.members)
	}
}

// present tells whether a parameter of this name, or any below it, was sent.
func (c *checker) present(key string) bool {
	if c.params.Has(key) {
		return true
	}
	for name := range c.params {
		if strings.HasPrefix(name, key+".") {
			return true
		}
	}
	return false
}

func (c *checker) list(key, path string, m Member) {
	if c.params.Has(key) && c.params.Get(key) == "" {
		c.used[key] = true // an empty list is sent as an empty parameter
	}
	n := 0
	for c.present(element(key, n+1)) {
		n++
		c.member(element(key, n), fmt.Sprintf("%s.%d.member", path, n), *m.element)
	}
	if m.bounded && (n < m.min || n > m.max) {
		c.problem(fmt.Sprintf("a list of %d", n), path, fmt.Sprintf("Member must have length between %d and %d", m.min, m.max))
	}
}

func (c *checker) scalar(key, path string, m Member) {
	if !c.params.Has(key) {
		return // only names below it were sent; they stay unused
	}
	c.used[key] = true
	value := c.params.Get(key)
	if len(c.params[key]) > 1 {
		c.malformed = append(c.malformed, fmt.Sprintf("%s is given more than once", key))
		return
	}
	switch m.kind {
	case text:
		c.text(value, path, m)
	case number:
		n, err := strconv.Atoi(value)
		if err != nil {
			c.malformed = append(c.malformed, fmt.Sprintf("%s is not an integer", key))
		} else if m.bounded {
			c.bounds(value, path, "value", [3]int{m.min, n, m.max})
		}
	case flag:
		if value != "true" && value != "false" {
			c.malformed = append(c.malformed, fmt.Sprintf("%s is neither true nor false", key))
		}
	case list, structure:
	}
}

func (c *checker) text(value, path string, m Member) {
	if m.bounded {
		c.bounds(value, path, "length", [3]int{m.min, utf8.RuneCountInString(value), m.max})
	}
	if m.pattern != nil && !m.pattern.MatchString(value) {
		c.problem("'"+value+"'", path, "Member must satisfy regular expression pattern: "+m.source)
	}
	if m.enum != nil && !slices.Contains(m.enum, value) {
		c.problem("'"+value+"'", path, "Member must satisfy enum value set: ["+strings.Join(m.enum, ", ")+"]")
	}
}

// bounds checks low ≤ n ≤ high, given in that order.
func (c *checker) bounds(value, path, what string, b [3]int) {
	if b[1] < b[0] {
		c.problem("'"+value+"'", path, fmt.Sprintf("Member must have %s greater than or equal to %d", what, b[0]))
	}
	if b[1] > b[2] {
		c.problem("'"+value+"'", path, fmt.Sprintf("Member must have %s less than or equal to %d", what, b[2]))
	}
}

func (c *checker) problem(value, path, constraint string) {
	c.problems = append(c.problems, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s", value, path, constraint))
}

func element(key string, i int) string { return key + ".member." + strconv.Itoa(i) }

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func lowerFirst(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(first)) + s[size:]
}
