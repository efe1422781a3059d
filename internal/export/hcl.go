package export

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// attribute is a name and the expression that it is given.
type attribute struct{ name, value string }

// hcl writes blocks in the form that "terraform fmt" leaves alone.
type hcl struct {
	b     strings.Builder
	depth int
}

func (w *hcl) line(text string) {
	w.b.WriteString(strings.TrimRight(strings.Repeat("  ", w.depth)+text, " ") + "\n")
}

// block writes a block and, within it, what body writes.
func (w *hcl) block(header string, body func()) {
	w.line(header + " {")
	w.depth++
	body()
	w.depth--
	w.line("}")
}

// attributes lines the equals signs up; nothing is written for an empty expression.
func (w *hcl) attributes(as ...attribute) {
	as = slices.DeleteFunc(as, func(a attribute) bool { return a.value == "" })
	width := 0
	for _, a := range as {
		width = max(width, len(a.name))
	}
	for _, a := range as {
		w.line(a.name + strings.Repeat(" ", width-len(a.name)) + " = " + a.value)
	}
}

// object writes an attribute whose value is a map.
func (w *hcl) object(name string, of map[string]string) {
	width := 0
	for k := range of {
		width = max(width, len([]rune(quote(k))))
	}
	w.block(name+" =", func() {
		for _, k := range slices.Sorted(maps.Keys(of)) {
			w.line(quote(k) + strings.Repeat(" ", width-len([]rune(quote(k)))) + " = " + quote(of[k]))
		}
	})
}

// list is a list of strings.
func list(of []string) string {
	quoted := make([]string, 0, len(of))
	for _, s := range of {
		quoted = append(quoted, quote(s))
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// given is a string, or nothing where it is empty.
func given(s string) string {
	if s == "" {
		return ""
	}
	return quote(s)
}

// quote writes a string that HCL reads back as it is: no template begins in it, since its scanner does not look into escapes, and nothing in
// it is invisible.
func quote(s string) string {
	return strings.NewReplacer("${", `$\u007b`, "%{", `%\u007b`).Replace(escaped(s))
}

// escaped is a string in double quotes, with the escapes that HCL and YAML have in common. Nothing in it is invisible.
func escaped(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
