// Package workspace gives a laboratory a temporary directory that does not
// survive it for long: one that a killed process left behind is removed by the
// next.
package workspace

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

const (
	prefix   = "rolecall-lab-"
	lockName = "lock"
)

// ErrLocked says that a running process holds the lock.
var ErrLocked = errors.New("another process holds it")

// Workspace is a directory and the lock on it.
type Workspace struct {
	Dir  string
	lock *Lock
}

// New makes a workspace below base and removes those whose process has ended.
func New(base string) (*Workspace, error) {
	sweep(base)
	dir, err := os.MkdirTemp(base, "."+prefix)
	if err != nil {
		return nil, fmt.Errorf("making a workspace: %w", err)
	}
	lock, err := Acquire(filepath.Join(dir, lockName))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	// It gets the name that is swept only now that it is locked.
	final := filepath.Join(base, filepath.Base(dir)[1:])
	if err := os.Rename(dir, final); err != nil {
		return nil, errors.Join(fmt.Errorf("naming the workspace: %w", err), lock.Release(), os.RemoveAll(dir))
	}
	return &Workspace{Dir: final, lock: lock}, nil
}

// Remove removes the workspace with everything in it.
func (w *Workspace) Remove() error {
	err := os.RemoveAll(w.Dir)
	return errors.Join(err, w.lock.Release())
}

// sweep removes workspaces that nobody holds. What cannot be opened or removed
// belongs to somebody else.
func sweep(base string) {
	found, err := filepath.Glob(filepath.Join(base, prefix+"*", lockName))
	if err != nil {
		return
	}
	for _, path := range found {
		lock, err := Acquire(path)
		if err != nil {
			continue
		}
		_ = os.RemoveAll(filepath.Dir(path))
		_ = lock.Release()
	}
}

// Lock is held by one process at a time and ends with it.
type Lock struct {
	file *os.File
}

// Acquire takes the lock of a file, which it makes when there is none. The
// error is ErrLocked when another process holds it.
func Acquire(path string) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrLocked
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking %q: %w", path, err), f.Close())
	}
	return &Lock{file: f}, nil
}

// Release gives the lock back.
func (l *Lock) Release() error {
	if err := l.file.Close(); err != nil {
		return fmt.Errorf("releasing the lock: %w", err)
	}
	return nil
}
