package diag

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// MaxResults is how many results GitHub takes of one run of SARIF.
const MaxResults = 25_000

// The members of SARIF 2.1.0 that code scanning reads.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID                   string          `json:"id"`
		ShortDescription     sarifText       `json:"shortDescription"`
		FullDescription      sarifText       `json:"fullDescription"`
		Help                 sarifText       `json:"help"`
		DefaultConfiguration sarifLevel      `json:"defaultConfiguration"`
		Properties           sarifProperties `json:"properties"`
	}
	sarifText struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifLevel struct {
		Level string `json:"level"`
	}
	sarifProperties struct {
		Tags []string `json:"tags"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations"`
		Fingerprints map[string]string `json:"partialFingerprints"`
	}
	sarifLocation struct {
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
		EndColumn   int `json:"endColumn,omitempty"`
	}
	sarifLogical struct {
		FullyQualifiedName string `json:"fullyQualifiedName"`
	}
)

// unlinked keeps text from being taken for a link, which SARIF writes as Markdown does.
//
//nolint:gochecknoglobals // a constant replacer; Go has none
var unlinked = strings.NewReplacer("](", `\](`)

// fingerprintKey names our fingerprints among those of others; the digit changes with what they cover.
const fingerprintKey = "rolecallFinding/v1"

// SARIF writes l as a SARIF 2.1.0 log with one run, sorted; a rule for each code in it. Of more than MaxResults diagnostics the gravest are
// written. Where there is no file, the cluster's name stands for it: code scanning takes no result without a place.
func SARIF(w io.Writer, l List) error {
	kept := append(List{}, l...)
	kept.Sort()
	if len(kept) > MaxResults {
		kept = kept.gravest()[:MaxResults]
		kept.Sort()
	}
	run := sarifRun{
		Tool:       sarifTool{sarifDriver{Name: "rolecall", InformationURI: "https://github.com/rolecall-dev/rolecall", Rules: sarifRules(kept.Codes())}},
		ColumnKind: "unicodeCodePoints",
		Results:    make([]sarifResult, len(kept)),
	}
	index := map[Code]int{}
	for i, c := range kept.Codes() {
		index[c] = i
	}
	for i, fingerprint := range kept.Fingerprints() {
		d := kept[i]
		run.Results[i] = sarifResult{
			RuleID: string(d.Code), RuleIndex: index[d.Code], Level: d.Severity.String(), Message: sarifText{Text: unlinked.Replace(Escape(d.Summary) + d.more("\n"))},
			Locations: []sarifLocation{d.location()}, Fingerprints: map[string]string{fingerprintKey: fingerprint},
		}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}}); err != nil {
		return fmt.Errorf("writing SARIF: %w", err)
	}
	return nil
}

func sarifRules(codes []Code) []sarifRule {
	rules := make([]sarifRule, 0, len(codes))
	for _, c := range codes {
		e, ok := Lookup(c)
		if !ok {
			e = Entry{Code: c, Title: string(c), Severity: Error}
		}
		rules = append(rules, sarifRule{
			ID: string(c), ShortDescription: sarifText{Text: e.Title}, FullDescription: sarifText{Text: e.Explanation},
			Help:                 sarifText{Text: e.Explanation + "\n\nWhat to do: " + e.Remedy, Markdown: e.markdown()},
			DefaultConfiguration: sarifLevel{e.Severity.String()}, Properties: sarifProperties{Tags: []string{"kubernetes", "eks", "security"}},
		})
	}
	return rules
}

// location is the place in a file, or the cluster where there is none.
func (d Diagnostic) location() sarifLocation {
	var l sarifLocation
	if name := strings.Join(slices.DeleteFunc([]string{d.Cluster, d.Object}, func(s string) bool { return s == "" }), " "); name != "" {
		l.Logical = []sarifLogical{{FullyQualifiedName: Escape(name)}}
	}
	if d.Pos.File == "" {
		l.Physical.Artifact.URI = uri(d.Cluster)
		return l
	}
	l.Physical.Artifact.URI = uri(d.Pos.File)
	if d.Pos.Line > 0 {
		l.Physical.Region = &sarifRegion{StartLine: d.Pos.Line, StartColumn: d.Pos.Column}
		if d.Pos.Column > 0 {
			l.Physical.Region.EndColumn = d.Pos.Column + max(d.Pos.Width, 1)
		}
	}
	return l
}

// uri is a path as a URI: relative to wherever the run was, or of the scheme file.
func uri(path string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/"
	var b strings.Builder
	if strings.HasPrefix(path, "/") {
		b.WriteString("file://")
	}
	path = strings.TrimPrefix(path, "./")
	for i := range len(path) {
		if strings.IndexByte(plain, path[i]) >= 0 {
			b.WriteByte(path[i])
			continue
		}
		_, _ = fmt.Fprintf(&b, "%%%02X", path[i]) // a builder never fails
	}
	return b.String()
}
