// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"bytes"
	"encoding/binary"
	"math"

	lua "github.com/yuin/gopher-lua"

	"pvlua/packet"
)

// packetEntries are the methods of a packet and its properties besides the
// headers. Offsets are in bytes from the start of the packet, from 0.
func packetEntries() []Entry {
	entry := func(kind EntryKind, name, signature, doc string, f func(*State, *lua.LState) int) Entry {
		e := Entry{Kind: kind, Of: "packet", Name: name, Signature: signature, Doc: doc}
		if f != nil {
			e.make = method(f)
		}
		return e
	}
	return []Entry{
		entry(Value, "port", "pkt.port", "The port that the packet came in on; nil for one that pv.build made.", nil),
		entry(Value, "payload", "pkt.payload", "What follows the last header, without padding, as a string. Assigning it replaces that, of any length, and puts lengths and checksums right.", nil),
		entry(Value, "#", "#pkt", "The length of the packet in bytes, from the Ethernet header on.", nil),
		entry(Method, "u8", "pkt:u8(offset) -> number", "The byte at offset.", func(s *State, L *lua.LState) int { return s.rawRead(L, 1) }),
		entry(Method, "u16", "pkt:u16(offset) -> number", "The two bytes at offset, in network byte order.", func(s *State, L *lua.LState) int { return s.rawRead(L, 2) }),
		entry(Method, "u32", "pkt:u32(offset) -> number", "The four bytes at offset, in network byte order.", func(s *State, L *lua.LState) int { return s.rawRead(L, 4) }),
		entry(Method, "set_u8", "pkt:set_u8(offset, n)", "Writes one byte. Checksums are left alone.", func(s *State, L *lua.LState) int { return s.rawWrite(L, 1) }),
		entry(Method, "set_u16", "pkt:set_u16(offset, n)", "Writes two bytes in network byte order. Checksums are left alone.", func(s *State, L *lua.LState) int { return s.rawWrite(L, 2) }),
		entry(Method, "set_u32", "pkt:set_u32(offset, n)", "Writes four bytes in network byte order. Checksums are left alone.", func(s *State, L *lua.LState) int { return s.rawWrite(L, 4) }),
		entry(Method, "bytes", "pkt:bytes(offset, length) -> string", "The bytes from offset on, as a string.", (*State).rawBytes),
		entry(Method, "set_bytes", "pkt:set_bytes(offset, s)", "Writes the bytes of a string from offset on. Checksums are left alone.", (*State).rawSetBytes),
		entry(Method, "find", "pkt:find(s [, from]) -> offset or nil", "The offset of the first place where the bytes of s are, at from or later.", (*State).rawFind),
		entry(Method, "fix_checksums", "pkt:fix_checksums()", "Computes all checksums anew: IPv4, TCP, UDP (if it is in use), ICMP and ICMPv6.", (*State).fixChecksums),
	}
}

// checkPacket gives the packet that the method was called on.
func checkPacket(L *lua.LState) *frame {
	v := L.Get(1)
	o := objectOf(v)
	if o == nil || o.kind != kindPacket {
		L.RaiseError("a packet is missing: got %s; methods are called with a colon, as in pkt:u8(0)", describe(v))
	}
	if o.frame.pkt == nil {
		raiseDead(L, o)
	}
	return o.frame
}

// checkOffset gives argument n, the offset of size bytes in the packet. what
// names the access in the error message.
func (f *frame) checkOffset(L *lua.LState, n, size int, what string) int {
	x, ok := L.Get(n).(lua.LNumber)
	off := int(x)
	if !ok || lua.LNumber(off) != x || off < math.MinInt32 || off > math.MaxInt32 {
		L.RaiseError("%s: the offset is %s; expected a whole number", what, describe(L.Get(n)))
	}
	if off < 0 || off > len(f.b)-size {
		L.RaiseError("%s at offset %d is outside the packet (%d bytes)", what, off, len(f.b))
	}
	return off
}

// rawReads and rawWrites name the accesses by their size in bytes.
var (
	rawReads  = [...]string{1: "u8", 2: "u16", 4: "u32"}
	rawWrites = [...]string{1: "set_u8", 2: "set_u16", 4: "set_u32"}
)

// rawRead is pkt:u8(offset) and so on.
func (s *State) rawRead(L *lua.LState, size int) int {
	f := checkPacket(L)
	p := f.b[f.checkOffset(L, 2, size, rawReads[size]):]
	var n uint64
	switch size {
	case 1:
		n = uint64(p[0])
	case 2:
		n = uint64(binary.BigEndian.Uint16(p))
	case 4:
		n = uint64(binary.BigEndian.Uint32(p))
	}
	L.Push(s.values.number(n))
	return 1
}

// rawWrite is pkt:set_u8(offset, n) and so on.
func (s *State) rawWrite(L *lua.LState, size int) int {
	f := checkPacket(L)
	p := f.b[f.checkOffset(L, 2, size, rawWrites[size]):]
	n, ok := wholeNumber(L.Get(3))
	if !ok || n >= 1<<(8*size) {
		L.RaiseError("%s: the value is %s; expected a whole number of 0 to %d", rawWrites[size], describe(L.Get(3)), uint64(1)<<(8*size)-1)
	}
	s.touch(f)
	switch size {
	case 1:
		p[0] = byte(n)
	case 2:
		binary.BigEndian.PutUint16(p, uint16(n))
	case 4:
		binary.BigEndian.PutUint32(p, uint32(n))
	}
	f.stale = true
	return 0
}

// rawBytes is pkt:bytes(offset, length).
func (s *State) rawBytes(L *lua.LState) int {
	f := checkPacket(L)
	n, ok := wholeNumber(L.Get(3))
	if !ok || n > math.MaxInt32 {
		L.RaiseError("bytes: the length is %s; expected a whole number", describe(L.Get(3)))
	}
	off := f.checkOffset(L, 2, 0, "bytes")
	if int(n) > len(f.b)-off {
		L.RaiseError("bytes: %d bytes at offset %d are outside the packet (%d bytes)", n, off, len(f.b))
	}
	L.Push(lua.LString(f.b[off : off+int(n)]))
	return 1
}

// rawSetBytes is pkt:set_bytes(offset, s).
func (s *State) rawSetBytes(L *lua.LState) int {
	f := checkPacket(L)
	str, ok := L.Get(3).(lua.LString)
	if !ok {
		L.RaiseError("set_bytes: the value is %s; expected a string", describe(L.Get(3)))
	}
	off := f.checkOffset(L, 2, 0, "set_bytes")
	if len(str) > len(f.b)-off {
		L.RaiseError("set_bytes: %d bytes at offset %d are outside the packet (%d bytes)", len(str), off, len(f.b))
	}
	s.touch(f)
	copy(f.b[off:], str)
	f.stale = true
	return 0
}

// rawFind is pkt:find(s [, from]).
func (s *State) rawFind(L *lua.LState) int {
	f := checkPacket(L)
	str, ok := L.Get(2).(lua.LString)
	if !ok {
		L.RaiseError("find: looking for %s; expected a string", describe(L.Get(2)))
	}
	from := 0
	if L.Get(3) != lua.LNil {
		from = f.checkOffset(L, 3, 0, "find")
	}
	s.quota.spendBytes(L, len(f.b)-from)
	s.needle = append(s.needle[:0], str...)
	i := bytes.Index(f.b[from:], s.needle)
	if i < 0 {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(s.values.number(uint64(from + i)))
	return 1
}

// fixChecksums is pkt:fix_checksums().
func (s *State) fixChecksums(L *lua.LState) int {
	f := checkPacket(L)
	f.walk()
	s.touch(f)
	packet.FixChecksums(f.b, &f.layout)
	return 0
}

// summary gives the one-line text of the packet that o shows.
func (s *State) summary(L *lua.LState, o *object) string {
	if o.frame.pkt == nil {
		raiseDead(L, o)
	}
	return string(s.AppendSummary(nil, o.frame.b))
}
