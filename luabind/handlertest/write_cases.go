// SPDX-License-Identifier: GPL-3.0-or-later

package handlertest

import (
	"bytes"

	"pvlua/internal/pkttest"
)

// becomes makes a case whose handler changes one packet to another and sends
// it back.
func becomes(name, body string, from, to []byte) Case {
	return Case{Name: "write/" + name, Body: body + " return pv.TX", Packet: from, Want: to, Verdict: tx}
}

// writeCases assign fields. The packets that come out are built, with their
// checksums, and not changed.
func writeCases() []Case {
	type o = pkttest.Options
	macA, macB := [6]byte{2, 0, 0, 0, 0, 1}, [6]byte{2, 0, 0, 0, 0, 2}
	wrong := edit(pkttest.UDP(o{}), 40, 0xde, 0xad) // a UDP checksum that is wrong
	return []Case{
		becomes("eth", "eth.dst, eth.src = eth.src, eth.dst", pkttest.UDP(o{}), pkttest.UDP(o{SrcMAC: macB, DstMAC: macA})),
		becomes("addresses", "ip.dst, ip.src = pv.ip'192.0.2.1', pv.ip'192.0.2.2'", pkttest.UDP(o{}), pkttest.UDP(o{Src: addr("192.0.2.2"), Dst: addr("192.0.2.1")})),
		becomes("swap of addresses", "ip.dst, ip.src = ip.src, ip.dst", pkttest.TCPData(o{}), pkttest.TCPData(o{Src: addr("10.0.0.5"), Dst: addr("10.0.0.4")})),
		becomes("swap by a third", "local a = ip.src; ip.src = ip.dst; ip.dst = a", pkttest.TCPData(o{}), pkttest.TCPData(o{Src: addr("10.0.0.5"), Dst: addr("10.0.0.4")})),
		becomes("ports", "udp.dport, udp.sport = udp.sport, udp.dport", pkttest.UDP(o{}), pkttest.UDP(o{SrcPort: 7, DstPort: 1234})),
		becomes("ports over ip6", "udp.dport, udp.sport = 53, 1024", pkttest.UDP6(o{}), pkttest.UDP6(o{SrcPort: 1024, DstPort: 53})),
		becomes("tcp ports", "tcp.dport = 80", pkttest.TCPSyn(o{}), pkttest.TCPSyn(o{DstPort: 80})),
		becomes("ttl", "ip.ttl = ip.ttl - 1", pkttest.UDP(o{}), pkttest.UDP(o{TTL: 63})),
		becomes("hop limit", "ip6.hlim = ip6.hlim - 1", pkttest.UDP6(o{}), pkttest.UDP6(o{TTL: 63})),
		becomes("ip6 addresses", "ip6.dst, ip6.src = ip6.src, ip6.dst", pkttest.ICMP6Echo(o{}), pkttest.ICMP6Echo(o{Src: addr("2001:db8::2"), Dst: addr("2001:db8::1")})),
		becomes("ip6 address from text", "ip6.dst = pv.ip6'fe80::1'", pkttest.UDP6(o{}), pkttest.UDP6(o{Dst: addr("fe80::1")})),
		becomes("id and sequence", "icmp.id, icmp.seq = 1000, 65535", pkttest.ICMPEcho(o{ID: 77}), withIPID(pkttest.ICMPEcho(o{ID: 1000, Seq: 65535}), 77)),
		becomes("echo reply", "icmp.type = 0", pkttest.ICMPEcho(o{}), pkttest.ICMPEchoReply(o{})),
		becomes("echo reply over ip6", "icmp6.type = 129", pkttest.ICMP6Echo(o{}), pkttest.ICMP6EchoReply(o{})),
		becomes("vlan", "vlan.vid, vlan.pcp, vlan.dei = 4095, 7, true", pkttest.VLAN(o{}), pkttest.VLAN(o{Tags: []uint16{0xffff}})),
		becomes("arp reply", "arp.op, arp.tha, arp.spa, arp.tpa, arp.sha = 2, arp.sha, arp.tpa, arp.spa, me.mac; eth.dst, eth.src = eth.src, me.mac",
			pkttest.ARPRequest(o{}), pkttest.ARPReply(o{SrcMAC: macB, DstMAC: macA, Src: addr("10.0.0.5"), Dst: addr("10.0.0.4")})),
		becomes("neighbor advertisement", `icmp6.type = 136; icmp6.solicited, icmp6.override, icmp6.tlla = true, true, me.mac
			ip6.dst, ip6.src = ip6.src, icmp6.target; eth.dst, eth.src = eth.src, me.mac`,
			pkttest.NeighborSolicit(o{}), pkttest.NeighborAdvert(o{SrcMAC: macB, DstMAC: macA, Src: addr("2001:db8::2"), Dst: addr("2001:db8::1")})),
		becomes("zero checksum stays zero", "udp.dport = 9", pkttest.UDP(o{NoChecksum: true}), pkttest.UDP(o{NoChecksum: true, DstPort: 9})),
		becomes("wrong checksum stays wrong", "udp.dport = 8", wrong, edit(edit(wrong, 37, 8), 40, 0xde, 0xac)),
		becomes("checksum itself", "udp.checksum = 0x1234", pkttest.UDP(o{}), edit(pkttest.UDP(o{}), 40, 0x12, 0x34)),
		becomes("raw, then fix_checksums", "pkt:set_u16(36, 9); pkt:fix_checksums()", pkttest.UDP(o{}), pkttest.UDP(o{DstPort: 9})),
		becomes("computed names", "pkt['u'..'dp']['d'..'port'] = 9", pkttest.UDP(o{}), pkttest.UDP(o{DstPort: 9})),
		becomes("through a function", "local function set(h, v) h.dport = v end set(udp, 9)", pkttest.UDP(o{}), pkttest.UDP(o{DstPort: 9})),
		becomes("values from a call", "local function two() return 9, 10 end udp.dport, udp.sport = two()", pkttest.UDP(o{}), pkttest.UDP(o{DstPort: 9, SrcPort: 10})),
		becomes("with a local variable", "local n; n, udp.dport, udp.sport = 1, 9, 10; if n ~= 1 then error() end", pkttest.UDP(o{}), pkttest.UDP(o{DstPort: 9, SrcPort: 10})),
		becomes("from last to first", "udp.dport, udp.dport = 9, 10", pkttest.UDP(o{}), pkttest.UDP(o{DstPort: 9})),
		becomes("under two tags", "udp.dport = 9", pkttest.QinQ(o{}), pkttest.QinQ(o{DstPort: 9})),
		becomes("behind options", "ip.dst = pv.ip'10.0.0.9'", pkttest.IPWithOptions(o{}), pkttest.IPWithOptions(o{Dst: addr("10.0.0.9")})),
		becomes("behind extension headers", "udp.dport = 9", pkttest.Extensions(o{}), pkttest.Extensions(o{DstPort: 9})),
		becomes("odd payload", "udp.dport = 9", pkttest.UDP(o{Payload: []byte("odd")}), pkttest.UDP(o{DstPort: 9, Payload: []byte("odd")})),
		becomes("tag that vanishes", "vlan.type = 0x9999", pkttest.VLAN(o{}), edit(pkttest.VLAN(o{}), 16, 0x99, 0x99)),
	}
}

// withIPID gives an ICMP echo frame whose IPv4 identification is not that of
// the message.
func withIPID(frame []byte, id byte) []byte {
	icmp := bytes.Clone(frame[34:])
	frame = pkttest.ICMPEcho(pkttest.Options{ID: uint16(id)})
	copy(frame[34:], icmp)
	return frame
}

// rawCases read and write bytes at offsets.
func rawCases() []Case {
	udp := pkttest.UDP(none)
	return []Case{
		is("u8", "pkt:u8(0) == 2 and pkt:u8(#pkt - 1) == 0x67", udp),
		is("u16", "pkt:u16(12) == 0x0800", udp),
		is("u32", "pkt:u32(26) == ip.src", udp),
		is("bytes", "pkt:bytes(42, 4) == 'ping' and pkt:bytes(46, 0) == ''", udp),
		is("find", "pkt:find('ping') == 42 and pkt:find('in', 43) == 43 and pkt:find('in', 44) == nil and pkt:find('') == 0", udp),
		becomes("set_u8", "pkt:set_u8(42, 80)", udp, edit(udp, 42, 'P')),
		becomes("set_u16", "pkt:set_u16(42, 0x5049)", udp, edit(udp, 42, 'P', 'I')),
		becomes("set_u32", "pkt:set_u32(42, 0x50494e47)", udp, edit(udp, 42, 'P', 'I', 'N', 'G')),
		becomes("set_bytes", "pkt:set_bytes(43, 'ON')", udp, edit(udp, 43, 'O', 'N')),
		becomes("fields follow raw writes", "pkt:set_u16(36, 9); if udp.dport == 9 then pkt:set_u8(42, 80) end", udp, edit(edit(udp, 37, 9), 42, 'P')),
		becomes("headers follow raw writes", "pkt:set_u8(23, 6); if pkt.udp == nil and pkt.tcp == nil then pkt:set_u8(23, 17) end", udp, udp),
	}
}

// languageCases use what handlers use of Lua besides.
func languageCases() []Case {
	udp := pkttest.UDP(none)
	return []Case{
		is("bit32", "bit32.band(ip.src, 0xff) == 4 and bit32.bor(1, 2) == 3 and bit32.lshift(1, 31) == 2147483648 and bit32.bnot(0) == 4294967295", udp),
		is("arithmetic", "ip.ttl * 2 - 1 == 127 and ip.src % 256 == 4 and math.floor(ip.src / 256) % 256 == 0", udp),
		is("and, or", "(tcp and tcp.dport or udp.dport) == 7 and (arp or udp) == udp", udp),
		is("string.unpack", "select(2, string.unpack('>I2 I2', pkt:bytes(34, 4))) == 7", udp),
		is("conversions", "pv.ip_str(ip.src) == '10.0.0.4' and pv.mac_str(eth.src) == '02:00:00:00:00:01'", udp),
		{Name: "language/counter", Source: "local n = 0 function on_packet() n = n + 1 if n == 1 then return pv.DROP end end", Packet: udp, Verdict: drop},
		{Name: "language/table by port", Source: "local t = {[7] = pv.TX} function on_packet(pkt) return t[pkt.udp.dport] end", Packet: udp, Verdict: tx},
		{Name: "language/helper", Source: "local function f(p) return p.udp and pv.TX end function on_packet(pkt) return f(pkt) end", Packet: udp, Verdict: tx},
		{Name: "language/loop", Body: "local s = 0 for i = 0, 3 do s = s + pkt:u8(42 + i) end if s == 112+105+110+103 then return pv.TX end", Packet: udp, Verdict: tx},
		{Name: "language/while", Body: "local i = 0 while pkt:u8(i) ~= 112 do i = i + 1 end if i == 42 then return pv.TX end", Packet: udp, Verdict: tx},
		{Name: "language/own table with a field's name", Body: "local t = {dport = 1} t.dport, t.src = t.dport + 6, 0 if t.dport == udp.dport then return pv.TX end", Packet: udp, Verdict: tx},
		{Name: "language/function with a field's name", Body: "local t = {} function t.len(x) return x end if t.len(7) == udp.dport then return pv.TX end", Packet: udp, Verdict: tx},
		{Name: "language/pcall", Body: "local ok, err = pcall(function() return tcp.dport end) if not ok and err:find('no tcp header') then return pv.TX end", Packet: udp, Verdict: tx},
		{Name: "language/assignment of the handler", Source: "function on_packet() on_packet = function() return pv.DROP end return pv.TX end", Packet: udp, Verdict: tx},
	}
}

// misspelt begins the body of a handler with a misspelt name in it: a function
// that hides from the checks at load what the name is one of.
const misspelt = "local function any(x) return x end "

// errorCases fail. The packet stays as it was.
func errorCases() []Case {
	udp := pkttest.UDP(none)
	fails := func(name, body, err string, packet []byte) Case {
		return Case{Name: "error/" + name, Body: body, Packet: packet, Err: err}
	}
	return []Case{
		fails("absent header", "return tcp.dport", `case.lua:4: attempt to index a nil value (local 'tcp', field 'dport'): this packet has no tcp header; test it first, e.g. "if tcp and tcp.dport == ..."`, udp),
		fails("absent header, assigned", "tcp.dport = 1", `case.lua:4: attempt to index a nil value (local 'tcp', field 'dport')`, udp),
		fails("absent header, without a name", "return pkt.tcp.dport", `(field 'tcp', field 'dport'): this packet has no tcp header`, udp),
		fails("absent header by another name", "local t = pkt.tcp return t.dport", `(local 't', field 'dport'): a header is nil when the packet does not have it; test it first, e.g. "if t and t.dport == ..."`, udp),
		fails("unknown field", misspelt+"return any(udp).dprt", "case.lua:4: the udp header has no field 'dprt'; did you mean 'dport'?", udp),
		fails("unknown field, assigned", misspelt+"any(udp).dprt = 1", "the udp header has no field 'dprt'; did you mean 'dport'?", udp),
		fails("field of another header", misspelt+"return any(ip).dport", "the ip header has no field 'dport'", udp),
		fails("field of the packet", misspelt+"return any(pkt).dport", "a packet has no property 'dport'; it is a field of tcp, udp, as in pkt.tcp.dport", udp),
		fails("unknown property", misspelt+"return any(pkt).upd", "a packet has no property 'upd'; did you mean 'udp'?", udp),
		fails("unknown method", misspelt+"return any(pkt):u9(0)", "a packet has no property 'u9'; did you mean", udp),
		fails("unknown fact of a port", misspelt+"return any(me).macc", "a port has no property 'macc'; did you mean 'mac'?", udp),
		fails("index by number", "return pkt[1]", "attempt to index a packet with 1", udp),
		fails("too large", "udp.dport = 65536", "udp.dport: out of range: 65536 is not in 0 to 65535", udp),
		fails("fraction", "udp.dport = 1.5", "udp.dport takes a whole number of 0 to 65535, got 1.5", udp),
		fails("negative", "udp.dport = -1", "udp.dport takes a whole number of 0 to 65535, got -1", udp),
		fails("NaN", "udp.dport = 0/0", "udp.dport takes a whole number of 0 to 65535, got", udp),
		fails("infinity", "udp.dport = 1/0", "udp.dport takes a whole number of 0 to 65535, got", udp),
		fails("nil", "udp.dport = nil", "udp.dport takes a whole number of 0 to 65535, got nil", udp),
		fails("number as a string", "udp.dport = '7'", `udp.dport takes a whole number of 0 to 65535, got "7"`, udp),
		fails("address as text", "ip.dst = '10.0.0.1'", `ip.dst takes a number, got "10.0.0.1"; pv.ip"10.0.0.1" gives the number of an address`, udp),
		fails("MAC as text", "eth.dst = '02:00:00:00:00:01'", `eth.dst takes a number, got "02:00:00:00:00:01"; pv.mac`, udp),
		fails("IPv6 address as text", "ip6.dst = '::1'", `ip6.dst takes a string of 16 bytes, got "::1"; pv.ip6"2001:db8::1" gives such a string`, pkttest.UDP6(none)),
		fails("IPv6 address as number", "ip6.dst = 1", `ip6.dst takes a string of 16 bytes, got 1`, pkttest.UDP6(none)),
		fails("flag as number", "ip.df = 1", "ip.df takes true or false, got 1", udp),
		fails("number as flag", "ip.ttl = true", "ip.ttl takes a whole number of 0 to 255, got true", udp),
		fails("read-only field", "ip6.proto = 17", "ip6.proto: it is read-only", pkttest.UDP6(none)),
		fails("read-only bytes", "ip.options = ''", "ip.options is read-only", udp),
		fails("payload that is no string", "pkt.payload = 5", "payload takes a string, got 5", udp),
		fails("header", "pkt.udp = nil", "udp of a packet is read-only", udp),
		fails("fact of a port", "me.mac = 1", "mac of a port is read-only", udp),
		fails("absent option", "tcp.mss = 1", "tcp.mss: the packet does not have it: it has no such TCP option", pkttest.TCPData(none)),
		fails("vanished header", "ip.proto = 6; return udp.dport", "the packet has no udp header any more", udp),
		fails("vanished header, assigned", "ip.proto = 6; udp.dport = 1", "the packet has no udp header any more", udp),
		fails("u16 outside", "return pkt:u16(45)", "case.lua:4: u16 at offset 45 is outside the packet (46 bytes)", udp),
		fails("u8 outside", "return pkt:u8(46)", "u8 at offset 46 is outside the packet (46 bytes)", udp),
		fails("u32 before", "return pkt:u32(-1)", "u32 at offset -1 is outside the packet (46 bytes)", udp),
		fails("offset of no number", "return pkt:u8('0')", `u8: the offset is "0"; expected a whole number`, udp),
		fails("offset that is far away", "return pkt:u8(2^60)", "u8: the offset is", udp),
		fails("set_u8 outside", "pkt:set_u8(46, 0)", "set_u8 at offset 46 is outside the packet (46 bytes)", udp),
		fails("set_u8 too large", "pkt:set_u8(0, 256)", "set_u8: the value is 256; expected a whole number of 0 to 255", udp),
		fails("bytes outside", "return pkt:bytes(40, 7)", "bytes: 7 bytes at offset 40 are outside the packet (46 bytes)", udp),
		fails("bytes of negative length", "return pkt:bytes(0, -1)", "bytes: the length is -1", udp),
		fails("set_bytes outside", "pkt:set_bytes(45, 'ab')", "set_bytes: 2 bytes at offset 45 are outside the packet (46 bytes)", udp),
		fails("method called with a dot", "return pkt.u8(0)", "a packet is missing: got 0; methods are called with a colon", udp),
		fails("error", "error('no')", "case.lua:4: no", udp),
		fails("error table", "error({})", "the error value is a table, not a message", udp),
		fails("undone", "eth.dst = 0; udp.dport = 1; pkt:set_u8(20, 99); error('no')", "no", udp),
		fails("undone by a wrong verdict", "eth.dst = 0; return {}", "on_packet returned a table", udp),
		fails("frozen module", "pv.TX = 1", `pv is read-only: "TX" can't be assigned`, udp),
		fails("unknown member", misspelt+"return any(pv).DORP", `pv has no member "DORP"; did you mean 'DROP'?`, udp),
	}
}
