package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rolecall-dev/rolecall/internal/cli"
)

var update = flag.Bool("update", false, "rewrite what the scripts compare with")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"rolecall": main, "kubectl-rolecall": main})
}

// TestScripts runs the commands as people do. Every script finds the examples.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"), RequireExplicitExec: true, RequireUniqueNames: true, UpdateScripts: *update,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			return os.CopyFS(filepath.Join(e.WorkDir, "examples"), os.DirFS(filepath.Join("..", "..", "examples")))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "tokenhost": tokenHost, "variant": variant, "simulator": simulator, "shape": shape, "conforms": conforms},
	})
}

// exits runs a command and compares its exit code: exits 3 rolecall validate.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG…]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("%s exited with %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// tokenHost compares the host in the token of the ExecCredential on stdout: tokenhost VERSION HOST.
func tokenHost(ts *testscript.TestScript, _ bool, args []string) {
	var c struct {
		APIVersion string `json:"apiVersion"`
		Status     struct {
			Token string `json:"token"`
		} `json:"status"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &c))
	url, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(c.Status.Token, "k8s-aws-v1."))
	ts.Check(err)
	if !strings.HasPrefix(string(url), "https://"+args[1]+"/?") || c.APIVersion != args[0] {
		ts.Fatalf("version %s, token for %s; want %s, %s", c.APIVersion, url, args[0], args[1])
	}
}

// TestExamplesInHelpWork executes the examples of every command that need no network, and parses the flags of the others.
func TestExamplesInHelpWork(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	offline, parsed := 0, 0
	for _, verb := range []string{"", "validate", "lint", "plan", "apply", "backup", "backup list", "backup show", "rollback", "snapshot", "token", "schema", "codes", "completion", "version", "explain", "who-can", "report", "test", "snapshot diff", "doctor", "migrate", "migrate status", "migrate rollback", "mode", "export"} {
		help := run(t, append(strings.Fields(verb), "--help")...)
		_, rest, ok := strings.Cut(help, "Examples:\n")
		if !ok {
			t.Errorf("rolecall %s --help has no examples", verb)
			continue
		}
		for line := range strings.SplitSeq(rest, "\n") {
			example, ok := strings.CutPrefix(line, "  rolecall ")
			if !ok {
				break
			}
			args := words(example)
			if slices.Contains([]string{"apply", "backup", "rollback", "snapshot", "token", "doctor", "migrate", "mode"}, args[0]) && !slices.Contains(args, "diff") {
				// They need the world; with --help the flags are parsed all the same.
				run(t, append(args, "--help")...)
				parsed++
				continue
			}
			run(t, args...)
			offline++
		}
	}
	if offline < 15 || parsed < 6 {
		t.Errorf("%d examples executed and %d parsed: the help is not read", offline, parsed)
	}
}

// words splits a line as a shell does, as far as double quotes go.
func words(line string) []string {
	var out []string
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			out = append(out, part)
			continue
		}
		out = append(out, strings.Fields(part)...)
	}
	return out
}

func run(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs strings.Builder
	h := cli.System()
	h.Stdout, h.Stderr, h.StdoutTerminal, h.StderrTerminal = &out, &errs, false, false
	h.Getenv = func(string) string { return "" }
	code := cli.Main(t.Context(), h, append([]string{"rolecall"}, args...))
	if code != 0 && (code != 2 || !slices.Contains(args, "--detailed-exitcode")) {
		t.Errorf("rolecall %s: exit code %d\n%s", strings.Join(args, " "), code, errs.String())
	}
	return out.String()
}
