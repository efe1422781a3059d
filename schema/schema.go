// Package schema carries the JSON Schemas of the files people write. They are
// generated from the types of api/v1alpha1: their comments, tags and markers.
package schema

import (
	_ "embed"
	"slices"
)

//go:embed clusteraccess.schema.json
var clusterAccess []byte

//go:embed installation.schema.json
var installation []byte

// Kinds lists the kinds that have a schema, sorted.
func Kinds() []string { return []string{"ClusterAccess", "Installation"} }

// Of returns the schema of a kind as JSON; ok is false for a kind that has none.
func Of(kind string) (text []byte, ok bool) {
	switch kind {
	case "ClusterAccess":
		return slices.Clone(clusterAccess), true
	case "Installation":
		return slices.Clone(installation), true
	}
	return nil, false
}
