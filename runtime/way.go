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
//   - What the injector has sent is on the device, or on a queue of a veth's peer,
//     when the call returns. Nobody tells when it is out of that. Where what
//     leaves by the ring comes onto the same queue (linkFacts.oneQueue), that does
//     not matter. Elsewhere the way back takes a time in which nothing was sent at
//     all, or a device that refuses frames, and so has none.
//
// The injector says which frames did not leave; they then take the ring, in
// order, at once. So nothing is lost by trying: whether it works, the frames
// themselves are the probe. It is tried again after a while.

const (
	// manyFrames is how many must wait for the injector to pay: 16 where the
	// receiver drops them in XDP, some 40 where a stack takes them.
	manyFrames = 32
	// fewFrames is as many as do not keep a lane with the injector, which goes
	// back to the ring if it had no more for the time calm.
	fewFrames = manyFrames / 2
	calm      = time.Millisecond
	// quiet is how long a lane must have sent nothing to go back where that could
	// change the order. It is many times what a processor lets softirqs wait.
	quiet = 20 * time.Millisecond
	// retryTime is how long after a failure the injector is not tried again.
	retryTime = time.Second
)

// A wayOut says whether frames of a port may leave by the injector.
type wayOut struct {
	allowed bool
	ifindex int
	always  bool      // by no other way while it works
	ordered bool      // frames are in order however the way changes
	broken  string    // why it did not work when it was last tried; empty: it did
	retry   time.Time // not to try it before, if it did not
}

// injects decides by which way what waits on l leaves.
func (w *worker) injects(l *lane) bool {
	way := &l.port.way
	switch {
	case !way.allowed:
		return false
	case l.injecting:
		now, patience := time.Now(), quiet
		if way.ordered {
			patience = calm
		}
		many := len(l.out) >= fewFrames || way.always
		l.injecting = many || now.Sub(l.since) <= patience
		if many || !way.ordered {
			l.since = now
		}
		return l.injecting
	case len(l.out) < manyFrames && !way.always:
		return false
	}
	if l.socket.Complete(); l.socket.InFlight() > 0 {
		return false
	}
	now := time.Now()
	if now.Before(way.retry) {
		return false
	}
	l.injecting, l.since = true, now
	return true
}

// inject sends what waits on l by the injector, and returns how many frames are
// done with: those after them have to leave by the ring.
func (w *worker) inject(l *lane) int {
	p := l.port
	sent, dropped, err := w.injector.Send(p.way.ifindex, l.out)
	done := l.out[:sent+dropped]
	w.countSent(p, done)
	p.count.Injected += uint64(sent)
	p.count.InjectDropped += uint64(dropped)
	for _, d := range done {
		w.umem.Free(d.Addr)
	}
	if len(done) < len(l.out) || err != nil && p.way.ordered {
		l.injecting = false
	}
	switch {
	case err == nil:
		if p.way.broken != "" && time.Now().After(p.way.retry) {
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
