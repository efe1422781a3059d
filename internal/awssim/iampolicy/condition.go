package iampolicy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Condition is one key of one operator of a statement's Condition block.
type Condition struct {
	Quantifier Quantifier
	Operator   Operator
	IfExists   bool
	Key        string // lower case
	Values     []string
}

// Quantifier says how the values of a multi-valued key are combined.
type Quantifier int

// The quantifiers. Single is a condition without a prefix.
const (
	Single Quantifier = iota + 1
	ForAllValues
	ForAnyValue
)

// Operator is a supported condition operator, without quantifier and without the suffix IfExists.
type Operator string

// The supported operators. ArnEquals and ArnLike mean the same.
const (
	StringEquals              Operator = "StringEquals"
	StringNotEquals           Operator = "StringNotEquals"
	StringEqualsIgnoreCase    Operator = "StringEqualsIgnoreCase"
	StringNotEqualsIgnoreCase Operator = "StringNotEqualsIgnoreCase"
	StringLike                Operator = "StringLike"
	StringNotLike             Operator = "StringNotLike"
	ArnEquals                 Operator = "ArnEquals"
	ArnLike                   Operator = "ArnLike"
	ArnNotEquals              Operator = "ArnNotEquals"
	ArnNotLike                Operator = "ArnNotLike"
	Bool                      Operator = "Bool"
	Null                      Operator = "Null"
)

var errUnsupported = errors.New("not supported")

// readOperator splits an operator as it stands in a document.
func readOperator(text string) (Condition, error) {
	c := Condition{Quantifier: Single}
	name := text
	if rest, ok := strings.CutPrefix(name, "ForAllValues:"); ok {
		c.Quantifier, name = ForAllValues, rest
	} else if rest, ok := strings.CutPrefix(name, "ForAnyValue:"); ok {
		c.Quantifier, name = ForAnyValue, rest
	}
	if rest, ok := strings.CutSuffix(name, "IfExists"); ok {
		c.IfExists, name = true, rest
	}
	c.Operator = Operator(name)
	if !c.Operator.known() || c.IfExists && c.Operator == Null {
		return Condition{}, fmt.Errorf("condition operator %q: %w", text, errUnsupported)
	}
	return c, nil
}

func (o Operator) known() bool {
	return slices.Contains([]Operator{
		StringEquals, StringNotEquals, StringEqualsIgnoreCase, StringNotEqualsIgnoreCase, StringLike, StringNotLike,
		ArnEquals, ArnLike, ArnNotEquals, ArnNotLike, Bool, Null,
	}, o)
}

// negated reports whether the operator demands that no value match.
func (o Operator) negated() bool { return strings.Contains(string(o), "Not") }

func (c Condition) holds(keys map[string][]string) bool {
	values, present := keys[c.Key]
	present = present && len(values) > 0
	if c.Operator == Null {
		return slices.ContainsFunc(c.Values, func(v string) bool { return strings.EqualFold(v, "true") == !present })
	}
	if !present {
		return c.IfExists || c.Quantifier == ForAllValues || c.Quantifier == Single && c.Operator.negated()
	}
	if c.Quantifier == ForAllValues {
		return !slices.ContainsFunc(values, func(v string) bool { return !c.accepts(v) })
	}
	return slices.ContainsFunc(values, c.accepts)
}

// accepts tells whether one value of the request satisfies the condition: a positive operator wants some value of the condition
// to match, a negated one wants none to.
func (c Condition) accepts(value string) bool {
	matched := slices.ContainsFunc(c.Values, func(want string) bool { return c.Operator.matches(want, value) })
	return matched != c.Operator.negated()
}

func (o Operator) matches(want, value string) bool {
	switch o {
	case StringEquals, StringNotEquals:
		return want == value
	case StringEqualsIgnoreCase, StringNotEqualsIgnoreCase, Bool:
		return strings.EqualFold(want, value)
	case StringLike, StringNotLike:
		return Match(want, value)
	case ArnEquals, ArnLike, ArnNotEquals, ArnNotLike:
		return matchARN(want, value)
	case Null:
		return false
	}
	return false
}

// matchARN compares two ARNs field by field; a wildcard does not reach past a colon, but in the last field it may.
func matchARN(pattern, arn string) bool {
	const fields = 6
	p, a := strings.SplitN(pattern, ":", fields), strings.SplitN(arn, ":", fields)
	if len(p) != fields || len(a) != fields {
		return pattern == "*" && len(a) == fields
	}
	for i := range p {
		if !Match(p[i], a[i]) {
			return false
		}
	}
	return true
}
