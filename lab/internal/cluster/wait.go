package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"github.com/rolecall-dev/rolecall/lab/internal/proc"
)

// await asks ready every few milliseconds until it returns nil. It ends early
// when the process ends or the context does.
func await(ctx context.Context, p *proc.Process, ready func() error) error {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-p.Done():
			return p.Failure()
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w\n%s", p.Name, errors.Join(ctx.Err(), err), p.Tail())
		case <-ticker.C:
		}
	}
}

// The range from which ports are taken lies below the one from which Linux
// takes the ports of outgoing connections.
const (
	firstPort = 20000
	lastPort  = 32000
)

// freePorts returns ports of the loopback interface that nothing listens on. Until the group is closed it holds the same numbers of UDP,
// which nobody else uses, so that laboratories that start at the same time take others.
func freePorts(g *proc.Group, n int) ([]int, error) {
	var out []int
	for range 1000 {
		if len(out) == n {
			return out, nil
		}
		port := firstPort + rand.IntN(lastPort-firstPort) //nolint:gosec // a port number is no secret
		address := fmt.Sprintf("127.0.0.1:%d", port)
		mark, err := net.ListenPacket("udp", address) //nolint:noctx // returns at once
		if err != nil {
			continue
		}
		g.Hold(mark)
		l, err := net.Listen("tcp", address) //nolint:noctx // returns at once
		if err != nil {
			continue
		}
		_ = l.Close()
		out = append(out, port)
	}
	return nil, errors.New("finding a free port: a thousand tries found none")
}
