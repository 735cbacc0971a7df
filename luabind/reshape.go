// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"errors"

	lua "github.com/yuin/gopher-lua"

	"pvlua/packet"
)

// What changes the length of a packet, or makes another one of it.

// reshapeEntries are the methods for it.
func reshapeEntries() []Entry {
	entry := func(name, signature, doc string, f func(*State, *lua.LState) int) Entry {
		return Entry{Kind: Method, Of: "packet", Name: name, Signature: "pkt:" + name + signature, Doc: doc, make: method(f)}
	}
	return []Entry{
		entry("push", "(n)", "Adds n bytes, zeros, before the packet. Headers, lengths and checksums are the script's to write.", (*State).push),
		entry("pull", "(n)", "Takes the first n bytes off the packet.", (*State).pull),
		entry("resize", "(length)", "Cuts the packet off at length bytes, or adds zeros behind it. Lengths in headers are left alone.", (*State).resize),
		entry("clone", "() -> packet", "A copy of the packet that is the script's own: it can be kept, changed and sent at any time.", (*State).clone),
		entry("reply", "() -> pv.TX", "Turns the packet round: exchanges source and destination of eth, arp, ip, ip6, tcp and udp. A group's Ethernet address becomes the port's own.", (*State).reply),
		entry("hexdump", "() -> string", "The bytes in lines of 16, in hexadecimal and as text, in the form that Wireshark imports.", (*State).hexdump),
	}
}

// setPayload is pkt.payload = value.
func (s *State) setPayload(L *lua.LState, f *frame, value lua.LValue) {
	str, ok := value.(lua.LString)
	if !ok {
		L.RaiseError("payload takes a string, got %s", describe(value))
	}
	s.replacePayload(L, f, "payload", str, 0)
}

// replacePayload makes str the payload. what names the assignment in errors,
// and around is how many bytes of str are not what was assigned.
func (s *State) replacePayload(L *lua.LState, f *frame, what string, str lua.LString, around int) {
	if err := packet.CheckPayload(f.b, &f.layout, len(str)); err != nil {
		raisePayload(L, what, err)
	}
	from, _ := f.layout.Payload()
	more := max(from+len(str)-len(f.b), 0)
	if !f.makeRoom(0, more) {
		raiseRoom(L, what, len(str)-around, f.room()-from-around)
	}
	s.quota.spendBytes(L, 2*len(str)) // once to copy, once to sum
	p := f.pkt
	b, err := packet.SetPayload(p.Buf[p.From:p.To:p.To+more], &f.layout, string(str))
	if err != nil {
		raisePayload(L, what, err)
	}
	f.span(p.From, p.From+len(b))
	f.stale = false // SetPayload has walked it
}

// raisePayload raises the error of a payload that can't be replaced.
func raisePayload(L *lua.LState, what string, err error) {
	if errors.Is(err, packet.ErrFragment) {
		L.RaiseError(`%s can't be replaced: %s; leave fragments alone, e.g. "if ip.mf or ip.frag > 0 then return end"`, what, err.Error())
	}
	L.RaiseError("%s: %s", what, err.Error())
}

// raiseRoom raises the error of a packet that would outgrow its buffer.
func raiseRoom(L *lua.LState, what string, n, room int) {
	L.RaiseError("%s: %d bytes do not fit: the frame has room for %d", what, n, max(room, 0))
}

// checkCount gives argument 2, a number of bytes.
func checkCount(L *lua.LState, what string) int {
	n, ok := wholeNumber(L.Get(2))
	if !ok {
		L.RaiseError("%s: the number of bytes is %s; expected a whole number, 0 or more", what, describe(L.Get(2)))
	}
	return int(n)
}

// push is pkt:push(n).
func (s *State) push(L *lua.LState) int {
	f := checkPacket(L)
	n := checkCount(L, "push")
	s.touch(f)
	if n > f.room() || !f.makeRoom(n, 0) {
		raiseRoom(L, "push", n, f.room()-len(f.b))
	}
	s.quota.spendBytes(L, n+len(f.b))
	from := f.pkt.From
	f.span(from-n, f.pkt.To)
	clear(f.b[:n])
	return 0
}

// pull is pkt:pull(n).
func (s *State) pull(L *lua.LState) int {
	f := checkPacket(L)
	n := checkCount(L, "pull")
	if n > len(f.b) {
		L.RaiseError("pull: %d bytes are more than the packet has (%d bytes)", n, len(f.b))
	}
	s.touch(f)
	f.span(f.pkt.From+n, f.pkt.To)
	return 0
}

// resize is pkt:resize(length).
func (s *State) resize(L *lua.LState) int {
	f := checkPacket(L)
	n := checkCount(L, "resize")
	s.touch(f)
	old := len(f.b)
	if n > f.room() || !f.makeRoom(0, max(n-old, 0)) {
		raiseRoom(L, "resize", n, f.room())
	}
	s.quota.spendBytes(L, n)
	f.span(f.pkt.From, f.pkt.From+n)
	clear(f.b[min(old, n):])
	return 0
}

// clone is pkt:clone().
func (s *State) clone(L *lua.LState) int {
	f := checkPacket(L)
	s.quota.spendBytes(L, len(f.b))
	L.Push(s.viewOf(f.clone(), kindPacket))
	return 1
}

// reply is pkt:reply().
func (s *State) reply(L *lua.LState) int {
	f := checkPacket(L)
	f.walk()
	s.touch(f)
	s.turn(f)
	if len(s.protocols.All()) > 0 {
		f.stale = true // the ports may lead elsewhere
	}
	L.Push(s.values.number(uint64(TX)))
	return 1
}

// turn turns a packet round whose headers have been walked.
func (s *State) turn(f *frame) {
	packet.SwapEnds(f.b, &f.layout)
	if f.layout.Present(packet.Eth) && f.pkt.Port >= 0 {
		s.ownSource(f)
	}
}

// ethSrc is where frames have their Ethernet source address.
const ethSrc = 6

// ownSource puts the address of the port that the packet came in on in the
// place of a source address that is one of a group, as no sender has (IEEE 802
// clause 8.2.2).
func (s *State) ownSource(f *frame) {
	const group = 1 // the bit of the first byte that says so
	if mac := s.ports[f.pkt.Port].MAC; mac != 0 && f.b[ethSrc]&group != 0 {
		for i := range 6 {
			f.b[ethSrc+i] = byte(mac >> (40 - 8*i))
		}
	}
}

// hexdump is pkt:hexdump().
func (s *State) hexdump(L *lua.LState) int {
	f := checkPacket(L)
	s.quota.checkString(L, 5*len(f.b))
	L.Push(lua.LString(packet.AppendHexDump(nil, f.b)))
	return 1
}
