// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"fmt"
	"slices"

	lua "github.com/yuin/gopher-lua"
)

// port is a Port with its Lua side.
type port struct {
	Port
	ud    *lua.LUserData
	facts []lua.LValue // in the order of portFacts
	ip6   []lua.LValue // its IPv6 addresses as Lua strings
}

// vlanRoom is what a frame may be longer than the MTU: an Ethernet header and
// one VLAN tag.
const vlanRoom = 18

// minFrame is the length of an Ethernet header, the shortest frame that can be
// sent.
const minFrame = 14

// portFacts are the properties of a port.
var portFacts = []struct {
	name, doc string
	value     func(*Port) lua.LValue
}{
	{"name", "The interface's name.", func(p *Port) lua.LValue { return lua.LString(p.Name) }},
	{"index", "Its place in pv.ports, from 1.", func(p *Port) lua.LValue { return lua.LNumber(p.Index + 1) }},
	{"mac", "Its Ethernet address, a number.", func(p *Port) lua.LValue { return lua.LNumber(p.MAC) }},
	{"ip", "Its first IPv4 address, a number; nil if it has none.", func(p *Port) lua.LValue {
		if len(p.IP) == 0 {
			return lua.LNil
		}
		return lua.LNumber(p.IP[0])
	}},
	{"ip6", "Its first IPv6 address that is not link-local, or else the first one, a string of 16 bytes; nil if it has none.", firstIP6},
	{"mtu", "The longest packet that it takes, without the Ethernet header, in bytes.", func(p *Port) lua.LValue { return lua.LNumber(p.MTU) }},
	{"queues", "How many receive queues it has in use.", func(p *Port) lua.LValue { return lua.LNumber(p.Queues) }},
	{"up", "Whether it can carry packets now.", func(p *Port) lua.LValue { return lua.LBool(p.Up) }},
}

// firstIP6 gives the address that stands for a port.
func firstIP6(p *Port) lua.LValue {
	if len(p.IP6) == 0 {
		return lua.LNil
	}
	first := p.IP6[0]
	for _, a := range p.IP6 {
		if linkLocal := a[0] == 0xfe && a[1]&0xc0 == 0x80; !linkLocal { // RFC 4291 §2.5.6
			first = a
			break
		}
	}
	return lua.LString(first[:])
}

// portEntries are the properties and methods of a port.
func portEntries() []Entry {
	var entries []Entry
	for _, f := range portFacts {
		entries = append(entries, Entry{Kind: Value, Of: "port", Name: f.name, Signature: "port." + f.name, Doc: f.doc})
	}
	return append(entries,
		Entry{Kind: Method, Of: "port", Name: "owns", Signature: "port:owns(address) -> boolean",
			Doc: "Whether an IPv4 address (a number) or an IPv6 address (a string of 16 bytes) is one of the port's own.", make: method((*State).portOwns)},
		Entry{Kind: Method, Of: "port", Name: "send", Signature: "port:send(packet or string) -> boolean",
			Doc: "Queues a copy of a packet, or of the bytes of a whole frame, to be sent out of the port; false if there is no room.", make: method((*State).portSend)})
}

// makePorts makes the objects of the configured ports.
func (s *State) makePorts() {
	for i, c := range s.cfg.Ports {
		p := &port{}
		p.ud = &lua.LUserData{Env: s.L.Env}
		o := &object{kind: kindPort, port: p}
		p.ud.Value = o
		p.ud.Metatable = s.newMetatable(kindPort, func() *object { return o })
		s.ports = append(s.ports, p)
		facts := *c
		facts.Index = i
		p.set(facts)
	}
}

// set takes new facts.
func (p *port) set(facts Port) {
	p.Port = facts
	p.IP, p.IP6 = slices.Clone(facts.IP), slices.Clone(facts.IP6)
	p.facts = make([]lua.LValue, len(portFacts))
	for i, f := range portFacts {
		p.facts[i] = f.value(&p.Port)
	}
	p.ip6 = nil
	for _, a := range p.IP6 {
		p.ip6 = append(p.ip6, lua.LString(a[:]))
	}
}

// SetPort replaces the facts of the port with p's Index, between batches. The
// name of a port does not change.
func (s *State) SetPort(p Port) {
	if p.Index < 0 || p.Index >= len(s.ports) {
		panic(fmt.Sprintf("luabind: port %d of %d", p.Index, len(s.ports)))
	}
	p.Name = s.ports[p.Index].Name
	s.ports[p.Index].set(p)
}

// checkPort gives the port that the method was called on.
func (s *State) checkPort(L *lua.LState) *port {
	v := L.Get(1)
	o := objectOf(v)
	if o == nil || o.kind != kindPort {
		L.RaiseError("a port is missing: got %s; methods are called with a colon, as in pkt.port:send(pkt)", describe(v))
	}
	return o.port
}

// portOwns is port:owns(address).
func (s *State) portOwns(L *lua.LState) int {
	p := s.checkPort(L)
	own := false
	switch a := L.Get(2).(type) {
	case lua.LNumber:
		for _, ip := range p.IP {
			own = own || lua.LNumber(ip) == a
		}
	case lua.LString:
		for _, ip6 := range p.ip6 {
			own = own || ip6.(lua.LString) == a
		}
	case *lua.LNilType:
		L.RaiseError("owns: the address is nil")
	default:
		L.RaiseError("owns: the address is %s; expected a number (IPv4) or a string of 16 bytes (IPv6)", describe(a))
	}
	L.Push(boolean(own))
	return 1
}

// misfit says why a frame of n bytes can't go out of the port; "" if it can.
func (p *port) misfit(n int) string {
	if n < minFrame {
		return fmt.Sprintf("a frame of %d bytes is too short: it needs an Ethernet header, %d bytes", n, minFrame)
	}
	if limit := p.MTU + vlanRoom; p.MTU > 0 && n > limit {
		return fmt.Sprintf("a frame of %d bytes is too long for %s: its MTU of %d allows %d", n, p.Name, p.MTU, limit)
	}
	return ""
}

// wireBytes gives the bytes of a packet or string, not copied; false if v is
// neither. Who gets them must not keep them.
func wireBytes(L *lua.LState, v lua.LValue) (b []byte, ok bool) {
	switch v := v.(type) {
	case lua.LString:
		return bytesOf(v), true
	case *lua.LUserData:
		if o := objectOf(v); o != nil && o.kind.isView() {
			if o.frame.pkt == nil {
				raiseDead(L, o)
			}
			return o.frame.b, o.kind == kindPacket
		}
	}
	return nil, false
}

// portSend is port:send(packet or string).
func (s *State) portSend(L *lua.LState) int {
	p := s.checkPort(L)
	frame, ok := wireBytes(L, L.Get(2))
	if !ok {
		L.RaiseError("send: got %s; expected a packet or a string with the bytes of a frame", describe(L.Get(2)))
	}
	if problem := p.misfit(len(frame)); problem != "" {
		L.RaiseError("send: %s", problem)
	}
	L.Push(boolean(s.cfg.Host.Send(p.Index, frame)))
	return 1
}
