// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	lua "github.com/yuin/gopher-lua"
)

const (
	testHeadroom = 256  // as drivers leave it (XDP_PACKET_HEADROOM of linux/bpf.h)
	testFrame    = 2048 // the size of a frame, unless the MTU or the packet needs more; as live
)

// testHandle is test.handle(packet or string [, port]).
func (s *State) testHandle(L *lua.LState) int {
	data, ok := packetBytes(L, L.Get(1))
	if !ok {
		L.RaiseError("test.handle: got %s; expected a packet, such as pv.build makes, or a string with the bytes of a frame", describe(L.Get(1)))
	}
	in := 0
	if v := L.Get(2); v != lua.LNil {
		in = s.testPort(L, "test.handle", v).Index
	}
	size := testFrame
	for size < testHeadroom+max(len(data), s.ports[in].MTU+vlanRoom) {
		size *= 2
	}
	p := Packet{Buf: make([]byte, size), From: testHeadroom, To: testHeadroom + len(data), Port: in}
	copy(p.Buf[p.From:], data)
	batch := []Packet{p}
	s.inTest(L, "test.handle", func() { s.Handle(batch) })
	p = batch[0]
	if p.Err != nil {
		L.Error(lua.LString(p.Err.Error()), 0)
	}
	verdict := lua.LValue(lua.LNumber(p.Verdict))
	if p.Verdict == Redirect {
		verdict = s.ports[p.Out].ud
	}
	L.Push(verdict)
	L.Push(s.viewOf(newOwned(append([]byte(nil), p.Buf[p.From:p.To]...), in), kindPacket))
	return 2
}

// packetBytes gives the bytes of a packet, or of a string that stands for one.
func packetBytes(L *lua.LState, v lua.LValue) ([]byte, bool) {
	switch v := v.(type) {
	case lua.LString:
		return []byte(v), true
	case *lua.LUserData:
		if o := objectOf(v); o != nil && o.kind == kindPacket {
			if o.frame.pkt == nil {
				raiseDead(L, o)
			}
			return append([]byte(nil), o.frame.b...), true
		}
	}
	return nil, false
}

// testPort gives the port that an argument of a test function names.
func (s *State) testPort(L *lua.LState, fn string, v lua.LValue) *port {
	switch v := v.(type) {
	case *lua.LUserData:
		if o := objectOf(v); o != nil && o.kind == kindPort {
			return o.port
		}
	case lua.LNumber:
		if n, ok := wholeNumber(v); ok && n >= 1 && n <= uint64(len(s.ports)) {
			return s.ports[n-1]
		}
	case lua.LString:
		for _, p := range s.ports {
			if p.Name == string(v) {
				return p
			}
		}
	}
	L.RaiseError("%s: the port is %s; expected one of pv.ports, of which there are %d here, or its number or name", fn, describe(v), len(s.ports))
	panic("unreachable")
}
