// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// childRun is pvlua itself, running the script in the namespace of a stage.
type childRun struct {
	cmd  *exec.Cmd
	port string
	said *transcript
	done chan struct{} // closed when it has ended and err is set
	err  error
}

// Limits of what a healthy pvlua does in milliseconds.
const (
	startLimit = 10 * time.Second
	stopLimit  = 3 * time.Second
)

// start starts pvlua and waits until it receives packets. What it says goes to
// out. It dies with this process.
func (s *stage) start(ctx context.Context, out io.Writer) (*childRun, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding the program itself: %w", err)
	}
	r := &childRun{
		cmd:  exec.Command(exe, s.far.Link, "echo.lua"),
		port: s.far.Link,
		said: &transcript{out: out, changed: make(chan struct{}, 1)},
		done: make(chan struct{}),
	}
	r.cmd.Dir = s.folder
	r.cmd.Stdout, r.cmd.Stderr = r.said, r.said
	// A process group of its own: Ctrl-C at the terminal is for the demo, which ends it.
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.ns.Start(r.cmd); err != nil {
		return nil, fmt.Errorf("starting pvlua in %v: %w", s.ns, err)
	}
	go func() {
		r.err = r.cmd.Wait()
		close(r.done)
	}()
	if err := r.waitReceiving(ctx); err != nil {
		r.kill()
		return nil, err
	}
	return r, nil
}

func (r *childRun) waitReceiving(ctx context.Context) error {
	late := time.After(startLimit)
	for !strings.Contains(r.said.String(), "the handler runs") { // which it says last
		select {
		case <-r.said.changed:
		case <-r.done:
			return errors.Join(errors.New("pvlua ended before it received anything; it says why above"), r.err)
		case <-late:
			return fmt.Errorf("pvlua has not begun to receive within %v", startLimit)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// childTotals are the numbers of the line that pvlua writes at its end.
type childTotals struct{ rx, tx, drop, pass, failed uint64 }

// stop interrupts pvlua, waits for its end, and returns its totals.
func (r *childRun) stop() (t childTotals, err error) {
	if err := r.cmd.Process.Signal(unix.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return t, err
	}
	select {
	case <-r.done:
	case <-time.After(stopLimit):
		r.kill()
		return t, fmt.Errorf("pvlua did not end within %v of a SIGINT", stopLimit)
	}
	if r.err != nil {
		return t, fmt.Errorf("pvlua failed: %w", r.err)
	}
	return parseTotals(r.said.String(), r.port)
}

// kill ends it, if it has not ended, and waits for that.
func (r *childRun) kill() {
	r.cmd.Process.Kill()
	<-r.done
}

// parseTotals finds the totals of a port in what pvlua wrote.
func parseTotals(said, port string) (t childTotals, err error) {
	for line := range strings.Lines(said) {
		n, _ := fmt.Sscanf(line, port+": rx %d tx %d drop %d pass %d error %d", &t.rx, &t.tx, &t.drop, &t.pass, &t.failed)
		if n == 5 {
			return t, nil
		}
	}
	return t, fmt.Errorf("pvlua ended without totals for %s", port)
}

// transcript keeps what is written to it, and writes it to out line by line.
type transcript struct {
	mu      sync.Mutex
	text    bytes.Buffer
	out     io.Writer
	changed chan struct{} // holds a value after a Write
}

func (t *transcript) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text.Write(b)
	select {
	case t.changed <- struct{}{}:
	default:
	}
	return t.out.Write(b)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// indented returns a writer that sets lines off to the right on w.
func indented(w io.Writer) io.Writer { return &indenter{w: w} }

type indenter struct {
	w      io.Writer
	inLine bool // the last write ended within a line
}

func (i *indenter) Write(b []byte) (int, error) {
	var text bytes.Buffer
	for line := range bytes.Lines(b) {
		if !i.inLine {
			text.WriteString("         ")
		}
		text.Write(line)
		i.inLine = line[len(line)-1] != '\n'
	}
	_, err := i.w.Write(text.Bytes())
	return len(b), err
}
