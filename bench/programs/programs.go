// Package programs builds the contestants that are compared with rolecall.
package programs

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// Build builds a program of a module.
func Build(tb testing.TB, dir, out, pkg string) {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), "go", "build", "-o", out, pkg)
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("building %s: %v\n%s", out, err, text)
	}
}

// Eksctl builds the program around eksctl's library, for a test of a package beside this one.
func Eksctl(tb testing.TB) string {
	tb.Helper()
	if testing.Short() {
		tb.Skip("with -short nothing of eksctl is built, which takes minutes the first time; make bench runs this")
	}
	out := filepath.Join(tb.TempDir(), "eksctl")
	Build(tb, filepath.Join("..", "eksctl"), out, ".")
	return out
}
