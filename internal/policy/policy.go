// Package policy reads what people write: bytes become installations and
// policies with the position of every value, or diagnostics for every mistake.
//
// It knows no live system: what needs one is checked where the snapshot is.
package policy

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/rolecall-dev/rolecall/api/v1alpha1"
	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// File is a named text, as it was read.
type File struct {
	Name string
	Data []byte
}

// Set is the policies of a run, sorted by name.
type Set struct {
	Policies []Policy
}

// Policy is one ClusterAccess document and where it was written.
type Policy struct {
	v1alpha1.ClusterAccess
	// File is the name of the file it came from.
	File string
	at   place
}

// Pos is where the value at path stands, for example Pos("spec", "grants", 0, "to", "groups", 1). Field names are those
// of the file, numbers are indexes. Where there is no such value it is the place of the nearest one around it.
func (p Policy) Pos(path ...any) diag.Pos { return p.at.find(path) }

// Installation is a rolecall.yaml.
type Installation struct {
	v1alpha1.Installation
	// File is the name of the file it came from.
	File string
	at   place
}

// Pos is where the value at path stands, as Policy.Pos says.
func (i *Installation) Pos(path ...any) diag.Pos { return i.at.find(path) }

// Grant is one grant and the policy it belongs to.
type Grant struct {
	*v1alpha1.Grant
	Policy *Policy
	// Index is the grant's place in its policy, from 0.
	Index int
}

// Pos is where the value at path, relative to the grant, stands.
func (g Grant) Pos(path ...any) diag.Pos {
	return g.Policy.Pos(append([]any{"spec", "grants", g.Index}, path...)...)
}

// Origin is the grant as what it yields refers to it.
func (g Grant) Origin() access.Origin {
	pos := g.Pos()
	return access.Origin{Policy: g.Policy.Name, Grant: g.Name, File: pos.File, Line: pos.Line}
}

// Grants lists every grant, by policy and then in the order written. They point into the set.
func (s *Set) Grants() []Grant {
	var out []Grant
	for i := range s.Policies {
		p := &s.Policies[i]
		for j := range p.Spec.Grants {
			out = append(out, Grant{Grant: &p.Spec.Grants[j], Policy: p, Index: j})
		}
	}
	return out
}

// ParsePolicies reads policies; a file may hold several documents. Every mistake in all files is reported at once,
// sorted by position, and a broken document hides no other's mistakes. The set holds the policies without errors; the
// result does not depend on the order of the files.
func ParsePolicies(files []File) (*Set, diag.List) {
	set := &Set{}
	var found diag.List
	for _, f := range sortFiles(files) {
		policies, mistakes := parsePolicyFile(f)
		set.Policies = append(set.Policies, policies...)
		found = append(found, mistakes...)
	}
	slices.SortStableFunc(set.Policies, func(p, q Policy) int {
		return cmp.Or(cmp.Compare(p.Name, q.Name), p.Pos("metadata", "name").Compare(q.Pos("metadata", "name")))
	})
	found = append(found, duplicatePolicies(set.Policies)...)
	set.Policies = slices.DeleteFunc(set.Policies, func(p Policy) bool { return p.at.broken })
	found.Sort()
	return set, found
}

// sortFiles orders files by name and content; the same file given twice counts once.
func sortFiles(files []File) []File {
	sorted := slices.Clone(files)
	slices.SortFunc(sorted, func(a, b File) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), bytes.Compare(a.Data, b.Data))
	})
	return slices.CompactFunc(sorted, func(a, b File) bool { return a.Name == b.Name && bytes.Equal(a.Data, b.Data) })
}

// parsePolicyFile returns every document that could be decoded, those with mistakes in them marked broken.
func parsePolicyFile(f File) ([]Policy, diag.List) {
	src, found := read(f)
	var out []Policy
	for _, doc := range src.documents {
		r := reader{source: src}
		p := Policy{File: f.Name}
		root := r.parse(doc)
		if root == nil || !r.kind(root, v1alpha1.KindClusterAccess) {
			found = append(found, r.found...)
			continue
		}
		p.at = place{source: src, root: root}
		r.decode(root, &p.ClusterAccess)
		r.policy(root)
		r.crossCheck(doc, p.ClusterAccess)
		p.at.broken = r.found.HasErrors()
		found = append(found, r.found...)
		out = append(out, p)
	}
	return out, found
}

// duplicatePolicies reports every later policy of a name, naming the first. Policies are sorted by name and position.
func duplicatePolicies(policies []Policy) diag.List {
	var found diag.List
	first := 0
	for i := range policies {
		if i == 0 || policies[i].Name != policies[first].Name {
			first = i
			continue
		}
		if policies[i].Name == "" {
			continue
		}
		pos, other := policies[i].Pos("metadata", "name"), policies[first].Pos("metadata", "name")
		found = append(found, diag.New(diag.RC1003, pos, "policy "+quote(policies[i].Name)+" exists already").
			WithDetail("the other one is at "+other.String()).WithHint("give one of the two another name"))
	}
	return found
}

// ParseInstallation reads a rolecall.yaml, which holds exactly one document. The installation is nil when the text has
// no such document at all; with mistakes in it, it holds what could be read.
func ParseInstallation(name string, data []byte) (*Installation, diag.List) {
	src, found := read(File{Name: name, Data: data})
	var out *Installation
	for i, doc := range src.documents {
		r := reader{source: src}
		root := r.parse(doc)
		switch {
		case root == nil:
		case i > 0 && out != nil:
			r.report(diag.RC1001, root.pos, "an installation is one document, and this is another")
		case r.kind(root, v1alpha1.KindInstallation):
			out = &Installation{File: name, at: place{source: src, root: root}}
			r.decode(root, &out.Installation)
			r.installation(root)
			r.crossCheck(doc, out.Installation)
			out.at.broken = r.found.HasErrors()
		}
		found = append(found, r.found...)
	}
	found.Sort()
	return out, found
}
