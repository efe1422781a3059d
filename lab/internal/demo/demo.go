// Package demo tells the whole story against a laboratory, with the commands a
// reader would use, and checks that it goes as told.
package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/rolecall-dev/rolecall/lab/internal/control"
	"github.com/rolecall-dev/rolecall/lab/internal/laboratory"
	"github.com/rolecall-dev/rolecall/lab/internal/product"
)

// Options say where from and where to.
type Options struct {
	// Root is the checkout.
	Root string
	// Out gets the story, Progress what takes a while.
	Out, Progress io.Writer
}

// story is a demo under way.
type story struct {
	Options
	dir      string
	rolecall product.Binary
	// lab is this program, which is also the laboratory's supervisor.
	lab   string
	state control.State
	wrong int
	step  int
}

// Run tells the story from beginning to end. It is an error when anything is not as told.
func Run(ctx context.Context, o Options) error {
	dir, err := os.MkdirTemp("", "rolecall-demo-")
	if err != nil {
		return fmt.Errorf("making a scratch folder: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a scratch folder
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	s := &story{Options: o, dir: dir, lab: self}
	fmt.Fprintln(o.Progress, "building rolecall")
	if s.rolecall, err = product.Build(ctx, o.Root, dir); err != nil {
		return err //nolint:wrapcheck // says everything
	}
	if err := os.CopyFS(filepath.Join(dir, "acme"), os.DirFS(filepath.Join(o.Root, "examples", "acme"))); err != nil {
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
	if s.wrong > 0 {
		return fmt.Errorf("%d of its steps did not go as told", s.wrong)
	}
	return nil
}

// up starts the laboratory as a process of its own and waits until it can be used.
func (s *story) up(ctx context.Context) (func(), error) {
	fmt.Fprintln(s.Progress, "starting the laboratory: an AWS organization with three clusters")
	var log bytes.Buffer
	labDir := filepath.Join(s.dir, "lab")
	cmd := exec.Command(s.lab, "up", "--org", filepath.Join(s.Root, "examples", "acme", "organization.yaml"), "--dir", labDir, "--with-parent") //nolint:gosec,noctx // this program; it is stopped below
	cmd.Stdout, cmd.Stderr, cmd.Dir = &log, &log, s.Root
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the laboratory: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	stop := func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			_ = cmd.Process.Kill()
		}
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		st, err := control.Read(labDir)
		if err == nil {
			s.state = st
			return stop, s.peopleKubeconfig()
		}
		select {
		case <-tick.C:
		case err := <-ended:
			return nil, fmt.Errorf("the laboratory ended: %w\n%s", errors.Join(err), log.String())
		case <-ctx.Done():
			stop()
			return nil, fmt.Errorf("starting the laboratory: %w", ctx.Err())
		}
	}
}

// say begins a step.
func (s *story) say(format string, args ...any) {
	s.step++
	fmt.Fprintf(s.Out, "\n%d. %s\n", s.step, fmt.Sprintf(format, args...))
}

// command prints a command as a reader would type it.
func (s *story) command(line string) { fmt.Fprintf(s.Out, "   $ %s\n", line) }

// show prints the lines of out that hold any of the words, or all lines without words.
func (s *story) show(out string, words ...string) {
	for line := range strings.SplitSeq(strings.TrimRight(out, "\n"), "\n") {
		keep := len(words) == 0
		for _, w := range words {
			keep = keep || strings.Contains(line, w)
		}
		if keep {
			fmt.Fprintf(s.Out, "     %s\n", strings.TrimRight(line, " "))
		}
	}
}

// expect says whether a thing went as told.
func (s *story) expect(ok bool, what string) { //nolint:revive // it is what the line says
	mark := "✔"
	if !ok {
		mark = "✘"
		s.wrong++
	}
	fmt.Fprintf(s.Out, "   %s %s\n", mark, what)
}

// environment is what a process gets to act as somebody.
func (s *story) environment(c laboratory.Credentials) []string {
	var out []string
	for _, v := range laboratory.Environment(s.state.Endpoint, s.state.Region, c) {
		out = append(out, v.Name+"="+v.Value)
	}
	return append(out, "ROLECALL_LAB_DIR="+filepath.Join(s.dir, "lab"), "NO_COLOR=1")
}

// run runs rolecall as the platform engineer.
func (s *story) run(ctx context.Context, args ...string) (product.Output, error) {
	s.command("rolecall " + strings.Join(args, " "))
	return s.rolecall.Run(ctx, product.Command{Args: args, Env: s.environment(s.state.Caller), Dir: filepath.Join(s.dir, "acme")}) //nolint:wrapcheck // says everything
}

// admin runs a command of the laboratory, with the administrator's rights.
func (s *story) admin(ctx context.Context, args ...string) error {
	s.command("rolecall-lab " + strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, s.lab, args...) //nolint:gosec // this program
	cmd.Env = append(os.Environ(), "ROLECALL_LAB_DIR="+filepath.Join(s.dir, "lab"))
	out, err := cmd.CombinedOutput()
	s.show(string(out))
	if err != nil {
		return fmt.Errorf("rolecall-lab %s: %w", strings.Join(args, " "), err)
	}
	return nil
}
