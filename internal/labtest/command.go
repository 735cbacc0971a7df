// SPDX-License-Identifier: GPL-3.0-or-later

package labtest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// RunTimeout bounds every command that Run and Try wait for.
const RunTimeout = 60 * time.Second

// Run runs a command in the side's namespace, returns what it wrote (standard
// output and standard error, as they came), and fails the test unless it exits with 0.
func (s *Side) Run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := s.Try(t, name, args...)
	if err != nil {
		t.Fatalf("%s: %v; it wrote:\n%s", commandLine(name, args), err, out)
	}
	return out
}

// Try is [Side.Run] for commands that may fail: the error is then an
// [*exec.ExitError]. A command that does not start, or outlasts [RunTimeout], fails the test.
func (s *Side) Try(t testing.TB, name string, args ...string) (string, error) {
	t.Helper()
	p := s.Start(t, name, args...)
	err := p.Wait(t, RunTimeout)
	return p.Output(), err
}

// Start starts a command in the side's namespace and lets it run. It and its children
// are killed when the test is over, if they are still running then.
func (s *Side) Start(t testing.TB, name string, args ...string) *Process {
	t.Helper()
	return s.StartCmd(t, exec.Command(name, args...))
}

// StartCmd is [Side.Start] for a command that needs more than a name and
// arguments. Its Stdout and Stderr are taken for [Process.Output] where they are nil.
func (s *Side) StartCmd(t testing.TB, cmd *exec.Cmd) *Process {
	t.Helper()
	p := &Process{cmd: cmd, done: make(chan struct{})}
	p.out.changed = make(chan struct{})
	if cmd.Stdout == nil {
		cmd.Stdout = &p.out
	}
	if cmd.Stderr == nil {
		cmd.Stderr = &p.out
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true // so that it can be killed with its children
	cmd.WaitDelay = time.Second    // for the output, should a child hold it open
	if err := s.NS.Start(cmd); err != nil {
		t.Fatalf("cannot start %s: %v", commandLine(cmd.Path, cmd.Args[1:]), err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(p.Kill)
	return p
}

// Process is a command that runs in a side's namespace.
type Process struct {
	cmd  *exec.Cmd
	out  output
	done chan struct{} // closed when it has ended and err is set
	err  error
}

// Pid returns its process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Output returns what it has written so far, standard output and error as they came.
func (p *Process) Output() string {
	s, _ := p.out.now()
	return s
}

// Signal sends it a signal; it having ended is [os.ErrProcessDone].
func (p *Process) Signal(sig os.Signal) error { return p.cmd.Process.Signal(sig) }

// Done is closed when it has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Kill kills it and its children and waits for its end. It may have ended already.
func (p *Process) Kill() {
	// The group outlives its leader if a child is still running; if there is no group the call fails.
	_ = syscall.Kill(-p.Pid(), syscall.SIGKILL)
	<-p.done
}

// Wait waits for its end and returns nil for exit status 0, otherwise an
// [*exec.ExitError]. It taking longer than limit fails the test.
func (p *Process) Wait(t testing.TB, limit time.Duration) error {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(limit):
		p.Kill()
		t.Fatalf("%s has not ended within %v; it wrote:\n%s", p, limit, p.Output())
	}
	var exit *exec.ExitError
	if p.err != nil && !errors.As(p.err, &exit) && !errors.Is(p.err, exec.ErrWaitDelay) {
		t.Fatalf("waiting for %s: %v", p, p.err)
	}
	return p.err
}

// WaitOutput waits until its output holds text. If it ends before, or that takes
// longer than limit, the test fails.
func (p *Process) WaitOutput(t testing.TB, text string, limit time.Duration) {
	t.Helper()
	late := time.After(limit)
	for {
		got, changed := p.out.now()
		if strings.Contains(got, text) {
			return
		}
		select {
		case <-changed:
		case <-p.done:
			if got = p.Output(); !strings.Contains(got, text) {
				t.Fatalf("%s has ended (%v) without writing %q; it wrote:\n%s", p, p.err, text, got)
			}
			return
		case <-late:
			t.Fatalf("%s has not written %q within %v; it wrote:\n%s", p, text, limit, got)
		}
	}
}

func (p *Process) String() string { return commandLine(p.cmd.Path, p.cmd.Args[1:]) }

// output collects what a command writes and tells those who wait for more.
type output struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	changed chan struct{} // closed and replaced by each Write
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.changed)
	o.changed = make(chan struct{})
	return o.buf.Write(b)
}

func (o *output) now() (string, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String(), o.changed
}

func commandLine(name string, args []string) string {
	return fmt.Sprintf("%q", strings.Join(append([]string{name}, args...), " "))
}
