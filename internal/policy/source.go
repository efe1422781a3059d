package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rolecall-dev/rolecall/internal/diag"
)

// Limits of a file.
const (
	maxBytes = 4 << 20
	maxDepth = 64
)

// source is a file split into lines and documents.
type source struct {
	name  string
	lines []string
	// lengths are those of the lines, in characters.
	lengths   []int
	documents []document
}

// document is one YAML document of a file; first is the index of its first line.
type document struct {
	first int
	text  string
}

// pos is a place in the file with its source line. It is moved into the text when it lies outside.
func (s *source) pos(line, column, width int) diag.Pos {
	line = min(max(line, 1), len(s.lines))
	text, length := s.lines[line-1], s.lengths[line-1]
	column = min(max(column, 1), length+1)
	return diag.Pos{File: s.name, Line: line, Column: column, Source: text, Width: min(max(width, 1), max(length+1-column, 1))}
}

// read checks what a text must be before it is YAML at all, and splits it. After a mistake there are no documents.
func read(f File) (*source, diag.List) {
	s := &source{name: f.Name, lines: []string{""}, lengths: []int{0}}
	if len(f.Data) > maxBytes {
		return s, diag.List{diag.New(diag.RC1001, s.pos(1, 1, 1), "the file has more than 4 MiB").
			WithDetail(fmt.Sprintf("%d bytes", len(f.Data))).WithHint("split it into several files")}
	}
	text := strings.ReplaceAll(string(bytes.TrimPrefix(f.Data, []byte("\ufeff"))), "\r\n", "\n")
	if strings.HasPrefix(strings.TrimLeft(text, " \t\n"), "{") && json.Valid([]byte(text)) {
		text = strings.ReplaceAll(text, "\t", " ")
	}
	s.lines = strings.Split(text, "\n")
	s.lengths = make([]int, len(s.lines))
	for i, line := range s.lines {
		s.lengths[i] = utf8.RuneCountInString(line)
	}
	if found := s.characters(); len(found) > 0 {
		return s, found
	}
	return s, s.split()
}

// characters reports, once in each line, what YAML does not allow and what an eye cannot see.
func (s *source) characters() diag.List {
	var found diag.List
	for i, line := range s.lines {
		column := 0
		for rest := line; rest != ""; {
			r, n := utf8.DecodeRuneInString(rest)
			column++
			if why := forbidden(r, n, line[:len(line)-len(rest)]); why != "" {
				found = append(found, diag.New(diag.RC1001, s.pos(i+1, column, 1), why))
				break
			}
			rest = rest[n:]
		}
	}
	return found
}

// forbidden says why a character of n bytes may not stand after before, "" when it may.
func forbidden(r rune, n int, before string) string {
	switch {
	case r == utf8.RuneError && n == 1:
		return "the text is not UTF-8"
	case r == '\t' && !inComment(before):
		return "a tab: YAML is indented with blanks"
	case r == '\t':
		return ""
	case unicode.IsControl(r):
		return fmt.Sprintf("control character U+%04X", r)
	case unicode.Is(unicode.Bidi_Control, r) || r == '\ufeff' || r == '\u2028' || r == '\u2029':
		return fmt.Sprintf("invisible character U+%04X", r)
	}
	return ""
}

// inComment tells whether what follows before on a line is likely to be in a comment; a quoted # is not worth the trouble.
func inComment(before string) bool {
	return strings.HasPrefix(strings.TrimLeft(before, " "), "#") || strings.Contains(before, " #")
}

// split cuts the text at document markers. They count wherever a line begins with them, in block scalars too.
func (s *source) split() diag.List {
	var found diag.List
	start := 0
	for i, line := range s.lines {
		marker := len(line) >= 3 && (line[:3] == "---" || line[:3] == "...") && (len(line) == 3 || line[3] == ' ')
		if strings.HasPrefix(line, "%") {
			found = append(found, diag.New(diag.RC1001, s.pos(i+1, 1, len(line)), "YAML directives are not supported").WithHint("remove the line"))
		}
		if !marker {
			continue
		}
		if after := strings.TrimLeft(line[3:], " "); after != "" && after[0] != '#' {
			found = append(found, diag.New(diag.RC1001, s.pos(i+1, 4+len(line[3:])-len(after), 1), "text after a document marker").
				WithHint("begin the document on the next line"))
		}
		s.add(start, i)
		start = i + 1
	}
	s.add(start, len(s.lines))
	if len(found) > 0 {
		s.documents = nil
	}
	return found
}

// add makes a document of the lines [from, to) when they hold more than comments.
func (s *source) add(from, to int) {
	for _, line := range s.lines[from:to] {
		if t := strings.TrimLeft(line, " "); t != "" && t[0] != '#' {
			s.documents = append(s.documents, document{first: from, text: strings.Join(s.lines[from:to], "\n") + "\n"})
			return
		}
	}
}
