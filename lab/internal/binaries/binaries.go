// Package binaries finds or builds the three programs of a control plane:
// kube-apiserver, etcd and aws-iam-authenticator.
package binaries

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Set holds the paths of the programs.
type Set struct {
	APIServer     string
	Etcd          string
	Authenticator string
}

// Options say where programs may come from.
type Options struct {
	// Assets is a directory that is used when it holds all three programs, as
	// KUBEBUILDER_ASSETS names one. Empty means none.
	Assets string
	// Cache is the directory below which builds are kept; see DefaultCache.
	Cache string
	// Module is the directory of the module that pins the programs' versions;
	// see FindModule.
	Module string
	// Progress receives lines for people while a build runs.
	Progress io.Writer
	// Now tells the time.
	Now func() time.Time
}

// names are the file names, in the order in which they are built: the small
// one first, so that a broken toolchain shows early.
func names() []string { return []string{"etcd", "aws-iam-authenticator", "kube-apiserver"} }

// Find returns programs that exist: those of the assets directory, else those
// that an earlier build left in the cache, else it builds them, which takes
// minutes once. Two processes never build at the same time.
func Find(ctx context.Context, o Options) (Set, error) {
	if complete(o.Assets) {
		return in(o.Assets), nil
	}
	if o.Module == "" {
		return Set{}, errors.New("finding the control plane's programs: lab/controlplane was not found; run this inside the repository")
	}
	key, err := cacheKey(ctx, o.Module)
	if err != nil {
		return Set{}, err
	}
	dir := filepath.Join(o.Cache, key)
	if complete(dir) {
		return in(dir), nil
	}
	if err := buildLocked(ctx, o, dir); err != nil {
		return Set{}, fmt.Errorf("building the control plane's programs: %w", err)
	}
	return in(dir), nil
}

// DefaultCache is the directory below which builds are kept for this user.
func DefaultCache() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the cache directory: %w", err)
	}
	return filepath.Join(base, "rolecall", "controlplane"), nil
}

// FindModule returns the directory of the module that pins the programs,
// looking in dir and above. It is empty when there is none.
func FindModule(dir string) string {
	for {
		for _, below := range []string{"controlplane", filepath.Join("lab", "controlplane")} {
			candidate := filepath.Join(dir, below)
			if _, err := os.Stat(filepath.Join(candidate, "go.sum")); err == nil {
				return candidate
			}
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

func in(dir string) Set {
	return Set{
		APIServer:     filepath.Join(dir, "kube-apiserver"),
		Etcd:          filepath.Join(dir, "etcd"),
		Authenticator: filepath.Join(dir, "aws-iam-authenticator"),
	}
}

func complete(dir string) bool {
	if dir == "" {
		return false
	}
	for _, name := range names() {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.IsDir() || info.Mode().Perm()&0o111 == 0 {
			return false
		}
	}
	return true
}
