package yamltree

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep JSON may be nested.
const maxDepth = 1000

// jsonReader makes nodes out of the tokens of a JSON text.
type jsonReader struct {
	text   string
	tokens *json.Decoder
	depth  int
}

// ParseJSON reads the values of a text, one after the other; those before a mistake are returned with it, and ExplainJSON says more of it.
func ParseJSON(text string) ([]*Node, error) {
	r := jsonReader{text: text, tokens: json.NewDecoder(strings.NewReader(text))}
	r.tokens.UseNumber()
	var out []*Node
	for {
		n, err := r.value()
		if errors.Is(err, io.EOF) && strings.TrimSpace(text[r.offset():]) == "" {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, n)
	}
}

func (r *jsonReader) offset() int { return min(int(r.tokens.InputOffset()), len(r.text)) }

// value reads the next value; a closing bracket is nil.
func (r *jsonReader) value() (*Node, error) {
	at := r.offset()
	for at < len(r.text) && strings.IndexByte(" \t\r\n,:", r.text[at]) >= 0 {
		at++
	}
	token, err := r.tokens.Token()
	if err != nil {
		return nil, err //nolint:wrapcheck // its words are for the user
	}
	n := &Node{Kind: Scalar, Style: Plain, At: at}
	switch t := token.(type) {
	case json.Delim:
		return r.collection(n, t)
	case string:
		n.Tag, n.Style, n.Value = "!!str", JSON, t
	case json.Number:
		n.Tag, n.Value = "!!float", t.String()
	case bool:
		n.Tag, n.Value = "!!bool", fmt.Sprint(t)
	case nil:
		n.Tag, n.Value = "!!null", "null"
	}
	return n, nil
}

func (r *jsonReader) collection(n *Node, open json.Delim) (*Node, error) {
	switch open {
	case '{':
		n.Kind, n.Tag = Mapping, "!!map"
	case '[':
		n.Kind, n.Tag = Sequence, "!!seq"
	default:
		return nil, nil //nolint:nilnil // the end of a collection
	}
	n.Flow, n.Style = true, JSON
	if r.depth++; r.depth > maxDepth {
		return nil, fmt.Errorf("nested more than %d levels deep", maxDepth)
	}
	for {
		child, err := r.value()
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
		if child == nil {
			r.depth--
			return n, nil
		}
		n.Content = append(n.Content, child)
	}
}

// ExplainJSON finds the place of the mistake for which ParseJSON refused a text.
func ExplainJSON(text string, err error) Mistake {
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		at := refused(text)
		return Mistake{syntax.Error(), Span{at, min(at+1, len(text))}}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		at := len(strings.TrimRight(text, " \t\r\n"))
		return Mistake{"the JSON text ends too early", Span{at, at}}
	}
	return Mistake{Message: err.Error()}
}

// refused is where the first character is that JSON cannot have there. A reader of values knows it; the one of tokens counts within a value only.
func refused(text string) int {
	for values := json.NewDecoder(strings.NewReader(text)); ; {
		var value json.RawMessage
		err := values.Decode(&value)
		var syntax *json.SyntaxError
		switch {
		case errors.As(err, &syntax):
			return min(max(int(syntax.Offset)-1, 0), len(text))
		case err != nil:
			return len(text)
		}
	}
}

// json reads a string of a JSON document.
func (d *decoder) json() {
	if !d.open(`"`) {
		return
	}
	for d.at < len(d.src) && !d.failed {
		start := d.at
		for d.at < len(d.src) && d.src[d.at] != '"' && d.src[d.at] != '\\' {
			d.at++
		}
		d.Copy(start, d.at)
		if d.at+1 >= len(d.src) || d.src[d.at] == '"' {
			break
		}
		d.jsonEscape()
	}
	d.failed = d.failed || !strings.HasPrefix(d.rest(), `"`)
	d.end = d.at
}

func (d *decoder) jsonEscape() {
	start, c := d.at, d.src[d.at+1]
	if c != 'u' {
		i := strings.IndexByte(`"\/bfnrt`, c)
		if d.failed = i < 0; i >= 0 {
			d.at += 2
			d.Put("\"\\/\b\f\n\r\t"[i:i+1], start, d.at)
		}
		return
	}
	r, ok := hex(d.rest(), 4)
	if d.failed = !ok; !ok {
		return
	}
	d.at += 6
	if utf16.IsSurrogate(r) {
		low := rune(utf8.RuneError)
		if strings.HasPrefix(d.rest(), `\u`) {
			low, _ = hex(d.rest(), 4)
		}
		if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
			d.at += 6
		}
	}
	d.Put(string(r), start, d.at)
}
