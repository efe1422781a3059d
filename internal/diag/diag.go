// Package diag is how rolecall tells people about mistakes and findings: what is
// wrong (summary), why we think so (detail), where (position, cluster, object)
// and what to type (hint), under a code that stays stable for ever.
//
// The package is pure; it renders to a writer it is given.
package diag

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Severity says what a diagnostic breaks: an error breaks access or safety, a
// warning is a trap, a note is information.
type Severity int

// The severities, the gravest first.
const (
	Error Severity = iota + 1
	Warning
	Note
)

// String is the word people and scripts read: "error", "warning" or "note".
func (s Severity) String() string {
	switch s {
	case Error:
		return "error"
	case Warning:
		return "warning"
	case Note:
		return "note"
	}
	return "severity " + strconv.Itoa(int(s))
}

// MarshalText writes the word; it is an error when the severity is not set.
func (s Severity) MarshalText() ([]byte, error) {
	if s < Error || s > Note {
		return nil, fmt.Errorf("severity %d is not set", int(s))
	}
	return []byte(s.String()), nil
}

// UnmarshalText reads one of the three words.
func (s *Severity) UnmarshalText(text []byte) error {
	parsed, err := ParseSeverity(string(text))
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}

// ParseSeverity is the inverse of String, for flags such as --fail-on.
func ParseSeverity(word string) (Severity, error) {
	for _, s := range []Severity{Error, Warning, Note} {
		if word == s.String() {
			return s, nil
		}
	}
	return 0, fmt.Errorf("%q is not a severity: error, warning or note", word)
}

// AtLeast tells whether s is as grave as t or graver. A severity that is not set is never.
func (s Severity) AtLeast(t Severity) bool { return s >= Error && s <= t }

// Code names a kind of diagnostic ("RC2002"). Codes are never reused.
type Code string

// Pos is a place in a file. Lines and columns count from 1, columns in characters; zero means not known.
type Pos struct {
	File   string
	Line   int
	Column int
	// Source is the text of the line, without its end; it is shown with a caret under Column.
	Source string
	// Width is how many characters the place spans; 0 counts as 1.
	Width int
}

// String is "file:line:column", as far as each is known.
func (p Pos) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return p.File + ":" + strconv.Itoa(p.Line)
	}
	return p.File + ":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Column)
}

// Compare orders places by file, line and column.
func (p Pos) Compare(q Pos) int {
	return cmp.Or(cmp.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line), cmp.Compare(p.Column, q.Column))
}

// Diagnostic is one mistake or finding.
type Diagnostic struct {
	Severity Severity
	Code     Code
	// Summary is what is wrong, in one line without a full stop.
	Summary string
	// Detail is why we think so. It may have several lines.
	Detail string
	// Hint is what to do next, a command that can be pasted where there is one.
	Hint string
	// Fixable says that lint --fix can mend it.
	Fixable bool
	Pos     Pos
	// Cluster is the cluster concerned, as account/region/name or ARN; Object is the thing in it or in AWS.
	Cluster, Object string
}

// New returns a diagnostic with the default severity of its code. An unknown code counts as an error.
func New(code Code, pos Pos, summary string) Diagnostic {
	d := Diagnostic{Severity: Error, Code: code, Summary: summary, Pos: pos}
	if e, ok := Lookup(code); ok {
		d.Severity = e.Severity
	}
	return d
}

// WithDetail returns a copy of d with the detail set.
func (d Diagnostic) WithDetail(detail string) Diagnostic {
	d.Detail = detail
	return d
}

// WithHint returns a copy of d with the hint set.
func (d Diagnostic) WithHint(hint string) Diagnostic {
	d.Hint = hint
	return d
}

// Compare orders diagnostics by file, line, column, code, cluster, object and summary.
func (d Diagnostic) Compare(e Diagnostic) int {
	return cmp.Or(d.Pos.Compare(e.Pos), cmp.Compare(d.Code, e.Code), cmp.Compare(d.Cluster, e.Cluster),
		cmp.Compare(d.Object, e.Object), cmp.Compare(d.Summary, e.Summary))
}

// String is the one-line form: "file:line:column: error RC2002: summary", control characters escaped.
func (d Diagnostic) String() string {
	return d.place() + d.Severity.String() + " " + string(d.Code) + ": " + Escape(d.Summary)
}

// place is the prefix of the one-line form: where, a colon and a blank, or nothing when no place is known.
func (d Diagnostic) place() string {
	where := d.Pos.String()
	if where == "" {
		where = strings.TrimSpace(d.Cluster + " " + d.Object)
	}
	if where == "" {
		return ""
	}
	return Escape(where) + ": "
}

// wire is the form of a diagnostic that scripts read; the names are stable.
type wire struct {
	Code     Code     `json:"code"`
	Severity Severity `json:"severity"`
	Summary  string   `json:"summary"`
	Detail   string   `json:"detail,omitempty"`
	Hint     string   `json:"hint,omitempty"`
	Fixable  bool     `json:"fixable"`
	File     string   `json:"file,omitempty"`
	Line     int      `json:"line,omitempty"`
	Column   int      `json:"column,omitempty"`
	Cluster  string   `json:"cluster,omitempty"`
	Object   string   `json:"object,omitempty"`
}

// MarshalJSON writes the stable form with file, line and column side by side; the source line is left out.
func (d Diagnostic) MarshalJSON() ([]byte, error) {
	b, err := json.Marshal(wire{
		Code: d.Code, Severity: d.Severity, Summary: d.Summary, Detail: d.Detail, Hint: d.Hint, Fixable: d.Fixable,
		File: d.Pos.File, Line: d.Pos.Line, Column: d.Pos.Column, Cluster: d.Cluster, Object: d.Object,
	})
	if err != nil {
		return nil, fmt.Errorf("encoding diagnostic %s: %w", d.Code, err)
	}
	return b, nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (d *Diagnostic) UnmarshalJSON(b []byte) error {
	var w wire
	if err := json.Unmarshal(b, &w); err != nil {
		return fmt.Errorf("decoding a diagnostic: %w", err)
	}
	*d = Diagnostic{
		Severity: w.Severity, Code: w.Code, Summary: w.Summary, Detail: w.Detail, Hint: w.Hint, Fixable: w.Fixable,
		Pos: Pos{File: w.File, Line: w.Line, Column: w.Column}, Cluster: w.Cluster, Object: w.Object,
	}
	return nil
}

// List is a collection of diagnostics.
type List []Diagnostic

// Sort orders l in place, as Diagnostic.Compare does; equal ones keep their order.
func (l List) Sort() { slices.SortStableFunc(l, Diagnostic.Compare) }

// HasErrors tells whether any is an error.
func (l List) HasErrors() bool { return l.Max() == Error }

// Max is the gravest severity in l, zero when l is empty.
func (l List) Max() Severity {
	var gravest Severity
	for _, d := range l {
		if gravest == 0 || d.Severity < gravest {
			gravest = d.Severity
		}
	}
	return gravest
}

// Count counts by severity.
func (l List) Count() Summary {
	var s Summary
	for _, d := range l {
		switch d.Severity {
		case Error:
			s.Error++
		case Warning:
			s.Warning++
		case Note:
			s.Note++
		}
	}
	return s
}

// Codes returns the codes in l, sorted, each once.
func (l List) Codes() []Code {
	codes := make([]Code, 0, len(l))
	for _, d := range l {
		codes = append(codes, d.Code)
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// Summary counts diagnostics by severity.
type Summary struct {
	Error   int `json:"error"`
	Warning int `json:"warning"`
	Note    int `json:"note"`
}

// String is "1 error, 2 warnings"; notes are counted when there are any.
func (s Summary) String() string {
	out := plural(s.Error, "error") + ", " + plural(s.Warning, "warning")
	if s.Note > 0 {
		out += ", " + plural(s.Note, "note")
	}
	return out
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.Itoa(n) + " " + word + "s"
}

// Findings is the JSON document in which diagnostics are printed.
type Findings struct {
	APIVersion string  `json:"apiVersion"`
	Kind       string  `json:"kind"`
	Findings   List    `json:"findings"`
	Summary    Summary `json:"summary"`
}

// NewFindings wraps a sorted copy of l.
func NewFindings(l List) Findings {
	sorted := append(List{}, l...)
	sorted.Sort()
	return Findings{APIVersion: "rolecall.dev/v1alpha1", Kind: "Findings", Findings: sorted, Summary: sorted.Count()}
}
