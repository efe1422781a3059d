package binaries

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// recipe changes whenever the way of building changes, so that older builds
// are not taken for current ones.
const recipe = "1"

// Modules whose versions go into the programs.
const (
	moduleKubernetes    = "k8s.io/kubernetes"
	moduleEtcd          = "go.etcd.io/etcd/server/v3"
	moduleAuthenticator = "sigs.k8s.io/aws-iam-authenticator"
)

func cacheKey(ctx context.Context, module string) (string, error) {
	goVersion, err := goOutput(ctx, module, "env", "GOVERSION")
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, name := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join(module, name))
		if err != nil {
			return "", fmt.Errorf("reading the versions of the control plane: %w", err)
		}
		fmt.Fprintf(h, "%s %d\n%s", name, len(data), data)
	}
	fmt.Fprintf(h, "%s %s/%s recipe %s", strings.TrimSpace(goVersion), runtime.GOOS, runtime.GOARCH, recipe)
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}

// buildLocked builds into dir unless another process did so while this one
// waited for the lock.
func buildLocked(ctx context.Context, o Options, dir string) error {
	if err := os.MkdirAll(o.Cache, 0o750); err != nil {
		return fmt.Errorf("making the cache: %w", err)
	}
	unlock, err := lock(ctx, o)
	if err != nil {
		return err
	}
	defer unlock()
	if complete(dir) {
		return nil
	}
	return build(ctx, o, dir)
}

// lock waits for the cache's lock, which ends with the process at the latest.
func lock(ctx context.Context, o Options) (func(), error) {
	f, err := os.OpenFile(filepath.Join(o.Cache, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock: %w", err)
	}
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	told := false
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("locking the cache: %w", err), f.Close())
		}
		if !told {
			fmt.Fprintln(o.Progress, "another process is building the control plane's programs; waiting for it")
			told = true
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), f.Close())
		case <-ticker.C:
		}
	}
}

// build makes all programs in a temporary directory and then gives it its
// name, so that a directory with the name is always complete.
func build(ctx context.Context, o Options, dir string) error {
	versions, err := moduleVersions(ctx, o.Module)
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp(o.Cache, "building-")
	if err != nil {
		return fmt.Errorf("making a directory to build in: %w", err)
	}
	defer func() { _ = os.RemoveAll(temp) }()
	fmt.Fprintln(o.Progress, "building the control plane's programs from their Go modules; this takes about 5 minutes once")
	for i, t := range targets(versions) {
		p := progress{options: o, label: fmt.Sprintf("[%d/%d] %s %s", i+1, len(versions), t.name, t.version)}
		if err := p.run(ctx, t, filepath.Join(temp, t.name)); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("replacing an incomplete build: %w", err)
	}
	if err := os.Rename(temp, dir); err != nil {
		return fmt.Errorf("keeping the build: %w", err)
	}
	return nil
}

// target is one program to build.
type target struct {
	name, version, pkg string
	stamps             []string // linker settings name=value
}

func targets(versions map[string]string) []target {
	kube := versions[moduleKubernetes]
	numbers := append(strings.Split(strings.TrimPrefix(kube, "v"), "."), "", "")
	const stamp = "k8s.io/component-base/version."
	return []target{
		{name: "etcd", version: versions[moduleEtcd], pkg: moduleEtcd},
		{
			name: "aws-iam-authenticator", version: versions[moduleAuthenticator],
			pkg:    moduleAuthenticator + "/cmd/aws-iam-authenticator",
			stamps: []string{moduleAuthenticator + "/pkg.Version=" + versions[moduleAuthenticator]},
		},
		{
			name: "kube-apiserver", version: kube,
			pkg: moduleKubernetes + "/cmd/kube-apiserver",
			stamps: []string{
				stamp + "gitVersion=" + kube, stamp + "gitMajor=" + numbers[0], stamp + "gitMinor=" + numbers[1],
				stamp + "gitTreeState=clean", stamp + "gitCommit=unknown",
			},
		},
	}
}

func moduleVersions(ctx context.Context, module string) (map[string]string, error) {
	want := []string{moduleEtcd, moduleAuthenticator, moduleKubernetes}
	out, err := goOutput(ctx, module, append([]string{"list", "-m", "-f", "{{.Path}} {{.Version}}"}, want...)...)
	if err != nil {
		return nil, err
	}
	versions := map[string]string{}
	for line := range strings.Lines(out) {
		if path, version, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			versions[path] = version
		}
	}
	if len(versions) != len(want) {
		return nil, fmt.Errorf("reading the versions of the control plane: go list said %q", out)
	}
	return versions, nil
}

// progress tells that a build is alive.
type progress struct {
	options Options
	label   string
}

func (p progress) run(ctx context.Context, t target, out string) error {
	started := p.options.Now()
	args := []string{"build", "-trimpath", "-ldflags", linkFlags(t.stamps), "-o", out, t.pkg}
	cmd := goCommand(ctx, p.options.Module, args...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting the go command: %w", err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	ticker := time.NewTicker(10 * time.Second)
	defer ticker.Stop()
	fmt.Fprintln(p.options.Progress, p.label)
	for {
		select {
		case err := <-done:
			elapsed := p.options.Now().Sub(started).Round(time.Second)
			if err != nil {
				return fmt.Errorf("go build %s: %w\n%s", t.pkg, err, output.Bytes())
			}
			fmt.Fprintf(p.options.Progress, "%s done in %s\n", p.label, elapsed)
			return nil
		case <-ticker.C:
			fmt.Fprintf(p.options.Progress, "%s still building after %s\n", p.label, p.options.Now().Sub(started).Round(time.Second))
		}
	}
}

func linkFlags(stamps []string) string {
	flags := []string{"-s", "-w"}
	for _, s := range stamps {
		flags = append(flags, "-X", s)
	}
	return strings.Join(flags, " ")
}

func goOutput(ctx context.Context, module string, args ...string) (string, error) {
	cmd := goCommand(ctx, module, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", args[0], err, stderr.Bytes())
	}
	return string(out), nil
}

// goCommand runs the go tool inside the module, in a process group of its own
// that ends with the context.
func goCommand(ctx context.Context, module string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}
