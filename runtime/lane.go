// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"errors"

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
	count    Counters
	past     xsk.Stats // of lanes that were closed
}

// A lane is one AF_XDP socket, on one queue of one port, with the frames that
// the batch has put aside for its transmit ring.
type lane struct {
	port   *workerPort
	socket *xsk.Socket
	slot   int // position in port.lanes
	out    []xsk.Desc
}

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

// queue puts the frame d aside for the transmit ring of l, a lane of p;
// transmit follows at the end of the batch.
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
}

// transmit moves what was put aside to the transmit ring and returns how many
// found room. The others are dropped and counted: a full ring never blocks
// the loop.
func (w *worker) transmit(l *lane) int {
	if len(l.out) == 0 {
		return 0
	}
	n := l.socket.Transmit(l.out)
	if n < len(l.out) { // perhaps only because the kernel was not asked yet
		w.kick(l)
		l.socket.Complete()
		n += l.socket.Transmit(l.out[n:])
	}
	count := &l.port.count
	count.Tx += uint64(n)
	for _, d := range l.out[:n] {
		count.TxBytes += uint64(d.Len)
	}
	if w.tap != nil {
		w.tap.transmitted(w, l.port, l.out[:n])
	}
	count.TxFull += uint64(len(l.out) - n)
	for _, d := range l.out[n:] {
		w.umem.Free(d.Addr)
	}
	l.out = l.out[:0]
	return n
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
