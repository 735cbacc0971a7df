// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	lua "github.com/yuin/gopher-lua"

	"pvlua/packet"
)

// kind is the type of an object that scripts see as userdata: one kind for
// each header of package packet, under its HeaderID, and those below.
type kind uint8

const (
	kindPacket kind = packet.NumHeaders + iota
	kindPort
	kindTimer
	numKinds
)

// String gives the name that error messages use, which for headers is their
// name as a property of the packet.
func (k kind) String() string {
	switch k {
	case kindPacket:
		return "packet"
	case kindPort:
		return "port"
	case kindTimer:
		return "timer"
	}
	return packet.HeaderID(k).String()
}

// isView reports whether objects of this kind show bytes of a packet.
func (k kind) isView() bool { return k <= kindPacket }

// object is what the userdata of a State hold. A packet or header object is a
// view: it shows the packet that the State has in hand, or none if dead.
type object struct {
	kind  kind
	dead  bool // a view that was kept beyond its callback
	port  *port
	timer *timer
}

// objectOf gives the object of a Lua value, nil if it is something else.
func objectOf(v lua.LValue) *object {
	if ud, ok := v.(*lua.LUserData); ok {
		o, _ := ud.Value.(*object)
		return o
	}
	return nil
}

// newObject makes the userdata of o.
func (s *State) newObject(o *object) *lua.LUserData {
	return &lua.LUserData{Value: o, Env: s.L.Env, Metatable: s.metatables[o.kind]}
}

// views are the userdata that show the packet in hand, made when they are
// first asked for and used again for the next packet unless the script kept
// one of them.
type views [kindPacket + 1]*lua.LUserData

// view gives the userdata of the packet in hand, or of one of its headers.
func (s *State) view(k kind) *lua.LUserData {
	ud := s.views[k]
	if ud == nil {
		ud = s.newObject(&object{kind: k})
		s.views[k] = ud
	}
	return ud
}

// noteKept notes that the script stores v somewhere that may last longer than
// the callback.
func (s *State) noteKept(v lua.LValue) {
	if s.kept || s.pkt == nil {
		return
	}
	if o := objectOf(v); o != nil && o.kind.isView() {
		s.kept = true
	}
}

// noteKeptAll notes the same for a function that captures variables, which may
// come to hold any of the packet's views.
func (s *State) noteKeptAll() {
	if s.pkt != nil {
		s.kept = true
	}
}

// retire makes the views of the packet dead, for ever. Their metatable changes
// with them, so that access by a computed name finds out as well.
func (s *State) retire() {
	for k, ud := range s.views {
		if ud != nil {
			ud.Value.(*object).dead = true
			ud.Metatable = s.deadMetatable
			s.views[k] = nil
		}
	}
	s.kept = false
}

// begin takes a packet in hand.
func (s *State) begin(p *Packet) {
	s.b = p.Buf[p.From:p.To:p.To]
	s.pkt = p
	s.stale, s.touched = true, false
}

// end lets go of the packet in hand.
func (s *State) end() {
	s.pkt, s.b = nil, nil
	s.stale = true
	if s.kept {
		s.retire()
	}
}

// prepare makes ready for access to the packet in hand through view o: it
// walks the headers if that has not been done since the packet came or its
// bytes were last written raw. It raises an error when o is dead.
func (s *State) prepare(L *lua.LState, o *object) {
	if o.dead || s.pkt == nil {
		raiseDead(L, o)
	}
	s.lay.Walk(s.b)
	s.stale = false
}

// raiseDead raises the error of a view used after its callback.
func raiseDead(L *lua.LState, o *object) {
	L.RaiseError("%s used after its callback: a packet and its headers last only as long as on_packet runs; keep the values that you need instead", deadName(o))
}

// deadName names a view in the error of raiseDead.
func deadName(o *object) string {
	if o.kind == kindPacket {
		return "packet view"
	}
	return "packet view (" + o.kind.String() + " header)"
}
