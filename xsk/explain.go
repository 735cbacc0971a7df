// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// explainSocket makes the error of a system call on the way to a socket.
func explainSocket(c SocketConfig, call string, errno unix.Errno) error {
	hint := ""
	switch errno {
	case unix.EPERM:
		hint = capabilityHint()
	case unix.EAFNOSUPPORT:
		hint = "this kernel has no AF_XDP: it needs CONFIG_XDP_SOCKETS"
	case unix.EMFILE, unix.ENFILE:
		hint = "raise the limit of open files (ulimit -n)"
	}
	return opError(opOpen, c.Name, c.Queue, nil, sysError(call, errno), hint)
}

// explainRegister makes the error of XDP_UMEM_REG.
func explainRegister(c SocketConfig, u *UMEM, errno unix.Errno) error {
	err := sysError("setsockopt XDP_UMEM_REG", errno)
	if u.inMap != nil && errno != unix.ENOBUFS {
		return opError(opOpen, c.Name, c.Queue, ErrMapMemory, err, "")
	}
	switch errno {
	case unix.ENOBUFS: // P32
		return opError(opOpen, c.Name, c.Queue, ErrMemlock, err, memlockHint(len(u.mem)))
	case unix.EINVAL:
		return opError(opOpen, c.Name, c.Queue, nil, err, fmt.Sprintf(
			"this kernel refuses %d chunks of %d bytes with headroom %d: chunks of 2048 bytes and headroom 0 always do",
			u.config.ChunkCount, u.config.ChunkSize, u.config.Headroom))
	case unix.ENOMEM:
		return opError(opOpen, c.Name, c.Queue, nil, err, fmt.Sprintf("%d bytes could not be pinned: use fewer chunks", len(u.mem)))
	}
	return opError(opOpen, c.Name, c.Queue, nil, err, "")
}

// explainBind makes the error of bind; nil for errno 0. A donor is the socket
// whose memory is shared, if one is.
func explainBind(s *Socket, donor *Socket, errno unix.Errno) error {
	if errno == 0 {
		return nil
	}
	c := s.config
	var kind error
	hint := ""
	switch errno {
	case unix.EPERM:
		hint = capabilityHint()
	case unix.EBUSY:
		kind = ErrInUse
		hint = "another process, or another UMEM of this one, has an AF_XDP socket there: end it (ss --xdp lists them where the kernel can)"
	case unix.ENODEV:
		return noInterface(opOpen, c.Name, c.Queue, sysError("bind", errno))
	case unix.ENETDOWN:
		kind = ErrLinkDown
		hint = "ip link set dev " + c.Name + " up"
	case unix.EOPNOTSUPP:
		switch {
		case donor != nil && donor.zeroCopy:
			kind = ErrNoZeroCopy
			hint = "its memory is shared with " + donor.where() + ", which is zero-copy: bind all sockets in copy mode"
		case c.Bind == BindZeroCopy:
			kind = ErrNoZeroCopy
			hint = "the driver has none; copy mode works with any"
		}
	case unix.EINVAL:
		if n, err := queueCount(c.Name); err == nil && c.Queue >= n {
			kind = ErrQueueRange
			hint = fmt.Sprintf("%s has %s", c.Name, queuesText(n))
		} else if c.Bind == BindZeroCopy || donor != nil && donor.zeroCopy {
			kind = ErrNoZeroCopy // zero-copy that does not fit the MTU or the frames (P14)
			hint = "the driver refuses zero-copy with this MTU and chunk size: use chunks of 4096, a smaller MTU, or copy mode"
		}
	default:
		if c.Bind == BindZeroCopy {
			kind = ErrNoZeroCopy
		}
	}
	return opError(opOpen, c.Name, c.Queue, kind, sysError("bind", errno), hint)
}

// queuesText says how many queues there are, and their numbers.
func queuesText(n int) string {
	if n == 1 {
		return "one queue, number 0"
	}
	return fmt.Sprintf("%d queues, numbers 0 to %d", n, n-1)
}
