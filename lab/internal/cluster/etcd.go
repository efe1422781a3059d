package cluster

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"github.com/rolecall-dev/rolecall/lab/internal/proc"
)

// Etcd is a running etcd that all clusters share, each below a prefix.
type Etcd struct {
	endpoint string
}

// StartEtcd starts an etcd and returns when it serves. It does not sync to
// disk: its data is thrown away.
func StartEtcd(ctx context.Context, env Environment) (*Etcd, error) {
	free, err := freePorts(env.Processes, 2)
	if err != nil {
		return nil, err
	}
	client, peer := fmt.Sprintf("http://127.0.0.1:%d", free[0]), fmt.Sprintf("http://127.0.0.1:%d", free[1])
	if err := os.MkdirAll(env.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the directory of etcd: %w", err)
	}
	p, err := env.Processes.Start(proc.Command{
		Name: "etcd", Path: env.Binaries.Etcd, Log: filepath.Join(env.Dir, "etcd.log"),
		Args: []string{
			"--data-dir=" + filepath.Join(env.Dir, "etcd"),
			"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
			"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer,
			"--initial-cluster=default=" + peer,
			"--unsafe-no-fsync", "--log-level=warn",
		},
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	if err := await(ctx, p, func() error { return healthy(ctx, client+"/health") }); err != nil {
		return nil, err
	}
	return &Etcd{endpoint: client}, nil
}

func healthy(ctx context.Context, url string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("asking for health: %w", err)
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("asking for health: %w", err)
	}
	defer func() { _ = reply.Body.Close() }()
	if reply.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(reply.Body, 1024))
		return fmt.Errorf("asking for health: %s: %s", reply.Status, body)
	}
	return nil
}
