// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"sync/atomic"
	"time"
)

// A barrier has the workers come to the same point before any goes on: what
// one of them prints in on_stop of state that all share is then the whole.
type barrier struct {
	left atomic.Int32
	open chan struct{} // closed when all have arrived
}

func newBarrier(workers int) *barrier {
	b := &barrier{open: make(chan struct{})}
	b.left.Store(int32(workers))
	return b
}

// place gives one worker its place; there are as many as the barrier was made
// for.
func (b *barrier) place() place { return place{b: b, arrived: new(bool)} }

// A place is one worker's way to a barrier. The zero place has none: nobody
// waits there.
type place struct {
	b       *barrier
	arrived *bool
}

// arrive says that the worker has come to the barrier, or never will. Only the
// first call counts.
func (p place) arrive() {
	if p.b == nil || *p.arrived {
		return
	}
	*p.arrived = true
	if p.b.left.Add(-1) == 0 {
		close(p.b.open)
	}
}

// wait returns when all have arrived, or the time is over.
func (p place) wait(most time.Duration) {
	if p.b == nil {
		return
	}
	select {
	case <-p.b.open:
	case <-time.After(most):
	}
}
