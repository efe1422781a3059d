package diag

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// annotations is how many annotations of each kind GitHub shows of one step.
const annotations = 10

// GitHub writes l as workflow commands, which become annotations of the lines concerned: the gravest first, since only the
// first ten of each kind are shown. A last line says how many are not; the log has them all.
func GitHub(w io.Writer, l List) error {
	var b strings.Builder
	hidden, n := 0, map[Severity]int{}
	for _, d := range l.gravest() {
		if n[d.Severity]++; n[d.Severity] > annotations {
			hidden++
		}
		b.WriteString(d.workflowCommand() + "\n")
	}
	if hidden > 0 {
		b.WriteString(strconv.Itoa(hidden) + " more than GitHub shows as annotations; all of them are above\n")
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing workflow commands: %w", err)
	}
	return nil
}

// gravest returns a copy of l, the gravest first and otherwise as Sort orders.
func (l List) gravest() List {
	out := append(List{}, l...)
	out.Sort()
	slices.SortStableFunc(out, func(a, b Diagnostic) int { return int(a.Severity) - int(b.Severity) })
	return out
}

func (d Diagnostic) workflowCommand() string {
	kind := d.Severity.String()
	if d.Severity == Note {
		kind = "notice"
	}
	var properties []string
	property := func(name, value string) {
		properties = append(properties, name+"="+workflowProperty.Replace(Escape(value)))
	}
	live := d.Cluster != "" && strings.HasPrefix(d.Pos.File, d.Cluster+" ")
	if d.Pos.File != "" && !live {
		property("file", d.Pos.File)
		if d.Pos.Line > 0 {
			property("line", strconv.Itoa(d.Pos.Line))
		}
		if d.Pos.Line > 0 && d.Pos.Column > 0 {
			property("col", strconv.Itoa(d.Pos.Column))
			property("endColumn", strconv.Itoa(d.Pos.Column+max(d.Pos.Width, 1)))
		}
	}
	property("title", string(d.Code))
	message := Escape(d.Summary) + d.more("\n")
	where := strings.TrimSpace(d.Cluster + " " + d.Object)
	if live {
		// A place in a cluster is none in the repository.
		where = d.Pos.String()
	}
	if where != "" {
		message = Escape(where) + ": " + message
	}
	return "::" + kind + " " + strings.Join(properties, ",") + "::" + workflowData.Replace(message)
}

// more is the detail and the hint, each line of them after a separator and without control characters.
func (d Diagnostic) more(separator string) string {
	var b strings.Builder
	add := func(prefix, text string) {
		if text == "" {
			return
		}
		for i, line := range escapeLines(text) {
			if i == 0 {
				line = prefix + line
			}
			b.WriteString(separator + line)
		}
	}
	add("", d.Detail)
	add("hint: ", d.Hint)
	return b.String()
}

// What a workflow command would take for its own syntax.
//
//nolint:gochecknoglobals // constant replacers; Go has none
var (
	workflowData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	workflowProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)
