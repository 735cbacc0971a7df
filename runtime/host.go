// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"time"

	"pvlua/xsk"
)

// A worker is the luabind.Host of its own Lua state.

// Now returns the time that timers go by.
func (w *worker) Now() time.Time { return time.Now() }

// Send puts a copy of frame on the transmit ring of a port, behind all packets
// of the batch that were decided before, and reports whether there was room.
func (w *worker) Send(port int, frame []byte) bool {
	w.settle()
	p := w.ports[port]
	l := w.laneTo(p)
	if l == nil || p.down {
		p.count.TxDown++
		return false
	}
	w.transmit(l)
	addr, ok := w.umem.Alloc()
	if !ok {
		p.count.TxFull++
		return false
	}
	n := copy(w.umem.Chunk(addr), frame)
	w.queue(p, l, xsk.Desc{Addr: addr, Len: uint32(n)})
	return w.transmit(l) == 1
}
