// SPDX-License-Identifier: GPL-3.0-or-later

package inject

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// ErrStalled is what Send returns when it had to wait several times in a row,
// although the frames were sent. Somebody else runs programs by BPF_PROG_RUN, or
// attaches XDP programs all the time, for which the kernel waits with a lock held
// that every run takes (kernel/bpf/dispatcher.c).
var ErrStalled = errors.New("calls into the kernel are stalled by those of another program")

const (
	slowCall  = 5 * time.Millisecond
	slowCalls = 4 // in a row
)

// stalls notices calls that wait for somebody. One that takes long may just have
// had its processor taken away, so the calls after a slow one are looked at more
// closely: whether the thread gave up its processor of its own accord.
type stalls struct {
	start  time.Time
	closer bool // the last call was slow
	waits  int64
	slow   int // calls in a row that waited
	usage  unix.Rusage
}

// begin comes before a call. Neither it nor end allocates.
func (s *stalls) begin() {
	if s.closer {
		s.waits = s.voluntary()
	}
	s.start = time.Now()
}

// end comes after it, and reports whether there were too many.
func (s *stalls) end() bool {
	switch {
	case time.Since(s.start) < slowCall:
		s.closer, s.slow = false, 0
	case !s.closer:
		s.closer = true
	case s.voluntary() > s.waits:
		s.slow++
	}
	if s.slow < slowCalls {
		return false
	}
	s.closer, s.slow = false, 0
	return true
}

// voluntary is how often the thread has waited for something.
func (s *stalls) voluntary() int64 {
	unix.Getrusage(unix.RUSAGE_THREAD, &s.usage)
	return s.usage.Nvcsw
}
