// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// busyBudget is how many packets the driver may process in one busy poll. The
// kernel takes no more than NAPI_POLL_WEIGHT (linux/netdevice.h).
const busyBudget = 64

// setBusyPoll lets system calls on the socket run the driver's receive path
// (socket(7), SO_BUSY_POLL; SO_PREFER_BUSY_POLL and its budget are of 5.11). A
// kernel without busy polling does without.
func (s *Socket) setBusyPoll() error {
	if s.config.BusyPoll <= 0 {
		return nil
	}
	for _, o := range []struct {
		name  string
		no    int
		value uint32
	}{
		{"SO_PREFER_BUSY_POLL", unix.SO_PREFER_BUSY_POLL, 1},
		{"SO_BUSY_POLL", unix.SO_BUSY_POLL, uint32(max(s.config.BusyPoll.Microseconds(), 1))},
		{"SO_BUSY_POLL_BUDGET", unix.SO_BUSY_POLL_BUDGET, busyBudget},
	} {
		err := s.option(o.name, unix.SOL_SOCKET, o.no, o.value)
		if errors.Is(err, unix.ENOPROTOOPT) {
			s.config.Log.Debug("no "+o.name+" in this kernel", "interface", s.config.Name)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// Poll has the driver look for packets, so that no interrupt is waited for. It
// does nothing without SocketConfig.BusyPoll, before a first packet was received,
// and where the driver has no NAPI for the socket to poll, such as veth: there
// the sender's own processor puts packets onto the ring (P26). It does not
// allocate.
func (s *Socket) Poll() {
	if s.config.BusyPoll <= 0 || s.fd < 0 || s.stats.Received == 0 {
		return
	}
	if !s.napiKnown {
		size := uint32(unsafe.Sizeof(s.napi))
		s.umem.kernel.getsockopt(s.fd, unix.SOL_SOCKET, unix.SO_INCOMING_NAPI_ID, unsafe.Pointer(&s.napi), &size)
		s.napiKnown = true // the first packet tells it, and no other one does (sk_mark_napi_id_once_xdp)
	}
	if s.napi != 0 {
		s.noteGone(s.umem.kernel.receive(s.fd))
	}
}
