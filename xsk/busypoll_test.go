// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestPoll: the driver is polled where there is a NAPI to poll, once the first
// packet has told so.
func TestPoll(t *testing.T) {
	for _, tt := range []struct {
		name     string
		busyPoll time.Duration
		napi     uint32
		want     int // system calls of two polls before a packet, and two after it
	}{
		{"off", 0, 8193, 0},
		{"no NAPI", time.Millisecond, 0, 0},
		{"NAPI", time.Millisecond, 8193, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := newFakeKernel()
			k.napi = tt.napi
			s, end := k.open(t, k.umem(t, Config{ChunkCount: 8, RXRing: 4, TXRing: 4}), SocketConfig{Ifindex: 1, Name: "x", BusyPoll: tt.busyPoll})
			defer s.Close()
			polls := 0
			k.onRecv = func(int, *fakeSocket) unix.Errno { polls++; return 0 }
			dst := make([]Desc, 1)
			if n := testing.AllocsPerRun(1, s.Poll); n != 0 || polls != 0 {
				t.Errorf("before the first packet: %d polls, %v allocations", polls, n)
			}
			s.Refill()
			end.deliver(1, 256, 60)
			s.Receive(dst)
			if n := testing.AllocsPerRun(1, s.Poll); n != 0 || polls != tt.want {
				t.Errorf("%d polls, want %d; %v allocations", polls, tt.want, n)
			}
			s.umem.Free(dst[0].Addr)
			want := uint32(tt.busyPoll.Microseconds())
			if got := k.optSizes[unix.SO_BUSY_POLL]; got != want {
				t.Errorf("SO_BUSY_POLL is %d, want %d", got, want)
			}
		})
	}
}

// TestKernelWithoutBusyPolling is used without it; a refusal is an error.
func TestKernelWithoutBusyPolling(t *testing.T) {
	for _, errno := range []unix.Errno{unix.ENOPROTOOPT, unix.EPERM} {
		k := newFakeKernel()
		u := k.umem(t, Config{ChunkCount: 8, RXRing: 4, TXRing: 4})
		k.failOption, k.errno = unix.SO_PREFER_BUSY_POLL, errno
		s, err := u.Open(SocketConfig{Ifindex: 1, Name: "x", BusyPoll: time.Millisecond})
		if errno == unix.ENOPROTOOPT {
			if err != nil {
				t.Fatal(err)
			}
			s.Close()
		} else if !errors.Is(err, errno) {
			t.Errorf("%v, want %v", err, errno)
		}
		u.Close()
		if left := k.leaks(); left != "" {
			t.Error(left)
		}
	}
}
