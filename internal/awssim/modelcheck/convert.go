package modelcheck

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// scalar reads text as the value that a shape wants; text that does not fit stays text, for the validation to find.
func (m *model) scalar(text, name string) any {
	switch m.Shapes[name].Type {
	case "integer", "long", "double", "float":
		if n, err := strconv.ParseFloat(text, 64); err == nil {
			return n
		}
	case "boolean":
		if b, err := strconv.ParseBool(text); err == nil {
			return b
		}
	}
	return text
}

// fromForm reads a value from the parameters of the query protocol that begin with a key.
func (m *model) fromForm(form url.Values, name, key string) any {
	s := m.Shapes[name]
	switch s.Type {
	case "structure":
		members := map[string]any{}
		for member, r := range s.Members {
			at := strings.TrimPrefix(key+"."+wireName(member, r), ".")
			if present(form, at) {
				members[wireName(member, r)] = m.fromForm(form, r.Shape, at)
			}
		}
		return members
	case "list":
		elements := []any{}
		for i := 1; present(form, key+".member."+strconv.Itoa(i)); i++ {
			elements = append(elements, m.fromForm(form, s.Member.Shape, key+".member."+strconv.Itoa(i)))
		}
		return elements
	}
	return m.scalar(form.Get(key), name)
}

func present(form url.Values, key string) bool {
	for name := range form {
		if name == key || strings.HasPrefix(name, key+".") {
			return true
		}
	}
	return false
}

// node is an XML element.
type node struct {
	name     string
	text     string
	children []*node
}

func (n *node) child(name string) *node {
	at := slices.IndexFunc(n.children, func(c *node) bool { return c.name == name })
	if at < 0 {
		return nil
	}
	return n.children[at]
}

func parseXML(text []byte) (*node, error) {
	decoder := xml.NewDecoder(bytes.NewReader(text))
	stack := []*node{{}}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading XML: %w", err)
		}
		top := stack[len(stack)-1]
		switch t := token.(type) {
		case xml.StartElement:
			element := &node{name: t.Name.Local}
			top.children = append(top.children, element)
			stack = append(stack, element)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			top.text += string(t)
		}
	}
	if len(stack[0].children) != 1 {
		return nil, errors.New("the XML has not exactly one root")
	}
	return stack[0].children[0], nil
}

// fromXML reads a value from an element. Elements that the shape does not have are kept, for the validation to find.
func (m *model) fromXML(n *node, name string) any {
	s := m.Shapes[name]
	switch s.Type {
	case "structure":
		members := map[string]any{}
		for _, child := range n.children {
			r, _ := s.member(child.name)
			members[child.name] = m.fromXML(child, r.Shape)
		}
		return members
	case "list":
		elements := []any{}
		for _, child := range n.children {
			elements = append(elements, m.fromXML(child, s.Member.Shape))
		}
		return elements
	}
	return m.scalar(n.text, name)
}

// common are errors that any operation may give without modelling them.
func common() []string {
	return []string{
		"AccessDenied", "AccessDeniedException", "ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "IncompleteSignatureException",
		"InternalFailure", "InvalidAction", "InvalidClientTokenId", "InvalidQueryParameter", "InvalidSignatureException", "MalformedInput",
		"MalformedQueryString", "MissingAction", "MissingAuthenticationToken", "MissingAuthenticationTokenException", "SerializationException",
		"SignatureDoesNotMatch", "Throttling", "ThrottlingException", "UnknownOperationException", "UnrecognizedClientException", "ValidationError",
	}
}

// inJSON tells that a service of the query protocol answered in JSON, whose form no model describes.
func inJSON(x exchange) bool {
	return strings.HasPrefix(x.reply.Header().Get("Content-Type"), "application/json")
}

// failure checks that an error is modelled for the operation, or common to all.
func (m *model) failure(x exchange, o operation) []string {
	code, body, err := m.errorOf(x)
	if err != nil {
		return []string{err.Error()}
	}
	for _, r := range o.Errors {
		s := m.Shapes[r.Shape]
		if code == s.Error.Code || s.Error.Code == "" && code == r.Shape {
			delete(body, "__type")
			return m.validate(lowerMessage(body, s), r.Shape, "")
		}
	}
	if slices.Contains(common(), code) {
		return nil
	}
	return []string{code + " is no error of the operation"}
}

// lowerMessage gives the message the name it has in the shape: clients take either case.
func lowerMessage(body map[string]any, s shape) any {
	for _, name := range []string{"message", "Message"} {
		if value, ok := body[name]; ok {
			delete(body, name)
			for member := range s.Members {
				if strings.EqualFold(member, name) {
					body[member] = value
				}
			}
		}
	}
	return body
}

// errorOf reads the code of an error and, of JSON services, its body.
func (m *model) errorOf(x exchange) (string, map[string]any, error) {
	if m.Metadata.Protocol != "query" {
		value, err := decode(x.reply.Body.Bytes())
		if err != nil {
			return "", nil, err
		}
		body, ok := value.(map[string]any)
		code, named := body["__type"].(string)
		if !named {
			code = x.reply.Header().Get("X-Amzn-Errortype")
		}
		if !ok || code == "" {
			return "", nil, fmt.Errorf("the error has no name, status %s", http.StatusText(x.reply.Code))
		}
		return code, body, nil
	}
	if inJSON(x) {
		var reply struct{ Error struct{ Code string } }
		if err := json.Unmarshal(x.reply.Body.Bytes(), &reply); err != nil {
			return "", nil, fmt.Errorf("decoding an error: %w", err)
		}
		return reply.Error.Code, map[string]any{}, nil
	}
	root, err := parseXML(x.reply.Body.Bytes())
	if err != nil {
		return "", nil, err
	}
	if root.child("Error") == nil || root.child("Error").child("Code") == nil || root.child("RequestId") == nil {
		return "", nil, errors.New("the error lacks Error, Code or RequestId")
	}
	return root.child("Error").child("Code").text, map[string]any{}, nil
}
