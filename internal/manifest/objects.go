package manifest

import (
	"strings"

	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/sourcemap"
)

// frame is an open bracket of a program with the fields found in it.
type frame struct {
	open   token
	fields map[string]int
}

// objects reads the objects of a program that are rows: {rolearn = "…", username = "…", groups = […]} and its like.
func (r *reader) objects(tokens []token) {
	p := program{src: r.src, tokens: tokens}
	s := synthetic{src: r.src}
	stack := []frame{{fields: map[string]int{}}}
	first := -1
	for i, t := range tokens {
		if p.is(i, "{[(") {
			stack = append(stack, frame{open: t})
			continue
		}
		top := &stack[len(stack)-1]
		if p.is(i, "}])") && len(stack) > 1 {
			stack = stack[:len(stack)-1]
			key, out, known := p.row(*top)
			if key != "" && (first < 0 || out.at < first) {
				first = out.at
			}
			if known {
				s.row(key, out)
			}
			continue
		}
		if name := p.field(i); name != "" {
			if top.fields == nil {
				top.fields = map[string]int{}
			}
			top.fields[name] = i
		}
	}
	if first >= 0 {
		at := r.pos(first, first)
		d := s.document(r, FormProgram, at, at)
		d.Partial = true
		r.docs = append(r.docs, d)
	}
}

// program is a tokenized program.
type program struct {
	src    *sourcemap.Source
	tokens []token
}

func (p program) text(i int) string { return p.src.Text[p.tokens[i].start:p.tokens[i].end] }

func (p program) is(i int, marks string) bool {
	return i < len(p.tokens) && p.tokens[i].kind == tokenPunct && strings.Contains(marks, p.text(i))
}

// field is the name of the field of a row that begins at a token, empty where none does.
func (p program) field(i int) string {
	if k := p.tokens[i].kind; k != tokenWord && k != tokenText || !p.is(i+1, "=:") || p.is(i+2, "=") {
		return ""
	}
	switch name := strings.ToLower(p.text(i)); name {
	case "rolearn", "userarn", "username", "groups":
		return name
	}
	return ""
}

// row makes a row of the fields in a bracket. A row whose ARN or groups only the program knows is not known.
func (p program) row(f frame) (key awsauth.Key, out row, known bool) {
	at, isRole := f.fields["rolearn"]
	key = awsauth.KeyRoles
	if !isRole {
		var isUser bool
		if at, isUser = f.fields["userarn"]; !isUser {
			return "", row{}, false
		}
		key = awsauth.KeyUsers
	}
	username, named := f.fields["username"]
	groups, grouped := f.fields["groups"]
	if p.text(at) != strings.ToLower(p.text(at)) && !named && !grouped {
		return "", row{}, false
	}
	out.at = f.open.start
	arn, ok := p.literal(at)
	if !ok {
		return key, out, false
	}
	out.arn = &arn
	if named {
		c, _ := p.literal(username)
		out.username = &c
	}
	if grouped {
		if out.groups, ok = p.list(groups); !ok {
			return key, out, false
		}
	}
	return key, out, true
}

// value is the index of the token at which the value of a field begins.
func (p program) value(field int) int {
	i := field + 2
	if p.is(i, ">") {
		i++
	}
	return i
}

// literal reads a field's value. It is not ok when the value is an expression; the cell then holds its source.
func (p program) literal(field int) (cell, bool) {
	i := p.value(field)
	if i >= len(p.tokens) {
		return cell{keyAt: p.tokens[field].start}, false
	}
	c, ok := p.cell(i)
	c.keyAt = p.tokens[field].start
	ends := i+1 >= len(p.tokens) || p.is(i+1, ",;}])") || p.tokens[i+1].line > p.tokens[i].line
	if ok && ends {
		return c, !interpolates(c.text)
	}
	c.text = p.src.Text[c.at:p.expression(i)]
	c.origin, c.end = nil, c.at+len(c.text)
	return c, false
}

// expression is where the expression ends that begins at a token: before a comma, the closing bracket around it or the end of its line.
func (p program) expression(i int) int {
	end, depth := p.tokens[i].end, 0
	for j := i; j < len(p.tokens); j++ {
		switch {
		case depth == 0 && (p.is(j, ",;}])") || p.tokens[j].line > p.tokens[i].line):
			return end
		case p.is(j, "{[("):
			depth++
		case p.is(j, "}])"):
			depth--
		}
		end = p.tokens[j].end
	}
	return end
}

// cell is a string of the program.
func (p program) cell(i int) (cell, bool) {
	t := p.tokens[i]
	c := cell{at: t.start, end: t.end, text: p.text(i)}
	if t.kind != tokenText && t.kind != tokenRegion || strings.Contains(c.text, "\n") {
		return c, false
	}
	if !strings.Contains(c.text, `\`) {
		c.origin = p.src.Piece(t.start, t.end)
	}
	return c, true
}

// list reads a list of strings.
func (p program) list(field int) (*list, bool) {
	out := &list{keyAt: p.tokens[field].start}
	i := p.value(field)
	if !p.is(i, "[") {
		if c, ok := p.literal(field); ok {
			out.notList = &c
			return out, true
		}
		return nil, false
	}
	for i++; i < len(p.tokens) && !p.is(i, "]"); i++ {
		if p.is(i, ",") {
			continue
		}
		c, ok := p.cell(i)
		if !ok || !p.is(i+1, ",]") {
			return nil, false
		}
		out.items = append(out.items, c)
	}
	return out, true
}
