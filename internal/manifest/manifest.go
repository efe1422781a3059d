// Package manifest finds aws-auth mappings in files, whatever they are written in, and keeps for every byte of a
// mapping's text its place in the file: through block and folded scalars, quotation and escapes.
package manifest

import (
	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// File is a file as it was read.
type File struct {
	// Name is what the user called it; "-" for standard input.
	Name string
	Data []byte
}

// Form is what a document is written as.
type Form string

// The forms.
const (
	// FormConfigMap is a ConfigMap manifest, alone, in a List or among other documents.
	FormConfigMap Form = "ConfigMap"
	// FormRows is the bare value of mapRoles or mapUsers.
	FormRows Form = "rows"
	// FormEksctl is iamIdentityMappings of an eksctl ClusterConfig.
	FormEksctl Form = "eksctl"
	// FormProgram is text inside Terraform or another program: found and read as far as that goes.
	FormProgram Form = "program"
	// FormLive is the ConfigMap of a cluster.
	FormLive Form = "live"
)

// Document is one aws-auth ConfigMap, or what would become one.
type Document struct {
	File string
	Form Form
	// Pos is where the document begins.
	Pos diag.Pos
	// Cluster is the cluster a live document is of, as account/region/name.
	Cluster string
	// Values are the entries of data in order of appearance, those included that the authenticator ignores.
	Values []Value
}

// Value is one entry of data.
type Value struct {
	Key    string
	KeyPos diag.Pos
	// Text is the value as the authenticator gets it.
	Text string

	origin *origin
}

// origin maps the bytes of a text to the file; nil stands for a text that is its own file.
type origin struct{}

// Pos is the place in the file of the bytes from start to end of the text; it spans one line at most.
func (v Value) Pos(start, end int) diag.Pos { return diag.Pos{} }

// Edit replaces the bytes from Start to End of a value by New. A key that the document does not have is made; then both are 0.
type Edit struct {
	Key        string
	Start, End int
	New        string
}

// Read finds the documents of a file, in order of appearance. What is wrong with the file itself comes as diagnostics: RC2028 where
// nothing in it is aws-auth, RC2001 where it cannot be read or the API server would refuse it.
func Read(f File) ([]Document, diag.List) { return nil, nil }

// Live is the document of a cluster's ConfigMap; cluster is its name as account/region/name.
func Live(cluster string, cm access.ConfigMap) Document { return Document{} }

// Apply carries out edits, by index of the document as Read returned them, and returns the file's new bytes. Every byte outside the edited scalars
// stays as it is. It is an error when an edit cannot be expressed in the file's own style; nothing is changed then.
func Apply(f File, edits map[int][]Edit) ([]byte, error) { return nil, nil }
