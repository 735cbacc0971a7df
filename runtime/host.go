// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"slices"
	"time"

	"pvlua/xsk"
)

// A host is the luabind.Host of one Lua state: its worker, while the state is
// in place there. Before and after, when the state is not in the worker's
// hands, what it sends waits for release.
type host struct {
	*worker
	waiting bool
	frames  []waitingFrame
	refused []uint64 // by port: frames for which there was no room

	uses        []*socketUse // the script's sockets
	usesChanged bool         // since the worker looked
	receiving   []*socketUse // those that the worker waits for
}

type waitingFrame struct {
	port  int
	bytes []byte
}

// maxWaiting is how many frames a script may send while it is not in place.
const maxWaiting = 2048

// Send puts a copy of frame on the transmit ring of a port, and reports
// whether there was room. If it must wait, there is room if there was for the
// frames before it; it may still find the ring full later.
func (h *host) Send(port int, frame []byte) bool {
	if !h.waiting {
		return h.worker.Send(port, frame)
	}
	if len(h.frames) == maxWaiting {
		h.refused[port]++
		return false
	}
	h.frames = append(h.frames, waitingFrame{port, slices.Clone(frame)})
	return true
}

// release sends what waits. It must run on the worker's thread, between two
// batches or in the interlude of one, whose packets go on afterwards.
func (h *host) release() {
	w := h.worker
	if len(w.packets) == 0 {
		w.from = nil
	}
	for _, f := range h.frames {
		w.Send(f.port, f.bytes)
	}
	for i, p := range w.ports {
		p.count.TxFull += h.refused[i]
		h.refused[i] = 0
		for _, l := range p.lanes {
			w.transmit(l)
			w.kick(l)
		}
	}
	h.frames = nil
}

// Now returns the time that timers go by.
func (w *worker) Now() time.Time { return time.Now() }

// Send puts a copy of frame aside to leave by a port, behind all packets of the
// batch that were decided before, and reports whether there was room.
func (w *worker) Send(port int, frame []byte) bool {
	w.settle()
	p := w.ports[port]
	l := w.laneTo(p)
	if l == nil || p.down {
		p.count.TxDown++
		return false
	}
	if !w.hasRoom(l) {
		p.count.TxFull++
		return false
	}
	addr, ok := w.umem.Alloc()
	if !ok { // those that wait may be all there are
		w.transmit(l)
		w.kick(l)
		l.socket.Complete()
		addr, ok = w.umem.Alloc()
	}
	if !ok {
		p.count.TxFull++
		return false
	}
	if w.tap != nil {
		w.tap.sending(w, addr)
	}
	n := copy(w.umem.Chunk(addr), frame)
	w.queue(p, l, xsk.Desc{Addr: addr, Len: uint32(n)})
	if w.tap != nil {
		w.transmit(l) // so that it is recorded before what is sent by other ports
	}
	return true
}
