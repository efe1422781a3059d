// Package manifest finds aws-auth mappings in files, whatever they are written in, keeps for every byte of a mapping's text its
// place in the file, and edits them there.
package manifest

import (
	"maps"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/sourcemap"
	"github.com/rolecall-dev/rolecall/internal/yamltree"
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
	// FormRows is the bare value of mapRoles or mapUsers, or a bare mapping of these keys: the data without the ConfigMap.
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
	// Values are the entries of data in order of appearance, those included that the authenticator ignores. Of a key that is
	// there twice only the last is, as the API server keeps it.
	Values []Value
	// Partial tells that what is missing here need not be missing: eksctl and programs write further rows, rows whose ARN only a program
	// knows are left out, and so are values that the API server refuses.
	Partial bool

	// object and data are the ConfigMap and its data, where it is written as one.
	object, data *yamltree.Node
}

// Value is one entry of data.
type Value struct {
	Key    string
	KeyPos diag.Pos
	// Text is the value as the authenticator gets it.
	Text string

	origin *sourcemap.Map
	// node is the scalar that holds the text; nil where there is none of its own.
	node *yamltree.Node
}

// Pos is the place in the file of the bytes from start to end of the text; it spans one line at most. In a value of
// a live document, or one made without a file, it is the place in the text.
func (v Value) Pos(start, end int) diag.Pos {
	start = min(max(start, 0), len(v.Text))
	end = min(max(end, start), len(v.Text))
	if v.origin == nil {
		return sourcemap.NewSource("", v.Text).Pos(start, end)
	}
	return v.origin.Pos(start, end)
}

// Value finds an entry of data by its key.
func (d Document) Value(key string) (Value, bool) {
	i := slices.IndexFunc(d.Values, func(v Value) bool { return v.Key == key })
	if i < 0 {
		return Value{}, false
	}
	return d.Values[i], true
}

// Live is the document of a cluster's ConfigMap, its values sorted by key; cluster is its name as account/region/name. The places in it
// count from the beginning of each value, and their file is the name of cluster, ConfigMap and key; without a cluster they have no file.
func Live(cluster string, cm access.ConfigMap) Document {
	d := Document{Form: FormLive, Cluster: cluster}
	for _, key := range slices.Sorted(maps.Keys(cm.Data)) {
		name := ""
		if cluster != "" {
			name = cluster + " aws-auth " + key
		}
		text := cm.Data[key]
		d.Values = append(d.Values, Value{
			Key: key, KeyPos: diag.Pos{File: name}, Text: text, origin: sourcemap.NewSource(name, text).Piece(0, len(text)),
		})
	}
	if cluster != "" {
		d.Pos = diag.Pos{File: cluster + " aws-auth"}
	}
	return d
}

// Edit replaces the bytes from Start to End of a value by New. A key that the document does not have is made; then both are 0.
type Edit struct {
	Key        string
	Start, End int
	New        string
}
