package diag

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// longLine is how many bytes a line may have to be taken whole. Rows in escaped JSON share one long line, which changes with each of them.
const longLine = 1000

// Fingerprints returns, for each diagnostic of l, what it is recognised by in a later run: "digest:n". The digest covers the code and
// the line of source without the blanks around it, or the cluster, the object and the summary where there is no line; so it stays the same when lines move.
// n counts, from 1, those of one file that are otherwise alike.
func (l List) Fingerprints() []string {
	type alike struct{ file, digest string }
	seen := map[alike]int{}
	var last cursor
	out := make([]string, len(l))
	for i, d := range l {
		a := alike{d.Pos.File, d.digest(&last)}
		seen[a]++
		out[i] = a.digest + ":" + strconv.Itoa(seen[a])
	}
	return out
}

// digest is 16 hexadecimal digits over what stays of a diagnostic when lines move.
func (d Diagnostic) digest(last *cursor) string {
	h := sha256.New()
	parts := []string{string(d.Code), strings.TrimSpace(d.Pos.Source)}
	switch {
	case d.Pos.Source == "":
		parts = []string{string(d.Code), d.Cluster, d.Object, d.Summary}
	case len(d.Pos.Source) > longLine:
		start := last.at(d.Pos.Source, d.Pos.Column-1)
		rest := d.Pos.Source[start:]
		parts[1] = rest[:skip(rest, max(d.Pos.Width, 1))]
	}
	for _, p := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(p), p) // a hash never fails
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// cursor finds characters in a line, and goes on from the last one that was asked for where it can.
type cursor struct {
	line         string
	column, byte int
}

// at is the byte at which the character of that number begins, from 0; the end of the line when it has fewer.
func (c *cursor) at(line string, column int) int {
	if c.line != line || column < c.column {
		*c = cursor{line: line}
	}
	c.byte += skip(line[c.byte:], column-c.column)
	c.column = max(column, 0)
	return c.byte
}

// skip returns the length in bytes of the first n characters of s, of all when there are fewer.
func skip(s string, n int) int {
	i := 0
	for ; n > 0 && i < len(s); n-- {
		if s[i] < utf8.RuneSelf {
			i++
			continue
		}
		_, size := utf8.DecodeRuneInString(s[i:])
		i += size
	}
	return i
}
