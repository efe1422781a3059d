package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/rolecall-dev/rolecall/lab/internal/laboratory"
	"github.com/rolecall-dev/rolecall/lab/internal/organization"
	"github.com/rolecall-dev/rolecall/lab/internal/product"
	"github.com/rolecall-dev/rolecall/lab/internal/workspace"
)

func (p Process) snapshot() *cobra.Command {
	var org, config, out string
	c := &cobra.Command{
		Use:   "snapshot",
		Short: "Write the snapshot of a fresh laboratory, for use without one",
		Long: `snapshot starts a laboratory, takes a snapshot of it with the rolecall of this checkout, takes
out what differs from one laboratory to the next, and writes it.`,
		Example: `  rolecall-lab snapshot --org examples/acme/organization.yaml --config examples/acme/rolecall.yaml --out snapshot.json`,
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return p.runSnapshot(c.Context(), org, config, out) },
	}
	c.Flags().StringVar(&org, "org", "examples/acme/organization.yaml", "the organization's file")
	c.Flags().StringVar(&config, "config", "examples/acme/rolecall.yaml", "the installation")
	c.Flags().StringVar(&out, "out", "examples/acme/snapshot.json", "the file to write")
	return c
}

func (p Process) runSnapshot(ctx context.Context, orgFile, config, out string) (err error) {
	org, err := organization.Read(orgFile)
	if err != nil {
		return err
	}
	root, err := product.Root(p.Dir)
	if err != nil {
		return err
	}
	work, err := workspace.New(os.TempDir())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, work.Remove()) }()
	binary, err := product.Build(ctx, root, work.Dir)
	if err != nil {
		return err
	}
	set, err := p.binaries(ctx)
	if err != nil {
		return err
	}
	lab, err := laboratory.Start(ctx, laboratory.Options{Organization: org, Binaries: set, Dir: filepath.Join(work.Dir, "lab"), AssignmentDelay: time.Second, Now: p.Now})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lab.Close()) }()
	caller, err := lab.Key(org.Caller)
	if err != nil {
		return err
	}
	config, err = filepath.Abs(config)
	if err != nil {
		return fmt.Errorf("finding the installation: %w", err)
	}
	var env []string
	for _, v := range laboratory.Environment(lab.Endpoint, lab.Region, caller) {
		env = append(env, v.Name+"="+v.Value)
	}
	s, err := binary.ExampleSnapshot(ctx, product.Command{Args: []string{"snapshot", "--config", config}, Env: env, Dir: root})
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := s.Encode(&b); err != nil {
		return err
	}
	if err := os.WriteFile(out, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("writing the snapshot: %w", err)
	}
	fmt.Fprintf(p.Stderr, "wrote %s\n", out)
	return nil
}
