package demo_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/lab/internal/command"
	"github.com/rolecall-dev/rolecall/lab/internal/demo"
	"github.com/rolecall-dev/rolecall/lab/internal/product"
	"github.com/rolecall-dev/rolecall/lab/labtest"
)

const role = "DEMO_TEST_ROLE"

// The test binary plays rolecall-lab.
func TestMain(m *testing.M) {
	if os.Getenv(role) != "rolecall-lab" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := os.Getwd()
	if err != nil {
		dir = "."
	}
	os.Exit(command.Main(ctx, command.Process{
		Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, Dir: dir, Now: time.Now,
	}, os.Args[1:]))
}

// options run the demo from this checkout, with the test binary as rolecall-lab.
func options(t *testing.T, out io.Writer) demo.Options {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	root, err := product.Root(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(role, "rolecall-lab")
	t.Setenv("TMPDIR", t.TempDir())
	return demo.Options{Root: root, Lab: os.Args[0], Out: out, Progress: io.Discard}
}

func TestALaboratoryThatDoesNotStartIsAnError(t *testing.T) {
	o := options(t, io.Discard)
	o.Lab = "/bin/false"
	if err := demo.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "the laboratory ended (exit status 1)") {
		t.Errorf("got %v, want an error that says that the laboratory ended", err)
	}
	nothingLeft(t)
}

// nothingLeft wants the directory for temporary files empty and no process to
// name it.
func nothingLeft(t *testing.T) {
	t.Helper()
	temp := os.Getenv("TMPDIR")
	left, err := os.ReadDir(temp)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("left in the directory for temporary files: %v", left)
	}
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range lines {
		if line, err := os.ReadFile(path); err == nil && strings.Contains(string(line), temp) {
			t.Errorf("a process is left: %q", strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
}

// TestTheDemoGoesAsTold runs the demo and then types every command of it into the shells of another laboratory.
func TestTheDemoGoesAsTold(t *testing.T) {
	labtest.Binaries(t)
	o := options(t, io.Discard)
	cmd := exec.CommandContext(t.Context(), o.Lab, "demo")
	cmd.Dir = o.Root
	out, err := cmd.CombinedOutput()
	told := string(out)
	if err != nil {
		t.Fatalf("the demo: %v\n%s", err, told)
	}
	nothingLeft(t)
	if n := strings.Count(told, "   ✔ "); n < 20 || strings.Contains(told, "   ✘ ") {
		t.Errorf("the demo confirms %d things, want at least 20 and nothing wrong\n%s", n, told)
	}
	lines := parse(told)
	if len(lines) < 30 {
		t.Fatalf("the demo prints %d commands, want at least 30\n%s", len(lines), told)
	}
	t.Run("its commands work by hand", func(t *testing.T) { typed(t, o, lines) })
}

// typed types commands into the shells of another laboratory, with the real kubectl, and wants what the demo showed.
func typed(t *testing.T, o demo.Options, lines []line) {
	for _, program := range []string{"bash", "kubectl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed", program)
		}
	}
	t.Setenv("TMPDIR", t.TempDir())
	env, example := byHand(t, o)
	shells := map[string]*shell{}
	for _, l := range lines {
		if shells[l.who] == nil {
			shells[l.who] = open(t, example)
			shells[l.who].enter(t, ". '"+env+"'")
		}
		printed := shells[l.who].enter(t, l.command)
		for _, want := range l.comparable() {
			if !strings.Contains(printed, want) {
				t.Errorf("%s$ %s\nprints\n%s\nwithout what the demo showed:\n%s", l.who, l.command, printed, want)
			}
		}
	}
}

// byHand starts a laboratory to type into; it returns its environment's file and a copy of the example.
func byHand(t *testing.T, o demo.Options) (env, example string) {
	t.Helper()
	example, dir := filepath.Join(t.TempDir(), "acme"), filepath.Join(t.TempDir(), "lab")
	if err := os.CopyFS(example, os.DirFS(filepath.Join(o.Root, "examples", "acme"))); err != nil {
		t.Fatal(err)
	}
	up := exec.CommandContext(t.Context(), o.Lab, "up", "--org", filepath.Join(o.Root, "examples", "acme", "organization.yaml"), "--dir", dir)
	up.Dir = o.Root
	up.Cancel = func() error { return up.Process.Signal(syscall.SIGTERM) }
	said, err := up.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = up.Wait()
		nothingLeft(t)
	})
	lines := bufio.NewReader(said)
	var all strings.Builder
	for !strings.Contains(all.String(), "the laboratory is up") {
		line, err := lines.ReadString('\n')
		all.WriteString(line)
		if err != nil {
			t.Fatalf("reading what up says: %v\n%s", err, all.String())
		}
	}
	return filepath.Join(dir, "env"), example
}

// line is a command of the story with the output that was shown.
type line struct {
	who, command string
	shown        []string
}

// parse finds the commands of a story.
func parse(story string) []line {
	var out []line
	open := false
	for text := range strings.SplitSeq(story, "\n") {
		who, command, found := strings.Cut(strings.TrimPrefix(text, "   "), "$ ")
		switch shown, indented := strings.CutPrefix(text, "     "); {
		case indented && open:
			out[len(out)-1].shown = append(out[len(out)-1].shown, strings.TrimSpace(shown))
		case found && strings.HasPrefix(text, "   ") && !indented && !strings.Contains(who, " "):
			out, open = append(out, line{who: who, command: command}), true
		default:
			// What is quoted from an earlier plan is not this command's output.
			open = false
		}
	}
	return out
}

// comparable are the words that must be there whenever the command is run: not
// times, nor the order in which things got done.
func (l line) comparable() []string {
	var out []string
	for _, shown := range l.shown {
		timed := strings.HasPrefix(l.command, "rolecall ") && !strings.HasPrefix(shown, "Plan:") && !strings.HasPrefix(shown, "Refused")
		if timed || shown == "" {
			continue
		}
		shown = strings.TrimPrefix(strings.TrimPrefix(shown, "pod/"), "+ ")
		// kubectl has several words for a 401, depending on what it remembers of the server.
		shown = strings.TrimSuffix(shown, " (Unauthorized)")
		out = append(out, strings.TrimSpace(shown))
	}
	return out
}

// shell is a shell that stays open.
type shell struct {
	in  io.Writer
	out *bufio.Reader
}

func open(t *testing.T, dir string) *shell {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "--norc", "--noprofile")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "HOME="+t.TempDir(), "NO_COLOR=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
		_ = r.Close()
	})
	return &shell{in: in, out: bufio.NewReader(r)}
}

// enter types a line and returns what it prints.
func (s *shell) enter(t *testing.T, line string) string {
	t.Helper()
	const end = "-- the line has ended --"
	if _, err := fmt.Fprintf(s.in, "%s </dev/null\necho\necho '%s'\n", line, end); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for {
		text, err := s.out.ReadString('\n')
		if err != nil {
			t.Fatalf("reading what %q prints: %v\n%s", line, err, out.String())
		}
		if strings.TrimSpace(text) == end {
			return out.String()
		}
		out.WriteString(text)
	}
}

func TestTheCommandsOfAStoryAreFoundWithTheirOutput(t *testing.T) {
	got := parse(`preface with a "make lab" and a $ sign

1. Dana asks.
   dana$ kubectl get pods
     pod/one
   ✔ she is answered
   The plan of step 2 had said:
     quoted
   platform$ rolecall plan --detailed-exitcode
     Plan: nothing to do.
     a price of 5$ or so
`)
	var all []string
	for _, l := range got {
		all = append(all, fmt.Sprintf("%s$ %s %q", l.who, l.command, l.comparable()))
	}
	want := []string{`dana$ kubectl get pods ["one"]`, `platform$ rolecall plan --detailed-exitcode ["Plan: nothing to do."]`}
	if d := cmp.Diff(want, all); d != "" {
		t.Errorf("commands (-want +got):\n%s", d)
	}
}
