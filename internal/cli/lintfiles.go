package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/manifest"
)

// standardInput is what standard input is called among files.
const standardInput = "-"

// lintFile is a file that was looked at, and the documents in it.
type lintFile struct {
	manifest.File
	// named tells that the file was named, not met in a folder.
	named       bool
	documents   []manifest.Document
	diagnostics diag.List
}

// lintFiles reads files, and of folders those that may hold aws-auth. What is found in a folder and is something else is passed over.
func (a *app) lintFiles(paths []string) ([]*lintFile, error) {
	var out []*lintFile
	seen := map[string]bool{}
	add := func(path string, read func() ([]byte, error), named bool) error {
		if seen[path] {
			return nil
		}
		seen[path] = true
		data, err := read()
		if err != nil {
			return err
		}
		f := &lintFile{File: manifest.File{Name: path, Data: data}, named: named}
		f.parse()
		out = append(out, f)
		return nil
	}
	for _, p := range paths {
		var err error
		switch info, e := os.Stat(p); {
		case p == standardInput:
			err = add(p, a.readInput, true)
		case e == nil && info.IsDir():
			err = walkFolder(p, func(path string) error {
				return add(path, func() ([]byte, error) { return readFile(path) }, false)
			})
		default:
			p = filepath.Clean(p)
			err = add(p, func() ([]byte, error) { return readFile(p) }, true)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (a *app) readInput() ([]byte, error) {
	data, err := io.ReadAll(a.host.Stdin)
	if err != nil {
		return nil, fmt.Errorf("reading standard input: %w", err)
	}
	return data, nil
}

// parse finds the documents of the file.
func (f *lintFile) parse() {
	if !f.named && !mayHoldAwsAuth(f.Data) {
		return
	}
	f.documents, f.diagnostics = manifest.Read(f.File)
	if !f.named && len(f.documents) == 0 {
		f.diagnostics = slices.DeleteFunc(f.diagnostics, func(d diag.Diagnostic) bool { return d.Code == diag.RC2028 })
	}
}

// walkFolder calls fn for every regular file that may hold aws-auth, sorted. Hidden folders and those of others' code are left out.
func walkFolder(root string, fn func(string) error) error {
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != root && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "vendor") {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() || !slices.Contains([]string{".yaml", ".yml", ".json", ".tf", ".ts", ".py"}, strings.ToLower(filepath.Ext(name))) {
			return nil
		}
		return fn(path)
	})
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("reading %s: %w", pe.Path, pe.Err)
	}
	return err //nolint:wrapcheck // fn has said what it was doing
}

// mayHoldAwsAuth tells whether a file met in a folder is worth reading: every form of aws-auth has one of these words.
func mayHoldAwsAuth(data []byte) bool {
	lower := bytes.ToLower(bytes.ReplaceAll(data, []byte{0}, nil)) // UTF-16 has a zero in every other byte
	return slices.ContainsFunc([]string{"aws-auth", "maproles", "mapusers", "rolearn", "userarn", "iamidentitymappings"}, func(word string) bool {
		return bytes.Contains(lower, []byte(word))
	})
}
