package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// showLint writes the findings in the form asked for. Tables end with a summary; in the forms for programs it goes to stderr.
func (a *app) showLint(l *linted) error {
	if l.flags.writeBaseline {
		return nil
	}
	out := a.host.Stdout
	var err error
	switch a.flags.output {
	case "json", "yaml":
		err = a.document(diag.NewFindings(l.findings))
		a.sayBaseline(l)
	case "sarif":
		err = diag.SARIF(out, l.findings)
		a.sayBaseline(l)
		if n := len(l.findings); n > diag.MaxResults {
			a.say("%d of %d findings are in the log, the gravest: code scanning takes no more", diag.MaxResults, n)
		}
	case "github":
		if err = diag.GitHub(out, l.findings); err == nil {
			err = a.print("%s\n", l.summary(a))
		}
	case "markdown":
		if err = diag.MarkdownTable(out, l.findings); err == nil {
			if len(l.findings) > 0 {
				err = a.print("\n")
			}
		}
		if err == nil {
			err = a.print("%s\n", diag.EscapeMarkdown(l.summary(a)))
		}
	default:
		err = a.lintTable(l)
	}
	if err != nil {
		return fmt.Errorf("writing the findings: %w", err)
	}
	return nil
}

// lintTable is for people. Where stdout carries a text or a diff, it goes to stderr.
func (a *app) lintTable(l *linted) error {
	w, terminal := a.host.Stdout, a.host.StdoutTerminal
	if l.textOut() {
		w, terminal = a.host.Stderr, a.host.StderrTerminal
	}
	if err := diag.RenderAll(w, l.findings, diag.Options{Color: a.color(terminal), Width: screenWidth}); err != nil {
		return err
	}
	gap := ""
	if len(l.findings) > 0 {
		gap = "\n"
	}
	_, err := fmt.Fprint(w, gap+l.summary(a)+"\n")
	return err //nolint:wrapcheck // showLint says what was being written
}

// summary is the last line: how many findings in how many rows, how many are known already, and the command that mends.
func (l *linted) summary(a *app) string {
	rows := 0
	for _, s := range l.subjects {
		rows += s.rows()
	}
	var b strings.Builder
	left := ""
	switch {
	case l.flags.fix:
		b.WriteString("Mended " + count(l.mended, l.noun()) + ": ")
		left = " left"
	case l.flags.diff:
		b.WriteString("Nothing was written: ")
		left = " would be left"
	}
	b.WriteString(l.findings.Count().String() + left + " in " + count(rows, "row"))
	if n := len(l.files); n > 1 {
		b.WriteString(" of " + count(len(l.subjects), "document") + "; " + count(n, "file") + " looked at")
	}
	b.WriteString(".")
	b.WriteString(l.accepted())
	b.WriteString(l.fixable(a))
	return diag.Escape(b.String())
}

// noun is what the run is about.
func (l *linted) noun() string {
	if len(l.flags.paths) == 0 {
		return "cluster"
	}
	return "file"
}

// accepted says what the baseline did.
func (l *linted) accepted() string {
	out := ""
	if l.known > 0 {
		out += " " + count(l.known, "known finding") + " not shown (" + l.flags.baseline + ")."
	}
	if l.stale > 0 {
		out += " " + count(l.stale, "finding") + " of " + l.flags.baseline + " no longer there: --write-baseline drops what is not."
	}
	return out
}

// sayBaseline tells it on stderr, where stdout is for programs.
func (a *app) sayBaseline(l *linted) {
	if said := l.accepted(); said != "" {
		a.say("%s", strings.TrimSpace(said))
	}
}

// fixable says how many findings --fix mends and how to have it done.
func (l *linted) fixable(a *app) string {
	n := 0
	for _, d := range l.findings {
		if d.Fixable {
			n++
		}
	}
	command := a.name + " lint --fix" + l.again(a.flags.config)
	switch {
	case l.flags.diff && l.mended > 0:
		return " To write it: " + command
	case n == 0 || l.flags.fix || l.flags.diff:
		return ""
	}
	many := strconv.Itoa(n)
	if n == 1 {
		many = "One"
	}
	return " " + many + " can be fixed: " + command
}

// again spells what the run was about, for the next command.
func (l *linted) again(config string) string {
	var args []string
	if l.flags.all && len(l.flags.paths) == 0 {
		args = append(args, "--all-clusters")
	}
	if l.flags.cluster != "" {
		args = append(args, "--cluster", l.flags.cluster)
	}
	if l.flags.account != "" {
		args = append(args, "--account", l.flags.account)
	}
	if live := l.flags.all || l.flags.cluster != ""; live && config != "" {
		args = append(args, "--config", config)
	}
	return spell(append(args, l.flags.paths...))
}

// rows counts the rows of the document, those included that the authenticator drops.
func (s subject) rows() int {
	data := map[string]string{}
	for _, v := range s.document.Values {
		data[v.Key] = v.Text
	}
	d := awsauth.Parse(data)
	n := len(d.Roles) + len(d.Users) + len(d.Accounts)
	for _, p := range d.Problems {
		if p.Row >= 0 {
			n++
		}
	}
	return n
}
