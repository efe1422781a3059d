package manifest

import (
	"strings"

	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// cell is a text of a row that is written in another way than aws-auth's, and where its key and it stand.
type cell struct {
	keyAt int
	text  string
	// at and end are where the text stands; origin follows it, nil where only the place is known.
	at, end int
	origin  *origin
}

// list is a list of cells; notList holds what stands there when it is none.
type list struct {
	keyAt   int
	items   []cell
	notList *cell
}

// row is a row as eksctl or a program writes it; what is nil is not there.
type row struct {
	at       int
	arn      *cell
	username *cell
	groups   *list
}

// synthetic writes rows as aws-auth has them, each byte with the place it comes from.
type synthetic struct {
	src    *source
	values map[awsauth.Key]*weaver
}

func (s *synthetic) weaver(k awsauth.Key) *weaver {
	if s.values == nil {
		s.values = map[awsauth.Key]*weaver{}
	}
	if s.values[k] == nil {
		s.values[k] = &weaver{src: s.src.text}
	}
	return s.values[k]
}

// row adds a row to a key; its ARN is under the name given.
func (s *synthetic) row(k awsauth.Key, r row) {
	w, lead := s.weaver(k), "- "
	field := func(name string, at int) {
		w.put(lead+name+":", at, at)
		lead = "  "
	}
	if r.arn != nil {
		name := "rolearn"
		if k == awsauth.KeyUsers {
			name = "userarn"
		}
		field(name, r.arn.keyAt)
		w.cell(*r.arn)
	}
	if r.username != nil {
		field("username", r.username.keyAt)
		w.cell(*r.username)
	}
	if r.groups == nil {
		if lead == "- " {
			w.put("- {}\n", r.at, r.at)
		}
		return
	}
	field("groups", r.groups.keyAt)
	switch {
	case r.groups.notList != nil:
		w.cell(*r.groups.notList)
	case len(r.groups.items) == 0:
		w.put(" []\n", r.groups.keyAt, r.groups.keyAt)
	default:
		w.put("\n", r.groups.keyAt, r.groups.keyAt)
	}
	for _, g := range r.groups.items {
		w.put("  -", g.at, g.at)
		w.cell(g)
	}
}

// account adds an account to mapAccounts.
func (s *synthetic) account(c cell) {
	w := s.weaver(awsauth.KeyAccounts)
	w.put("-", c.at, c.at)
	w.cell(c)
}

// cell writes a text as a quoted scalar and ends the line.
func (w *weaver) cell(c cell) {
	if c.origin == nil || !c.origin.exact || strings.ContainsFunc(c.text, func(r rune) bool { return r < ' ' || r == '\'' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 }) {
		w.put(" "+quoted(c.text)+"\n", c.at, c.at)
		return
	}
	w.put(" '", c.at, c.at)
	for _, r := range c.origin.runs {
		if r.same {
			w.copy(r.file, r.file+r.n)
		} else {
			w.put(c.text[r.text:r.text+r.n], r.file, r.file+r.size)
		}
	}
	w.put("'\n", c.end, c.end)
}

// document makes the document of what was written.
func (s *synthetic) document(r *reader, form Form, pos, keyPos diag.Pos) Document {
	d := Document{File: pos.File, Form: form, Pos: pos}
	for _, key := range keys() {
		if w := s.values[awsauth.Key(key)]; w != nil {
			end := 0
			if k := len(w.runs) - 1; k >= 0 {
				end = w.runs[k].file
			}
			d.Values = append(d.Values, Value{Key: key, KeyPos: keyPos, Text: string(w.out), origin: w.origin(s.src, end).through(r.outer)})
		}
	}
	return d
}
