package manifest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"

	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/sourcemap"
	"github.com/rolecall-dev/rolecall/internal/yamltree"
)

// maxDocuments is how many documents of a file are read.
const maxDocuments = 10_000

// MaxBytes is how large a file may be that is read.
const MaxBytes = 4 << 20

// Read finds the documents of a file, in order of appearance. What is wrong with the file itself comes as diagnostics: RC2028 where
// nothing in it is aws-auth, RC2001 where it cannot be read or the API server would refuse it, RC2006 where a key of data is there twice.
func Read(f File) ([]Document, diag.List) {
	r := newReader(f)
	if r.foreign(len(f.Data)) {
		return nil, r.found
	}
	if programLike(f.Name, r.src.Text) {
		r.form = FormProgram
		r.program(r.src.Text)
	} else {
		r.read(r.src.Text)
		r.complaints()
	}
	if len(r.docs) == 0 && !r.found.HasErrors() {
		r.nothing()
	}
	r.found.Sort()
	return r.docs, r.found
}

func newReader(f File) *reader {
	if len(f.Data) > MaxBytes {
		return &reader{src: sourcemap.NewSource(f.Name, "")}
	}
	return &reader{src: sourcemap.NewSource(f.Name, decodeText(f.Data)), seen: map[*yamltree.Node]bool{}}
}

const (
	bom8    = "\xef\xbb\xbf"
	bom16LE = "\xff\xfe"
	bom16BE = "\xfe\xff"
)

// decodeText is the text of a file without the mark of its encoding: UTF-8, or UTF-16 as PowerShell writes it.
func decodeText(data []byte) string {
	order := binary.ByteOrder(binary.LittleEndian)
	switch {
	case bytes.HasPrefix(data, []byte(bom8)):
		return string(data[len(bom8):])
	case bytes.HasPrefix(data, []byte(bom16LE)):
	case bytes.HasPrefix(data, []byte(bom16BE)):
		order = binary.BigEndian
	default:
		return string(data)
	}
	units := make([]uint16, 0, len(data)/2)
	for i := 2; i+1 < len(data); i += 2 {
		units = append(units, order.Uint16(data[i:]))
	}
	return string(utf16.Decode(units))
}

// encodeText writes a text as the file was encoded.
func encodeText(like []byte, text string) []byte {
	var append16 func([]byte, uint16) []byte
	switch {
	case bytes.HasPrefix(like, []byte(bom8)):
		return []byte(bom8 + text)
	case bytes.HasPrefix(like, []byte(bom16LE)):
		append16 = binary.LittleEndian.AppendUint16
	case bytes.HasPrefix(like, []byte(bom16BE)):
		append16 = binary.BigEndian.AppendUint16
	default:
		return []byte(text)
	}
	out := append16(nil, 0xfeff)
	for _, unit := range utf16.Encode([]rune(text)) {
		out = append16(out, unit)
	}
	return out
}

// read finds the documents in a text, which is all of a file or a part of a program.
func (r *reader) read(text string) {
	first := yamltree.Significant(text)
	switch {
	case rowsLike(first):
		r.rows(text)
	case strings.HasPrefix(first, "{") && r.json(text):
	default:
		r.yaml(text)
	}
}

// rowsLike tells whether a text is a bare list of rows.
func rowsLike(first string) bool {
	if !strings.HasPrefix(first, "- ") && !strings.HasPrefix(first, "-\n") && !strings.HasPrefix(first, "[") {
		return false
	}
	low := strings.ToLower(first)
	return strings.Contains(low, "rolearn") || strings.Contains(low, "userarn") || strings.Contains(low, "username") && strings.Contains(low, "groups")
}

// rows takes all of a text for a value. It is the one that has more rows of its kind.
func (r *reader) rows(text string) {
	if r.unrendered(text, 0) {
		return
	}
	key, low := awsauth.KeyRoles, strings.ToLower(text)
	if strings.Count(low, "userarn") > strings.Count(low, "rolearn") {
		key = awsauth.KeyUsers
	}
	pos := r.pos(0, 0)
	r.docs = append(r.docs, Document{
		File: r.src.Name, Form: r.formed(FormRows), Pos: pos,
		Values: []Value{{Key: string(key), KeyPos: pos, Text: text, origin: r.src.Piece(0, len(text)).Through(r.outer)}},
	})
}

// json reads a text as JSON and tells whether it was.
func (r *reader) json(text string) bool {
	if mentions(text) && r.unrendered(text, 0) {
		return true
	}
	nodes, err := yamltree.ParseJSON(text)
	if err != nil {
		if !strings.HasPrefix(strings.TrimLeft(strings.TrimSpace(text)[1:], " \t\r\n"), `"`) {
			return false
		}
		r.unreadable(yamltree.ExplainJSON(text, err), mentions(text))
	}
	for _, n := range nodes {
		r.object(n, 0)
	}
	return true
}

func (r *reader) yaml(text string) {
	docs, mistake := yamltree.Documents(text)
	if mistake != nil {
		r.unreadable(*mistake, mentions(text))
		return
	}
	for i, doc := range docs {
		if i == maxDocuments {
			r.report(diag.RC2028, doc.Start, doc.Start, fmt.Sprintf("the file holds more than %d documents; the rest is not read", maxDocuments))
			return
		}
		body := text[doc.Start:doc.End]
		about := mentions(body)
		if yamltree.Significant(body) == "" || about && r.unrendered(body, doc.Start) {
			continue
		}
		n, err := yamltree.Parse(text, doc)
		if err != nil {
			r.unreadable(yamltree.Explain(text, doc, err), about)
			continue
		}
		r.object(n, 0)
	}
}

// unreadable keeps a mistake until it is known whether the file is about aws-auth at all.
func (r *reader) unreadable(m yamltree.Mistake, about bool) {
	r.broken = append(r.broken, m)
	r.about = r.about || about
}

// complaints reports what could not be read.
func (r *reader) complaints() {
	for _, m := range r.broken {
		if !r.about && len(r.docs) == 0 {
			r.otherwise("text that is not YAML")
			continue
		}
		r.report(diag.RC2001, m.Start, m.End, "the file cannot be read: "+diag.Escape(m.Message)).Detail = "kubectl refuses it, and nothing in the cluster changes."
	}
}
