// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	goruntime "runtime"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A poller waits for a worker's sockets and its mailbox in one ppoll. Only
// POLLIN is asked for: POLLOUT is ready nearly always and would spin (P37).
// The descriptors are never given to Go's own poller, whose threads would
// transmit for us (P38).
type poller struct {
	fds     []unix.PollFd
	sockets int // how many of them, the last ones, are sockets of the script
	timeout unix.Timespec
}

// set replaces the descriptors waited for: those of AF_XDP and those of the
// script's sockets.
func (p *poller) set(mailbox int, lanes, sockets []int) {
	p.sockets = len(sockets)
	p.fds = append(p.fds[:0], unix.PollFd{Fd: int32(mailbox), Events: unix.POLLIN})
	for _, fd := range append(lanes, sockets...) {
		p.fds = append(p.fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
}

// wait sleeps until something is readable or the time is over. A signal,
// Go's preemption among them, ends it early, which does no harm (P46).
func (p *poller) wait(timeout time.Duration) {
	p.timeout = unix.NsecToTimespec(int64(timeout))
	unix.Ppoll(p.fds, &p.timeout, nil)
}

// doze is wait for a short sleep, out of which it comes sooner. Go is not told
// that the thread sleeps, so it does not take away the processor (its P) that the
// goroutine has, and the goroutine need not get one back before it goes on: when
// Go's monitor has gone to sleep too, that means waking the monitor first, which
// runs at once and before us, some 30 to 100 microseconds. Go's signal for
// preemption ends the sleep, so that the garbage collector never waits for it;
// but there is one every 10 ms, hence only a short sleep is a doze.
func (p *poller) doze(timeout time.Duration) {
	p.timeout = unix.NsecToTimespec(int64(timeout))
	unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(unsafe.SliceData(p.fds))), uintptr(len(p.fds)),
		uintptr(unsafe.Pointer(&p.timeout)), 0, 0, 0)
	goruntime.KeepAlive(p)
}

// anySocket reports whether any of the script's sockets is readable. It does
// not wait.
func (p *poller) anySocket() bool {
	n, err := unix.Ppoll(p.fds[len(p.fds)-p.sockets:], &unix.Timespec{}, nil)
	return err == nil && n > 0
}

// socketReady reports whether anySocket found the i-th of them readable, or
// that there is an error to be picked up by reading.
func (p *poller) socketReady(i int) bool { return p.fds[len(p.fds)-p.sockets+i].Revents != 0 }

// processors guards Go's number of processors, which is one for the process.
var processors sync.Mutex

// addProcessors gives Go n more processors, for as many workers that keep theirs
// while they doze: what else there is to run must not wait for one. With a
// negative n it takes them away again.
func addProcessors(n int) {
	processors.Lock()
	defer processors.Unlock()
	goruntime.GOMAXPROCS(goruntime.GOMAXPROCS(0) + n)
}
