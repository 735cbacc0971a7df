// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"time"

	"golang.org/x/sys/unix"
)

// Sleeping times.
const (
	// idleSleep is for a worker without anything to do. All that it has to know
	// of wakes it: packets, letters and timers.
	idleSleep    = 10 * time.Second
	pendingSleep = time.Millisecond // P7: completions raise no event
	// dozeTime is how long after a packet, or before a timer, a worker sleeps so
	// lightly that it is awake soonest (poller.doze).
	dozeTime = 20 * time.Millisecond
)

// A rest tells how a worker waits for the next packet, by how long ago the last
// one came.
type rest struct {
	spin time.Duration // how long it may go on looking instead of sleeping; 0: not at all
	busy int           // turns with packets since it last looked at the clock
	last time.Time     // about when packets came last; zero: never
	near bool          // those before them were no longer ago than spin
}

// packets notes that some came in.
func (r *rest) packets() { r.busy++ }

// since gives how long there have been no packets.
func (r *rest) since(now time.Time) time.Duration {
	if r.busy > 0 {
		r.near = r.busy > 1 || now.Sub(r.last) <= r.spin
		r.busy, r.last = 0, now
	}
	return now.Sub(r.last)
}

// spins reports whether to look again at once, after so much time without
// packets. It adapts: where the last packets came further apart than the bound,
// looking would most likely be in vain, and the worker sleeps.
func (r *rest) spins(quiet time.Duration) bool { return r.spin > 0 && r.near && quiet <= r.spin }

// wait comes after a turn in which nothing came in. It returns when there may be
// something to do.
func (w *worker) wait(pending bool) {
	now := time.Now()
	quiet := w.rest.since(now)
	if w.rest.spins(quiet) {
		for _, p := range w.ports {
			for _, l := range p.lanes {
				l.socket.Poll()
			}
		}
		// Whoever is to send the next packet may need this very processor.
		unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
		return
	}
	timeout := w.sleep(now, pending)
	if quiet < dozeTime || timeout < dozeTime {
		w.poll.doze(min(timeout, dozeTime))
	} else {
		w.poll.wait(timeout)
	}
}

// sleep returns how long nothing needs to be done unless a packet or a letter
// arrives.
func (w *worker) sleep(now time.Time, pending bool) time.Duration {
	d := idleSleep
	if pending {
		d = pendingSleep
	}
	if at, ok := w.state.NextTimer(); ok {
		d = min(d, at.Sub(now))
	}
	return max(d, 0)
}
