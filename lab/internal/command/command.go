// Package command is the command line of rolecall-lab.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/rolecall-dev/rolecall/lab/internal/binaries"
)

// Process is what a command may use of the process it runs in.
type Process struct {
	Stdout, Stderr io.Writer
	// Getenv reads an environment variable.
	Getenv func(string) string
	// Dir is the working directory.
	Dir string
	// Now tells the time.
	Now func() time.Time
}

// Main runs a command line and returns the exit code: 0, 1 when the command
// failed or was refused, 64 when it was misused.
func Main(ctx context.Context, p Process, args []string) int {
	root := &cobra.Command{
		Use:   "rolecall-lab",
		Short: "An AWS organization with EKS clusters on this machine",
		Long: `rolecall-lab runs an AWS simulator (Organizations, IAM Identity Center, its
identity store, IAM, STS, EKS) in front of real Kubernetes API servers whose
tokens are checked by the real aws-iam-authenticator. Nothing in it reaches AWS.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		CompletionOptions: cobra.CompletionOptions{
			DisableDefaultCmd: true,
		},
	}
	root.SetArgs(args)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(p.build(), p.up(), p.session(), p.group(), p.user(), p.snapshot(), p.demo())
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintf(p.Stderr, "rolecall-lab: %v\n", err)
	if usage := (usageError{}); errors.As(err, &usage) {
		return 64
	}
	return 1
}

// usageError is a mistake on the command line.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

// noArgs refuses positional arguments.
func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("unexpected argument %q", args[0])}
	}
	return nil
}

// required refuses empty flags.
func required(values map[string]string, order ...string) error {
	for _, name := range order {
		if values[name] == "" {
			return usageError{fmt.Errorf("--%s is required", name)}
		}
	}
	return nil
}

// dirFlag adds --dir, the directory in which a laboratory tells where it is.
func (p Process) dirFlag(c *cobra.Command, dir *string) {
	c.Flags().StringVar(dir, "dir", "", "directory of the laboratory (default $ROLECALL_LAB_DIR, then the user's cache)")
}

func (p Process) labDir(flag string) (string, error) {
	if flag == "" {
		flag = p.Getenv("ROLECALL_LAB_DIR")
	}
	if flag != "" {
		abs, err := filepath.Abs(flag)
		if err != nil {
			return "", fmt.Errorf("finding the laboratory's directory: %w", err)
		}
		return abs, nil
	}
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the laboratory's directory: %w", err)
	}
	return filepath.Join(base, "rolecall", "lab"), nil
}

// binaries finds or builds the control plane's programs.
func (p Process) binaries(ctx context.Context) (binaries.Set, error) {
	cache, err := binaries.DefaultCache()
	if err != nil {
		return binaries.Set{}, err
	}
	return binaries.Find(ctx, binaries.Options{
		Assets: p.Getenv("KUBEBUILDER_ASSETS"), Cache: cache, Module: binaries.FindModule(p.Dir),
		Progress: p.Stderr, Now: p.Now,
	})
}
