package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"sigs.k8s.io/yaml"

	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// say writes one line to stderr, control characters escaped.
func (a *app) say(format string, args ...any) {
	for line := range strings.SplitSeq(fmt.Sprintf(format, args...), "\n") {
		_, _ = fmt.Fprintln(a.host.Stderr, diag.Escape(line))
	}
}

// print writes to stdout.
func (a *app) print(format string, args ...any) error {
	if _, err := fmt.Fprintf(a.host.Stdout, format, args...); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}

// document writes v in a machine form.
func (a *app) document(v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		b = diag.EscapeJSON(b)
	}
	if err == nil && a.flags.output == "yaml" {
		b, err = printableYAML(b)
	}
	if err != nil {
		return fmt.Errorf("encoding the result: %w", err)
	}
	if _, err := fmt.Fprintln(a.host.Stdout, strings.TrimRight(string(b), "\n")); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}

// printableYAML turns JSON into YAML. Where a name has characters that a terminal would obey it stays JSON, which is YAML too and escapes them.
func printableYAML(text []byte) ([]byte, error) {
	out, err := yaml.JSONToYAML(text)
	if err != nil {
		return nil, err //nolint:wrapcheck // document says what was being encoded
	}
	if !bytes.Equal(diag.EscapeJSON(out), out) {
		return text, nil
	}
	return out, nil
}

// diagnostics renders mistakes and findings on stderr.
func (a *app) diagnostics(l diag.List) error {
	if err := diag.RenderAll(a.host.Stderr, l, diag.Options{Color: a.color(a.host.StderrTerminal), Width: screenWidth}); err != nil {
		return fmt.Errorf("writing diagnostics: %w", err)
	}
	return nil
}

// writeFile writes a file that names people: nobody else may read it, and it is whole or not there.
func writeFile(path string, write func(io.Writer) error) error {
	return replaceFile(path, 0o600, write)
}

// replaceFile writes a file of that mode; it is whole, or as it was.
func replaceFile(path string, mode fs.FileMode, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	defer os.Remove(f.Name()) //nolint:errcheck // it is gone once it was renamed
	if err = write(f); err == nil {
		err = f.Chmod(mode)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// screenWidth is how wide lines for people get.
const screenWidth = 100

// table lines up columns by what is seen.
type table struct{ rows [][]string }

func newTable() *table { return &table{} }

func (t *table) row(cells ...string) {
	for i := range cells {
		cells[i] = diag.Escape(cells[i])
	}
	t.rows = append(t.rows, cells)
}

func (t *table) String() string {
	var widths []int
	for _, r := range t.rows {
		for i, c := range r {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	var b strings.Builder
	for _, r := range t.rows {
		var line strings.Builder
		for i, c := range r {
			line.WriteString(c)
			if i < len(r)-1 {
				line.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c)+2))
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

// progress shows how far long work has come: a live line on a terminal, otherwise one line every few seconds.
type progress struct {
	a     *app
	mu    sync.Mutex
	live  bool
	quiet bool
	last  time.Time
	shown bool
}

// plainInterval is how often progress is told where nothing can be redrawn.
const plainInterval = 5 * time.Second

func (a *app) progress() *progress {
	return &progress{
		a: a, quiet: a.flags.progress == "none", last: a.host.Now(),
		live: a.flags.progress == "auto" && a.host.StderrTerminal && a.host.Getenv("TERM") != "dumb",
	}
}

func (p *progress) reading(s snapshot.Progress) {
	p.tell(fmt.Sprintf("Reading %s  %d of %d", s.Phase, s.Done, s.Total))
}

func (p *progress) tell(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.a.host.Now()
	switch {
	case p.quiet:
	case p.live:
		_, _ = fmt.Fprintf(p.a.host.Stderr, "\r\x1b[K%s", diag.Escape(line))
		p.shown = true
	case now.Sub(p.last) >= plainInterval:
		p.last = now
		_, _ = fmt.Fprintln(p.a.host.Stderr, diag.Escape(line))
	}
}

// clear removes the live line.
func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		_, _ = fmt.Fprint(p.a.host.Stderr, "\r\x1b[K")
		p.shown = false
	}
}
