// Package proc runs child processes that cannot outlive this one.
//
// Every child is started from one thread that lives as long as its Group and
// asks the kernel for a SIGKILL when that thread ends, so children die even
// when this process is killed. Each child leads a process group of its own,
// and each is reaped.
package proc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"syscall"
)

// Group owns child processes.
type Group struct {
	requests chan request
	done     chan struct{}
	ended    chan *Process

	mu       sync.Mutex
	closed   bool
	children []*Process
	held     []io.Closer
}

// Command says what to run.
type Command struct {
	Name string // for messages
	Path string
	Args []string
	Env  []string // the whole environment; nothing is inherited
	Log  string   // file that receives the output
}

// Process is a running or ended child.
type Process struct {
	Name string
	log  string
	cmd  *exec.Cmd
	done chan struct{}
	err  error
	// expected says that the end is no news. The group's lock guards it.
	expected bool
}

type request struct {
	cmd   *exec.Cmd
	reply chan error
}

// NewGroup returns a group without children.
func NewGroup() *Group {
	g := &Group{requests: make(chan request), done: make(chan struct{}), ended: make(chan *Process, 1)}
	go g.serve()
	return g
}

// serve starts children from one thread. The thread is locked and ends with
// the group, when no child is left.
func (g *Group) serve() {
	runtime.LockOSThread()
	for {
		select {
		case r := <-g.requests:
			r.reply <- r.cmd.Start()
		case <-g.done:
			return
		}
	}
}

// Start starts a child.
func (g *Group) Start(c Command) (*Process, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, fmt.Errorf("starting %s: %w", c.Name, os.ErrClosed)
	}
	log, err := os.Create(c.Log)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.Name, err)
	}
	defer func() { _ = log.Close() }()
	p := &Process{Name: c.Name, log: c.Log, done: make(chan struct{})}
	p.cmd = exec.Command(c.Path, c.Args...) //nolint:noctx // ends with the group, by process group
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = append([]string{}, c.Env...), log, log
	p.cmd.SysProcAttr = attributes()
	r := request{cmd: p.cmd, reply: make(chan error, 1)}
	g.requests <- r
	if err := <-r.reply; err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.Name, err)
	}
	go g.wait(p)
	g.children = append(g.children, p)
	return p, nil
}

// Stop kills one child with SIGKILL and returns when it is reaped. Ended does
// not receive it.
func (g *Group) Stop(p *Process) {
	g.mu.Lock()
	p.expected = true
	g.children = slices.DeleteFunc(g.children, func(c *Process) bool { return c == p })
	g.mu.Unlock()
	p.kill()
	<-p.done
}

// Hold keeps something open until the group is closed.
func (g *Group) Hold(c io.Closer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held = append(g.held, c)
}

// Ended receives the first child that has ended without being stopped.
func (g *Group) Ended() <-chan *Process { return g.ended }

// Close kills every child with SIGKILL and returns when all are reaped. It may
// be called more than once.
func (g *Group) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.children {
		p.kill()
	}
	for _, p := range g.children {
		<-p.done
	}
	for _, c := range g.held {
		_ = c.Close()
	}
	g.held = nil
	if !g.closed {
		g.closed = true
		close(g.done)
	}
}

// Done is closed when the process has ended and is reaped.
func (p *Process) Done() <-chan struct{} { return p.done }

// ID is the process id.
func (p *Process) ID() int { return p.cmd.Process.Pid }

// Failure describes a process that has ended, with the end of its output. It
// must not be called before Done.
func (p *Process) Failure() error {
	cause := p.err
	if cause == nil {
		cause = errors.New("it ended without an error")
	}
	return fmt.Errorf("running %s: %w\n%s", p.Name, cause, p.Tail())
}

// Output returns what the process has written so far.
func (p *Process) Output() []byte { return p.OutputFrom(0) }

// Written is the number of bytes the process has written so far.
func (p *Process) Written() int64 {
	info, err := os.Stat(p.log)
	if err != nil {
		return 0
	}
	return info.Size()
}

// OutputFrom returns what the process has written after the first bytes.
func (p *Process) OutputFrom(bytes int64) []byte {
	log, err := os.Open(p.log)
	if err != nil {
		return nil
	}
	defer func() { _ = log.Close() }()
	data, err := io.ReadAll(io.NewSectionReader(log, bytes, math.MaxInt64-bytes))
	if err != nil {
		return nil
	}
	return data
}

// Tail returns the last lines of the output.
func (p *Process) Tail() string {
	lines := bytes.Split(bytes.TrimSpace(p.Output()), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-20):], []byte("\n")))
}

func (g *Group) wait(p *Process) {
	p.err = p.cmd.Wait()
	close(p.done)
	if g.expects(p) {
		return
	}
	select {
	case g.ended <- p:
	default:
	}
}

func (g *Group) expects(p *Process) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return p.expected
}

func (p *Process) kill() {
	select {
	case <-p.done:
	default:
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	}
}
