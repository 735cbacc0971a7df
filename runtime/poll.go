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
	fds []unix.PollFd
}

// set replaces the descriptors waited for.
func (p *poller) set(mailbox int, sockets []int) {
	p.fds = append(p.fds[:0], unix.PollFd{Fd: int32(mailbox), Events: unix.POLLIN})
	for _, fd := range sockets {
		p.fds = append(p.fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
}

// wait sleeps until something is readable or the time is over. A signal,
// Go's preemption among them, ends it early, which does no harm (P46).
func (p *poller) wait(timeout time.Duration) {
	ts := unix.NsecToTimespec(int64(timeout))
	unix.Ppoll(p.fds, &ts, nil)
}
