package manifest

import (
	"strings"

	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/sourcemap"
)

// cell is a text of a row that is written in another way than aws-auth's, and where its key and it stand.
type cell struct {
	keyAt int
	text  string
	// at and end are where the text stands; origin follows it, nil where only the place is known.
	at, end int
	origin  *sourcemap.Map
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
	src    *sourcemap.Source
	values map[awsauth.Key]*sourcemap.Weaver
}

func (s *synthetic) weaver(k awsauth.Key) *sourcemap.Weaver {
	if s.values == nil {
		s.values = map[awsauth.Key]*sourcemap.Weaver{}
	}
	if s.values[k] == nil {
		s.values[k] = sourcemap.NewWeaver(s.src)
	}
	return s.values[k]
}

// row adds a row to a key; its ARN is under the name given.
func (s *synthetic) row(k awsauth.Key, r row) {
	w, lead := s.weaver(k), "- "
	field := func(name string, at int) {
		w.Put(lead+name+":", at, at)
		lead = "  "
	}
	if r.arn != nil {
		name := "rolearn"
		if k == awsauth.KeyUsers {
			name = "userarn"
		}
		field(name, r.arn.keyAt)
		writeCell(w, *r.arn)
	}
	if r.username != nil {
		field("username", r.username.keyAt)
		writeCell(w, *r.username)
	}
	if r.groups == nil {
		if lead == "- " {
			w.Put("- {}\n", r.at, r.at)
		}
		return
	}
	field("groups", r.groups.keyAt)
	switch {
	case r.groups.notList != nil:
		writeCell(w, *r.groups.notList)
	case len(r.groups.items) == 0:
		w.Put(" []\n", r.groups.keyAt, r.groups.keyAt)
	default:
		w.Put("\n", r.groups.keyAt, r.groups.keyAt)
	}
	for _, g := range r.groups.items {
		w.Put("  -", g.at, g.at)
		writeCell(w, g)
	}
}

// account adds an account to mapAccounts.
func (s *synthetic) account(c cell) {
	w := s.weaver(awsauth.KeyAccounts)
	w.Put("-", c.at, c.at)
	writeCell(w, c)
}

// writeCell writes a text as a quoted scalar and ends the line.
func writeCell(w *sourcemap.Weaver, c cell) {
	if c.origin == nil || !c.origin.Exact() || strings.ContainsFunc(c.text, func(r rune) bool { return r < ' ' || r == '\'' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 }) {
		w.Put(" "+quoted(c.text)+"\n", c.at, c.at)
		return
	}
	w.Put(" '", c.at, c.at)
	w.Append(c.text, c.origin)
	w.Put("'\n", c.end, c.end)
}

// document makes the document of what was written.
func (s *synthetic) document(r *reader, form Form, pos, keyPos diag.Pos) Document {
	d := Document{File: pos.File, Form: form, Pos: pos}
	for _, key := range keys() {
		if w := s.values[awsauth.Key(key)]; w != nil {
			d.Values = append(d.Values, Value{Key: key, KeyPos: keyPos, Text: w.Text(), origin: w.Map(w.End()).Through(r.outer)})
		}
	}
	return d
}
