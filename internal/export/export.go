// Package export writes access entries and the EKS access policies associated with them for tools that keep them elsewhere: Terraform and
// eksctl. It decides nothing: what is to be written comes from a snapshot, or from a state that somebody else worked out.
package export

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// Cluster is what is to be written of one cluster.
type Cluster struct {
	ARN access.ClusterARN
	// Name is how people know it.
	Name string
	Mode access.AuthenticationMode
	// None says why the cluster has no entries to write; it is empty where it can have some.
	None string
	// Entries are sorted by principal, their associations by policy.
	Entries []Entry
	// Notes say what is not written, and what to know about the rest.
	Notes []string
}

// Entry is an access entry as it should be, with its associations, and what of it exists. Whoever wants to keep one that exists has to take
// it over; EKS refuses to create it again.
type Entry struct {
	access.AccessEntry
	// Exists says that the cluster has an entry of the principal.
	Exists bool
	// Dead says that the entry exists for an earlier role of the same ARN, and has to be made anew.
	Dead bool
	// Given are the EKS access policies that are associated today, whatever their scope.
	Given []access.ARN
}

// Document is a text for a tool. Notes are those of its clusters and what the tool cannot express; the text has them as comments too.
type Document struct {
	Text  string
	Notes []string
	// Entries and Associations count what is in the text.
	Entries, Associations int
}

func (d *Document) count(e Entry) {
	d.Entries++
	d.Associations += len(e.Associations)
}

// heading says in comments what is written of the cluster.
func (c Cluster) heading(notes []string) string {
	return comment("", fmt.Sprintf("%s, mode %s", c.Name, c.Mode)) + bullets(notes)
}

// known tells whether both tools know the type. Of all but STANDARD EKS itself chooses username and groups.
func known(t access.EntryType) bool {
	return slices.Contains([]access.EntryType{access.EntryStandard, "EC2", "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "HYBRID_LINUX"}, t)
}

// serviceRole is the path of roles that belong to a service of AWS; EKS makes their entries and takes nobody else's.
const serviceRole = ":role/aws-service-role/"

// inexpressible says why neither tool can have the entry; it is empty where both can.
func inexpressible(e Entry) string {
	switch {
	case strings.Contains(string(e.Principal), serviceRole):
		return "it is of a service-linked role, of which EKS alone makes entries"
	case !known(e.Type):
		return fmt.Sprintf("the tool does not know entries of type %s", e.Type)
	}
	return ""
}

// texts are the strings of an entry that people choose, in a stable order.
func texts(e Entry) []string {
	out := append([]string{e.Username}, e.Groups...)
	for _, a := range e.Associations {
		out = append(out, a.Namespaces...)
	}
	for k, v := range e.Tags {
		out = append(out, k, v)
	}
	slices.Sort(out[1:])
	return out
}

// composed tells whether every string is in Unicode's normal form C. HCL puts all text into it, and would write another name.
func composed(e Entry) bool {
	return !slices.ContainsFunc(texts(e), func(s string) bool { return !norm.NFC.IsNormalString(s) })
}

// comment writes a line of comment; what comes from outside cannot end it.
func comment(indent, text string) string {
	return strings.TrimRight(indent+"# "+diag.Escape(text), " ") + "\n"
}

func bullets(notes []string) string {
	var b strings.Builder
	for _, n := range notes {
		b.WriteString(comment("", "- "+n))
	}
	return b.String()
}

// about names the cluster of each note.
func about(c Cluster, notes []string) []string {
	out := make([]string, 0, len(notes))
	for _, n := range notes {
		out = append(out, c.Name+": "+n)
	}
	return out
}
