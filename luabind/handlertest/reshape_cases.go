// SPDX-License-Identifier: GPL-3.0-or-later

package handlertest

import (
	"strings"

	"pvlua/internal/pkttest"
)

// Handlers that insert and remove a VLAN tag.
const (
	pushTag = `local addresses = pkt:bytes(0, 12)
	pkt:push(4) pkt:set_bytes(0, addresses) pkt:set_u16(12, 0x8100) pkt:set_u16(14, 0x6064)`
	popTag = `local addresses = pkt:bytes(0, 12) pkt:pull(4) pkt:set_bytes(0, addresses)`
)

// reshaped makes a case whose handler changes one packet to another and sends
// it back.
func reshaped(name, body string, from, to []byte) Case {
	if !strings.Contains(body, "return pkt:reply()") {
		body += " return pv.TX"
	}
	return Case{Name: "reshape/" + name, Body: body, Packet: from, Want: to, Verdict: tx}
}

// reshapeCases change the length of packets, turn them round, and make others
// of them. There is room for 100 bytes at either end.
func reshapeCases() []Case {
	type o = pkttest.Options
	macA, macB := [6]byte{2, 0, 0, 0, 0, 1}, [6]byte{2, 0, 0, 0, 0, 2}
	back := o{SrcMAC: macB, DstMAC: macA, Src: addr("10.0.0.5"), Dst: addr("10.0.0.4"), SrcPort: 7, DstPort: 1234}
	back6 := back
	back6.Src, back6.Dst = addr("2001:db8::2"), addr("2001:db8::1")
	bytes := func(s string) o { return o{Payload: []byte(s)} }
	padded, unchecked := bytes("ping"), bytes("PONG!")
	padded.PadTo, unchecked.NoChecksum = 60, true
	long := strings.Repeat("x", 204)
	fails := func(name, body, err string, packet []byte) Case {
		return Case{Name: "reshape/" + name, Body: body, Packet: packet, Err: err}
	}
	udp := pkttest.UDP(none)
	cases := []Case{
		reshaped("payload longer", "pkt.payload = 'PONG!'", udp, pkttest.UDP(bytes("PONG!"))),
		reshaped("payload shorter", "pkt.payload = 'p'", udp, pkttest.UDP(bytes("p"))),
		reshaped("payload empty", "pkt.payload = ''", udp, pkttest.UDP(bytes(""))),
		reshaped("payload as long as the room", "pkt.payload = ('x'):rep(204)", udp, pkttest.UDP(bytes(long))),
		reshaped("payload by a computed name", "pkt['pay'..'load'] = 'PONG!'", udp, pkttest.UDP(bytes("PONG!"))),
		reshaped("payload and a field", "udp.dport, pkt.payload = 9, 'odd'", udp, pkttest.UDP(o{DstPort: 9, Payload: []byte("odd")})),
		reshaped("payload of its own", "pkt.payload = pkt.payload .. '!'", udp, pkttest.UDP(bytes("ping!"))),
		reshaped("payload without padding", "pkt.payload = 'ping'", pkttest.UDP(padded), udp),
		reshaped("payload without checksum", "pkt.payload = 'PONG!'", pkttest.UDP(o{NoChecksum: true}), pkttest.UDP(unchecked)),
		reshaped("payload of udp6", "pkt.payload = 'PONG!'", pkttest.UDP6(none), pkttest.UDP6(bytes("PONG!"))),
		reshaped("payload of tcp", "pkt.payload = 'PONG!'", pkttest.TCPData(none), pkttest.TCPData(bytes("PONG!"))),
		reshaped("payload of icmp", "pkt.payload = 'PONG!'", pkttest.ICMPEcho(none), pkttest.ICMPEcho(bytes("PONG!"))),
		reshaped("payload of icmp6", "pkt.payload = 'PONG!'", pkttest.ICMP6Echo(none), pkttest.ICMP6Echo(bytes("PONG!"))),
		reshaped("payload behind extension headers", "pkt.payload = 'PONG!'", pkttest.Extensions(none), pkttest.Extensions(bytes("PONG!"))),
		reshaped("payload under tags", "pkt.payload = 'PONG!'", pkttest.QinQ(none), pkttest.QinQ(bytes("PONG!"))),
		reshaped("fields after the payload", "pkt.payload = 'odd' udp.dport = udp.dport + 2", udp, pkttest.UDP(o{DstPort: 9, Payload: []byte("odd")})),

		reshaped("push a tag", pushTag, udp, pkttest.VLAN(none)),
		reshaped("push a tag, then read it", pushTag+" if pkt.vlan.vid ~= 100 or udp.dport ~= 7 then error() end", udp, pkttest.VLAN(none)),
		reshaped("pop a tag", popTag, pkttest.VLAN(none), udp),
		reshaped("push and pull", "pkt:push(100) pkt:pull(100)", udp, udp),
		reshaped("push more than there is before", "pkt:push(150) pkt:pull(150)", udp, udp),
		reshaped("push nothing", "pkt:push(0) pkt:pull(0) pkt:resize(#pkt)", udp, udp),
		reshaped("pushed bytes are zeros", "pkt:set_u32(0, 0xffffffff) pkt:pull(4) pkt:push(4)", udp, edit(udp, 0, 0, 0, 0, 0)),
		reshaped("resize to pad", "pkt:resize(60)", udp, pkttest.UDP(padded)),
		reshaped("resize to cut", "pkt:resize(46)", pkttest.UDP(padded), udp),
		reshaped("resize by more than there is behind", "pkt:resize(246) pkt:resize(46)", udp, udp),
		reshaped("resized bytes are zeros", "pkt:resize(42) pkt:resize(46)", udp, edit(udp, 42, 0, 0, 0, 0)),
		reshaped("pull to Ethernet", "pkt:pull(#pkt - 14)", udp, udp[32:]),

		reshaped("reply to udp", "return pkt:reply()", udp, pkttest.UDP(back)),
		reshaped("reply to udp6", "return pkt:reply()", pkttest.UDP6(none), pkttest.UDP6(back6)),
		reshaped("reply to icmp", "icmp.type = 0 return pkt:reply()", pkttest.ICMPEcho(none), pkttest.ICMPEchoReply(back)),
		reshaped("reply to icmp6", "icmp6.type = 129 return pkt:reply()", pkttest.ICMP6Echo(none), pkttest.ICMP6EchoReply(back6)),
		reshaped("reply to arp", "arp.op = 2 pkt:reply() arp.sha = me.mac", pkttest.ARPRequest(none), pkttest.ARPReply(back)),
		reshaped("reply to a group", "return pkt:reply()", pkttest.UDP(o{DstMAC: [6]byte{1, 0, 0x5e, 0, 0, 1}}), pkttest.UDP(back)),
		reshaped("reply with a payload", "pkt.payload = 'PONG!' return pkt:reply()", udp, pkttest.UDP(withPayload(back, "PONG!"))),

		reshaped("clone is apart", "local c = pkt:clone() c.udp.dport = 9 c.payload = '' c:reply() c:push(9)", udp, udp),
		reshaped("clone copied back", "local c = pkt:clone() c.udp.dport = 9 pkt:set_bytes(0, c:bytes(0, #c))", udp, pkttest.UDP(o{DstPort: 9})),
		reshaped("built and copied", `local p = pv.build{eth = {dst = eth.dst, src = eth.src}, ip = {src = ip.src, dst = ip.dst, id = 77, df = true}, udp = {sport = 1234, dport = 9}, payload = "odd"}
			pkt:resize(#p) pkt:set_bytes(0, p:bytes(0, #p))`, udp, pkttest.UDP(o{DstPort: 9, Payload: []byte("odd")})),

		fails("payload of a fragment", "pkt.payload = 'x'", "case.lua:4: payload can't be replaced: the packet is a fragment", pkttest.Fragments(none)[0]),
		fails("payload of a later fragment", "pkt.payload = 'x'", "payload can't be replaced: the packet is a fragment", pkttest.Fragments(none)[2]),
		fails("payload of an ip6 fragment", "pkt.payload = 'x'", "payload can't be replaced: the packet is a fragment", pkttest.Fragments6(none)[0]),
		fails("payload too long", "pkt.payload = ('x'):rep(205)", "case.lua:4: payload: 205 bytes do not fit: the frame has room for 204", udp),
		fails("push too much", "pkt:push(201)", "case.lua:4: push: 201 bytes do not fit: the frame has room for 200", udp),
		fails("push far too much", "pkt:push(2^53)", "bytes do not fit: the frame has room for 200", udp),
		fails("push less than nothing", "pkt:push(-1)", "push: the number of bytes is -1; expected a whole number", udp),
		fails("push without a number", "pkt:push()", "push: the number of bytes is nil; expected a whole number", udp),
		fails("pull too much", "pkt:pull(47)", "case.lua:4: pull: 47 bytes are more than the packet has (46 bytes)", udp),
		fails("resize too much", "pkt:resize(247)", "case.lua:4: resize: 247 bytes do not fit: the frame has room for 246", udp),
		fails("header pulled off", "pkt:pull(40) return udp.dport", "the packet has no udp header any more", udp),
		fails("too short for a verdict", "pkt:resize(13) return pv.TX", "case.lua:2: on_packet changed the length of the packet, and its verdict is tx: a frame of 13 bytes is too short", udp),
		fails("verdict of a clone", "return pkt:clone()", "on_packet returned a packet; expected", udp),
		fails("undone push", "pkt:push(150) pkt:set_u8(0, 1) error('no')", "no", udp),
		fails("undone pull", "pkt:pull(20) pkt:resize(240) error('no')", "no", udp),
		fails("undone payload", "pkt.payload = ('x'):rep(200) error('no')", "no", udp),
		fails("undone reply", "pkt:reply() error('no')", "no", udp),
	}
	dropped := Case{Name: "reshape/too short, but dropped", Body: "pkt:resize(0) return pv.DROP", Packet: udp, Want: []byte{}, Verdict: drop}
	return append(cases, dropped)
}

// withPayload gives options with a payload.
func withPayload(o pkttest.Options, s string) pkttest.Options {
	o.Payload = []byte(s)
	return o
}
