// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/vishvananda/netns"
)

// A child is a process that runs in a network namespace and on one processor.
type child struct {
	name   string
	cmd    *exec.Cmd
	stdout bytes.Buffer // to be read once it has ended
	stderr bytes.Buffer
	ended  chan struct{} // closed when it has; then err is how
	err    error
}

// startChild starts a program in ns, on processor cpu and no other. It is killed
// if this process dies. The caller stops it.
func startChild(ns netns.NsHandle, cpu int, path string, args ...string) (*child, error) {
	c := &child{name: filepath.Base(path), cmd: exec.Command(path, args...), ended: make(chan struct{})}
	c.cmd.Stdout, c.cmd.Stderr = &c.stdout, &c.stderr
	// The signal comes when the parent's *thread* ends (prctl(2)), so the thread
	// that starts the child stays until the child has ended.
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error, 1)
	go func() {
		defer close(c.ended)
		err := onThread(ns, cpu, func() error {
			if err := c.cmd.Start(); err != nil {
				return err
			}
			started <- nil
			c.err = c.cmd.Wait()
			return nil
		})
		if err != nil {
			started <- err
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	return c, nil
}

// running is nil while it runs; then the error says how it ended.
func (c *child) running() error {
	select {
	case <-c.ended:
		return c.failure("ended by itself")
	default:
		return nil
	}
}

// stop interrupts it and waits until it has ended with exit code 0. One that
// does not end within the given time is killed. Stopping twice is fine.
func (c *child) stop(within time.Duration) error {
	// An error means that it has ended already.
	_ = c.cmd.Process.Signal(syscall.SIGINT)
	select {
	case <-c.ended:
	case <-time.After(within):
		_ = c.cmd.Process.Kill()
		<-c.ended
		return c.failure(fmt.Sprintf("did not end within %v of SIGINT", within))
	}
	if c.err != nil {
		return c.failure("failed")
	}
	return nil
}

func (c *child) failure(how string) error {
	if c.err != nil {
		return fmt.Errorf("%s %s: %w", c.name, how, c.err)
	}
	return fmt.Errorf("%s %s", c.name, how)
}

// said is what it wrote on standard error. It must have ended.
func (c *child) said() string { return strings.TrimSpace(c.stderr.String()) }
