package iampolicy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Parse reads an identity policy: every statement has resources and none a principal.
func Parse(data []byte) (Document, error) {
	doc, err := parse(data)
	if err != nil {
		return Document{}, err
	}
	for i, s := range doc.Statements {
		switch {
		case len(s.Principals)+len(s.NotPrincipals) > 0:
			return Document{}, fmt.Errorf("statement %d: an identity policy cannot name a principal", i)
		case len(s.Resources)+len(s.NotResources) == 0:
			return Document{}, fmt.Errorf("statement %d: Resource or NotResource is required", i)
		}
	}
	return doc, nil
}

// ParseTrust reads a role's trust policy: every statement has a principal and none a resource.
func ParseTrust(data []byte) (Document, error) {
	doc, err := parse(data)
	if err != nil {
		return Document{}, err
	}
	for i, s := range doc.Statements {
		switch {
		case len(s.Principals)+len(s.NotPrincipals) == 0:
			return Document{}, fmt.Errorf("statement %d: Principal is required", i)
		case len(s.Resources)+len(s.NotResources) > 0:
			return Document{}, fmt.Errorf("statement %d: a trust policy cannot name a resource", i)
		}
	}
	return doc, nil
}

type rawDocument struct {
	Version   string
	ID        string `json:"Id"`
	Statement json.RawMessage
}

type rawStatement struct {
	SID          string `json:"Sid"`
	Effect       string
	Action       stringList
	NotAction    stringList
	Resource     stringList
	NotResource  stringList
	Principal    json.RawMessage
	NotPrincipal json.RawMessage
	Condition    map[string]map[string]stringList
}

// stringList is a list that may be written as one bare string. Numbers and booleans, legal as condition values, become text.
type stringList []string

// UnmarshalJSON reads one value or a list of values.
func (l *stringList) UnmarshalJSON(data []byte) error {
	var many []any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
		if err := decoder.Decode(&many); err != nil {
			return fmt.Errorf("reading a list: %w", err)
		}
	} else {
		var one any
		if err := decoder.Decode(&one); err != nil {
			return fmt.Errorf("reading a value: %w", err)
		}
		many = []any{one}
	}
	*l = stringList{}
	for _, value := range many {
		switch v := value.(type) {
		case string:
			*l = append(*l, v)
		case json.Number:
			*l = append(*l, v.String())
		case bool:
			*l = append(*l, fmt.Sprint(v))
		default:
			return fmt.Errorf("%v is not a string", value)
		}
	}
	return nil
}

func strict(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("reading policy: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("reading policy: text after its end")
	}
	return nil
}

func parse(data []byte) (Document, error) {
	var raw rawDocument
	if err := strict(data, &raw); err != nil {
		return Document{}, err
	}
	if raw.Version != "" && raw.Version != "2012-10-17" && raw.Version != "2008-10-17" {
		return Document{}, fmt.Errorf("version %q is not one of 2012-10-17 and 2008-10-17", raw.Version)
	}
	var statements []rawStatement
	if bytes.HasPrefix(bytes.TrimSpace(raw.Statement), []byte("{")) {
		statements = make([]rawStatement, 1)
		if err := strict(raw.Statement, &statements[0]); err != nil {
			return Document{}, err
		}
	} else if len(raw.Statement) == 0 {
		return Document{}, errors.New("statement is required")
	} else if err := strict(raw.Statement, &statements); err != nil {
		return Document{}, err
	}
	doc := Document{ID: raw.ID}
	for i, s := range statements {
		statement, err := s.parse()
		if err != nil {
			return Document{}, fmt.Errorf("statement %d: %w", i, err)
		}
		doc.Statements = append(doc.Statements, statement)
	}
	if len(doc.Statements) == 0 {
		return Document{}, errors.New("a policy needs a statement")
	}
	return doc, nil
}

func (r rawStatement) parse() (Statement, error) {
	s := Statement{SID: r.SID, Actions: r.Action, NotActions: r.NotAction, Resources: r.Resource, NotResources: r.NotResource}
	switch r.Effect {
	case "Allow":
		s.Effect = Allow
	case "Deny":
		s.Effect = Deny
	default:
		return Statement{}, fmt.Errorf("effect %q is not one of Allow and Deny", r.Effect)
	}
	if (len(r.Action) == 0) == (len(r.NotAction) == 0) {
		return Statement{}, errors.New("exactly one of Action and NotAction is required")
	}
	if len(r.Resource) > 0 && len(r.NotResource) > 0 || len(r.Principal) > 0 && len(r.NotPrincipal) > 0 {
		return Statement{}, errors.New("an element and its Not form exclude each other")
	}
	if err := checkPatterns(s); err != nil {
		return Statement{}, err
	}
	var err error
	if s.Principals, err = parsePrincipals(r.Principal); err != nil {
		return Statement{}, err
	}
	if s.NotPrincipals, err = parsePrincipals(r.NotPrincipal); err != nil {
		return Statement{}, err
	}
	s.Conditions, err = parseConditions(r.Condition)
	return s, err
}

// checkPatterns refuses actions without a service prefix and resources that are no ARN.
func checkPatterns(s Statement) error {
	for _, action := range slices.Concat(s.Actions, s.NotActions) {
		service, name, ok := strings.Cut(action, ":")
		if action != "*" && (!ok || service == "" || name == "" || strings.Contains(name, ":")) {
			return fmt.Errorf("action %q has not the form service:name", action)
		}
	}
	for _, resource := range slices.Concat(s.Resources, s.NotResources) {
		if resource != "*" && strings.Count(resource, ":") < 5 && !strings.HasPrefix(resource, "arn:*") {
			return fmt.Errorf("resource %q is neither an ARN nor *", resource)
		}
		if err := checkVariable(resource); err != nil {
			return err
		}
	}
	return nil
}

func checkVariable(text string) error {
	if strings.Contains(text, "${") {
		return fmt.Errorf("policy variable in %q: %w", text, errUnsupported)
	}
	return nil
}

func parsePrincipals(data json.RawMessage) ([]Principal, error) {
	if len(data) == 0 {
		return nil, nil
	}
	if bytes.Equal(bytes.TrimSpace(data), []byte(`"*"`)) {
		return []Principal{{Kind: Anyone, Value: "*"}}, nil
	}
	var byKind map[string]stringList
	if err := strict(data, &byKind); err != nil {
		return nil, err
	}
	kinds := map[string]PrincipalKind{"AWS": AWS, "Service": Service, "Federated": Federated, "CanonicalUser": CanonicalUser}
	var principals []Principal
	for _, name := range slices.Sorted(maps.Keys(byKind)) {
		kind, ok := kinds[name]
		if !ok {
			return nil, fmt.Errorf("principal type %q is not known", name)
		}
		for _, value := range byKind[name] {
			principals = append(principals, Principal{Kind: kind, Value: value})
		}
	}
	if len(principals) == 0 {
		return nil, errors.New("a principal needs a value")
	}
	return principals, nil
}

func parseConditions(block map[string]map[string]stringList) ([]Condition, error) {
	var conditions []Condition
	for _, operator := range slices.Sorted(maps.Keys(block)) {
		template, err := readOperator(operator)
		if err != nil {
			return nil, err
		}
		for _, key := range slices.Sorted(maps.Keys(block[operator])) {
			c := template
			c.Key, c.Values = strings.ToLower(key), block[operator][key]
			for _, value := range c.Values {
				if err := checkVariable(value); err != nil {
					return nil, err
				}
			}
			conditions = append(conditions, c)
		}
	}
	return conditions, nil
}
