// Package demo tells the whole story against a laboratory, with the commands a
// reader would type, and checks that it goes as told.
package demo

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/rolecall-dev/rolecall/lab/internal/control"
	"github.com/rolecall-dev/rolecall/lab/internal/product"
)

// Options say where from and where to.
type Options struct {
	// Root is the checkout.
	Root string
	// Lab is the rolecall-lab that supervises the laboratory and signs people in.
	Lab string
	// Out gets the story, Progress what takes a while.
	Out, Progress io.Writer
}

// story is a demo under way.
type story struct {
	teller

	options  Options
	dir      string
	rolecall product.Binary
	state    control.State

	plan     string // what the first plan printed
	planStep int
	dana     person // her session runs through several chapters
	rui      person // and so does his
}

// Run tells the story from beginning to end. It is an error when anything is
// not as told. Nothing it started or wrote is left.
func Run(ctx context.Context, o Options) error {
	dir, err := os.MkdirTemp("", "rolecall-demo-")
	if err != nil {
		return fmt.Errorf("making a scratch folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s := &story{options: o, dir: dir, teller: teller{out: o.Out}}
	fmt.Fprintln(o.Progress, "building rolecall")
	if s.rolecall, err = product.Build(ctx, o.Root, dir); err != nil {
		return err
	}
	if err := os.CopyFS(s.example(), os.DirFS(filepath.Join(o.Root, "examples", "acme"))); err != nil {
		return fmt.Errorf("copying the example: %w", err)
	}
	stop, err := s.up(ctx)
	if err != nil {
		return err
	}
	defer stop()
	if err := s.tell(ctx); err != nil {
		return err
	}
	return s.verdict()
}

// example is the copy of the example in which policies are edited.
func (s *story) example() string { return filepath.Join(s.dir, "acme") }

func (s *story) labDir() string { return filepath.Join(s.dir, "lab") }

// up starts the laboratory as a process of its own and waits until it can be used.
func (s *story) up(ctx context.Context) (stop func(), err error) {
	fmt.Fprintln(s.options.Progress, "starting the laboratory: an AWS organization of five accounts with three clusters")
	var log bytes.Buffer
	organization := filepath.Join(s.options.Root, "examples", "acme", "organization.yaml")
	cmd := exec.Command(s.options.Lab, "up", "--org", organization, "--dir", s.labDir(), "--rolecall", s.rolecall.Path, "--with-parent") //nolint:noctx // this program; stop ends it
	cmd.Stdout, cmd.Stderr, cmd.Dir = &log, &log, s.options.Root
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the laboratory: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // how it ended is in its state
	}()
	stop = func() { end(cmd, ended) }
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if s.state, err = control.Read(s.labDir()); err == nil {
			return stop, nil
		}
		select {
		case <-tick.C:
		case <-ended:
			return nil, fmt.Errorf("the laboratory ended (%s):\n%s", cmd.ProcessState, log.String())
		case <-ctx.Done():
			stop()
			return nil, fmt.Errorf("starting the laboratory: %w", ctx.Err())
		}
	}
}

// end asks a supervisor to end and waits until it has.
func end(cmd *exec.Cmd, ended <-chan struct{}) {
	_ = cmd.Process.Signal(syscall.SIGTERM)
	patience := time.NewTimer(20 * time.Second)
	defer patience.Stop()
	select {
	case <-ended:
	case <-patience.C:
		_ = cmd.Process.Kill()
		<-ended
	}
}
