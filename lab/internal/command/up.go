package command

import (
	"bytes"
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
	rolecall   string
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
file "env" of the laboratory's directory. Everything is thrown away at the end.

The environment is the platform engineer's: with its credentials rolecall may do
what it needs and no more, its kubeconfig has all rights in every cluster, and
rolecall and rolecall-lab are on its PATH. To be somebody else in a shell, load it
and then what rolecall-lab session prints.`,
		Example: `  rolecall-lab up --org examples/acme/organization.yaml --dir /tmp/lab
  . /tmp/lab/env   # in another shell
  rolecall plan --config examples/acme/rolecall.yaml`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return p.runUp(c.Context(), f) },
	}
	p.dirFlag(c, &f.dir)
	c.Flags().StringVar(&f.file, "org", "examples/acme/organization.yaml", "the organization's file")
	c.Flags().StringVar(&f.listen, "listen", "127.0.0.1:0", "address of the AWS simulator")
	c.Flags().StringVar(&f.rolecall, "rolecall", "", "the rolecall to put on the PATH (default: that of the checkout one is in, built now)")
	c.Flags().DurationVar(&f.delay, "assignment-delay", time.Second, "how long an account assignment stays in progress")
	c.Flags().BoolVar(&f.withParent, "with-parent", false, "end when the process that started this one ends")
	return c
}

func (p Process) runUp(ctx context.Context, f upFlags) (err error) {
	if f.withParent {
		if ctx, err = proc.WithParent(ctx); err != nil {
			return err
		}
	}
	org, err := organization.Read(f.file)
	if err != nil {
		return err
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
	if err := p.tools(ctx, site, f.rolecall); err != nil {
		return interrupted(ctx, err)
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
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	if err := p.announce(site, lab, org, server); err != nil {
		return err
	}
	p.invite(site, lab, f.file)
	fmt.Fprintf(p.Stderr, "the laboratory is up after %s; interrupt to end it\n", p.Now().Sub(started).Round(100*time.Millisecond))
	select {
	case <-ctx.Done():
		return nil
	case ended := <-lab.Failed():
		return ended.Failure()
	}
}

// interrupted takes an error that the end of the context brought about for a
// wish.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // that is the point
	}
	return err
}

// announce writes what other processes need and prints the environment.
func (p Process) announce(s *site, lab *laboratory.Laboratory, org *organization.Organization, server *control.Server) error {
	st, err := control.Describe(lab, org, server)
	if err != nil {
		return err
	}
	st.Kubeconfig, st.PeopleKubeconfig = filepath.Join(s.dir, "kubeconfig"), filepath.Join(s.dir, "people.kubeconfig")
	if err := lab.WriteKubeconfig(st.Kubeconfig); err != nil {
		return err
	}
	if err := st.WritePeopleKubeconfig(filepath.Join(s.bin(), "rolecall")); err != nil {
		return err
	}
	var env bytes.Buffer
	variables := append(laboratory.Environment(st.Endpoint, st.Region, st.Caller),
		laboratory.Variable{Name: "KUBECONFIG", Value: st.Kubeconfig},
		laboratory.Variable{Name: "ROLECALL_LAB_DIR", Value: s.dir})
	if err := laboratory.WriteExports(&env, variables); err != nil {
		return err
	}
	fmt.Fprintf(&env, "export PATH=%s:\"$PATH\"\n", laboratory.Quote(s.bin()))
	if err := os.WriteFile(filepath.Join(s.dir, "env"), env.Bytes(), 0o600); err != nil {
		return fmt.Errorf("writing the environment: %w", err)
	}
	if _, err := p.Stdout.Write(env.Bytes()); err != nil {
		return fmt.Errorf("printing the environment: %w", err)
	}
	// Last, since others take the file for a sign that everything is there.
	return st.Write(s.dir)
}

// invite says what is there and what to type next.
func (p Process) invite(s *site, lab *laboratory.Laboratory, org string) {
	for _, c := range lab.Clusters {
		fmt.Fprintf(p.Stderr, "cluster %s (%s) at %s\n", c.Context, c.Region, c.Endpoint)
	}
	fmt.Fprintf(p.Stderr, "in another shell:\n  . %s\n", laboratory.Quote(filepath.Join(s.dir, "env")))
	installation, err := filepath.Abs(filepath.Join(filepath.Dir(org), "rolecall.yaml"))
	if err == nil {
		_, err = os.Stat(installation)
	}
	if err == nil {
		fmt.Fprintf(p.Stderr, "  rolecall plan --config %s\n", laboratory.Quote(installation))
	}
	fmt.Fprintln(p.Stderr, `and to be a person there, for aws and kubectl too:
  eval "$(rolecall-lab session --user USER --account ACCOUNT --permission-set SET)"`)
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
		return nil, err
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

// bin is where the environment's PATH begins.
func (s *site) bin() string { return filepath.Join(s.dir, "bin") }

// leave removes everything the laboratory wrote.
func (s *site) leave() error {
	var errs []error
	if s.work != nil {
		errs = append(errs, s.work.Remove())
	}
	if s.calls != nil {
		errs = append(errs, s.calls.Close())
	}
	for _, name := range []string{"state.json", "env", "kubeconfig", "people.kubeconfig", "bin", "calls.log", "lock"} {
		errs = append(errs, os.RemoveAll(filepath.Join(s.dir, name)))
	}
	errs = append(errs, s.lock.Release())
	// The directory stays when somebody else has put something there.
	_ = os.Remove(s.dir)
	return errors.Join(errs...)
}
