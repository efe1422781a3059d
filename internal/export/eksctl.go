package export

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
)

const eksctlHead = "# Access entries of an EKS cluster, written by rolecall export; the next one overwrites what is changed here.\n"

// Eksctl writes the entries of one cluster as a ClusterConfig; eksctl reads one from a file. Of a cluster without entries there are only the
// comments.
//
// Source: the types ClusterConfig and AccessEntry of eksctl's package v1alpha5.
func Eksctl(c Cluster) Document {
	var out Document
	var entries []Entry
	notes := slices.Clone(c.Notes)
	exists, tagged := 0, 0
	for _, e := range c.Entries {
		if why := inexpressible(e); why != "" {
			notes = append(notes, fmt.Sprintf("the entry of %s is not written: %s", e.Principal, why))
			continue
		}
		entries = append(entries, e)
		out.count(e)
		if e.Exists {
			exists++
		}
		if len(e.Tags) > 0 {
			tagged++
		}
	}
	if tagged > 0 {
		notes = append(notes, fmt.Sprintf("eksctl cannot express tags, which %d of these have; by one of them rolecall knows its own", tagged))
	}
	if exists > 0 {
		notes = append(notes, fmt.Sprintf("eksctl cannot take over what it did not make, and fails to create what is there: %d of these exist", exists))
	}
	if c.None != "" {
		notes = append(notes, "nothing is written: "+c.None)
	}
	w := &yaml{}
	if len(entries) > 0 {
		w.config(c, entries)
	}
	out.Text, out.Notes = eksctlHead+c.heading(notes)+w.b.String(), about(c, notes)
	return out
}

func (w *yaml) config(c Cluster, entries []Entry) {
	w.line(0, "apiVersion: eksctl.io/v1alpha5")
	w.line(0, "kind: ClusterConfig")
	w.line(0, "metadata:")
	w.text(2, "name", c.ARN.Name())
	w.text(2, "region", c.ARN.Region())
	w.line(0, "accessConfig:")
	w.line(2, "authenticationMode: "+string(c.Mode))
	w.line(2, "accessEntries:")
	for _, e := range entries {
		w.text(4, "- principalARN", string(e.Principal))
		w.text(6, "type", string(e.Type))
		if e.Type == access.EntryStandard {
			w.list(6, "kubernetesGroups", e.Groups)
			w.text(6, "kubernetesUsername", e.Username)
		}
		if len(e.Associations) > 0 {
			w.line(6, "accessPolicies:")
		}
		for _, a := range e.Associations {
			w.text(8, "- policyARN", string(a.Policy))
			w.line(10, "accessScope:")
			w.text(12, "type", string(a.Scope))
			if a.Scope == access.ScopeNamespace {
				w.list(12, "namespaces", a.Namespaces)
			}
		}
	}
}

// yaml writes block mappings whose scalars are all quoted: encoders take control characters for granted that parsers refuse.
type yaml struct{ b strings.Builder }

func (w *yaml) line(indent int, text string) {
	w.b.WriteString(strings.Repeat(" ", indent) + text + "\n")
}

// text writes a string; an empty one is left out.
func (w *yaml) text(indent int, key, value string) {
	if value != "" {
		w.line(indent, key+": "+escaped(value))
	}
}

// list writes a list of strings; an empty one is left out.
func (w *yaml) list(indent int, key string, values []string) {
	if len(values) > 0 {
		w.line(indent, key+":")
	}
	for _, v := range values {
		w.line(indent, "- "+escaped(v))
	}
}
