// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"pvlua/inject"
	"pvlua/xsk"
)

// How frames leave a port.
//
// Two ways lead out: the transmit ring of the lane's AF_XDP socket, and the
// injector (package inject). The ring is sooner with a few frames, and works
// everywhere. Where frames are copied, the injector is some three to four times
// as fast with many, for it has a fixed cost and then next to none.
//
// A lane goes over from the ring to the injector when many frames wait at once,
// and back when few have for a while. Frames must not overtake those before:
//
//   - From the ring to the injector it goes only when the ring has given back
//     all its frames. The kernel does so when nobody needs them any more, which on
//     a veth means that the receiver has them out of its queues.
//   - What the injector has sent is on the device, or on the queue of a veth's
//     peer, when the call returns, and in all likelihood out of that too, since
//     the kernel lets it be emptied after each 64 frames. Nobody tells when it
//     is. So the way back takes a time in which few frames were sent, or none.
//
// The injector says which frames did not leave; they then take the ring, in
// order, at once. So nothing is lost by trying: whether it works, the frames
// themselves are the probe. It is tried again after a while.

const (
	// manyFrames is how many must wait for the injector to pay.
	manyFrames = 16
	// fewFrames is as many as do not keep a lane with the injector, which goes
	// back to the ring if it had no more for the time calm.
	fewFrames = manyFrames / 2
	calm      = time.Millisecond
	// retryTime is how long after a failure the injector is not tried again.
	retryTime = time.Second
)

// A wayOut says whether frames of a port may leave by the injector.
type wayOut struct {
	allowed bool
	always  bool      // by no other way while it works
	broken  string    // why it did not work when it was last tried; empty: it did
	retry   time.Time // while it does not: when to try again
}

// injects decides by which way what waits on l leaves.
func (w *worker) injects(l *lane) bool {
	way := &l.port.way
	if !way.allowed {
		return false
	}
	many := len(l.out) >= fewFrames || way.always
	if l.injecting {
		now := time.Now()
		if many {
			l.many = now
		}
		l.injecting = now.Sub(l.many) <= calm
		return l.injecting
	}
	if len(l.out) < manyFrames && !way.always {
		return false
	}
	if l.socket.Complete(); l.socket.InFlight() > 0 {
		return false
	}
	now := time.Now()
	if way.broken != "" && now.Before(way.retry) {
		return false
	}
	l.injecting, l.many = true, now
	return true
}

// inject sends what waits on l by the injector, and returns how many frames are
// done with: those after them have to leave by the ring.
func (w *worker) inject(l *lane) int {
	p := l.port
	sent, dropped, err := w.injector.Send(p.facts.Ifindex, l.out)
	done := l.out[:sent+dropped]
	w.countSent(p, done)
	p.count.Injected += uint64(sent)
	p.count.InjectDropped += uint64(dropped)
	for _, d := range done {
		w.umem.Free(d.Addr)
	}
	if len(done) < len(l.out) {
		l.injecting = false
	}
	switch {
	case err == nil:
		if p.way.broken != "" {
			p.way.broken = ""
			w.errors.log.Info("frames leave by the injector again", "port", p.facts.Name)
		}
	case errors.Is(err, unix.EMSGSIZE): // about one frame, not the way
	default:
		w.avoidInjector(l, err)
	}
	return len(done)
}

// avoidInjector has the port's frames take the ring for a while.
func (w *worker) avoidInjector(l *lane, err error) {
	way := &l.port.way
	l.injecting = false
	way.retry = time.Now().Add(retryTime)
	if why := err.Error(); why != way.broken { // say it once
		way.broken = why
		w.errors.log.Warn("frames leave by the transmit ring, for the injector does not work", "port", l.port.facts.Name, "reason", why)
	}
}

// countSent counts frames that found a way out of p, before they are free again.
func (w *worker) countSent(p *workerPort, frames []xsk.Desc) {
	p.count.Tx += uint64(len(frames))
	for _, d := range frames {
		p.count.TxBytes += uint64(d.Len)
	}
	if w.tap != nil && len(frames) > 0 {
		w.tap.transmitted(w, p, frames)
	}
}

// errNoRedirect is why a device that says what it can do is not tried at first.
var errNoRedirect = &inject.RefusedError{Errno: unix.EOPNOTSUPP}
