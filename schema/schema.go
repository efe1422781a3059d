// Package schema carries the JSON Schemas of the files people write and of the documents that commands print. They are generated from the
// source of the types: comments, tags and markers. Those of printed documents are open: more members may follow.
package schema

import (
	"embed"
	"slices"
	"strings"
)

//go:embed *.schema.json
var files embed.FS

// Written lists the kinds of files that people write, sorted.
func Written() []string { return []string{"ClusterAccess", "Installation"} }

// Printed lists the kinds of documents that commands print or save, sorted.
func Printed() []string {
	return []string{
		"ApplyResult", "Backup", "Backups", "Baseline", "Codes", "Diagnosis", "Explanation", "Findings", "Migration", "MigrationRollback", "ModeChange", "Plan", "Report", "Rollback", "SavedPlan",
		"Snapshot", "SnapshotDiff", "TestResults", "Version", "WhoCan",
	}
}

// Kinds lists the kinds that have a schema, sorted.
func Kinds() []string { return slices.Sorted(slices.Values(slices.Concat(Written(), Printed()))) }

// Of returns the schema of a kind as JSON; ok is false for a kind that has none.
func Of(kind string) (text []byte, ok bool) {
	if !slices.Contains(Kinds(), kind) {
		return nil, false
	}
	text, err := files.ReadFile(strings.ToLower(kind) + ".schema.json")
	return text, err == nil
}
