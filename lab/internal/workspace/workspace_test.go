package workspace_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/lab/internal/workspace"
)

func TestWhatAnEndedProcessLeftIsRemovedAndWhatIsHeldIsNot(t *testing.T) {
	base := t.TempDir()
	left := filepath.Join(base, "rolecall-lab-left")
	foreign := filepath.Join(base, "other")
	for _, dir := range []string{left, foreign} {
		if err := os.MkdirAll(filepath.Join(dir, "data"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(left, "lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	first, err := workspace.New(base)
	if err != nil {
		t.Fatal(err)
	}
	second, err := workspace.New(base)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{"left": exists(left), "foreign": exists(foreign), "first": exists(first.Dir), "second": exists(second.Dir)}
	if d := cmp.Diff(map[string]bool{"left": false, "foreign": true, "first": true, "second": true}, got); d != "" {
		t.Errorf("what exists (-want +got):\n%s", d)
	}
	for _, w := range []*workspace.Workspace{first, second} {
		if err := w.Remove(); err != nil {
			t.Error(err)
		}
		if exists(w.Dir) {
			t.Errorf("%s exists after it was removed", w.Dir)
		}
	}
}

func TestALockIsHeldOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	first, err := workspace.Acquire(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := workspace.Acquire(path); !errors.Is(err, workspace.ErrLocked) {
		t.Errorf("acquiring a held lock gives %v, want %v", err, workspace.ErrLocked)
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	again, err := workspace.Acquire(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Release(); err != nil {
		t.Error(err)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
