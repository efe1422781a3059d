package manifest

import (
	"regexp"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/sourcemap"
	"github.com/rolecall-dev/rolecall/internal/yamltree"
)

// programLike tells whether a file is a program, by its name or, where that says nothing, by how it begins.
func programLike(name, text string) bool {
	switch strings.ToLower(name[strings.LastIndexByte(name, '.')+1:]) {
	case "tf", "hcl", "tofu", "tfvars", "ts", "tsx", "js", "mjs", "cjs", "py", "go", "java", "cs", "kt", "rb", "sh", "bash", "nix":
		return true
	case "yaml", "yml", "json":
		return false
	}
	return regexp.MustCompile(`(?m)^(?:(?:resource|module|locals|data|provider|variable|terraform)\s+(?:"[^"\n]*"\s*)*\{` +
		`|(?:import|export|const|let|var|from|package)\s+\S.*(?:;|\{|import\b|from\b)|#!/\S+|.*<<[-~]?\s*['"]?[A-Za-z_]\w*['"]?\s*$)`).MatchString(text[:min(len(text), beginning)])
}

// beginning is how much of a file is looked at to tell a program.
const beginning = 64 << 10

// interpolates tells whether a text has a part that only the program knows.
func interpolates(text string) bool {
	return strings.Contains(text, "$") || strings.Contains(text, "%{") || strings.Contains(text, "#{")
}

// program reads the texts in a program that hold a mapping, and the objects that are rows.
func (r *reader) program(text string) {
	tokens := tokenize(text)
	for _, t := range tokens {
		if t.kind == tokenRegion && mentions(text[t.start:t.end]) {
			r.region(text, t.start, t.end)
		}
	}
	r.objects(tokens)
	slices.SortStableFunc(r.docs, func(a, b Document) int { return a.Pos.Compare(b.Pos) })
	if len(r.docs) == 0 && !r.found.HasErrors() {
		r.otherwise("a program in which no mapping was found")
	}
}

// region reads a text inside a program. Where it cannot be read because the program fills parts of it in, nothing is said.
func (r *reader) region(text string, start, end int) {
	body := text[start:end]
	inner := reader{src: sourcemap.NewSource(r.src.Name, body), outer: r.src.Piece(start, end), seen: map[*yamltree.Node]bool{}, form: FormProgram}
	inner.read(body)
	inner.complaints()
	if interpolates(body) {
		inner.found = slices.DeleteFunc(inner.found, func(d diag.Diagnostic) bool { return d.Code == diag.RC2001 })
		if len(inner.docs) == 0 {
			inner.docs = []Document{{File: r.src.Name, Form: FormProgram, Pos: r.pos(start, start)}}
		}
	}
	r.found = append(r.found, inner.found...)
	for _, d := range inner.docs {
		d.object, d.data, d.Partial = nil, nil, true
		for i := range d.Values {
			d.Values[i] = leaveOut(d.Values[i])
		}
		r.docs = append(r.docs, d)
	}
}

// leaveOut takes the rows out of a value whose ARN the program fills in. Where the rows do not stand on lines of their own the whole text is left out.
func leaveOut(v Value) Value {
	if !interpolates(v.Text) {
		return v
	}
	w := sourcemap.NewWeaver(sourcemap.NewSource("", v.Text))
	n, err := yamltree.Parse(v.Text, yamltree.Span{End: len(v.Text)})
	if err == nil && n != nil && n.Kind == yamltree.Sequence {
		starts := []int{0}
		for i, item := range n.Content {
			from := sourcemap.LineStart(v.Text, item.At)
			if strings.TrimSpace(v.Text[from:item.At]) != "-" {
				starts = nil
				break
			}
			if i > 0 {
				starts = append(starts, from)
			}
		}
		for i, start := range starts {
			end := len(v.Text)
			if i+1 < len(starts) {
				end = starts[i+1]
			}
			if i < len(n.Content) && !interpolated(n.Content[i]) {
				w.Copy(start, end)
			}
		}
	}
	v.Text, v.origin = w.Text(), w.Map(len(v.Text)).Through(v.origin)
	return v
}

// interpolated tells a row whose ARN or groups the program fills in.
func interpolated(n *yamltree.Node) bool {
	for k, v := range n.Pairs {
		switch strings.ToLower(k.Value) {
		case "rolearn", "userarn":
			if interpolates(v.Value) {
				return true
			}
		case "groups":
			if v.Kind == yamltree.Scalar && interpolates(v.Value) {
				return true
			}
		}
	}
	return n.Kind != yamltree.Mapping
}
