//go:build unix

package graph_test

import (
	"runtime"
	"syscall"
	"time"
)

// usage is what the process has used so far.
type usage struct {
	cpu time.Duration
	// peak is the most memory it had at a time, in bytes.
	peak int64
}

func used() usage {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return usage{}
	}
	u := usage{cpu: time.Duration(r.Utime.Nano() + r.Stime.Nano()), peak: r.Maxrss}
	if runtime.GOOS == "linux" { // which counts in KiB
		u.peak *= 1 << 10
	}
	return u
}
