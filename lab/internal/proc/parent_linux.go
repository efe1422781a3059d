package proc

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// ErrOrphan says that there is no parent to wait for.
var ErrOrphan = errors.New("the parent process has ended")

// WithParent returns a context that is cancelled when the process that started
// this one ends, however it ends.
func WithParent(ctx context.Context) (context.Context, error) {
	parent := os.Getppid()
	fd, err := unix.PidfdOpen(parent, 0)
	if err != nil {
		return nil, fmt.Errorf("watching the parent process: %w", err)
	}
	if now := os.Getppid(); now != parent || now == 1 {
		_ = unix.Close(fd)
		return nil, ErrOrphan
	}
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		for {
			if _, err := unix.Poll(fds, -1); !errors.Is(err, unix.EINTR) {
				cancel(ErrOrphan)
				_ = unix.Close(fd)
				return
			}
		}
	}()
	return ctx, nil
}
