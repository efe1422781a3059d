package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/lab/labtest"
)

// The test binary plays rolecall-lab, and a parent of it that can be killed.
func TestMain(m *testing.M) {
	switch os.Getenv("LAB_TEST_ROLE") {
	case "rolecall-lab":
		main()
	case "parent":
		cmd := exec.Command(os.Args[0], os.Args[1:]...)
		cmd.Env = append(os.Environ(), "LAB_TEST_ROLE=rolecall-lab")
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if cmd.Run() != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// lab is a rolecall-lab up that runs in a process of its own.
type lab struct {
	cmd    *exec.Cmd
	dir    string // what --dir says
	temp   string // where it may write besides
	stderr *bufio.Reader
}

// start runs up and returns when it says that it is up.
func start(t *testing.T, role string, flags ...string) *lab {
	t.Helper()
	labtest.Binaries(t)
	l := &lab{dir: filepath.Join(t.TempDir(), "lab"), temp: t.TempDir()}
	args := append([]string{"up", "--org", "testdata/small.yaml", "--dir", l.dir, "--assignment-delay", "0s", "--rolecall", os.Args[0]}, flags...)
	l.cmd = exec.CommandContext(t.Context(), os.Args[0], args...)
	l.cmd.Env = append(os.Environ(), "LAB_TEST_ROLE="+role, "TMPDIR="+l.temp)
	pipe, err := l.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	l.stderr = bufio.NewReader(pipe)
	for said := ""; !strings.HasPrefix(said, "the laboratory is up"); {
		if said, err = l.stderr.ReadString('\n'); err != nil {
			t.Fatalf("reading what up says: %v", err)
		}
	}
	return l
}

// ended waits until every process that could write to stderr has ended and
// fails when something is left.
func (l *lab) ended(t *testing.T) {
	t.Helper()
	rest, err := io.ReadAll(l.stderr)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff("", string(rest)); d != "" {
		t.Errorf("what up says at its end (-want +got):\n%s", d)
	}
	left, err := os.ReadDir(l.temp)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("left in the directory for temporary files: %v", left)
	}
	if _, err := os.Stat(l.dir); !os.IsNotExist(err) {
		t.Errorf("the laboratory's directory is there: %v", err)
	}
	if got := processes(t, l.temp); len(got) > 0 {
		t.Errorf("processes left: %q", got)
	}
}

// processes returns the command lines that name a directory.
func processes(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, path := range found {
		line, err := os.ReadFile(path)
		if err == nil && bytes.Contains(line, []byte(dir)) {
			out = append(out, string(bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
		}
	}
	return out
}

// run runs another command on the laboratory.
func (l *lab) run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), "LAB_TEST_ROLE=rolecall-lab", "ROLECALL_LAB_DIR="+l.dir)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run()
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

func TestOneProcessOwnsTheLaboratory(t *testing.T) {
	l := start(t, "rolecall-lab")
	t.Run("its children run", func(t *testing.T) {
		if got := processes(t, l.temp); len(got) != 3 {
			t.Errorf("processes: %q, want etcd, one API server and one authenticator", got)
		}
	})
	t.Run("the directory says where it is", func(t *testing.T) {
		data, err := os.ReadFile(filepath.Join(l.dir, "state.json"))
		if err != nil {
			t.Fatal(err)
		}
		var st struct{ Clusters []struct{ Context string } }
		if err := json.Unmarshal(data, &st); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]struct{ Context string }{{"prod/one"}}, st.Clusters); d != "" {
			t.Errorf("clusters (-want +got):\n%s", d)
		}
	})
	t.Run("people are signed in or refused", func(t *testing.T) { signIn(t, l) })
	t.Run("a second laboratory finds the directory taken", func(t *testing.T) {
		code, _, stderr := l.run(t, "up", "--org", "testdata/small.yaml", "--dir", l.dir)
		want := "rolecall-lab: a laboratory runs in \"" + l.dir + "\" already; use another --dir\n"
		if d := cmp.Diff(want, stderr); d != "" || code != 1 {
			t.Errorf("exit code %d, stderr (-want +got):\n%s", code, d)
		}
	})
	t.Run("on SIGTERM it ends and leaves nothing", func(t *testing.T) {
		if err := l.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		l.ended(t)
		if err := l.cmd.Wait(); err != nil {
			t.Errorf("up ends with %v", err)
		}
	})
}

func signIn(t *testing.T, l *lab) {
	const none = `rolecall-lab: issuing a session of "Dev" for "sam@example.com" in account "prod": ` +
		"the user has no assignment of it there, directly or through a group\n"
	sam := []string{"session", "--user", "sam@example.com", "--account", "prod", "--permission-set", "Dev", "-o", "process"}
	steps := []struct {
		args   []string
		code   int
		stderr string
	}{
		{sam, 1, none},
		{[]string{"group", "add", "--group", "developers", "--user", "sam@example.com"}, 0, "developers: add sam@example.com\n"},
		{sam, 0, ""},
		{[]string{"group", "remove", "--group", "developers", "--user", "sam@example.com"}, 0, "developers: remove sam@example.com\n"},
		{sam, 1, none},
		{[]string{"user", "disable", "dana@example.com"}, 0, "dana@example.com: DISABLED\n"},
		{[]string{"session", "--user", "dana@example.com"}, 64, "rolecall-lab: --account is required\n"},
	}
	for _, s := range steps {
		code, stdout, stderr := l.run(t, s.args...)
		if d := cmp.Diff(s.stderr, stderr); d != "" || code != s.code {
			t.Errorf("%q: exit code %d, want %d; stderr (-want +got):\n%s", s.args, code, s.code, d)
		}
		if s.args[0] == "session" && s.code == 0 && !strings.Contains(stdout, `"SessionToken": "`) {
			t.Errorf("%q prints %q, want credentials", s.args, stdout)
		}
	}
}

func TestWithItsParentGoneTheLaboratoryEnds(t *testing.T) {
	l := start(t, "parent", "--with-parent")
	if err := l.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	l.ended(t)
	_ = l.cmd.Wait()
}
