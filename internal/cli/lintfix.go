package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/lint"
	"github.com/rolecall-dev/rolecall/internal/manifest"
)

// textOut tells whether stdout carries a diff or a mended text, so that what is said of it goes to stderr.
func (l *linted) textOut() bool { return l.flags.diff || l.fixesInput() }

func (l *linted) fixesInput() bool {
	for _, f := range l.files {
		if f.Name == standardInput {
			return l.flags.fix
		}
	}
	return false
}

// mend works out all fixes and shows them. What is judged afterwards is the new text; only --fix writes it.
func (a *app) mend(ctx context.Context, l *linted) error {
	if len(l.flags.paths) == 0 {
		return a.mendClusters(ctx, l)
	}
	edits := map[*lintFile]map[int][]manifest.Edit{}
	for _, s := range l.subjects {
		if es := lint.Fix(s.document, s.options); len(es) > 0 {
			if edits[s.file] == nil {
				edits[s.file] = map[int][]manifest.Edit{}
			}
			edits[s.file][s.index] = es
		}
	}
	for _, f := range l.files {
		if err := a.mendFile(l, f, edits[f]); err != nil {
			return err
		}
	}
	l.readFiles()
	return nil
}

// mendFile shows what the edits make of a file and, with --fix, writes it.
func (a *app) mendFile(l *linted, f *lintFile, edits map[int][]manifest.Edit) error {
	text := f.Data
	if len(edits) > 0 {
		carryOut := manifest.Apply
		if l.flags.options.AllowRewrite {
			carryOut = manifest.Rewrite
		}
		var err error
		if text, err = carryOut(f.File, edits); err != nil {
			err = fmt.Errorf("mending %s: %w", f.Name, err)
			if errors.Is(err, manifest.ErrStyle) && !l.flags.options.AllowRewrite {
				err = fmt.Errorf("%w; --allow-rewrite writes that one value anew, every row as it is meant, without its comments", err)
			}
			return err
		}
	}
	if err := a.showDiff(l, f.Name, f.Data, text); err != nil {
		return err
	}
	changed := !bytes.Equal(f.Data, text)
	if l.flags.fix && f.Name == standardInput {
		if _, err := a.host.Stdout.Write(text); err != nil {
			return fmt.Errorf("writing the mended text: %w", err)
		}
	} else if l.flags.fix && changed {
		if err := overwrite(f.File, text); err != nil {
			return err
		}
	}
	if changed {
		l.mended++
		f.Data = text
		f.parse()
	}
	return nil
}

// showDiff writes what would change. It goes to stdout unless that is for a document or a mended text.
func (a *app) showDiff(l *linted, name string, before, after []byte) error {
	w, terminal := a.host.Stdout, a.host.StdoutTerminal
	if a.flags.output != "table" || l.fixesInput() {
		w, terminal = a.host.Stderr, a.host.StderrTerminal
	}
	name = diag.Escape(name)
	text := string(diff.Diff(name, before, name, after))
	if terminal {
		text = a.paintDiff(text, terminal)
	}
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("writing the difference: %w", err)
	}
	return nil
}

// paintDiff makes a diff fit for a terminal: nothing in it can steer it, and lines that go or come have their colour.
func (a *app) paintDiff(text string, terminal bool) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = diag.Escape(strings.ReplaceAll(strings.TrimSuffix(line, "\n"), "\t", "    "))
		color := map[byte]string{'-': "31", '+': "32", '@': "36"}[(line + " ")[0]]
		if color != "" && a.color(terminal) {
			line = "\x1b[" + color + "m" + line + "\x1b[0m"
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// overwrite replaces a file that is still as it was read, whole or not at all, and keeps its mode.
func overwrite(f manifest.File, text []byte) error {
	info, err := os.Lstat(f.Name)
	if err != nil {
		return fmt.Errorf("writing %s: %w", f.Name, err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("writing %s: it is not a regular file; name the file that it leads to", f.Name)
	}
	now, err := readFile(f.Name)
	if err != nil {
		return err
	}
	if !bytes.Equal(now, f.Data) {
		return fmt.Errorf("writing %s: it was changed since it was read; run it again", f.Name)
	}
	return replaceFile(f.Name, info.Mode().Perm(), func(w io.Writer) error {
		_, err := w.Write(text)
		return err //nolint:wrapcheck // replaceFile says what was being written
	})
}
