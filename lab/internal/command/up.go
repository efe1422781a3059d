package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/rolecall-dev/rolecall/lab/internal/control"
	"github.com/rolecall-dev/rolecall/lab/internal/laboratory"
	"github.com/rolecall-dev/rolecall/lab/internal/organization"
	"github.com/rolecall-dev/rolecall/lab/internal/proc"
	"github.com/rolecall-dev/rolecall/lab/internal/workspace"
)

// upFlags are the flags of up.
type upFlags struct {
	dir        string
	file       string
	listen     string
	delay      time.Duration
	withParent bool
}

func (p Process) up() *cobra.Command {
	var f upFlags
	c := &cobra.Command{
		Use:   "up",
		Short: "Run a laboratory until interrupted",
		Long: `up starts an organization with its clusters, prints the environment with which
rolecall, the AWS CLI and kubectl reach it, and stays. The same lines are in the
file "env" of the laboratory's directory. Everything is thrown away at the end.`,
		Example: `  rolecall-lab up --org examples/acme/organization.yaml --dir /tmp/lab
  . /tmp/lab/env   # in another shell`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return p.runUp(c.Context(), f) },
	}
	p.dirFlag(c, &f.dir)
	c.Flags().StringVar(&f.file, "org", "examples/acme/organization.yaml", "the organization's file")
	c.Flags().StringVar(&f.listen, "listen", "127.0.0.1:0", "address of the AWS simulator")
	c.Flags().DurationVar(&f.delay, "assignment-delay", time.Second, "how long an account assignment stays in progress")
	c.Flags().BoolVar(&f.withParent, "with-parent", false, "end when the process that started this one ends")
	return c
}

func (p Process) runUp(ctx context.Context, f upFlags) (err error) {
	if f.withParent {
		if ctx, err = proc.WithParent(ctx); err != nil {
			return err //nolint:wrapcheck // says everything
		}
	}
	org, err := organization.Read(f.file)
	if err != nil {
		return err //nolint:wrapcheck // says everything
	}
	dir, err := p.labDir(f.dir)
	if err != nil {
		return err
	}
	site, err := occupy(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, site.leave()) }()
	set, err := p.binaries(ctx)
	if err != nil {
		return err
	}
	started := p.Now()
	lab, err := laboratory.Start(ctx, laboratory.Options{
		Organization: org, Binaries: set, Dir: site.work.Dir, Listen: f.listen,
		AssignmentDelay: f.delay, Now: p.Now, Log: site.log,
	})
	if err != nil {
		return interrupted(ctx, err)
	}
	defer func() { err = errors.Join(err, lab.Close()) }()
	server, err := control.Serve(lab)
	if err != nil {
		return err //nolint:wrapcheck // says everything
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	if err := p.announce(site, lab, org, server); err != nil {
		return err
	}
	fmt.Fprintf(p.Stderr, "the laboratory is up after %s; interrupt to end it\n", p.Now().Sub(started).Round(100*time.Millisecond))
	select {
	case <-ctx.Done():
		return nil
	case ended := <-lab.Failed():
		return ended.Failure() //nolint:wrapcheck // says everything
	}
}

// interrupted takes an error that the end of the context brought about for a
// wish.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// announce writes what other processes need and prints the environment.
func (p Process) announce(s *site, lab *laboratory.Laboratory, org *organization.Organization, server *control.Server) error {
	kubeconfig := filepath.Join(s.dir, "kubeconfig")
	if err := lab.WriteKubeconfig(kubeconfig); err != nil {
		return err //nolint:wrapcheck // says everything
	}
	st, err := control.Describe(lab, org, server)
	if err != nil {
		return err //nolint:wrapcheck // says everything
	}
	st.Kubeconfig = kubeconfig
	env, err := os.OpenFile(filepath.Join(s.dir, "env"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("writing the environment: %w", err)
	}
	defer func() { _ = env.Close() }()
	variables := append(laboratory.Environment(st.Endpoint, st.Region, st.Caller),
		laboratory.Variable{Name: "KUBECONFIG", Value: kubeconfig},
		laboratory.Variable{Name: "ROLECALL_LAB_DIR", Value: s.dir})
	for _, w := range []interface{ Write([]byte) (int, error) }{env, p.Stdout} {
		if err := laboratory.WriteExports(w, variables); err != nil {
			return err //nolint:wrapcheck // says everything
		}
	}
	for _, c := range lab.Clusters {
		fmt.Fprintf(p.Stderr, "cluster %s (%s) at %s\n", c.Context, c.Region, c.Endpoint)
	}
	// Last, since others take the file for a sign that everything is there.
	return st.Write(s.dir) //nolint:wrapcheck // says everything
}

// site is what a laboratory occupies on disk: a directory for others to look
// into and a workspace for itself.
type site struct {
	dir   string
	lock  *workspace.Lock
	work  *workspace.Workspace
	calls *os.File
	log   *slog.Logger
}

func occupy(dir string) (*site, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the laboratory's directory: %w", err)
	}
	lock, err := workspace.Acquire(filepath.Join(dir, "lock"))
	if errors.Is(err, workspace.ErrLocked) {
		return nil, fmt.Errorf("a laboratory runs in %q already; use another --dir", dir)
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // says everything
	}
	s := &site{dir: dir, lock: lock}
	if s.work, err = workspace.New(os.TempDir()); err != nil {
		return nil, errors.Join(err, s.leave())
	}
	if s.calls, err = os.Create(filepath.Join(dir, "calls.log")); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the log of calls: %w", err), s.leave())
	}
	s.log = slog.New(slog.NewJSONHandler(s.calls, nil))
	return s, nil
}

// leave removes everything the laboratory wrote.
func (s *site) leave() error {
	var errs []error
	if s.work != nil {
		errs = append(errs, s.work.Remove())
	}
	if s.calls != nil {
		errs = append(errs, s.calls.Close())
	}
	for _, name := range []string{"state.json", "env", "kubeconfig", "calls.log", "lock"} {
		if err := os.Remove(filepath.Join(s.dir, name)); !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	errs = append(errs, s.lock.Release())
	// The directory stays when somebody else has put something there.
	_ = os.Remove(s.dir)
	return errors.Join(errs...)
}
