// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOpErrorOfNil(t *testing.T) {
	if err := opError("x", "y", 0, ErrGone, nil, "z"); err != nil {
		t.Errorf("%v for nil", err)
	}
	if err := opError("x", "y", 0, ErrGone, sysError("call", 0), "z"); err != nil {
		t.Errorf("%v for errno 0", err)
	}
}

func TestErrorText(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{opError("open AF_XDP socket", "veth1", 0, nil, sysError("socket", unix.EPERM), "sudo"),
			"open AF_XDP socket on veth1 queue 0: socket: operation not permitted; sudo"},
		{opError("make UMEM", "", noQueue, nil, os.ErrClosed, ""), "make UMEM: file already closed"},
		{opError("transmit", "veth1", 3, ErrLinkDown, sysError("sendto", unix.ENETDOWN), ""),
			"transmit on veth1 queue 3: link is down: sendto: network is down"},
		{opError("", "veth1", noQueue, nil, ErrNoInterface, "there are: lo"), "veth1: no such interface; there are: lo"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("%s\nwant %s", got, c.want)
		}
	}
}

// TestOpenErrors feeds the errnos of each step of opening, and looks at what a
// program can tell and a person can read.
func TestOpenErrors(t *testing.T) {
	for _, c := range []struct {
		call   string // the first whose name starts so fails
		errno  unix.Errno
		config SocketConfig
		is     []error
		words  []string
	}{
		{"socket", unix.EPERM, SocketConfig{}, []error{os.ErrPermission, unix.EPERM}, []string{"socket: operation not permitted; "}},
		{"socket", unix.EAFNOSUPPORT, SocketConfig{}, []error{unix.EAFNOSUPPORT}, []string{"CONFIG_XDP_SOCKETS"}},
		{"socket", unix.EMFILE, SocketConfig{}, []error{unix.EMFILE}, []string{"ulimit -n"}},
		{"setsockopt 283 4", unix.ENOBUFS, SocketConfig{}, []error{ErrMemlock, unix.ENOBUFS},
			[]string{"locked-memory limit too low", "32768 bytes", "ulimit -l", "LimitMEMLOCK", "CAP_IPC_LOCK"}},
		{"setsockopt 283 4", unix.EINVAL, SocketConfig{}, []error{unix.EINVAL},
			[]string{"16 chunks of 2048 bytes with headroom 0"}},
		{"setsockopt 283 4", unix.ENOMEM, SocketConfig{}, []error{unix.ENOMEM}, []string{"fewer chunks"}},
		{"setsockopt 283 4", unix.EIO, SocketConfig{}, []error{unix.EIO}, []string{"XDP_UMEM_REG: input/output error"}},
		{"setsockopt 283 5", unix.ENOMEM, SocketConfig{}, []error{unix.ENOMEM}, []string{"XDP_UMEM_FILL_RING: cannot allocate memory"}},
		{"setsockopt 283 9", unix.EACCES, SocketConfig{}, []error{unix.EACCES}, []string{"XDP_MAX_TX_SKB_BUDGET"}},
		{"setsockopt 1 32", unix.ENOMEM, SocketConfig{SendBuffer: 1}, []error{unix.ENOMEM}, []string{"SO_SNDBUFFORCE"}},
		{"getsockopt 283 1", unix.ENOPROTOOPT, SocketConfig{}, []error{unix.ENOPROTOOPT}, []string{"XDP_MMAP_OFFSETS"}},
		{"mmap", unix.EAGAIN, SocketConfig{}, []error{unix.EAGAIN}, []string{"mmap fill ring: "}},
		{"bind", unix.EPERM, SocketConfig{}, []error{os.ErrPermission}, nil},
		{"bind", unix.EBUSY, SocketConfig{Patience: -1}, []error{ErrInUse, unix.EBUSY}, []string{"queue is in use", "another process"}},
		{"bind", unix.ENODEV, SocketConfig{}, []error{ErrNoInterface, os.ErrNotExist, unix.ENODEV}, []string{"there are: ", "lo"}},
		{"bind", unix.ENETDOWN, SocketConfig{}, []error{ErrLinkDown}, []string{"ip link set dev lo up"}},
		{"bind", unix.EOPNOTSUPP, SocketConfig{Bind: BindZeroCopy}, []error{ErrNoZeroCopy, unix.EOPNOTSUPP}, []string{"no zero-copy"}},
		{"bind", unix.EINVAL, SocketConfig{Bind: BindZeroCopy}, []error{ErrNoZeroCopy, unix.EINVAL}, []string{"MTU"}},
		{"bind", unix.ENOMEM, SocketConfig{Bind: BindZeroCopy}, []error{ErrNoZeroCopy, unix.ENOMEM}, nil},
		{"bind", unix.EINVAL, SocketConfig{Queue: 5}, []error{ErrQueueRange, unix.EINVAL}, []string{"lo has one queue, number 0"}},
		{"bind", unix.EINVAL, SocketConfig{}, []error{unix.EINVAL}, nil},
		{"getsockopt 283 8", unix.EIO, SocketConfig{}, []error{unix.EIO}, []string{"XDP_OPTIONS"}},
	} {
		t.Run(c.call+" "+c.errno.Error(), func(t *testing.T) {
			k := newFakeKernel()
			u := k.umem(t, Config{ChunkCount: 16})
			// Which call that is, a first run tells.
			trial := newFakeKernel()
			v := trial.umem(t, Config{ChunkCount: 16})
			from := len(trial.calls)
			c.config.Name, c.config.Ifindex = "lo", 1
			bind := c.config.Bind
			c.config.Bind = BindAuto
			trial.open(t, v, c.config)
			c.config.Bind = bind
			for i, name := range trial.calls[from:] {
				if strings.HasPrefix(name, c.call) {
					k.failAt, k.errno = from+i+1, c.errno
					break
				}
			}
			if k.failAt == 0 {
				t.Fatalf("no such call among %q", trial.calls)
			}
			_, err := u.Open(c.config)
			if err == nil {
				t.Fatal("no error")
			}
			for _, is := range c.is {
				if !errors.Is(err, is) {
					t.Errorf("%v is not %v", err, is)
				}
			}
			var e *Error
			if !errors.As(err, &e) || e.Interface != "lo" || e.Queue != c.config.Queue {
				t.Errorf("%#v", e)
			}
			var call *os.SyscallError
			if !errors.As(err, &call) {
				t.Errorf("%v names no system call", err)
			}
			for _, w := range c.words {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%v\nlacks %q", err, w)
				}
			}
		})
	}
}
