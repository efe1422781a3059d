package oracle

import (
	"maps"
	"slices"
	"strings"
)

// mutated changes a document in one to eight places.
func (g generator) mutated(data map[string]string) map[string]string {
	out := maps.Clone(data)
	keys := slices.Sorted(maps.Keys(out))
	if len(keys) == 0 {
		return out
	}
	for range 1 + g.IntN(1+g.IntN(8)) {
		k := keys[g.IntN(len(keys))]
		out[k] = g.mutate(out[k])
	}
	return out
}

// mutate makes one change.
func (g generator) mutate(text string) string {
	switch g.IntN(8) {
	case 0:
		return g.bytes(text)
	case 1, 2:
		return g.insert(text)
	case 3, 4, 5:
		return g.lines(text)
	case 6:
		return g.quotes(text)
	}
	return g.whole(text)
}

// at is a random place in the text, its end included.
func (g generator) at(text string) int { return g.IntN(len(text) + 1) }

func (g generator) bytes(text string) string {
	if text == "" {
		return string([]byte{byte(g.IntN(256))})
	}
	b, i := []byte(text), g.IntN(len(text))
	switch g.IntN(4) {
	case 0:
		b[i] ^= 1 << g.IntN(8)
	case 1:
		b[i] = byte(g.IntN(128))
	case 2:
		b = slices.Delete(b, i, i+1)
	default:
		j := min(len(b), i+1+g.IntN(12))
		b = slices.Insert(b, g.at(text), slices.Clone(b[i:j])...)
	}
	return string(b)
}

// insert puts in what means something to YAML, to JSON or to a reader of text.
func (g generator) insert(text string) string {
	i := g.at(text)
	return text[:i] + g.pick(
		"-", "- ", "\n- ", ": ", ":", "?", "? ", "#", " #", "&a ", "*a", "*a ", "!", "!!str ", "!!int ", "!!binary ", "|", "|\n", ">", "> ", "'", "\"", "%", "@", "`", "[", "]", "{", "}", ",",
		"---\n", "\n---\n", "...\n", "\t", " ", "  ", "\n", "\r", "\r\n", "\ufeff", "\u0085", "\u2028", "\u00a0", "\u200b", "\u212a", "\u017f", "\u0130", "\x00", "\x7f", "\xff", "\xed\xa0\x80", "\\", "\\u0041", "\\\n",
		"<<: *a\n", "<<: {rolearn: m}\n", "null", "~", "y", "0", "1e999", ".inf", "{{SessionName}}", "rolearn: ", "groups: ", "username: ", "sso: ", "mapRoles: |\n",
	) + text[i:]
}

func (g generator) lines(text string) string {
	lines := strings.SplitAfter(text, "\n")
	i, j := g.IntN(len(lines)), g.IntN(len(lines))
	switch g.IntN(7) {
	case 0:
		lines = slices.Delete(lines, i, i+1)
	case 1:
		lines = slices.Insert(lines, j, lines[i])
	case 2:
		lines[i], lines[j] = lines[j], lines[i]
	case 3:
		lines[i] = g.pick(" ", "  ", "    ", "\t") + lines[i]
	case 4:
		lines[i] = strings.TrimPrefix(lines[i], g.pick(" ", "  "))
	case 5:
		lines[i] = strings.TrimSuffix(lines[i], "\n")
	default:
		lines[i] = g.pick("#", "- ", "? ", "---\n", "...\n") + lines[i]
	}
	return strings.Join(lines, "")
}

// quotes changes, takes or adds a pair of quotation marks.
func (g generator) quotes(text string) string {
	marks := strings.IndexAny(text, `"'`)
	if marks >= 0 && !g.one(3) {
		from := g.pick(`"`, `'`)
		return strings.Replace(text, from, g.pick("", `"`, `'`, "`", "“", `\"`), 1+g.IntN(4))
	}
	lines := strings.Split(text, "\n")
	i := g.IntN(len(lines))
	if name, value, found := strings.Cut(lines[i], ": "); found {
		q := g.pick(`"`, `'`)
		lines[i] = name + ": " + q + value + q
	}
	return strings.Join(lines, "\n")
}

// whole changes the text as a whole.
func (g generator) whole(text string) string {
	switch g.IntN(9) {
	case 0:
		return strings.ReplaceAll(text, "\n", "\r\n")
	case 1:
		return strings.ReplaceAll(text, "\n", "\r")
	case 2:
		return "\ufeff" + text
	case 3:
		return indent(text, g.pick(" ", "  ", "\t"))
	case 4:
		return strings.ReplaceAll(text, "  ", "\t")
	case 5:
		return text + "---\n" + text
	case 6:
		return text[:g.at(text)]
	case 7:
		return strings.ToUpper(text)
	}
	return text + text
}
