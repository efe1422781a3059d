// Package iampolicy reads IAM policy documents and evaluates them as AWS does for the parts it supports, refusing to read the
// others: a policy with an unknown operator or variable is an error, never a statement that silently does or does not apply.
//
// The grammar and the order of evaluation are those of "IAM JSON policy elements reference" and "Policy evaluation logic" in the
// IAM User Guide.
package iampolicy

import (
	"slices"
	"strings"
)

// Effect says what a matching statement does.
type Effect int

// The two effects.
const (
	Allow Effect = iota + 1
	Deny
)

// Document is one parsed policy.
type Document struct {
	ID         string
	Statements []Statement
}

// Statement is one statement of a policy. Of each pair (Actions and NotActions, …) at most one is set.
type Statement struct {
	SID           string
	Effect        Effect
	Actions       []string
	NotActions    []string
	Resources     []string
	NotResources  []string
	Principals    []Principal
	NotPrincipals []Principal
	Conditions    []Condition
}

// Request is what somebody wants to do. Context keys are case-insensitive; a key that is not there was not in the request.
type Request struct {
	Principal string // ARN of the user, role or session; evaluated only through Context and by EvaluateTrust
	Action    string
	Resource  string
	Context   map[string][]string
}

// Decision is the outcome of an evaluation.
type Decision int

// The decisions; ExplicitDeny wins over Allowed, and Allowed over ImplicitDeny.
const (
	ImplicitDeny Decision = iota + 1
	Allowed
	ExplicitDeny
)

// String returns the decision as SimulatePrincipalPolicy spells it.
func (d Decision) String() string {
	switch d {
	case ImplicitDeny:
		return "implicitDeny"
	case Allowed:
		return "allowed"
	case ExplicitDeny:
		return "explicitDeny"
	}
	return "invalid"
}

// Evaluate decides a request by identity policies alone: an explicit deny first, then any allow, then no.
func Evaluate(docs []Document, r Request) Decision {
	decision := ImplicitDeny
	keys := lowerKeys(r.Context)
	for _, doc := range docs {
		for i := range doc.Statements {
			s := &doc.Statements[i]
			if !s.coversAction(r.Action) || !s.coversResource(r.Resource) || !s.conditionsHold(keys) {
				continue
			}
			switch s.Effect {
			case Deny:
				return ExplicitDeny
			case Allow:
				decision = Allowed
			}
		}
	}
	return decision
}

func (s *Statement) coversAction(action string) bool {
	matches := func(pattern string) bool { return Match(strings.ToLower(pattern), strings.ToLower(action)) }
	if len(s.NotActions) > 0 {
		return !slices.ContainsFunc(s.NotActions, matches)
	}
	return slices.ContainsFunc(s.Actions, matches)
}

func (s *Statement) coversResource(resource string) bool {
	matches := func(pattern string) bool { return Match(pattern, resource) }
	if len(s.NotResources) > 0 {
		return !slices.ContainsFunc(s.NotResources, matches)
	}
	return slices.ContainsFunc(s.Resources, matches)
}

func (s *Statement) conditionsHold(keys map[string][]string) bool {
	return !slices.ContainsFunc(s.Conditions, func(c Condition) bool { return !c.holds(keys) })
}

func lowerKeys(context map[string][]string) map[string][]string {
	lower := make(map[string][]string, len(context))
	for key, values := range context {
		lower[strings.ToLower(key)] = values
	}
	return lower
}

// Match reports whether text matches a pattern in which * stands for any characters and ? for any one. Case counts.
func Match(pattern, text string) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
