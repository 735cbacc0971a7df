// SPDX-License-Identifier: GPL-3.0-or-later

package handlertest

import (
	"fmt"
	"net/netip"

	"pvlua/internal/pkttest"
)

func sprintf(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// is makes a case whose handler sends the packet back if a condition holds.
func is(name, condition string, packet []byte) Case {
	return Case{Name: "read/" + name, Body: "if " + condition + " then return pv.TX end", Packet: packet, Verdict: tx}
}

// readCases read fields of every header and kind.
func readCases() []Case {
	tagged := pkttest.QinQ(pkttest.Options{Tags: []uint16{5<<13 | 1<<12 | 0xabc, 77}})
	syn := pkttest.TCPSyn(none)
	ns, na := pkttest.NeighborSolicit(none), pkttest.NeighborAdvert(none)
	fragment := pkttest.Fragments(none)[1]
	fragment6 := pkttest.Fragments6(none)[1]
	return []Case{
		is("eth", "eth.dst == 0x020000000002 and eth.src == pv.mac'02:00:00:00:00:01' and eth.type == 0x0800", pkttest.UDP(none)),
		is("vlan", "eth.type == 0x88a8 and vlan.pcp == 5 and vlan.dei == true and vlan.vid == 0xabc and vlan.type == 0x8100 and vlan2.vid == 77 and vlan2.dei == false and vlan2.type == 0x0800", tagged),
		is("arp", "arp.htype == 1 and arp.ptype == 0x0800 and arp.hlen == 6 and arp.plen == 4 and arp.op == 1 and arp.sha == eth.src and arp.spa == pv.ip'10.0.0.4' and arp.tha == 0 and arp.tpa == pv.ip'10.0.0.5'", pkttest.ARPRequest(none)),
		is("ip", "ip.version == 4 and ip.ihl == 5 and ip.tos == 0 and ip.len == 32 and ip.id == 77 and ip.flags == 2 and ip.df and not ip.mf and ip.frag == 0 and ip.ttl == 64 and ip.proto == 17 and ip.src == 0x0a000004 and ip.dst == 0x0a000005 and ip.options == ''", pkttest.UDP(none)),
		is("ip options", "ip.ihl == 6 and ip.options == '\\148\\4\\0\\0' and udp.dport == 7", pkttest.IPWithOptions(none)),
		is("ip fragment", "not ip.df and ip.mf and ip.frag == 4 and udp == nil", fragment),
		is("highest address", "ip.src == 4294967295", pkttest.UDP(pkttest.Options{Src: addr("255.255.255.255")})),
		is("ip6", "ip6.version == 6 and ip6.tc == 0 and ip6.flow == 0 and ip6.len == 12 and ip6.nexthdr == 17 and ip6.proto == 17 and ip6.hlim == 64 and ip6.src == pv.ip6'2001:db8::1' and ip6.dst == pv.ip6'2001:db8::2' and ip6.frag_id == nil and ip6.frag_mf == nil", pkttest.UDP6(none)),
		is("ip6 extensions", "ip6.nexthdr == 0 and ip6.proto == 17 and udp.sport == 1234", pkttest.Extensions(none)),
		is("ip6 fragment", "ip6.nexthdr == 44 and ip6.frag_off == 4 and ip6.frag_mf == true and ip6.frag_id == 77 and udp == nil", fragment6),
		is("icmp", "icmp.type == 8 and icmp.code == 0 and icmp.id == 77 and icmp.seq == 1", pkttest.ICMPEcho(none)),
		is("icmp6", "icmp6.type == 128 and icmp6.code == 0 and icmp6.id == 77 and icmp6.seq == 1 and icmp6.target == nil and icmp6.slla == nil and icmp6.solicited == nil", pkttest.ICMP6Echo(none)),
		is("neighbor solicitation", "icmp6.type == 135 and icmp6.target == ip6.dst and icmp6.slla == eth.src and icmp6.tlla == nil and icmp6.router == nil", ns),
		is("neighbor advertisement", "icmp6.type == 136 and icmp6.target == ip6.src and icmp6.tlla == eth.src and icmp6.slla == nil and icmp6.router == false and icmp6.solicited == true and icmp6.override == true", na),
		is("tcp", "tcp.sport == 1234 and tcp.dport == 7 and tcp.seq == 1001 and tcp.ack == 2001 and tcp.doff == 5 and tcp.flags == 0x18 and tcp.psh and tcp.ack_flag and not tcp.syn and not tcp.fin and not tcp.rst and not tcp.urg and not tcp.ece and not tcp.cwr and tcp.window == 64240 and tcp.urgent == 0 and tcp.options == '' and tcp.mss == nil and tcp.sack_ok == false", pkttest.TCPData(none)),
		is("tcp options", "tcp.syn and tcp.mss == 1460 and tcp.wscale == 7 and tcp.sack_ok == true and tcp.tsval == 1 and tcp.tsecr == 0 and #tcp.options == 20", syn),
		is("udp", "udp.sport == 1234 and udp.dport == 7 and udp.len == 12 and udp.checksum ~= 0", pkttest.UDP(none)),
		is("udp without checksum", "udp.checksum == 0", pkttest.UDP(pkttest.Options{NoChecksum: true})),
		is("computed names", "pkt['u'..'dp']['d'..'port'] == 7 and udp['len'] == 12", pkttest.UDP(none)),
		is("payload", "pkt.payload == 'ping' and #pkt == 46", pkttest.UDP(none)),
		is("payload without padding", "pkt.payload == 'ping' and #pkt == 60", pkttest.UDP(pkttest.Options{PadTo: 60})),
		is("payload of arp", "pkt.payload == ''", pkttest.ARPRequest(none)),
		is("the same object", "pkt.udp == udp and pkt.udp == pkt.udp and udp ~= ip and rawequal(pkt.eth, eth)", pkttest.UDP(none)),
		is("port", "me == pv.ports[1] and me == pv.ports.left and me.name == 'left' and me.index == 1 and me.mac == 0x020000000002 and me.ip == pv.ip'10.0.0.5' and me.ip6 == pv.ip6'2001:db8::2' and me.mtu == 1500 and me.queues == 1 and me.up", pkttest.UDP(none)),
		is("owns", "me:owns(ip.dst) and me:owns(pv.ip'10.0.1.5') and not me:owns(ip.src) and me:owns(pv.ip6'fe80::2') and not me:owns(pv.ip6'::2') and not me:owns('x') and not me:owns(0.5)", pkttest.UDP(none)),
		is("port without addresses", "pv.ports[2].ip == nil and pv.ports[2].ip6 == nil and not pv.ports[2]:owns(0) and not pv.ports[2].up", pkttest.UDP(none)),
		is("summary", "tostring(pkt) == 'IP 10.0.0.4.1234 > 10.0.0.5.7: UDP, length 4'", pkttest.UDP(none)),
		is("vlan below arp", "vlan.vid == 5 and arp.op == 1", pkttest.ARPRequest(pkttest.Options{Tags: []uint16{5}})),
		is("mtu of icmp6", "icmp6.mtu == 77 * 65536 + 1", pkttest.ICMP6Echo(none)),
		is("group address", "eth.dst == 2^48 - 1", pkttest.ARPRequest(none)),
		is("mapped address", "ip6.src == pv.ip6'::ffff:10.0.0.1'", pkttest.UDP6(pkttest.Options{Src: netip.MustParseAddr("::ffff:10.0.0.1")})),
	}
}
