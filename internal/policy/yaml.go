package policy

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	yaml "github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/rolecall-dev/rolecall/internal/diag"
)

// reader turns one document into nodes and those into a value, and collects the mistakes.
type reader struct {
	source *source
	doc    document
	found  diag.List
}

func (r *reader) report(code diag.Code, pos diag.Pos, summary string) *diag.Diagnostic {
	r.found = append(r.found, diag.New(code, pos, summary))
	return &r.found[len(r.found)-1]
}

// parse reads a document, nil when it is not YAML or uses a part of YAML that is refused.
func (r *reader) parse(doc document) *node {
	r.doc = doc
	tokens := lexer.Tokenize(doc.text)
	if r.refused(tokens); len(r.found) > 0 {
		return nil
	}
	body, err := parseTokens(tokens)
	if err != nil {
		r.syntax(err)
		return nil
	}
	root := r.convert(body)
	if len(r.found) > 0 {
		return nil
	}
	return root
}

// parseTokens returns the body of the one document in tokens. A panic of the parser is an error like others: the text
// is somebody else's.
func parseTokens(tokens token.Tokens) (body ast.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the text cannot be understood: %v", p)
		}
	}()
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, fmt.Errorf("parsing YAML: %w", err)
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, errors.New("the text is not one YAML document")
	}
	return file.Docs[0].Body, nil
}

func (r *reader) syntax(err error) {
	var e yaml.Error
	if errors.As(err, &e) && e.GetToken() != nil {
		r.report(diag.RC1001, r.at(e.GetToken()), diag.Escape(e.GetMessage()))
		return
	}
	r.report(diag.RC1001, r.source.pos(r.doc.first+1, 1, 1), diag.Escape(err.Error()))
}

// at is the place of a token: of the first character after its quote.
func (r *reader) at(t *token.Token) diag.Pos {
	if t == nil || t.Position == nil {
		return r.source.pos(r.doc.first+1, 1, 1)
	}
	column := t.Position.Column
	if t.Type == token.DoubleQuoteType || t.Type == token.SingleQuoteType {
		column++
	}
	value, _, _ := strings.Cut(t.Value, "\n")
	return r.source.pos(r.doc.first+t.Position.Line, column, utf8.RuneCountInString(value))
}

// refused reports the tokens of YAML that make a text read differently from how it looks, and nesting that is too deep.
// It comes before parsing, which recurses.
func (r *reader) refused(tokens token.Tokens) {
	var nest nesting
	for _, t := range tokens {
		if what, hint := refusedToken(t); what != "" {
			r.report(diag.RC1001, r.at(t), what).Hint = hint
		}
		if nest.add(t) > maxDepth {
			r.report(diag.RC1001, r.at(t), fmt.Sprintf("nested more than %d levels deep", maxDepth))
			return
		}
	}
}

// refusedToken says what a token is that may not be used, and what to do instead.
func refusedToken(t *token.Token) (what, hint string) {
	switch t.Type { //nolint:exhaustive // the other forty-odd kinds are fine
	case token.AnchorType:
		return "YAML anchors are not supported", "write the value out where it is used"
	case token.AliasType:
		return "YAML aliases are not supported", "write the value out"
	case token.MergeKeyType:
		return "YAML merge keys are not supported", "write the fields out"
	case token.TagType:
		return "YAML tags are not supported", "remove the tag"
	case token.MappingKeyType:
		return "explicit YAML keys (?) are not supported", "write key: value"
	}
	return "", ""
}

// nesting counts how deep a token lies: open brackets, and columns at which enclosing blocks began.
type nesting struct {
	flow    int
	columns []int
}

func (n *nesting) add(t *token.Token) int {
	switch t.Type { //nolint:exhaustive // the other kinds do not nest
	case token.MappingStartType, token.SequenceStartType:
		n.flow++
	case token.MappingEndType, token.SequenceEndType:
		n.flow = max(n.flow-1, 0)
	case token.SequenceEntryType:
		n.open(t.Position.Column)
	case token.MappingValueType:
		if n.flow == 0 && t.Prev != nil {
			n.open(t.Prev.Position.Column)
		}
	}
	return n.flow + len(n.columns)
}

// open enters the block that begins at column, leaving those further right.
func (n *nesting) open(column int) {
	for len(n.columns) > 0 && n.columns[len(n.columns)-1] > column {
		n.columns = n.columns[:len(n.columns)-1]
	}
	if len(n.columns) == 0 || n.columns[len(n.columns)-1] < column {
		n.columns = append(n.columns, column)
	}
}

// convert turns the parser's tree into nodes.
func (r *reader) convert(in ast.Node) *node {
	switch v := in.(type) {
	case *ast.MappingNode:
		return r.mapping(v)
	case *ast.MappingValueNode:
		return r.mapping(&ast.MappingNode{Values: []*ast.MappingValueNode{v}})
	case *ast.SequenceNode:
		n := &node{shape: shapeList, pos: r.at(v.Start)}
		for _, item := range v.Values {
			n.items = append(n.items, r.convert(item))
		}
		return n
	case *ast.NullNode:
		return &node{shape: shapeNull, pos: r.at(v.Token)}
	case *ast.StringNode:
		return &node{shape: shapeText, pos: r.at(v.Token), text: v.Value, plain: v.Token.Type == token.StringType}
	case *ast.LiteralNode:
		return &node{shape: shapeText, pos: r.at(v.Start), text: v.Value.Value}
	case ast.ScalarNode:
		return &node{shape: shapeText, pos: r.at(v.GetToken()), text: v.GetToken().Value, plain: true}
	}
	pos := r.source.pos(r.doc.first+1, 1, 1)
	if in != nil {
		pos = r.at(in.GetToken())
	}
	r.report(diag.RC1001, pos, "this kind of YAML value is not supported")
	return &node{shape: shapeNull, pos: pos}
}

func (r *reader) mapping(v *ast.MappingNode) *node {
	n := &node{shape: shapeMap, index: map[string]int{}}
	if v.Start != nil {
		n.pos = r.at(v.Start)
	}
	for _, pair := range v.Values {
		key := r.convert(pair.Key)
		if other := n.get(key.text); other != nil {
			r.report(diag.RC1001, key.pos, "key "+quote(key.text)+" is there twice").Detail = "the other one is at " + other.key.pos.String()
		} else {
			n.index[key.text] = len(n.entries)
		}
		n.entries = append(n.entries, entry{key: key, value: r.convert(pair.Value)})
	}
	if len(n.entries) > 0 && !v.IsFlowStyle {
		n.pos = n.entries[0].key.pos
	}
	return n
}
