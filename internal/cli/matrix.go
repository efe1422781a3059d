package cli

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/explain"
	"github.com/rolecall-dev/rolecall/internal/graph"
)

// formulaSafe keeps a spreadsheet from taking a name for a formula: such a cell begins with an apostrophe.
func formulaSafe(cell string) string {
	cell = diag.Escape(cell)
	if cell != "" && strings.ContainsRune("=+-@|%", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// reportCSV writes one line an entry. Fields are escaped for terminals and for spreadsheets.
func reportCSV(g *asked, r explain.Report) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	rows := [][]string{{"user", "account", "region", "cluster", "through", "level", "scope", "privileged", "why"}}
	for _, e := range r.Entries {
		scope := "cluster"
		if e.Scope.Namespaces != nil {
			scope = strings.Join(e.Scope.Namespaces, " ")
		}
		if e.Level == access.LevelNone || e.Level == access.LevelUnknown {
			scope = ""
		}
		rows = append(rows, []string{e.User, g.AccountName(e.Account), e.Cluster.Region(), e.Cluster.Name(), e.Through, string(e.Level), scope, fmt.Sprint(e.Privileged), e.Why})
	}
	for _, row := range rows {
		for i := range row {
			row[i] = formulaSafe(row[i])
		}
		_ = w.Write(row) // a strings.Builder takes everything
	}
	w.Flush()
	return b.String()
}

// matrix shows a report as people and clusters.
type matrix struct {
	r        explain.Report
	filtered bool
	users    []string
	cells    map[[2]string]explain.Entry
	heads    []string
	// notes are the scopes below the table, by what they say.
	notes []string
}

func newMatrix(r explain.Report, filtered bool) *matrix {
	m := &matrix{r: r, filtered: filtered, cells: map[[2]string]explain.Entry{}}
	seen := map[string]bool{}
	for _, e := range r.Entries {
		k := [2]string{e.User, string(e.Cluster)}
		old, ok := m.cells[k]
		switch {
		case !ok:
			m.cells[k] = e
		case graph.Higher(e.Level, old.Level):
			e.Privileged, e.Why = e.Privileged || old.Privileged, cmp.Or(e.Why, old.Why)
			m.cells[k] = e
		default:
			old.Privileged, old.Why = old.Privileged || e.Privileged, cmp.Or(old.Why, e.Why)
			m.cells[k] = old
		}
		if e.Level != access.LevelNone || e.Privileged || filtered {
			seen[e.User] = true
		}
	}
	m.users = slices.Sorted(maps.Keys(seen))
	m.heads = headings(r.Clusters)
	return m
}

// headings are the clusters' names, the long form where two are called alike.
func headings(cs []explain.Column) []string {
	count := map[string]int{}
	for _, c := range cs {
		count[c.Cluster.Name()]++
	}
	var out []string
	for _, c := range cs {
		name := c.Cluster.Name()
		if count[name] > 1 {
			name = c.Name
		}
		out = append(out, name)
	}
	return out
}

// cell is the level in one word, with the number of its note.
func (m *matrix) cell(user string, c explain.Column) string {
	e, ok := m.cells[[2]string{user, string(c.Cluster)}]
	switch {
	case !ok && len(c.Unknown) > 0, ok && e.Level == access.LevelUnknown:
		return "?"
	case !ok && m.filtered:
		return ""
	case !ok, e.Level == access.LevelNone && !e.Privileged:
		return "–"
	case e.Level == access.LevelNone:
		return "ADMIN" + m.note(e.Why)
	}
	word := string(e.Level)
	if e.Privileged {
		word = strings.ToUpper(word)
	}
	if e.Scope.Namespaces != nil {
		word += m.note(strings.Join(e.Scope.Namespaces, ", ") + " only")
	}
	return word
}

// note numbers a footnote.
func (m *matrix) note(text string) string {
	i := slices.Index(m.notes, text)
	if i < 0 {
		m.notes = append(m.notes, text)
		i = len(m.notes) - 1
	}
	return superscript(i + 1)
}

func superscript(n int) string {
	var b strings.Builder
	for _, d := range fmt.Sprint(n) {
		b.WriteString(string([]rune("⁰¹²³⁴⁵⁶⁷⁸⁹")[d-'0']))
	}
	return b.String()
}

// String is the table, in blocks of as many clusters as the screen is wide.
func (m *matrix) String() string {
	var l lines
	if len(m.users) == 0 {
		l.line("Nobody of Identity Center has access that matches.")
	}
	for from := 0; from < len(m.r.Clusters) && len(m.users) > 0; {
		to := m.block(from)
		t := newTable()
		t.row(append([]string{""}, m.heads[from:to]...)...)
		for _, u := range m.users {
			row := []string{u}
			for _, c := range m.r.Clusters[from:to] {
				row = append(row, m.cell(u, c))
			}
			t.row(row...)
		}
		if from > 0 {
			l.line("")
		}
		l.b.WriteString(t.String())
		from = to
	}
	m.footnotes(&l)
	return l.b.String()
}

// block says how many clusters, from the one given on, fit beside the names; one always does.
func (m *matrix) block(from int) int {
	width := 0
	for _, u := range m.users {
		width = max(width, utf8.RuneCountInString(diag.Escape(u)))
	}
	to := from
	for to < len(m.heads) {
		width += 2 + max(utf8.RuneCountInString(m.heads[to]), len("custom"))
		if width > screenWidth && to > from {
			break
		}
		to++
	}
	return to
}

func (m *matrix) footnotes(l *lines) {
	for i, n := range m.notes {
		l.wrapped(superscript(i+1)+" ", "  ", n)
	}
	for i, c := range m.r.Clusters {
		for _, why := range c.Unknown {
			l.wrapped("? ", "  ", m.heads[i]+": "+why)
		}
	}
	door := map[string]bool{}
	for _, e := range m.r.Entries {
		if e.Level == access.LevelNone && !slices.Contains(m.users, e.User) {
			door[e.User] = true
		}
	}
	if len(door) > 0 {
		l.line("Not shown: %s with a permission set that leads to nothing (-o json has them).", persons(len(door)))
	}
}

// markdown is the table for pull requests.
func (m *matrix) markdown() string {
	var l lines
	safe := strings.NewReplacer("|", "\\|", "<", "&lt;", "*", "\\*", "_", "\\_", "`", "\\`", "[", "\\[")
	l.line("| | %s |", strings.Join(m.heads, " | "))
	l.line("|---%s|", strings.Repeat("|---", len(m.heads)))
	for _, u := range m.users {
		row := []string{safe.Replace(u)}
		for _, c := range m.r.Clusters {
			row = append(row, m.cell(u, c))
		}
		l.line("| %s |", strings.Join(row, " | "))
	}
	for i, n := range m.notes {
		l.line("")
		l.line("%s %s", superscript(i+1), safe.Replace(n))
	}
	for i, c := range m.r.Clusters {
		for _, why := range c.Unknown {
			l.line("")
			l.line("? %s: %s", safe.Replace(m.heads[i]), safe.Replace(why))
		}
	}
	return l.b.String()
}
