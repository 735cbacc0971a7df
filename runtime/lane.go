// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"errors"
	"time"

	"golang.org/x/sys/cpu"

	"pvlua/inject"
	"pvlua/luabind"
	"pvlua/xsk"
)

// A workerPort is one worker's share of a port.
type workerPort struct {
	facts    luabind.Port
	lanes    []*lane          // one per queue served; empty while the interface is gone
	down     bool             // nothing can be transmitted: the interface is down or gone
	partial  bool             // packets may come with unfinished checksums
	stack    *inject.Injector // nil: its frames cannot be handed to the stack,
	stackErr error            // and why
	way      wayOut
	count    Counters
	past     xsk.Stats // of lanes that were closed

	_ cpu.CacheLinePad // between this and what another worker writes
}

// A lane is one AF_XDP socket, on one queue of one port, with the frames that
// have been put aside to leave by it.
type lane struct {
	port      *workerPort
	socket    *xsk.Socket
	slot      int // position in port.lanes
	out       []xsk.Desc
	waiting   bool      // it is among those of the worker that may have frames in out
	injecting bool      // its frames leave by the injector
	since     time.Time // when there was last a reason for that

	_ cpu.CacheLinePad
}

// laneRoom is how many frames a lane puts aside: as many as are worth to be sent
// at once, and as the injector takes.
const laneRoom = inject.MaxSend

// laneTo chooses the lane by which a batch leaves through port p: the slot it
// came in by, so that a flow stays on one queue and in order. It is nil while
// the interface is gone.
func (w *worker) laneTo(p *workerPort) *lane {
	if len(p.lanes) == 0 {
		return nil
	}
	slot := 0
	if w.from != nil {
		slot = w.from.slot % len(p.lanes)
	}
	return p.lanes[slot]
}

// queue puts the frame d aside to leave by l, a lane of p; transmit follows when
// all batches have been handled that are worth to be sent together.
func (w *worker) queue(p *workerPort, l *lane, d xsk.Desc) {
	if l == nil || p.down {
		p.count.TxDown++
		w.umem.Free(d.Addr)
		return
	}
	if len(l.out) == cap(l.out) { // several lanes' batches may meet in one
		w.transmit(l)
	}
	l.out = append(l.out, d)
	if !l.waiting {
		l.waiting = true
		w.waiting = append(w.waiting, l)
	}
}

// transmit sends what was put aside, by the way that is best. What finds no room
// on the transmit ring is dropped and counted: a full ring never blocks the loop.
func (w *worker) transmit(l *lane) {
	if len(l.out) == 0 {
		return
	}
	done := 0
	if w.injects(l) {
		done = w.inject(l)
	}
	if done < len(l.out) {
		w.toRing(l, l.out[done:])
	}
	l.out = l.out[:0]
}

// transmitAll sends what was put aside, on whatever lane. It costs nothing for the
// others, of which there may be many: it runs for each lane that receives.
func (w *worker) transmitAll() {
	for _, l := range w.waiting {
		w.transmit(l)
		l.waiting = false
	}
	w.waiting = w.waiting[:0]
}

// toRing moves frames to the transmit ring of l.
func (w *worker) toRing(l *lane, frames []xsk.Desc) {
	n := l.socket.Transmit(frames)
	if n < len(frames) { // perhaps only because the kernel was not asked yet
		w.kick(l)
		l.socket.Complete()
		n += l.socket.Transmit(frames[n:])
	}
	w.countSent(l.port, frames[:n])
	l.port.count.TxFull += uint64(len(frames) - n)
	for _, d := range frames[n:] {
		w.umem.Free(d.Addr)
	}
}

// hasRoom reports whether one more frame put aside on l would leave, as far as
// can be known.
func (w *worker) hasRoom(l *lane) bool {
	if l.injecting || l.socket.Room() > len(l.out) {
		return true
	}
	w.transmit(l)
	w.kick(l)
	l.socket.Complete()
	return l.injecting || l.socket.Room() > 0
}

// kick has the kernel transmit what is on l's ring. Trouble with the interface
// is remembered until the supervisor says that it is over.
func (w *worker) kick(l *lane) {
	if l.port.down || l.socket.Pending() == 0 {
		return
	}
	err := l.socket.Kick()
	if errors.Is(err, xsk.ErrLinkDown) || errors.Is(err, xsk.ErrGone) {
		l.port.down = true
	} else if err != nil {
		w.report(err, "port", l.port.facts.Name)
	}
}
