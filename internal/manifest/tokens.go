package manifest

import (
	"regexp"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/sourcemap"
)

// tokenKind is what a piece of a program is.
type tokenKind int

const (
	tokenWord tokenKind = iota + 1
	tokenText
	// tokenRegion is a text over several lines: a heredoc, a template string or one in triple quotes.
	tokenRegion
	tokenPunct
)

// token is a piece of a program; start and end are those of its content, without quotes.
type token struct {
	kind       tokenKind
	start, end int
	// line is the number of the line it begins on.
	line int
}

// tokenizer cuts a program into what many languages have in common.
type tokenizer struct {
	src      string
	at, line int
	out      []token
	// open counts the heredocs that never ended; after some of them none is looked for, or each would search all of the text.
	open int
}

func tokenize(src string) []token {
	t := tokenizer{src: src}
	for t.at < len(src) {
		before := t.at
		t.next()
		t.line += strings.Count(src[before:t.at], "\n")
	}
	return t.out
}

func (t *tokenizer) add(kind tokenKind, start, end, next int) {
	t.out = append(t.out, token{kind: kind, start: start, end: end, line: t.line})
	t.at = next
}

func (t *tokenizer) next() {
	rest := t.src[t.at:]
	switch c := rest[0]; {
	case strings.IndexByte(" \t\n\r", c) >= 0:
		t.at++
	case c == '#', strings.HasPrefix(rest, "//"):
		t.at = sourcemap.LineEnd(t.src, t.at)
	case strings.HasPrefix(rest, "/*"):
		t.at += until(rest, "*/")
	case strings.HasPrefix(rest, `"""`), strings.HasPrefix(rest, "'''"):
		t.region(rest[:3])
	case c == '`':
		t.region("`")
	case c == '"', c == '\'':
		t.quoted(c)
	case strings.HasPrefix(rest, "<<"):
		t.heredoc()
	case isWord(c):
		end := t.at + 1
		for end < len(t.src) && isWord(t.src[end]) {
			end++
		}
		t.add(tokenWord, t.at, end, end)
	default:
		t.add(tokenPunct, t.at, t.at+1, t.at+1)
	}
}

// region reads a text between two marks over as many lines as there are.
func (t *tokenizer) region(mark string) {
	start := t.at + len(mark)
	next := start + until(t.src[start:], mark)
	end := next
	if strings.HasSuffix(t.src[start:next], mark) {
		end -= len(mark)
	}
	t.add(tokenRegion, start, end, next)
}

// until is the length of a text up to and with its end.
func until(text, end string) int {
	if i := strings.Index(text, end); i >= 0 {
		return i + len(end)
	}
	return len(text)
}

func isWord(c byte) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c >= 0x80
}

// quoted reads a string of one line; a quote without its like is nothing.
func (t *tokenizer) quoted(quote byte) {
	for i := t.at + 1; i < len(t.src) && t.src[i] != '\n'; i++ {
		switch t.src[i] {
		case '\\':
			i++
		case quote:
			t.add(tokenText, t.at+1, i, i+1)
			return
		}
	}
	t.at++
}

// heredoc reads a text up to the line that holds nothing but its mark.
func (t *tokenizer) heredoc() {
	opening := t.src[t.at:sourcemap.LineEnd(t.src, t.at)]
	if t.open > 50 {
		t.add(tokenPunct, t.at, t.at+2, t.at+2)
		return
	}
	m := regexp.MustCompile(`^<<[-~]?\s*['"]?([A-Za-z_]\w*)['"]?`).FindStringSubmatch(opening)
	if m == nil || !strings.HasSuffix(opening, "\n") {
		t.add(tokenPunct, t.at, t.at+2, t.at+2)
		return
	}
	start := t.at + len(opening)
	for at := start; at < len(t.src); at = sourcemap.LineEnd(t.src, at) {
		if next := sourcemap.LineEnd(t.src, at); strings.TrimRight(strings.TrimSpace(t.src[at:next]), ",;)") == m[1] {
			t.add(tokenRegion, start, at, at)
			t.at = next
			return
		}
	}
	t.open++
	t.add(tokenPunct, t.at, t.at+2, t.at+2)
}
