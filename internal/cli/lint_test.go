package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/manifest"
)

func TestAMendedFileKeepsItsMode(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "aws-auth.yaml")
	if err := os.WriteFile(path, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := overwrite(manifest.File{Name: path, Data: []byte("old")}, []byte("new")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil || string(data) != "new" || info.Mode().Perm() != 0o640 {
		t.Errorf("it holds %q with mode %o (%v), want %q with 640", data, info.Mode().Perm(), err, "new")
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
		t.Errorf("%v is left behind", left)
	}
}

func TestAFileThatSomebodyChangedMeanwhileIsLeftAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "aws-auth.yaml")
	if err := os.WriteFile(path, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := overwrite(manifest.File{Name: path, Data: []byte("old")}, []byte("new"))
	if err == nil || !strings.Contains(err.Error(), "it was changed since it was read") {
		t.Errorf("the error is %v", err)
	}
	if data, _ := os.ReadFile(path); string(data) != "theirs" {
		t.Errorf("the file now holds %q", data)
	}
}

func TestEditsOfAConfigMapDoNotMoveEachOther(t *testing.T) {
	t.Parallel()
	cm := access.ConfigMap{Data: map[string]string{"mapRoles": "abcdef", "notes": "x"}, Annotations: map[string]string{"a": "b"}}
	got := fixedConfigMap(cm, []manifest.Edit{
		{Key: "mapRoles", Start: 1, End: 2, New: "BBB"}, {Key: "mapRoles", Start: 4, End: 4, New: "+"}, {Key: "mapUsers", New: "new"},
	})
	want := access.ConfigMap{Data: map[string]string{"mapRoles": "aBBBcd+ef", "mapUsers": "new", "notes": "x"}, Annotations: map[string]string{"a": "b"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("aws-auth (-want +got):\n%s", d)
	}
	if cm.Data["mapRoles"] != "abcdef" {
		t.Errorf("the ConfigMap it was made from became %v", cm.Data)
	}
}

func TestADiffCannotSteerATerminal(t *testing.T) {
	t.Parallel()
	a := &app{host: Host{Getenv: func(string) string { return "" }}}
	a.flags.color = "auto"
	got := a.paintDiff("--- a\n+++ a\n@@ -1 +1 @@\n-x\x1b[2J\ty\n+z\n", true)
	want := "\x1b[31m--- a\x1b[0m\n\x1b[32m+++ a\x1b[0m\n\x1b[36m@@ -1 +1 @@\x1b[0m\n\x1b[31m-x\\x1b[2J    y\x1b[0m\n\x1b[32m+z\x1b[0m\n"
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("diff (-want +got):\n%s", d)
	}
}

func TestAFileNameCannotWriteAWorkflowCommand(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a\n::error::b.yaml")
	row := "- rolearn: arn:aws:iam::111122223333:role/ci/deployer\n  username: deployer\n"
	if err := os.WriteFile(path, []byte(row), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{"github", "markdown", "table"} {
		var out strings.Builder
		host := Host{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Getenv: func(string) string { return "" }, Now: time.Now}
		if code := Main(t.Context(), host, []string{"rolecall", "lint", path, "-o", form}); code != exitFindings {
			t.Errorf("-o %s: exit code %d\n%s", form, code, out.String())
		}
		if strings.Contains(out.String(), "\n::error::") {
			t.Errorf("-o %s: the name opens a line:\n%s", form, out.String())
		}
	}
}

func TestBaselinesSurviveBeingWrittenAndRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "baseline.json")
	for range 2 {
		if err := writeBaseline(path, nil); err != nil {
			t.Fatal(err)
		}
	}
	b, err := readBaseline(path)
	if err != nil || b.Findings == nil || len(b.Findings) != 0 {
		t.Errorf("an empty baseline is read as %v, %v", b, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("its mode is %o, %v; it is committed, and others read it", info.Mode().Perm(), err)
	}
}
