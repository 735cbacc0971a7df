// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kernel is every system call that a UMEM and its sockets make. It exists for
// the tests, which make each call fail in turn and feed each errno; the program
// only ever uses linux.
type kernel interface {
	socket() (fd int, errno unix.Errno)
	closeFD(fd int) unix.Errno
	setsockopt(fd, level, option int, value unsafe.Pointer, size uintptr) unix.Errno
	getsockopt(fd, level, option int, value unsafe.Pointer, size *uint32) unix.Errno
	mmap(fd int, offset int64, size int) ([]byte, unix.Errno)
	mmapAnonymous(size int) ([]byte, unix.Errno)
	munmap(mem []byte) unix.Errno
	bind(fd int, addr *unix.RawSockaddrXDP) unix.Errno
	// send and receive are the two wake-ups: sendto and recvfrom without data.
	// They do not allocate.
	send(fd int) unix.Errno
	receive(fd int) unix.Errno
}

// linux makes the system calls. Syscall and not RawSyscall, but for send: a raw
// one is no faster and holds up the garbage collector (P45).
type linux struct{}

func (linux) socket() (int, unix.Errno) {
	// The descriptor must stay out of the Go netpoller, whose threads would
	// transmit our frames (P38): it is never made an os.File. SOCK_CLOEXEC
	// works on AF_XDP (P48).
	fd, err := unix.Socket(unix.AF_XDP, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	return fd, errnoOf(err)
}

func (linux) closeFD(fd int) unix.Errno {
	// A child process between fork and exec would hold the socket open, and the
	// kernel receiving, beyond the close.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return errnoOf(unix.Close(fd))
}

func (linux) setsockopt(fd, level, option int, value unsafe.Pointer, size uintptr) unix.Errno {
	_, _, errno := unix.Syscall6(unix.SYS_SETSOCKOPT, uintptr(fd), uintptr(level), uintptr(option), uintptr(value), size, 0)
	return errno
}

// The size is a socklen_t, 32 bits wide (P48).
func (linux) getsockopt(fd, level, option int, value unsafe.Pointer, size *uint32) unix.Errno {
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), uintptr(level), uintptr(option), uintptr(value),
		uintptr(unsafe.Pointer(size)), 0)
	return errno
}

func (linux) mmap(fd int, offset int64, size int) ([]byte, unix.Errno) {
	mem, err := unix.Mmap(fd, offset, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	return mem, errnoOf(err)
}

// Anonymous memory is page-aligned, which XDP_UMEM_REG asks for, and outside
// the Go heap: not scanned, not moved (P44).
func (linux) mmapAnonymous(size int) ([]byte, unix.Errno) {
	mem, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	return mem, errnoOf(err)
}

func (linux) munmap(mem []byte) unix.Errno { return errnoOf(unix.Munmap(mem)) }

func (linux) bind(fd int, addr *unix.RawSockaddrXDP) unix.Errno {
	_, _, errno := unix.Syscall(unix.SYS_BIND, uintptr(fd), uintptr(unsafe.Pointer(addr)), unsafe.Sizeof(*addr))
	return errno
}

// Without MSG_DONTWAIT the kernel answers EOPNOTSUPP (P2).
//
// It never sleeps, and a busy worker spends most of its time in it. There Go's
// monitor would find it sooner or later, take it for asleep and take its processor
// away, and then look every 20 microseconds whether there is another one to take.
// Out of a raw system call nothing is taken, and the monitor looks every 10 ms.
func (linux) send(fd int) unix.Errno {
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), 0, 0, unix.MSG_DONTWAIT, 0, 0)
	return errno
}

// unix.Recvfrom allocates; the bare call does not (P45).
func (linux) receive(fd int) unix.Errno {
	_, _, errno := unix.Syscall6(unix.SYS_RECVFROM, uintptr(fd), 0, 0, unix.MSG_DONTWAIT, 0, 0)
	return errno
}
