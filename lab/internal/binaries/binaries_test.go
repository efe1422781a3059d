package binaries_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/lab/internal/binaries"
)

func program(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
}

func TestAssetsAreUsedOnlyWhenTheyHoldEveryProgram(t *testing.T) {
	dir := t.TempDir()
	options := binaries.Options{Assets: dir, Cache: t.TempDir(), Progress: io.Discard, Now: time.Now}
	for _, name := range []string{"etcd", "kube-apiserver"} {
		program(t, dir, name)
	}
	if set, err := binaries.Find(t.Context(), options); err == nil {
		t.Errorf("with two of three programs and no module Find gives %v, want an error", set)
	}
	program(t, dir, "aws-iam-authenticator")
	got, err := binaries.Find(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	want := binaries.Set{
		APIServer: filepath.Join(dir, "kube-apiserver"), Etcd: filepath.Join(dir, "etcd"),
		Authenticator: filepath.Join(dir, "aws-iam-authenticator"),
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("programs (-want +got):\n%s", d)
	}
}

func TestTheModuleIsFoundFromBelowTheRepository(t *testing.T) {
	root := t.TempDir()
	module := filepath.Join(root, "lab", "controlplane")
	below := filepath.Join(root, "lab", "internal", "x")
	for _, dir := range []string{module, below, filepath.Join(root, "cmd")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(module, "go.sum"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	want := map[string]string{}
	for _, from := range []string{root, below, filepath.Join(root, "cmd")} {
		got[from], want[from] = binaries.FindModule(from), module
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("module by directory (-want +got):\n%s", d)
	}
}
