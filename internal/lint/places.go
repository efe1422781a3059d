package lint

import (
	"strings"

	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/manifest"
)

// places finds the members of rows in the file. Where a member has no place of its own its row's is taken, else that of the key.
type places struct {
	values map[awsauth.Key]manifest.Value
	rows   map[awsauth.Key][]awsauth.OutlineRow
}

func newPlaces(d manifest.Document) places {
	p := places{values: map[awsauth.Key]manifest.Value{}, rows: map[awsauth.Key][]awsauth.OutlineRow{}}
	for _, v := range d.Values {
		if k := awsauth.Key(v.Key); k == awsauth.KeyRoles || k == awsauth.KeyUsers {
			p.values[k], p.rows[k] = v, awsauth.Outline(k, v.Text)
		}
	}
	return p
}

func (p places) arn(e awsauth.Entry) diag.Pos {
	name := "rolearn"
	if e.Key == awsauth.KeyUsers {
		name = "userarn"
	}
	v, _ := p.member(e, name)
	return p.at(e, v.At)
}

func (p places) username(e awsauth.Entry) diag.Pos {
	v, _ := p.member(e, "username")
	return p.at(e, v.At)
}

// group is the place of the row's group of that index.
func (p places) group(e awsauth.Entry, index int) diag.Pos {
	v, ok := p.member(e, "groups")
	if ok && index < len(v.Elements) {
		return p.at(e, v.Elements[index].At)
	}
	return p.at(e, v.At)
}

// member is the value of a row that counts: names may be in any case.
func (p places) member(e awsauth.Entry, name string) (awsauth.Value, bool) {
	if rows := p.rows[e.Key]; e.Index < len(rows) {
		for _, m := range rows[e.Index].Members {
			if !m.Overridden && strings.EqualFold(m.Name, name) {
				return m.Value, true
			}
		}
	}
	return awsauth.Value{}, false
}

func (p places) at(e awsauth.Entry, s awsauth.Span) diag.Pos {
	rows := p.rows[e.Key]
	if !s.Known() && e.Index < len(rows) {
		s = rows[e.Index].At
	}
	if !s.Known() {
		return p.values[e.Key].KeyPos
	}
	return p.values[e.Key].Pos(s.Start, s.End)
}
