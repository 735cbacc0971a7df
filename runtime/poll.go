// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"time"

	"golang.org/x/sys/unix"
)

// A poller waits for a worker's sockets and its mailbox in one ppoll. Only
// POLLIN is asked for: POLLOUT is ready nearly always and would spin (P37).
// The descriptors are never given to Go's own poller, whose threads would
// transmit for us (P38).
type poller struct {
	fds     []unix.PollFd
	sockets int // how many of them, the last ones, are sockets of the script
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
	ts := unix.NsecToTimespec(int64(timeout))
	unix.Ppoll(p.fds, &ts, nil)
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
