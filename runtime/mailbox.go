// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// A mailbox carries functions to a worker, which runs them on its own thread
// between two batches, or in the interlude of one whose handler is slow. It is how everything outside the data path
// (stopping, link changes, statistics) reaches a worker's state without locks
// on the data path: a turn costs one atomic load. Its eventfd stands in the
// worker's ppoll set, for AF_XDP sockets themselves report no trouble (P35)
// and must not be closed under a poller (P47).
type mailbox struct {
	fd     int
	posted atomic.Bool

	mu     sync.Mutex
	letter []func()
	closed bool
}

func newMailbox() (*mailbox, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("eventfd", err)
	}
	return &mailbox{fd: fd}, nil
}

// post has fn run by the worker soon. It reports false, and fn never runs, if
// the worker has ended.
func (m *mailbox) post(fn func()) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.letter = append(m.letter, fn)
	m.posted.Store(true)
	one := [8]byte{1} // any non-zero count wakes the poller, whatever the byte order
	unix.Write(m.fd, one[:])
	return true
}

// call has fn run by the worker and waits for it. It reports whether fn ran.
func (m *mailbox) call(fn func()) bool {
	done := make(chan struct{})
	if !m.post(func() { fn(); close(done) }) {
		return false
	}
	<-done
	return true
}

// deliver runs what was posted. Only the worker calls it.
func (m *mailbox) deliver() {
	if !m.posted.Load() {
		return
	}
	var count [8]byte
	unix.Read(m.fd, count[:])
	m.mu.Lock()
	letter := m.letter
	m.letter = nil
	m.posted.Store(false)
	m.mu.Unlock()
	for _, fn := range letter {
		fn()
	}
}

// close delivers what is left and refuses everything after.
func (m *mailbox) close() {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return
	}
	m.closed = true
	letter := m.letter
	m.letter = nil
	unix.Close(m.fd)
	m.mu.Unlock()
	for _, fn := range letter {
		fn()
	}
}
