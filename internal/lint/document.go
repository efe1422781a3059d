package lint

import (
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/manifest"
)

// Document returns what is wrong with a document by itself, in the order of its places.
func Document(d manifest.Document, o Options) diag.List { return judge(d, o).findings() }

// document is a document while it is judged.
type document struct {
	manifest.Document
	options Options
	data    map[string]string
	read    awsauth.Document
	rows    []*row
	list    diag.List
	repairs []repair
	edits   []awsauth.TextEdit
}

// row is a row of mapRoles or mapUsers.
type row struct {
	key   awsauth.Key
	index int
	value manifest.Value
	awsauth.OutlineRow
	// entry is what the authenticator makes of the row, nil when it drops it.
	entry *awsauth.Entry
	// arn is the row's ARN wherever it stands, nil when there is none.
	arn *awsauth.Member
	// misnamed says that the ARN has the name of the other key's rows, so that it is not read.
	misnamed bool
	verdict  verdict
	// broken says that a finding explains already why the row is not what it should be.
	broken bool
}

func judge(d manifest.Document, o Options) *document {
	doc := &document{Document: d, options: o, data: map[string]string{}}
	for _, v := range d.Values {
		doc.data[v.Key] = v.Text
	}
	doc.read = awsauth.Parse(doc.data)
	doc.values()
	for _, v := range d.Values {
		if k := awsauth.Key(v.Key); k == awsauth.KeyRoles || k == awsauth.KeyUsers {
			doc.addRows(k, v)
		}
	}
	for _, r := range doc.rows {
		doc.arns(r)
		doc.types(r)
		doc.groups(r)
		doc.node(r)
		doc.names(r)
	}
	doc.partitions()
	doc.duplicates()
	doc.missingNode()
	doc.accounts()
	doc.repair()
	return doc
}

func (d *document) findings() diag.List {
	d.list.Sort()
	return d.list
}

func (d *document) addRows(k awsauth.Key, v manifest.Value) {
	entries := map[int]awsauth.Entry{}
	for _, e := range slices.Concat(d.read.Roles, d.read.Users) {
		if e.Key == k {
			entries[e.Index] = e
		}
	}
	for i, o := range awsauth.Outline(k, v.Text) {
		r := &row{key: k, index: i, value: v, OutlineRow: o}
		if e, ok := entries[i]; ok {
			r.entry = &e
		}
		own, other := "rolearn", "userarn"
		if k == awsauth.KeyUsers {
			own, other = other, own
		}
		r.arn = r.member(own)
		if m := r.member(other); r.arn == nil && m != nil && m.Value.Kind == awsauth.KindString {
			r.arn, r.misnamed = m, true
		}
		d.rows = append(d.rows, r)
	}
}

// member is the member that counts of those with a name: letter case is ignored, and of several the last in order of bytes wins.
func (r *row) member(name string) *awsauth.Member {
	var found *awsauth.Member
	for i := range r.Members {
		if m := &r.Members[i]; !m.Overridden && strings.EqualFold(m.Name, name) && (found == nil || m.Name > found.Name) {
			found = m
		}
	}
	return found
}

// username is the row's user name as it is written, "" unless it is text.
func (r *row) username() string {
	if m := r.member("username"); m != nil && m.Value.Kind == awsauth.KindString {
		return m.Value.Text
	}
	return ""
}

// groupNames are the row's groups that are text.
func (r *row) groupNames() []awsauth.Value {
	m := r.member("groups")
	if m == nil {
		return nil
	}
	var out []awsauth.Value
	for _, g := range m.Value.Elements {
		if g.Kind == awsauth.KindString {
			out = append(out, g)
		}
	}
	return out
}

func (r *row) hasGroup(name string) bool {
	return slices.ContainsFunc(r.groupNames(), func(g awsauth.Value) bool { return g.Text == name })
}

// at is the place of a part of the row: of the row where that is not known, of its key where that is not known either.
func (r *row) at(s awsauth.Span) diag.Pos {
	switch {
	case s.Known():
		return r.value.Pos(s.Start, s.End)
	case r.At.Known():
		return r.value.Pos(r.At.Start, r.At.End)
	}
	return r.value.KeyPos
}

// place is where a member's value stands, or its name when nothing is written there.
func (r *row) place(m *awsauth.Member) diag.Pos {
	if v := m.Value; v.At.Known() && (v.Quote != 0 || v.At.End > v.At.Start) {
		return r.at(v.At)
	}
	return r.at(m.NameAt)
}

// start is the first character of the row.
func (r *row) start() diag.Pos {
	if r.At.Known() && len(r.Members) > 0 && r.Members[0].NameAt.Start == r.At.Start {
		return r.at(r.Members[0].NameAt)
	}
	return r.at(r.At)
}

// say adds a finding. It returns it, so that a severity of its own can be set.
func (d *document) say(code diag.Code, at diag.Pos, summary string) *diag.Diagnostic {
	found := diag.New(code, at, summary)
	found.Cluster = d.Cluster
	d.list = append(d.list, found)
	return &d.list[len(d.list)-1]
}

// because sets why a finding matters and what to do about it.
func because(f *diag.Diagnostic, detail, hint string) { f.Detail, f.Hint = detail, hint }
