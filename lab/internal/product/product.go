// Package product builds the rolecall command of this checkout and runs it as a
// process of its own, the way a person does.
package product

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/rolecall-dev/rolecall/lab/internal/binaries"
)

// Binary is a built rolecall command.
type Binary struct{ Path string }

// Root finds the checkout that dir lies in.
func Root(dir string) (string, error) {
	module := binaries.FindModule(dir)
	if module == "" {
		return "", fmt.Errorf("%s is not inside a checkout of rolecall", dir)
	}
	return filepath.Dir(filepath.Dir(module)), nil
}

// Build compiles the checkout's rolecall into a directory.
func Build(ctx context.Context, root, dir string) (Binary, error) {
	b := Binary{Path: filepath.Join(dir, "rolecall")}
	cmd := exec.CommandContext(ctx, "go", "build", "-o", b.Path, "./cmd/rolecall")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return Binary{}, fmt.Errorf("building rolecall: %w\n%s", err, out)
	}
	return b, nil
}

// Output is what a run printed and how it ended.
type Output struct {
	Stdout, Stderr string
	Code           int
}

// All is both streams, stdout first.
func (o Output) All() string { return strings.TrimRight(o.Stdout+o.Stderr, "\n") }

// Command is one run.
type Command struct {
	Args []string
	// Env is added to the process' own environment; an empty value unsets a variable for the AWS SDK.
	Env []string
	Dir string
	// Kill ends the run with SIGKILL when its context ends, and not with SIGINT.
	Kill bool
}

// Run runs the command to its end. Only a command that could not be run is an error. Its files of backups stay beside the binary.
func (b Binary) Run(ctx context.Context, c Command) (Output, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, b.Path, c.Args...)
	cmd.Dir, cmd.Env = c.Dir, append(append(os.Environ(), "XDG_STATE_HOME="+filepath.Join(filepath.Dir(b.Path), "state")), c.Env...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if !c.Kill {
		cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	}
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return Output{}, fmt.Errorf("running %s: %w", strings.Join(append([]string{"rolecall"}, c.Args...), " "), err)
	}
	return Output{Stdout: stdout.String(), Stderr: stderr.String(), Code: cmd.ProcessState.ExitCode()}, nil
}
