// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pvlua/internal/labtest"
	"pvlua/internal/probe"
)

// TestIdle: without packets pvlua takes no processor time to speak of, whether it
// polls while there are some or not. The promise is 0.1 % over 10 seconds
// (make bench has that); a short look on a machine with other things to do can
// tell less than 1 % from the tenths of a processor that a loop would take.
func TestIdle(t *testing.T) {
	const look, bound = 2 * time.Second, 2 * time.Second / 100
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	for _, flags := range [][]string{nil, {"--busy-poll"}} {
		p := startRun(t, lab.B, append(flags, lab.B.Link, echoScript)...)
		ask(t, lab, probe.UDP, 100)
		time.Sleep(100 * time.Millisecond) // until the last packet is long enough ago
		before := processorTime(t, p.Pid())
		time.Sleep(look)
		if used := processorTime(t, p.Pid()) - before; used > bound {
			t.Errorf("%v: it took %v of %v", flags, used, look)
		}
		ask(t, lab, probe.UDP, 10)
		p.Signal(unix.SIGINT)
		if status := ended(t, p, 5*time.Second); status != exitOK {
			t.Errorf("%v: status %d", flags, status)
		}
	}
}

// processorTime is what a process has used with all its threads: the clock that
// clock_getcpuclockid(3) makes of its number.
func processorTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	const sched = 2 // CPUCLOCK_SCHED of linux/posix-timers.h
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|sched), &ts); err != nil {
		t.Fatal(err)
	}
	return time.Duration(ts.Nano())
}
