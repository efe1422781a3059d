package diag

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Entry is what there is to know about a code.
type Entry struct {
	Code  Code
	Title string
	// Severity is the default. Other, where set, is what it becomes in the cases the explanation names.
	Severity, Other Severity
	// Explanation says why it matters, Remedy what to do about it.
	Explanation, Remedy string
	// Fixable says that lint --fix mends it.
	Fixable bool
	// Flag is the one flag that passes a guard; "" for guards that no flag passes, and for everything else.
	Flag string
}

// registry is every entry, sorted by code.
//
//nolint:gochecknoglobals // a constant table; Go has no constant slices
var registry = slices.SortedFunc(slices.Values(slices.Concat(
	policyEntries(), mapRowEntries(), mapTextEntries(), liveEntries(), guardEntries(), worldEntries(),
)), func(a, b Entry) int { return cmp.Compare(a.Code, b.Code) })

// Lookup finds a code, in any case.
func Lookup(code Code) (Entry, bool) {
	want := Code(strings.ToUpper(string(code)))
	i, ok := slices.BinarySearchFunc(registry, want, func(e Entry, c Code) int { return cmp.Compare(e.Code, c) })
	if !ok {
		return Entry{}, false
	}
	return registry[i], true
}

// Codes lists every code, sorted.
func Codes() []Code {
	codes := make([]Code, len(registry))
	for i, e := range registry {
		codes[i] = e.Code
	}
	return codes
}

// Family is a group of codes and what they are about.
type Family struct {
	Prefix, Title string
}

// Families lists the groups of codes in order.
func Families() []Family {
	return []Family{
		{Prefix: "RC1", Title: "Policies and installations"},
		{Prefix: "RC2", Title: "aws-auth"},
		{Prefix: "RC3", Title: "Live state"},
		{Prefix: "RC4", Title: "Guards"},
		{Prefix: "RC5", Title: "The world"},
	}
}

// Severities is the default severity, and the other one where there is one: "warning, or error".
func (e Entry) Severities() string {
	if e.Other == 0 {
		return e.Severity.String()
	}
	return e.Severity.String() + ", or " + e.Other.String()
}

// marks are what else there is to say about a code in a word or two.
func (e Entry) marks() string {
	marks := []string{e.Severities()}
	if e.Fixable {
		marks = append(marks, "fixed by rolecall lint --fix")
	}
	if strings.HasPrefix(string(e.Code), "RC4") {
		marks = append(marks, "passed by "+cmp.Or(e.Flag, "no flag"))
	}
	return strings.Join(marks, "; ")
}

// Explain writes an entry for a terminal, wrapped at 100 columns.
func Explain(w io.Writer, e Entry) error {
	lines := []string{string(e.Code) + ": " + e.Title, "(" + e.marks() + ")", ""}
	lines = append(lines, wrap(e.Explanation, 100)...)
	lines = append(lines, "")
	lines = append(lines, wrap("What to do: "+e.Remedy, 100)...)
	if _, err := io.WriteString(w, strings.Join(lines, "\n")+"\n"); err != nil {
		return fmt.Errorf("explaining %s: %w", e.Code, err)
	}
	return nil
}

// Markdown writes the whole registry as the page docs/diagnostics.md.
func Markdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# Diagnostics\n\n" +
		"Every problem rolecall reports has a code, which never changes its meaning. This page is generated from the registry in\n" +
		"`internal/diag`; `rolecall codes RC2002` prints one entry offline. An error breaks access or safety, a warning is a trap, a\n" +
		"note is information.\n")
	for _, f := range Families() {
		b.WriteString("\n## " + f.Title + "\n")
		for _, e := range registry {
			if strings.HasPrefix(string(e.Code), f.Prefix) {
				b.WriteString("\n" + e.markdown())
			}
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing the page of diagnostics: %w", err)
	}
	return nil
}

func (e Entry) markdown() string {
	escape := strings.NewReplacer("<", "&lt;", "*", `\*`)
	return "### " + string(e.Code) + ": " + escape.Replace(e.Title) + "\n\n*" + e.marks() + "*\n\n" +
		escape.Replace(e.Explanation) + "\n\n**What to do:** " + escape.Replace(e.Remedy) + "\n"
}
