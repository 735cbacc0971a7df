// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import "golang.org/x/sys/unix"

// maxInterrupts bounds how often in a row a kick is tried again after EINTR. A
// signal interrupts the send before it did anything, so one repetition does;
// the bound is against a storm.
const maxInterrupts = 16

// Kick makes the kernel transmit what is on the transmit ring, and goes on
// until the ring is drained or nothing moves any more. The kernel sends 32
// packets at most for one system call, unless SocketConfig.TXBudget could be
// set, and nothing but the next call sends the rest (P1). What is left, Pending
// tells; call Kick again on a later turn, after Complete, even with nothing new
// queued.
//
// It returns only what the caller must act on: ErrLinkDown (the packets stay
// queued, and leave at the first Kick after the link came up again, P36),
// ErrGone (close the socket), and errnos that should not be. What is a matter
// of load is counted in Stats. It does not allocate.
func (s *Socket) Kick() error {
	if s.fd < 0 {
		return s.errClosed
	}
	before := s.tx.pending()
	if before == 0 || s.zeroCopy && !s.tx.needWakeup() {
		return nil
	}
	interrupts := 0
	for before > 0 {
		errno := s.umem.kernel.send(s.fd)
		s.stats.Kicks++
		switch errno {
		case 0:
			if s.zeroCopy {
				return nil // the driver goes on by itself until it sets the flag again
			}
			// "All sent" can't be inferred: older kernels answer so when the
			// completion ring is full too (P2).
		case unix.EBUSY:
			// The device dropped one packet, and the walk over the ring ended
			// there (P3). Its frame completes like any other. A zero-copy
			// driver that is busy with its configuration says so too, and drops
			// nothing.
			if !s.zeroCopy && s.tx.pending() < before {
				s.stats.TxDropped++
			}
		case unix.EAGAIN:
			s.stats.KickAgain++
		case unix.ENOBUFS:
			s.stats.KickNoBufs++
		case unix.EINTR:
			if interrupts++; interrupts < maxInterrupts {
				continue
			}
		default:
			return s.kickFailed(errno)
		}
		after := s.tx.pending()
		// A full completion ring is the one obstacle that we can clear
		// ourselves.
		cleared := errno != unix.EBUSY && after > 0 && s.Complete() > 0
		if after == before && !cleared {
			return nil
		}
		before, interrupts = after, 0
	}
	return nil
}

func (s *Socket) kickFailed(errno unix.Errno) error {
	s.stats.KickFailed++
	switch {
	case errno == unix.ENETDOWN:
		return s.errLinkDown
	case s.noteGone(errno):
		return s.errGone
	}
	return opError("transmit", s.config.Name, s.config.Queue, nil, sysError("sendto", errno), "")
}
