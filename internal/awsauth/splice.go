package awsauth

import (
	"fmt"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// splice carries out the changes in the text.
func splice(text string, changes []change) (string, error) {
	if len(changes) == 0 {
		return text, nil
	}
	l, err := scan(text)
	if err != nil {
		return "", refuseStyle("it is written in a way that rolecall does not edit: %v", err)
	}
	was, err := rows(text)
	if err != nil {
		return "", refuse("%v", err)
	}
	if found := len(l.items) + len(l.elems); found != len(was) {
		return "", refuseStyle("it is written in a way that rolecall does not edit: %d rows are found where the authenticator reads %d", found, len(was))
	}
	byIndex := map[int]change{}
	var added []access.Row
	for _, c := range changes {
		if c.index >= 0 {
			byIndex[c.index] = c
		} else {
			added = append(added, *c.after)
		}
	}
	switch l.style {
	case stylePlaceholder:
		return spliceBlock(layout{lines: splitLines("")}, byIndex, added), nil
	case styleEmpty, styleBlock:
		return spliceBlock(l, byIndex, added), nil
	case styleFlow:
		return spliceFlow(text, l, byIndex, added), nil
	}
	return "", refuseStyle("it is written in a way that rolecall does not edit")
}

// spliceBlock works line by line; whether the text ends with a line end stays as it is.
func spliceBlock(l layout, changes map[int]change, added []access.Row) string {
	eol := l.eol()
	var out []line
	emit := func(r access.Row) {
		for _, t := range blockRow(r, l.indent) {
			out = append(out, line{t, eol})
		}
	}
	next := 0
	for i, item := range l.items {
		c, changed := changes[i]
		if !changed {
			continue
		}
		out = append(out, l.lines[next:item.first]...)
		next = item.last + 1
		if c.after != nil {
			emit(*c.after)
		}
	}
	out = append(out, l.lines[next:max(next, l.last)]...)
	for _, r := range added {
		emit(r)
	}
	out = append(out, l.lines[max(next, l.last):]...)
	for i := range out {
		if i == len(out)-1 {
			out[i].eol = ""
		} else if out[i].eol == "" {
			out[i].eol = eol
		}
	}
	return joinLines(out)
}

// eol is the line end that new lines get: that of the line before them, or else of the first.
func (l layout) eol() string {
	if l.last > 0 && l.lines[l.last-1].eol != "" {
		return l.lines[l.last-1].eol
	}
	if l.lines[0].eol != "" {
		return l.lines[0].eol
	}
	return "\n"
}

// spliceFlow rebuilds the list from its elements and what stands between them.
func spliceFlow(text string, l layout, changes map[int]change, added []access.Row) string {
	var b strings.Builder
	at, kept := l.open+1, 0
	for i, e := range l.elems {
		c, changed := changes[i]
		removed := changed && c.after == nil
		// The gap before an element has the comma, except before the first.
		gap := text[at:e.start]
		switch at = e.end; {
		case i > 0 && (removed || kept == 0):
			b.WriteString(withoutComma(gap))
		case i == 0 || !removed:
			b.WriteString(gap)
		}
		if removed {
			continue
		}
		kept++
		if changed {
			b.WriteString(flowRow(*c.after))
		} else {
			b.WriteString(text[e.start:e.end])
		}
	}
	separator := l.separator(text)
	for _, r := range added {
		if kept > 0 {
			b.WriteString(separator)
		}
		kept++
		b.WriteString(flowRow(r))
	}
	tail := text[at:l.end]
	if kept == 0 && len(l.elems) > 0 {
		// Only a comma after the last element has to go; blanks stay.
		tail = cutComma(tail)
	}
	return text[:l.open+1] + b.String() + tail + text[l.end:]
}

// withoutComma is what remains of a gap between two elements when one of them goes: nothing, or the comments in it.
func withoutComma(gap string) string {
	if strings.Contains(gap, "#") {
		return cutComma(gap)
	}
	return ""
}

// cutComma drops the comma of a gap, which holds nothing else but blanks and comments.
func cutComma(gap string) string {
	comment := false
	for i := range len(gap) {
		switch gap[i] {
		case '#':
			comment = true
		case '\n':
			comment = false
		case ',':
			if !comment {
				return gap[:i] + gap[i+1:]
			}
		}
	}
	return gap
}

// separator goes before a new element: on a line of its own when the last element begins one.
func (l layout) separator(text string) string {
	if len(l.elems) == 0 {
		return ", "
	}
	start := l.elems[len(l.elems)-1].start
	from := strings.LastIndexByte(text[:start], '\n') + 1
	if from == 0 || strings.Trim(text[from:start], " \t") != "" {
		return ", "
	}
	eol := "\n"
	if strings.HasSuffix(text[:from], "\r\n") {
		eol = "\r\n"
	}
	return "," + eol + text[from:start]
}

// blockRow writes a row as the lines of a block list's item.
func blockRow(r access.Row, indent int) []string {
	pad := strings.Repeat(" ", indent)
	out := []string{
		pad + "- rolearn: " + quote(string(r.RoleARN)),
		pad + "  username: " + quote(r.Username),
	}
	if len(r.Groups) == 0 {
		return append(out, pad+"  groups: []")
	}
	out = append(out, pad+"  groups:")
	for _, g := range r.Groups {
		out = append(out, pad+"    - "+quote(g))
	}
	return out
}

// flowRow writes a row as JSON.
func flowRow(r access.Row) string {
	groups := make([]string, 0, len(r.Groups))
	for _, g := range r.Groups {
		groups = append(groups, quote(g))
	}
	return fmt.Sprintf(`{"rolearn": %s, "username": %s, "groups": [%s]}`,
		quote(string(r.RoleARN)), quote(r.Username), strings.Join(groups, ", "))
}

// quote writes a string in double quotes, with escapes that mean the same in YAML and JSON.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteString(`\` + string(c))
		case c < ' ' || c >= 0x7f && c < 0xa0 || c == 0x2028 || c == 0x2029 || c == 0xfeff || c == 0xfffe || c == 0xffff:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
