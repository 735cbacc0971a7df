// SPDX-License-Identifier: GPL-3.0-or-later

package handlertest

import (
	"net/netip"
	"slices"

	"pvlua/internal/pkttest"
	"pvlua/luabind"
)

// The verdicts.
const (
	drop     = luabind.Drop
	pass     = luabind.Pass
	tx       = luabind.TX
	redirect = luabind.Redirect
)

// none are the default options of a packet.
var none pkttest.Options

// edit gives a copy of a frame with bytes replaced from an offset on.
func edit(frame []byte, at int, b ...byte) []byte {
	frame = slices.Clone(frame)
	copy(frame[at:], b)
	return frame
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// Cases are all of them.
func Cases() []Case {
	return slices.Concat(verdictCases(), headerCases(), readCases(), writeCases(), rawCases(), reshapeCases(), languageCases(), errorCases())
}

func verdictCases() []Case {
	udp := pkttest.UDP(none)
	return []Case{
		{Name: "nothing", Body: "", Packet: udp, Verdict: pass},
		{Name: "nil", Body: "return nil", Packet: udp, Verdict: pass},
		{Name: "PASS", Body: "return pv.PASS", Packet: udp, Verdict: pass},
		{Name: "DROP", Body: "return pv.DROP", Packet: udp, Verdict: drop},
		{Name: "TX", Body: "return pv.TX", Packet: udp, Verdict: tx},
		{Name: "number", Body: "return 1", Packet: udp, Verdict: drop},
		{Name: "port by number", Body: "return pv.ports[2]", Packet: udp, Verdict: redirect, Out: 1},
		{Name: "port by name", Body: "return pv.ports.right", Packet: udp, Verdict: redirect, Out: 1},
		{Name: "own port", Body: "return me", Packet: udp, Port: 1, Verdict: redirect, Out: 1},
		{Name: "more values", Body: "return pv.DROP, 7", Packet: udp, Verdict: drop},
		{Name: "pv without require", Source: "function on_packet() return pv.DROP end", Packet: udp, Verdict: drop},
		{Name: "table", Body: "return {}", Packet: udp, Err: "case.lua:2: on_packet returned a table; expected nil, pv.PASS, pv.DROP, pv.TX or a port"},
		{Name: "zero", Body: "return 0", Packet: udp, Err: "on_packet returned 0; expected"},
		{Name: "four", Body: "return 4", Packet: udp, Err: "on_packet returned 4; expected"},
		{Name: "fraction", Body: "return 1.5", Packet: udp, Err: "on_packet returned 1.5; expected"},
		{Name: "boolean", Body: "return false", Packet: udp, Err: "on_packet returned false; expected"},
		{Name: "string", Body: "return 'TX'", Packet: udp, Err: `on_packet returned "TX"; expected`},
		{Name: "packet", Body: "return pkt", Packet: udp, Err: "on_packet returned a packet; expected"},
		{Name: "header", Body: "return udp", Packet: udp, Err: "on_packet returned a udp header; expected"},
	}
}

// headerCases say which headers each shape of packet has.
func headerCases() []Case {
	has := map[string]string{
		"arp request": "eth arp", "arp reply": "eth arp",
		"icmp echo": "eth ip icmp", "icmp echo reply": "eth ip icmp",
		"udp": "eth ip udp", "udp padded": "eth ip udp", "udp odd": "eth ip udp", "udp empty": "eth ip udp",
		"udp without checksum": "eth ip udp", "ip options": "eth ip udp",
		"tcp syn": "eth ip tcp", "tcp data": "eth ip tcp",
		"vlan": "eth vlan ip udp", "qinq": "eth vlan vlan2 ip udp",
		"vlan arp": "eth vlan arp", "vlan udp6": "eth vlan ip6 udp",
		"icmp6 echo": "eth ip6 icmp6", "icmp6 echo reply": "eth ip6 icmp6",
		"neighbor solicitation": "eth ip6 icmp6", "neighbor advertisement": "eth ip6 icmp6",
		"udp6": "eth ip6 udp", "tcp6 syn": "eth ip6 tcp", "tcp6 data": "eth ip6 tcp", "ip6 extensions": "eth ip6 udp",
		"fragment 1": "eth ip udp", "fragment 2": "eth ip", "fragment 3": "eth ip",
		"fragment6 1": "eth ip6 udp", "fragment6 2": "eth ip6", "fragment6 3": "eth ip6",
	}
	// The handler sends the packet back if its headers are those.
	const source = `local want = %q
function on_packet(pkt)
  local all = {eth = pkt.eth, vlan = pkt.vlan, vlan2 = pkt.vlan2, arp = pkt.arp, ip = pkt.ip, ip6 = pkt.ip6, icmp = pkt.icmp, icmp6 = pkt.icmp6, tcp = pkt.tcp, udp = pkt.udp}
  local got = {}
  for _, name in ipairs{"eth", "vlan", "vlan2", "arp", "ip", "ip6", "icmp", "icmp6", "tcp", "udp"} do
    if all[name] then got[#got + 1] = name end
    if all[name] ~= pkt[name] then error(name) end
  end
  if table.concat(got, " ") == want then return pv.TX end
  error(table.concat(got, " "))
end`
	var cases []Case
	for _, p := range pkttest.All() {
		cases = append(cases, Case{Name: "headers/" + p.Name, Source: sprintf(source, has[p.Name]), Packet: p.Frame, Verdict: tx})
	}
	for n := range 14 {
		cases = append(cases, Case{Name: sprintf("headers/cut to %d", n), Source: sprintf(source, ""), Packet: pkttest.UDP(none)[:n], Verdict: tx})
	}
	return append(cases,
		Case{Name: "headers/cut in ip", Source: sprintf(source, "eth"), Packet: pkttest.UDP(none)[:33], Verdict: tx},
		Case{Name: "headers/cut in udp", Source: sprintf(source, "eth ip"), Packet: pkttest.UDP(none)[:41], Verdict: tx},
		Case{Name: "headers/cut after udp", Source: sprintf(source, "eth ip udp"), Packet: pkttest.UDP(none)[:42], Verdict: tx},
		Case{Name: "headers/wrong version", Source: sprintf(source, "eth"), Packet: edit(pkttest.UDP(none), 14, 0x65), Verdict: tx},
		Case{Name: "headers/ihl 4", Source: sprintf(source, "eth"), Packet: edit(pkttest.UDP(none), 14, 0x44), Verdict: tx},
		Case{Name: "headers/doff 4", Source: sprintf(source, "eth ip"), Packet: edit(pkttest.TCPSyn(none), 46, 0x40), Verdict: tx},
	)
}
