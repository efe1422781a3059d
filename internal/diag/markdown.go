package diag

import (
	"fmt"
	"io"
	"strings"
)

// MarkdownTable writes l as a table for a pull request or a job's summary, sorted. Text from outside is shown as it is: none of it is
// taken for Markdown or HTML.
func MarkdownTable(w io.Writer, l List) error {
	sorted := append(List{}, l...)
	sorted.Sort()
	var b strings.Builder
	if len(sorted) > 0 {
		b.WriteString("| | Where | What |\n| --- | --- | --- |\n")
	}
	for _, d := range sorted {
		where := d.Pos.String()
		if where == "" {
			where = strings.TrimSpace(d.Cluster + " " + d.Object)
		}
		what := "**" + EscapeMarkdown(d.Summary) + "**" + strings.ReplaceAll(markdownText.Replace(d.more("\n")), "\n", "<br>")
		b.WriteString("| " + d.Severity.String() + " " + string(d.Code) + " | " + EscapeMarkdown(where) + " | " + what + " |\n")
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing a table: %w", err)
	}
	return nil
}

// EscapeMarkdown makes text from outside safe in Markdown: it is shown as it is, control characters as Escape shows them.
func EscapeMarkdown(s string) string { return markdownText.Replace(Escape(s)) }

// markdownText escapes what Markdown or HTML would take for its own.
//
//nolint:gochecknoglobals // a constant replacer; Go has none
var markdownText = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "|", `\|`, "~", `\~`, "#", `\#`, "!", `\!`, "$", `\$`,
	"<", "&lt;", ">", "&gt;", "&", "&amp;",
)
