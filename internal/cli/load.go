package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rolecall-dev/rolecall/internal/desired"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/policy"
)

const installationFile = "rolecall.yaml"

// sources are the flags that say which policies a run is about.
type sources struct {
	files []string
	prune bool
}

func (s *sources) register(cmd *cobra.Command) {
	cmd.Flags().StringArrayVarP(&s.files, "file", "f", nil, "policy file or folder instead of the installation's policies; may be repeated")
	cmd.Flags().BoolVar(&s.prune, "prune", false, "with -f: treat the files as all policies and remove what none of them wants")
}

// inputs are the files of a run, read and checked on their own.
type inputs struct {
	installation *policy.Installation
	policies     *policy.Set
	coverage     desired.Coverage
	diagnostics  diag.List
	// tags and units say that those of the accounts are asked about, whatever the policies select by.
	tags, units bool
}

// load reads the installation and the policies. Mistakes in them are diagnostics; files that cannot be read are errors.
func (a *app) load(s sources) (*inputs, error) {
	in, path, err := a.installation()
	if err != nil {
		return nil, err
	}
	paths, from := s.files, ""
	switch {
	case len(paths) > 0 && !s.prune:
		in.coverage = desired.Partial
	case len(paths) == 0 && s.prune:
		return nil, usage("--prune goes with -f: without it the policies are complete already")
	case len(paths) == 0 && in.installation != nil:
		for _, p := range in.installation.Policies {
			paths = append(paths, filepath.Join(filepath.Dir(path), p))
		}
		from = "; " + in.installation.Pos("policies").String() + " names it"
	}
	files, err := readPolicies(paths)
	if err != nil {
		return nil, fmt.Errorf("%w%s", err, from)
	}
	var ds diag.List
	in.policies, ds = policy.ParsePolicies(files)
	in.diagnostics = append(in.diagnostics, ds...)
	in.diagnostics.Sort()
	return in, nil
}

// installation reads the installation's file alone.
func (a *app) installation() (in *inputs, path string, err error) {
	if path, err = a.findInstallation(); err != nil {
		return nil, "", err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, "", fmt.Errorf("reading the installation: %w", err)
	}
	in = &inputs{coverage: desired.Complete}
	var ds diag.List
	in.installation, ds = policy.ParseInstallation(path, data)
	in.diagnostics = append(in.diagnostics, ds...)
	if in.installation == nil && !ds.HasErrors() {
		in.diagnostics = append(in.diagnostics, diag.New(diag.RC1004, diag.Pos{File: path}, "the file holds no installation").
			WithHint("rolecall schema Installation prints what belongs there"))
	}
	return in, path, nil
}

// findInstallation is --config, or rolecall.yaml here or in a folder above.
func (a *app) findInstallation() (string, error) {
	if a.flags.config != "" {
		return a.flags.config, nil
	}
	here, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("looking for %s: %w", installationFile, err)
	}
	for dir := here; ; dir = filepath.Dir(dir) {
		path := filepath.Join(dir, installationFile)
		if _, err := os.Stat(path); err == nil {
			if rel, err := filepath.Rel(here, path); err == nil {
				return rel, nil
			}
			return path, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("there is no %s here or in a folder above; name one with --config", installationFile)
		}
	}
}

// readPolicies reads files, and every YAML and JSON file of folders, in sorted order.
func readPolicies(paths []string) ([]policy.File, error) {
	var names []string
	for _, p := range paths {
		err := filepath.WalkDir(p, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && (path == p || slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(path)))) {
				names = append(names, path)
			}
			return err
		})
		if err != nil {
			if pe, ok := errors.AsType[*fs.PathError](err); ok {
				err = pe.Err
			}
			return nil, fmt.Errorf("reading policies from %s: %w", p, err)
		}
	}
	slices.Sort(names)
	var out []policy.File
	for _, n := range slices.Compact(names) {
		data, err := os.ReadFile(n)
		if err != nil {
			return nil, fmt.Errorf("reading a policy: %w", err)
		}
		out = append(out, policy.File{Name: n, Data: data})
	}
	return out, nil
}
