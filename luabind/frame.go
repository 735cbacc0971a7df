// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"slices"

	lua "github.com/yuin/gopher-lua"

	"pvlua/packet"
)

// frame is a packet as views show it: where its bytes are, and what is known
// about them. A State has one for the packet in hand, which is used for packet
// after packet; its views last as long as the callback. A packet that a script
// has made by pkt:clone or pv.build has a frame of its own, which it owns, and
// its views last as long as the script keeps one of them.
type frame struct {
	pkt   *Packet // nil: there is no packet, and views are dead
	b     []byte  // pkt.Buf[pkt.From:pkt.To]
	stale bool    // layout is not that of b; always so without a packet
	// touched: the packet was, or may be, changed. For the packet in hand
	// there is then a copy in State.original; see touch.
	touched bool
	resized bool // it begins or ends elsewhere than it did
	owned   bool
	layout  packet.Layout
	views   views
	above   []*lua.LUserData // those of declared headers, by Protocol.Number; nil where there is none yet
	own     Packet           // of an owned packet
	limit   int              // of an owned packet: the length that it can grow to
}

// maxOwned is the length in bytes to which an owned packet can grow: what a
// frame of a UMEM can hold at most. One that was longer when it was made can
// keep its length.
const maxOwned = 4096

// newOwned makes a frame of its own for a packet with these bytes, which it
// takes over.
func newOwned(b []byte, port int) *frame {
	f := &frame{b: b, stale: true, touched: true, owned: true, limit: max(maxOwned, len(b))}
	f.own = Packet{Buf: b, To: len(b), Port: port}
	f.pkt = &f.own
	return f
}

// clone makes an owned packet of f.
func (f *frame) clone() *frame {
	c := newOwned(slices.Clone(f.b), f.pkt.Port)
	c.layout, c.stale = f.layout, f.stale
	return c
}

// views are the userdata that show a packet and its headers, made when they are
// first asked for. Those of the packet in hand are used again for the next one
// unless the script kept one of them.
type views [kindPacket + 1]*lua.LUserData

// begin takes a packet in hand.
func (s *State) begin(p *Packet) {
	f := &s.hand
	f.b = p.Buf[p.From:p.To:p.To]
	f.pkt = p
	f.stale, f.touched, f.resized = true, false, false
}

// end lets go of the packet in hand.
func (s *State) end() {
	f := &s.hand
	f.pkt, f.b = nil, nil
	f.stale = true
	if s.kept {
		s.retire()
	}
	if len(s.removals.full) > 0 {
		s.removals.bury()
	}
}

// retire makes the views of the packet in hand dead, for ever. Their metatable
// changes with them, so that access by a computed name finds out as well.
func (s *State) retire() {
	for _, views := range [...][]*lua.LUserData{s.hand.views[:], s.hand.above} {
		for k, ud := range views {
			if ud != nil {
				ud.Value.(*object).frame = &s.gone
				ud.Metatable = s.deadMetatable
				views[k] = nil
			}
		}
	}
	s.kept = false
}

// prepare makes ready for access through view o, whose frame is stale: it walks
// the headers, if that has not been done since the packet came or its bytes
// were last written raw. It raises an error when o is dead.
func (f *frame) prepare(L *lua.LState, o *object) {
	if f.pkt == nil {
		raiseDead(L, o)
	}
	f.layout.Walk(f.b)
	f.stale = false
}

// walk is prepare for a frame that has a packet.
func (f *frame) walk() {
	if f.stale {
		f.layout.Walk(f.b)
		f.stale = false
	}
}

// span makes the packet pkt.Buf[from:to].
func (f *frame) span(from, to int) {
	f.pkt.From, f.pkt.To = from, to
	f.b = f.pkt.Buf[from:to:to]
	f.stale, f.resized = true, true
}

// room gives how long the packet can become.
func (f *frame) room() int {
	if f.owned {
		return f.limit
	}
	return len(f.pkt.Buf)
}

// makeRoom sees to it that there are front bytes before the packet and back
// bytes behind it, and reports false if that can't be. It moves the packet
// within its buffer only if it must. An owned packet gets a larger buffer.
func (f *frame) makeRoom(front, back int) bool {
	p, n := f.pkt, len(f.b)
	if front <= p.From && back <= len(p.Buf)-p.To {
		return true
	}
	need := front + n + back
	if need > f.room() {
		return false
	}
	buf, from := p.Buf, front
	if need > len(buf) {
		buf = make([]byte, min(2*need, f.limit))
		from += (len(buf) - need) / 2 // it may go on to grow at either end
	} else if front <= p.From {
		from = len(buf) - back - n
	}
	copy(buf[from:], f.b)
	p.Buf = buf
	f.span(from, from+n)
	return true
}
