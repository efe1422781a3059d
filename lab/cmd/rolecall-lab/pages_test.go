package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rolecall-dev/rolecall/lab/internal/product"
)

// commands returns the commands of the page's blocks that say that they are
// executed by the test.
func commands(page, test string) []string {
	var out []string
	for _, part := range strings.Split(page, "<!-- executed by "+test+" -->\n```console\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		for line := range strings.Lines(block) {
			out = append(out, strings.TrimPrefix(strings.TrimSpace(line), "$ "))
		}
	}
	return out
}

// TestThePageOfTheLaboratoryWorks types what docs/laboratory.md says into one
// shell. The laboratory it starts itself, in a place of its own.
func TestThePageOfTheLaboratoryWorks(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	root, err := product.Root(here)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "laboratory.md"))
	if err != nil {
		t.Fatal(err)
	}
	lines := commands(string(page), t.Name())
	if len(lines) < 6 || lines[0] != "make lab" {
		t.Fatalf("the page's commands are %q, want make lab and more", lines)
	}
	binary, err := product.Build(t.Context(), root, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	l := start(t, "rolecall-lab", "--org", filepath.Join(root, "examples", "acme", "organization.yaml"), "--rolecall", binary.Path)
	script := []string{"set -e"}
	for _, line := range lines[1:] {
		name, _, _ := strings.Cut(line, " ")
		if _, err := exec.LookPath(name); err != nil && (name == "aws" || name == "kubectl") {
			t.Logf("%s is not installed; not executed: %s", name, line)
			continue
		}
		script = append(script, strings.ReplaceAll(line, "~/.cache/rolecall/lab", l.dir))
	}
	shell := exec.CommandContext(t.Context(), "sh", "-c", strings.Join(script, "\n"))
	shell.Dir, shell.Env = root, append(os.Environ(), "LAB_TEST_ROLE=rolecall-lab", "HOME="+t.TempDir())
	var out bytes.Buffer
	shell.Stdout, shell.Stderr = &out, &out
	if err := shell.Run(); err != nil {
		t.Errorf("%s\n%v\n%s", strings.Join(script, "\n"), err, out.String())
	}
	for _, want := range []string{"12 to add", `"kind":"ExecCredential"`} {
		if !strings.Contains(strings.ReplaceAll(out.String(), ": ", ":"), want) {
			t.Errorf("the commands do not print %q:\n%s", want, out.String())
		}
	}
	if err := l.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	l.ended(t)
}
