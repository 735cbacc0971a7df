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
	kindDeclared kind = packet.NumHeaders + iota // a header that the script has declared
	kindPacket
	kindPort
	kindTimer
	numKinds
)

// String gives the name that error messages use, which for headers is their
// name as a property of the packet.
func (k kind) String() string {
	switch k {
	case kindDeclared:
		return "declared header"
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
// view: it shows a frame. One of the packet in hand that was kept beyond its
// callback shows State.gone, which has no packet.
type object struct {
	kind  kind
	frame *frame           // of a view, nil for others
	proto *packet.Protocol // of a declared header
	port  *port
	timer *timer
}

// isHeader reports whether o shows a header.
func (o *object) isHeader() bool { return o.kind < kindPacket }

// name is what error messages call o: for headers their name as a property of
// the packet, or else the kind.
func (o *object) name() string {
	if o.kind == kindDeclared {
		return o.proto.Name
	}
	return o.kind.String()
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

// view gives the userdata of the packet in hand, or of one of its headers.
func (s *State) view(k kind) *lua.LUserData { return s.viewOf(&s.hand, k) }

// viewOf gives the userdata of a packet, or of one of its headers.
func (s *State) viewOf(f *frame, k kind) *lua.LUserData {
	if ud := f.views[k]; ud != nil {
		return ud
	}
	return s.newView(f, k)
}

// newView makes that userdata.
func (s *State) newView(f *frame, k kind) *lua.LUserData {
	ud := s.newObject(&object{kind: k, frame: f})
	if f.owned {
		ud.Metatable = s.ownedMetatables[k]
		f.layout.Declared = &s.protocols
	}
	f.views[k] = ud
	return ud
}

// noteKept notes that the script stores v somewhere that may last longer than
// the callback.
func (s *State) noteKept(v lua.LValue) {
	if s.kept || s.hand.pkt == nil {
		return
	}
	if o := objectOf(v); o != nil && o.frame == &s.hand {
		s.kept = true
	}
}

// noteKeptAll notes the same for a function that captures variables, which may
// come to hold any of the packet's views.
func (s *State) noteKeptAll() {
	if s.hand.pkt != nil {
		s.kept = true
	}
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
	return "packet view (" + o.name() + " header)"
}
