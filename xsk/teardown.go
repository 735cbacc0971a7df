// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// quiet waits until a zero-copy driver has let go of the queue of a socket just
// closed, and tells whether it did. The kernel takes the queue's pool away from
// the driver (xp_disable_drv_zc) before it lets anybody bind the queue again,
// so the proof is that a socket of one frame's memory, in copy mode, can be
// bound. It needs CAP_NET_RAW, like every AF_XDP socket.
func (u *UMEM) quiet(c SocketConfig) bool {
	wait := time.Millisecond / 2
	for waited := time.Duration(0); waited < 2*time.Second; waited += wait {
		switch u.probeBind(c) {
		case 0, unix.ENODEV: // bound; or the device is gone, which takes the pool away at once (xsk_notifier)
			return true
		case unix.EBUSY:
			u.pause(wait)
			wait = min(2*wait, 100*time.Millisecond)
		default:
			return false
		}
	}
	return false
}

// probeBind binds a throw-away socket to a queue, and closes it.
func (u *UMEM) probeBind(c SocketConfig) unix.Errno {
	k := u.kernel
	page := os.Getpagesize()
	mem, errno := k.mmapAnonymous(page)
	if errno != 0 {
		return errno
	}
	defer k.munmap(mem)
	fd, errno := k.socket()
	if errno != 0 {
		return errno
	}
	defer k.closeFD(fd)
	r := unix.XDPUmemReg{Addr: uint64(uintptr(unsafe.Pointer(&mem[0]))), Len: uint64(page), Size: defaultChunkSize}
	if errno := k.setsockopt(fd, unix.SOL_XDP, unix.XDP_UMEM_REG, unsafe.Pointer(&r), unsafe.Sizeof(r)); errno != 0 {
		return errno
	}
	one := uint32(1)
	for _, ring := range []int{unix.XDP_UMEM_FILL_RING, unix.XDP_UMEM_COMPLETION_RING, unix.XDP_RX_RING} {
		if errno := k.setsockopt(fd, unix.SOL_XDP, ring, unsafe.Pointer(&one), unsafe.Sizeof(one)); errno != 0 {
			return errno
		}
	}
	addr := unix.RawSockaddrXDP{
		Family: unix.AF_XDP, Flags: unix.XDP_COPY, Ifindex: uint32(c.Ifindex), Queue_id: uint32(c.Queue),
	}
	return k.bind(fd, &addr)
}
