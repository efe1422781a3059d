package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/diag"
)

// baseline is a file of findings that are known and accepted. It is meant to be committed.
type baseline struct {
	APIVersion string  `json:"apiVersion"`
	Kind       string  `json:"kind"`
	Findings   []known `json:"findings"`
}

const baselineKind = "Baseline"

// known is one accepted finding. File is the cluster's name where the finding is about a cluster.
type known struct {
	Code        diag.Code `json:"code"`
	File        string    `json:"file"`
	Fingerprint string    `json:"fingerprint"`
}

func (k known) compare(o known) int {
	return cmp.Or(cmp.Compare(k.File, o.File), cmp.Compare(k.Code, o.Code), cmp.Compare(k.Fingerprint, o.Fingerprint))
}

// knownOf is how each of the findings is recorded.
func knownOf(l diag.List) []known {
	out := make([]known, len(l))
	for i, fingerprint := range l.Fingerprints() {
		out[i] = known{Code: l[i].Code, File: cmp.Or(l[i].Pos.File, l[i].Cluster), Fingerprint: fingerprint}
	}
	return out
}

func readBaseline(path string) (*baseline, error) {
	data, err := readFile(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w; --write-baseline makes it", err)
		}
		return nil, err
	}
	var b baseline
	if err := json.Unmarshal(data, &b); err != nil {
		return nil, fmt.Errorf("%s is not a baseline: %w", path, err)
	}
	if b.APIVersion != apiVersion || b.Kind != baselineKind {
		return nil, fmt.Errorf("%s is not a baseline: it is a %q of %q", path, b.Kind, b.APIVersion)
	}
	return &b, nil
}

// writeBaseline records the findings, sorted. The file names no people and everybody may read it.
func writeBaseline(path string, l diag.List) error {
	b := baseline{APIVersion: apiVersion, Kind: baselineKind, Findings: knownOf(l)}
	slices.SortFunc(b.Findings, known.compare)
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	return replaceFile(path, mode, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(b)
	})
}

// accept takes the findings of the baseline out of l, or writes them all to it.
func (l *linted) accept(a *app) error {
	path := l.flags.baseline
	if l.flags.writeBaseline {
		if err := writeBaseline(path, l.findings); err != nil {
			return err
		}
		a.say("Wrote %s to %s", count(len(l.findings), "known finding"), path)
		return nil
	}
	if path == "" {
		return nil
	}
	b, err := readBaseline(path)
	if err != nil {
		return err
	}
	left := map[known]bool{}
	for _, k := range b.Findings {
		left[k] = true
	}
	var shown diag.List
	for i, k := range knownOf(l.findings) {
		if !left[k] {
			shown = append(shown, l.findings[i])
			continue
		}
		delete(left, k)
		l.known++
	}
	l.findings, l.stale = shown, len(left)
	return nil
}
