package oracle

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator writes documents. The same random source gives the same documents.
type generator struct {
	*rand.Rand

	// seen are the ARNs of the document so far, so that rows meet.
	seen *[]string
}

func newGenerator(seed, input uint64) generator {
	return generator{Rand: rand.New(rand.NewPCG(seed, input)), seen: &[]string{}} //nolint:gosec // the same documents every time is the point
}

func (g generator) pick(of ...string) string { return of[g.IntN(len(of))] }

// one is true once in n times.
func (g generator) one(n int) bool { return g.IntN(n) == 0 }

// document writes the data of a ConfigMap.
func (g generator) document() map[string]string {
	data := map[string]string{}
	if !g.one(12) {
		data[g.key("mapRoles")] = g.list(g.roleRow)
	}
	if !g.one(3) {
		data[g.key("mapUsers")] = g.list(g.userRow)
	}
	if !g.one(3) {
		data[g.key("mapAccounts")] = g.list(g.account)
	}
	return data
}

// key is mostly spelled as it must be.
func (g generator) key(name string) string {
	if g.one(40) {
		return g.pick(strings.ToLower(name), strings.ToUpper(name), "Map"+name[3:], name+" ", " "+name)
	}
	return name
}

// member is a member of a row: a name and a value, both as text of the style they stand in.
type member struct {
	name string
	// value is a scalar, or a list of scalars.
	value string
	list  []string
}

// list writes rows in one of many styles, now and then with what stands around a list.
func (g generator) list(row func() []member) string {
	if g.one(12) {
		return g.pick("", " \n", "[]", "[ ]\n", "null", "~", "``", `""`, "''", "# none\n", "---\n", "--- []\n", "{}", "0", "text", "- \n", "-", "[[]]", "- - x\n", "mapRoles:\n- rolearn: a\n")
	}
	var rows [][]member
	for range g.IntN(5) {
		rows = append(rows, row())
	}
	var text string
	switch g.IntN(8) {
	case 0:
		text = g.flow(rows, ",")
	case 1:
		text = g.flow(rows, ",\n  ")
	case 2:
		text = g.json(rows)
	default:
		text = g.block(rows)
	}
	return g.surroundings(text)
}

func (g generator) surroundings(text string) string {
	switch g.IntN(30) {
	case 0:
		text = "---\n" + text
	case 1:
		text += "---\n- rolearn: unread\n"
	case 2:
		text = "# head\n" + text + "# tail"
	case 3:
		text = "%YAML " + g.pick("1.1", "1.2", "2.0", "1") + "\n---\n" + text
	case 4:
		text = "%TAG ! tag:example.com,2026:\n---\n" + text
	case 5:
		text += "...\n" + g.pick("", "# after\n", "- x\n")
	case 6:
		text = "\ufeff" + text
	case 7:
		text = strings.ReplaceAll(text, "\n", "\r\n")
	case 8:
		text = "mapRoles: |\n" + indent(text, "  ")
	case 9:
		text = g.pick("|", ">", "|-", "&all", "!!seq", "!rows") + "\n" + indent(text, g.pick("", "  "))
	case 10:
		text = indent(text, g.pick(" ", "    ", "\t"))
	case 11:
		text += g.pick(" trailing", "]", "}", ", ", "\n\n  \n", "\x00", "\u2028")
	}
	return text
}

func indent(text, by string) string {
	return by + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+by) + "\n"
}

func (g generator) block(rows [][]member) string {
	var b strings.Builder
	dash := g.pick("- ", "- ", "- ", "-   ", "  - ", "-\t", "-\n  ")
	for i, row := range rows {
		lead := dash
		if g.one(40) {
			lead = g.pick(" - ", "-", "* ", "—  ", "- - ")
		}
		if g.one(15) {
			b.WriteString(g.pick("# a comment\n", "\n", "  # inner\n", "\t\n"))
		}
		if g.one(20) {
			lead += fmt.Sprintf("&r%d ", i)
		}
		g.blockRow(&b, lead, row)
	}
	return b.String()
}

// blockRow writes a row behind its dash.
func (g generator) blockRow(b *strings.Builder, lead string, row []member) {
	pad := strings.Repeat(" ", len(lead[strings.LastIndexByte(lead, '\n')+1:]))
	if len(row) == 1 && row[0].name == "" {
		b.WriteString(lead + row[0].value + "\n")
		return
	}
	for j, m := range row {
		head := pad
		if j == 0 {
			head = lead
		} else if g.one(50) {
			head = g.pick(pad+" ", strings.TrimPrefix(pad, " "), "\t", pad+"- ", "")
		}
		b.WriteString(head + g.name(m.name) + g.pick(": ", ": ", ": ", ": ", ": ", ":  ", " : ", ":", ":\t"))
		switch {
		case m.list == nil:
			b.WriteString(m.value + g.pick("", "", "", "", "", "", " # note", " ", "#x") + "\n")
		case g.one(3):
			b.WriteString("[" + strings.Join(m.list, g.pick(", ", ",", " , ")) + "]\n")
		default:
			b.WriteString("\n")
			for _, item := range m.list {
				stray := ""
				if g.one(20) {
					stray = g.pick(" ", "  ", "\t")
				}
				b.WriteString(pad + g.pick("", "", "  ") + stray + "- " + item + "\n")
			}
		}
	}
}

// name is the name of a member, now and then quoted or in another case.
func (g generator) name(n string) string {
	switch g.IntN(25) {
	case 0:
		return `"` + n + `"`
	case 1:
		return "'" + n + "'"
	case 2:
		return "? " + n + "\n  "
	}
	return n
}

func (g generator) flow(rows [][]member, sep string) string {
	var items []string
	for _, row := range rows {
		items = append(items, g.flowRow(row))
	}
	return "[" + strings.Join(items, sep) + g.pick("", "", "", ",", "\n") + "]" + g.pick("", "\n", "\n")
}

func (g generator) flowRow(row []member) string {
	if len(row) == 1 && row[0].name == "" {
		return row[0].value
	}
	var parts []string
	for _, m := range row {
		value := m.value
		if m.list != nil {
			value = "[" + strings.Join(m.list, ", ") + "]"
		}
		parts = append(parts, g.name(m.name)+g.pick(": ", ": ", ":", " : ")+value)
	}
	return "{" + strings.Join(parts, g.pick(", ", ",", ",\n ")) + "}"
}

// json writes rows as JSON; the scalars of other styles become strings or stay what JSON knows.
func (g generator) json(rows [][]member) string {
	list := []any{}
	for _, row := range rows {
		if len(row) == 1 && row[0].name == "" {
			list = append(list, jsonScalar(row[0].value))
			continue
		}
		object := map[string]any{}
		for _, m := range row {
			if m.list == nil {
				object[m.name] = jsonScalar(m.value)
				continue
			}
			items := []any{}
			for _, item := range m.list {
				items = append(items, jsonScalar(item))
			}
			object[m.name] = items
		}
		list = append(list, object)
	}
	out, err := json.Marshal(list)
	if g.one(3) {
		out, err = json.MarshalIndent(list, g.pick("", " "), g.pick("  ", "\t"))
	}
	if err != nil {
		return "[]"
	}
	return string(out)
}

func jsonScalar(s string) any {
	var v any
	if json.Unmarshal([]byte(s), &v) == nil {
		return v
	}
	return strings.Trim(s, `"'`)
}
