package yamltree

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/rolecall-dev/rolecall/internal/sourcemap"
)

// Mistake is why a text cannot be read, in words for the one who wrote it, and where.
type Mistake struct {
	Message string
	Span
}

// Explain finds the place at which Parse refused a document: the parser tells the line at which the construct began, so the shortest
// beginning of the document that fails in the same way is looked for. That takes as long as reading it some twenty times.
func Explain(text string, doc Span, err error) Mistake {
	body := text[doc.Start:doc.End]
	message := err.Error()
	fails := func(n int) bool {
		_, err := parseOne(body[:n])
		return err != nil && err.Error() == message
	}
	at := shortest(sourcemap.LineEnd(body, 0), len(body), fails)
	from := sourcemap.LineStart(body, max(at-1, 0))
	at = shortest(from+1, at, fails)
	start := max(at-1, 0)
	for start > from && !utf8.RuneStart(body[start]) {
		start--
	}
	if start > from && strings.IndexByte("[{", body[start-1]) >= 0 {
		// Of a bracket that is not closed only what follows is noticed.
		start--
	}
	first := from + len(body[from:]) - len(strings.TrimLeft(body[from:], " "))
	if start < len(body) && strings.IndexByte(":\n\r ", body[start]) >= 0 && first < start {
		start = first
		at = max(first, first+len(strings.TrimRight(body[first:at], ": \r\n")))
	}
	return Mistake{plainWords(err, body[from:], start == first), Span{doc.Start + start, doc.Start + at}}
}

// shortest is the least n for which a condition holds that holds for all greater ones, hi among them. It tries small ones first.
func shortest(lo, hi int, holds func(int) bool) int {
	step := max(lo, 64)
	for probe := lo; probe < hi; probe += step {
		if holds(probe) {
			hi = probe
			break
		}
		lo, step = probe+1, step*2
	}
	for lo < hi {
		mid := lo + (hi-lo)/2
		if holds(mid) {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return hi
}

// plainWords is the parser's complaint without its line, which is often another one's. It is about the beginning of a line, or about what follows there.
func plainWords(err error, line string, beginning bool) string {
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	if where := regexp.MustCompile(`^line \d+: `).FindString(message); where != "" {
		message = message[len(where):]
	}
	switch {
	case strings.Contains(indent, "\t"):
		return "a tab where YAML wants blanks"
	case strings.HasPrefix(message, "did not find expected key") && !beginning:
		return "what stands here does not belong to the value before it"
	case strings.HasPrefix(message, "did not find expected key"):
		return "no key of the mapping begins here: the line is indented too little or too far"
	case strings.HasPrefix(message, "mapping values are not allowed"):
		return "a key is not allowed here: the line is indented too far, the value before it wants quotes, or the key above a colon"
	}
	for complaint, words := range map[string]string{
		"found unexpected end of stream":              "the quote that opens here is never closed",
		"found character that cannot start any token": "a value cannot begin with this character: it wants quotes",
		"did not find expected <document start>":      "the line is indented less than the first one of the document",
		"could not find expected ':'":                 "a colon is missing after a key",
		"did not find expected ',' or ']'":            "the list that begins here is not closed, or a comma is missing",
		"did not find expected ',' or '}'":            "the mapping that begins here is not closed, or a comma is missing",
	} {
		if strings.HasPrefix(message, complaint) {
			return words
		}
	}
	return message
}

// unreadable finds the first byte that no YAML parser takes.
func unreadable(text string) (Mistake, bool) {
	for i, r := range text {
		n := utf8.RuneLen(r)
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd"):
			return Mistake{"a byte that is not UTF-8", Span{i, i + 1}}, true
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0x7f, r >= 0x80 && r < 0xa0 && r != 0x85, r == 0xfffe, r == 0xffff:
			return Mistake{fmt.Sprintf("the control character U+%04X", r), Span{i, i + n}}, true
		}
	}
	return Mistake{}, false
}
