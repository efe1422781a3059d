package proc_test

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rolecall-dev/rolecall/lab/internal/proc"
)

// The test binary plays a parent that is killed, and a process that ends with
// its parent.
func TestMain(m *testing.M) {
	switch os.Getenv("PROC_TEST_ROLE") {
	case "owner":
		playOwner()
	case "middle":
		playMiddle()
	case "orphan":
		playOrphan()
	}
	os.Exit(m.Run())
}

// playOwner starts a child, writes its id and waits to be killed.
func playOwner() {
	g := proc.NewGroup()
	p, err := g.Start(proc.Command{Name: "sleep", Path: "/bin/sleep", Args: []string{"1000"}, Log: os.Getenv("PROC_TEST_LOG")})
	if err != nil {
		os.Exit(1)
	}
	_, _ = os.Stdout.WriteString(strconv.Itoa(p.ID()) + "\n")
	select {}
}

// playMiddle starts an orphan-to-be and waits until it watches this process.
func playMiddle() {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "PROC_TEST_ROLE=orphan")
	cmd.Stdout = os.Stdout
	if cmd.Start() != nil {
		os.Exit(1)
	}
	_ = cmd.Wait()
	os.Exit(0)
}

func playOrphan() {
	ctx, err := proc.WithParent(context.Background())
	if err != nil {
		os.Exit(1)
	}
	_, _ = os.Stdout.WriteString("watching\n")
	<-ctx.Done()
	if errors.Is(context.Cause(ctx), proc.ErrOrphan) {
		_, _ = os.Stdout.WriteString("ended\n")
	}
	os.Exit(0)
}

func start(t *testing.T, role string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "PROC_TEST_ROLE="+role, "PROC_TEST_LOG="+filepath.Join(t.TempDir(), "log"))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewReader(out)
}

func line(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	s, err := r.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(s)
}

func TestChildrenDieWhenTheirOwnerIsKilled(t *testing.T) {
	owner, out := start(t, "owner")
	child, err := strconv.Atoi(line(t, out))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(child, 0); err != nil {
		t.Fatalf("the child does not run: %v", err)
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait()
	for alive(child) {
		if t.Context().Err() != nil {
			t.Fatalf("process %d still runs", child)
		}
	}
}

// alive tells whether a process runs; one that waits to be reaped does not.
func alive(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}

func TestAProcessWithAParentLearnsOfItsEnd(t *testing.T) {
	middle, out := start(t, "middle")
	if got, want := line(t, out), "watching"; got != want {
		t.Fatalf("the grandchild says %q, want %q", got, want)
	}
	if err := middle.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if got, want := line(t, out), "ended"; got != want {
		t.Errorf("after its parent's end the grandchild says %q, want %q", got, want)
	}
	_ = middle.Wait()
}

func TestCloseKillsAndReapsEveryChild(t *testing.T) {
	g := proc.NewGroup()
	var children []*proc.Process
	for _, name := range []string{"a", "b"} {
		p, err := g.Start(proc.Command{Name: name, Path: "/bin/sleep", Args: []string{"1000"}, Log: filepath.Join(t.TempDir(), "log")})
		if err != nil {
			t.Fatal(err)
		}
		children = append(children, p)
	}
	g.Close()
	for _, p := range children {
		if err := syscall.Kill(p.ID(), 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("signalling %s gives %v, want %v", p.Name, err, syscall.ESRCH)
		}
	}
	if _, err := g.Start(proc.Command{Name: "late", Path: "/bin/sleep", Log: filepath.Join(t.TempDir(), "log")}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("starting in a closed group gives %v, want %v", err, os.ErrClosed)
	}
}

func TestAChildThatIsStoppedIsNoNews(t *testing.T) {
	g := proc.NewGroup()
	defer g.Close()
	start := func(name string, args ...string) *proc.Process {
		p, err := g.Start(proc.Command{Name: name, Path: "/bin/sleep", Args: args, Log: filepath.Join(t.TempDir(), "log")})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	stopped := start("stopped", "1000")
	g.Stop(stopped)
	if err := syscall.Kill(stopped.ID(), 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("signalling it gives %v, want %v", err, syscall.ESRCH)
	}
	start("ended", "0")
	if p := <-g.Ended(); p.Name != "ended" {
		t.Errorf("the first that ended by itself is %q", p.Name)
	}
}

func TestAFailureShowsTheEndOfTheOutput(t *testing.T) {
	g := proc.NewGroup()
	defer g.Close()
	p, err := g.Start(proc.Command{
		Name: "talker", Path: "/bin/sh", Args: []string{"-c", "echo port is taken; exit 3"},
		Log: filepath.Join(t.TempDir(), "log"),
	})
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if got, want := p.Failure().Error(), "running talker: exit status 3\nport is taken"; got != want {
		t.Errorf("failure is %q, want %q", got, want)
	}
}
