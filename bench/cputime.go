// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// A clockOf says what a processor time is of (linux/posix-timers.h).
type clockOf int

const (
	wholeProcess clockOf = 0 // with all its threads
	oneThread    clockOf = 4 // CPUCLOCK_PERTHREAD_MASK
)

// processorTime is what a process or thread has used, in user space and in the
// kernel: the clock of clock_getcpuclockid(3), which counts nanoseconds, where
// /proc/PID/stat counts hundredths of a second.
func processorTime(id int, of clockOf) (time.Duration, error) {
	const sched = 2 // CPUCLOCK_SCHED
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^id<<3|int(of)|sched), &t); err != nil {
		return 0, fmt.Errorf("read the processor time of %d: %w", id, err)
	}
	return time.Duration(t.Nano()), nil
}
