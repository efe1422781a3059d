package awsauth

import "strings"

// Unread finds where the part of a text begins that the authenticator does not read and says nothing about: a second YAML
// document, from its marker on, or what follows a list in brackets. A text that it cannot read at all has no such part, nor has one with only blanks and comments left.
func Unread(text string) (Span, bool) {
	l, err := scan(text)
	if err != nil {
		return Span{}, false
	}
	from := 0
	switch l.style {
	case stylePlaceholder:
		return Span{}, false
	case styleFlow:
		from = l.end + 1
	case styleEmpty, styleBlock:
		from = l.starts()[l.last]
	}
	marker := Span{}
	for from < len(text) {
		end := lineEnd(text, from)
		t := text[from:end]
		at := Span{from + len(t) - len(strings.TrimLeft(t, " \t")), end}
		start := from == 0 || text[from-1] == '\n'
		switch from = end + 1; {
		case blank(t):
		case start && isMarker(t) && blank(t[3:]):
			if !marker.Known() && t[0] == '-' {
				marker = at
			}
		case marker.Known():
			return marker, true
		default:
			return at, true
		}
	}
	return Span{}, false
}
