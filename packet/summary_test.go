// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import (
	"encoding/binary"
	"encoding/hex"
	"os/exec"
	"strings"
	"testing"

	"pvlua/internal/pkttest"
)

// A summarised is a packet and its summary. same says that tcpdump -n -S writes
// exactly that; where it does not, it is for one of the reasons in the doc
// comment of AppendSummary, or because tcpdump writes several lines, or because
// this is easier to read.
type summarised struct {
	name string
	b    []byte
	want string
	same bool
}

// unhex reads bytes in hexadecimal.
func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// summaries are packets of every kind that AppendSummary knows.
func summaries() []summarised {
	var o pkttest.Options
	none := pkttest.Options{Payload: []byte{}}
	udp, udp6, data := pkttest.UDP(o), pkttest.UDP6(o), pkttest.TCPData(o)
	arp, ns, na := pkttest.ARPRequest(o), pkttest.NeighborSolicit(o), pkttest.NeighborAdvert(o)
	ext, frags, frags6 := pkttest.Extensions(o), pkttest.Fragments(o), pkttest.Fragments6(o)
	const op, ip, l4, l46 = 21, 14, 34, 54 // offsets in the untagged packets
	icmp := func(h string) []byte {
		return pkttest.IP4(o, 1, 0, append(unhex(h), udp[14:]...))
	}
	icmp6 := func(h string, rest []byte) []byte {
		return pkttest.IP6(o, 58, append(unhex(h), rest...))
	}
	tcpOptions := func(h string) []byte {
		return pkttest.TCPData(pkttest.Options{Payload: []byte{}, TCPOptions: unhex(h)})
	}
	ah := pkttest.UDP6(pkttest.Options{Extensions: []pkttest.Extension{{Number: 51, Bytes: unhex("0004000000001234 00000001 000000000000000000000000")}}})
	target6 := udp6[38:54] // 2001:db8::2
	const (
		a4, a6 = "IP 10.0.0.4 > 10.0.0.5: ", "IP6 2001:db8::1 > 2001:db8::2: "
		p4, p6 = "IP 10.0.0.4.1234 > 10.0.0.5.7: ", "IP6 2001:db8::1.1234 > 2001:db8::2.7: "
	)
	return []summarised{
		{"nothing", nil, "[|ether]", false},
		{"ethernet cut short", udp[:13], "[|ether]", false},
		{"unknown ethertype", patched(udp, 12, 0x12, 0x34), "02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype 0x1234, length 46", false},
		{"802.3", patched(udp, 12, 0, 32), "02:00:00:00:00:01 > 02:00:00:00:00:02, 802.3, length 32", false},
		{"vlan", pkttest.VLAN(o), "vlan 100, p 3, " + p4 + "UDP, length 4", false},
		{"vlan with DEI", pkttest.VLAN(pkttest.Options{Tags: []uint16{1<<12 | 7}}), "vlan 7, p 0, DEI, " + p4 + "UDP, length 4", false},
		{"qinq", pkttest.QinQ(o), "vlan 100, p 0, vlan 101, p 0, " + p4 + "UDP, length 4", false},
		{"three tags", pkttest.UDP(pkttest.Options{Tags: []uint16{1, 2, 3}}),
			"vlan 1, p 0, vlan 2, p 0, 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype 0x8100, length 58", false},
		{"vlan cut short", pkttest.VLAN(o)[:16], "[|vlan]", false},
		{"second tag cut short", pkttest.QinQ(o)[:20], "vlan 100, p 0, [|vlan]", false},

		{"arp request", arp, "ARP, Request who-has 10.0.0.5 tell 10.0.0.4, length 28", true},
		{"arp request with padding", pkttest.ARPRequest(pkttest.Options{PadTo: 60}), "ARP, Request who-has 10.0.0.5 tell 10.0.0.4, length 46", true},
		{"arp request with target", patched(arp, 37, 9), "ARP, Request who-has 10.0.0.5 (00:00:00:00:00:09) tell 10.0.0.4, length 28", false},
		{"arp reply", pkttest.ARPReply(o), "ARP, Reply 10.0.0.4 is-at 02:00:00:00:00:01, length 28", true},
		{"reverse arp request", patched(pkttest.ARPReply(o), op, 3), "ARP, Reverse Request who-is 02:00:00:00:00:02 tell 02:00:00:00:00:01, length 28", true},
		{"reverse arp reply", patched(pkttest.ARPReply(o), op, 4), "ARP, Reverse Reply 02:00:00:00:00:02 at 10.0.0.5, length 28", true},
		{"inverse arp request", patched(pkttest.ARPReply(o), op, 8), "ARP, Inverse Request who-is 02:00:00:00:00:02 tell 02:00:00:00:00:01, length 28", true},
		{"inverse arp reply", patched(pkttest.ARPReply(o), op, 9), "ARP, Inverse Reply 02:00:00:00:00:01 at 10.0.0.4, length 28", true},
		{"arp of unknown operation", patched(arp, op, 77), "ARP, Unknown (77), length 28", false},
		{"arp of other addresses", patched(arp, 16, 0x86, 0xdd, 6, 16), "ARP, hardware 1 (len 6), protocol 0x86dd (len 16), length 28", false},
		{"arp cut short", arp[:41], "ARP, [|arp]", false},
		{"arp cut very short", arp[:20], "ARP, [|arp]", false},

		{"udp", udp, p4 + "UDP, length 4", true},
		{"udp with padding", pkttest.UDP(pkttest.Options{PadTo: 60}), p4 + "UDP, length 4", true},
		{"udp without payload", pkttest.UDP(none), p4 + "UDP, length 0", true},
		{"udp with ip options", pkttest.IPWithOptions(o), p4 + "UDP, length 4", true},
		{"udp longer than ip", patched(udp, l4+4, 0, 100), p4 + "UDP, bad length 92 > 4", true},
		{"udp shorter than ip", patched(udp, l4+4, 0, 10), p4 + "UDP, length 2", true},
		{"udp shorter than its header", patched(udp, l4+4, 0, 5), p4 + "UDP, bad length 5 < 8", false},
		{"udp cut short", udp[:40], "IP truncated-ip - 6 bytes missing! " + p4[3:] + "[|udp]", false},
		{"udp cut short before its ports", udp[:36], "IP truncated-ip - 10 bytes missing! " + a4[3:] + "[|udp]", false},
		{"payload cut short", udp[:44], "IP truncated-ip - 2 bytes missing! " + p4[3:] + "UDP, length 4", true},
		{"ip cut short", udp[:30], "IP [|ip]", false},
		{"ip options cut short", pkttest.IPWithOptions(o)[:36], "IP [|ip]", false},
		{"ip of version 6", patched(udp, ip, 0x65), "IP bad-version 6", false},
		{"ip with ihl 4", patched(udp, ip, 0x44), "IP bad-hlen 16", true},
		{"ip len shorter than the header", patched(udp, ip+2, 0, 10), "IP bad-len 10", true},
		{"first fragment", frags[0], p4 + "UDP, length 64", true},
		{"middle fragment", frags[1], a4 + "ip-proto-17", true},
		{"unknown protocol", patched(udp, ip+9, 253), a4 + "ip-proto-253, length 12", false},

		{"syn", pkttest.TCPSyn(o), p4 + "Flags [S], seq 1000, win 64240, options [mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7], length 0", true},
		{"data", data, p4 + "Flags [P.], seq 1001:1005, ack 2001, win 64240, length 4", true},
		{"ack", patched(pkttest.TCPData(none), l4+13, 0x10), p4 + "Flags [.], ack 2001, win 64240, length 0", true},
		{"fin", patched(pkttest.TCPData(none), l4+13, 0x11), p4 + "Flags [F.], seq 1001, ack 2001, win 64240, length 0", true},
		{"rst", patched(pkttest.TCPData(none), l4+13, 0x04), p4 + "Flags [R], seq 1001, win 64240, length 0", true},
		{"no flags", patched(pkttest.TCPData(none), l4+13, 0), p4 + "Flags [none], win 64240, length 0", true},
		{"all flags", patched(pkttest.TCPData(none), l4+13, 0xff), p4 + "Flags [FSRP.UEW], seq 1001, ack 2001, win 64240, urg 0, length 0", true},
		{"sequence that wraps", patched(data, l4+4, 255, 255, 255, 255), p4 + "Flags [P.], seq 4294967295:3, ack 2001, win 64240, length 4", true},
		{"sack", tcpOptions("0101 0512 00000001 00000002 00000005 00000009"),
			p4 + "Flags [P.], ack 2001, win 64240, options [nop,nop,sack 2 {1:2}{5:9}], length 0", true},
		{"end of options", tcpOptions("01000000"), p4 + "Flags [P.], ack 2001, win 64240, options [nop,eol], length 0", true},
		{"unknown options", tcpOptions("fd04abcd 1f020101"), p4 + "Flags [P.], ack 2001, win 64240, options [unknown-253 0xabcd,unknown-31,nop,nop], length 0", false},
		{"option of length 0", tcpOptions("02000000"), p4 + "Flags [P.], ack 2001, win 64240, options [[bad opt]], length 0", false},
		{"option of wrong length", tcpOptions("01020300"), p4 + "Flags [P.], ack 2001, win 64240, options [nop,[bad opt]], length 0", false},
		{"sack of wrong length", tcpOptions("0506000000000000"), p4 + "Flags [P.], ack 2001, win 64240, options [[bad opt]], length 0", false},
		{"option past the end", tcpOptions("01010204"), p4 + "Flags [P.], ack 2001, win 64240, options [nop,nop,[bad opt]], length 0", false},
		{"tcp with doff 4", patched(data, l4+12, 0x40), p4 + "tcp 8 [bad hdr length 16 - too short, < 20]", false},
		{"tcp with doff past the end", patched(data, l4+12, 0xf0), p4 + "Flags [P.] [bad hdr length 60 - too long, > 24]", true},
		{"tcp cut short", data[:50], "IP truncated-ip - 8 bytes missing! " + p4[3:] + "[|tcp]", false},
		{"tcp options cut short", pkttest.TCPSyn(o)[:60], "IP truncated-ip - 14 bytes missing! " + p4[3:] +
			"Flags [S], seq 1000, win 64240, options [mss 1460,sackOK[|tcp]", false},

		{"echo request", pkttest.ICMPEcho(o), a4 + "ICMP echo request, id 77, seq 1, length 12", true},
		{"echo reply", pkttest.ICMPEchoReply(o), a4 + "ICMP echo reply, id 77, seq 1, length 12", true},
		{"net unreachable", icmp("0300000000000000"), a4 + "ICMP net 10.0.0.5 unreachable, length 40", true},
		{"host unreachable", icmp("0301000000000000"), a4 + "ICMP host 10.0.0.5 unreachable, length 40", true},
		{"protocol unreachable", icmp("0302000000000000"), a4 + "ICMP 10.0.0.5 protocol 17 unreachable, length 40", true},
		{"udp port unreachable", icmp("0303000000000000"), a4 + "ICMP 10.0.0.5 udp port 7 unreachable, length 40", true},
		{"tcp port unreachable", pkttest.IP4(o, 1, 0, append(unhex("0303000000000000"), data[14:]...)), a4 + "ICMP 10.0.0.5 tcp port 7 unreachable, length 52", true},
		{"port of unknown protocol unreachable", pkttest.IP4(o, 1, 0, append(unhex("0303000000000000"), patched(data, ip+9, 99)[14:]...)),
			a4 + "ICMP 10.0.0.5 protocol 99 port 7 unreachable, length 52", true},
		{"port unreachable, inner packet cut short", pkttest.IP4(o, 1, 0, append(unhex("0303000000000000"), udp[14:36]...)),
			a4 + "ICMP 10.0.0.5 port unreachable, length 30", false},
		{"fragmentation needed", icmp("0304000000000578"), a4 + "ICMP 10.0.0.5 unreachable - need to frag (mtu 1400), length 40", true},
		{"fragmentation needed, no mtu", icmp("0304000000000000"), a4 + "ICMP 10.0.0.5 unreachable - need to frag, length 40", true},
		{"net prohibited", icmp("0309000000000000"), a4 + "ICMP net 10.0.0.5 unreachable - admin prohibited, length 40", true},
		{"host prohibited", icmp("030a000000000000"), a4 + "ICMP host 10.0.0.5 unreachable - admin prohibited, length 40", true},
		{"prohibited by filter", icmp("030d000000000000"), a4 + "ICMP host 10.0.0.5 unreachable - admin prohibited filter, length 40", true},
		{"unreachable by unknown code", icmp("034d000000000000"), a4 + "ICMP 10.0.0.5 unreachable - #77, length 40", true},
		{"unreachable without inner packet", pkttest.IP4(o, 1, 0, unhex("0303000000000000")), a4 + "ICMP unreachable - #3 [|icmp], length 8", false},
		{"source quench", icmp("0400000000000000"), a4 + "ICMP source quench, length 40", true},
		{"net redirect", icmp("050000000a000001"), a4 + "ICMP redirect 10.0.0.5 to net 10.0.0.1, length 40", true},
		{"host redirect", icmp("050100000a000001"), a4 + "ICMP redirect 10.0.0.5 to host 10.0.0.1, length 40", true},
		{"net tos redirect", icmp("050200000a000001"), a4 + "ICMP redirect-tos 10.0.0.5 to net 10.0.0.1, length 40", true},
		{"host tos redirect", icmp("050300000a000001"), a4 + "ICMP redirect-tos 10.0.0.5 to host 10.0.0.1, length 40", true},
		{"redirect by unknown code", icmp("050900000a000001"), a4 + "ICMP redirect-#9 10.0.0.5 to 10.0.0.1, length 40", false},
		{"redirect without inner packet", pkttest.IP4(o, 1, 0, unhex("050100000a000001")), a4 + "ICMP redirect [|icmp], length 8", false},
		{"time exceeded", icmp("0b00000000000000"), a4 + "ICMP time exceeded in-transit, length 40", true},
		{"reassembly time exceeded", icmp("0b01000000000000"), a4 + "ICMP ip reassembly time exceeded, length 40", true},
		{"time exceeded by unknown code", icmp("0b09000000000000"), a4 + "ICMP time exceeded-#9, length 40", true},
		{"parameter problem", icmp("0c00000004000000"), a4 + "ICMP parameter problem - octet 4, length 40", true},
		{"timestamp", icmp("0d000000004d0001"), a4 + "ICMP time stamp query, id 77, seq 1, length 40", false},
		{"timestamp reply", icmp("0e000000004d0001"), a4 + "ICMP time stamp reply, id 77, seq 1, length 40", false},
		{"router advertisement", icmp("0900000000020708"), a4 + "ICMP router advertisement, length 40", false},
		{"router solicitation", icmp("0a00000000000000"), a4 + "ICMP router solicitation, length 40", true},
		{"unknown icmp", icmp("4d00000000000000"), a4 + "ICMP type-#77, length 40", true},
		{"icmp cut short", pkttest.ICMPEcho(o)[:40], "IP truncated-ip - 6 bytes missing! " + a4[3:] + "[|icmp]", false},

		{"udp6", udp6, p6 + "UDP, length 4", true},
		{"udp6 of length 0", patched(udp6, l46+4, 0, 0), p6 + "UDP, length 4", false},
		{"tcp6", pkttest.TCPData6(o), p6 + "Flags [P.], seq 1001:1005, ack 2001, win 64240, length 4", true},
		{"ip6 cut short", udp6[:50], "IP6 [|ip6]", false},
		{"ip6 of version 4", patched(udp6, ip, 0x40), "IP6 version error: 4 != 6", true},
		{"ip6 payload cut short", udp6[:64], "IP6 truncated-ip6 - 2 bytes missing! " + p6[4:] + "UDP, length 4", false},
		{"no next header", patched(udp6, 20, 59), a6 + "no next header", true},
		{"extensions", ext, a6 + "HBH RT6 (len=2, type=0, segleft=0) DSTOPT 1234 > 7: UDP, length 4", false},
		{"options", pkttest.UDP6(pkttest.Options{Extensions: []pkttest.Extension{
			{Number: 0, Bytes: unhex("0000010400000000")}, {Number: 60, Bytes: unhex("0000010400000000")}}}),
			a6 + "HBH DSTOPT 1234 > 7: UDP, length 4", true},
		{"extension cut short", patched(ext, l46+1, 99), a6 + "[|HBH]", false},
		{"extension cut very short", patched(udp6, 20, 60)[:60], "IP6 truncated-ip6 - 6 bytes missing! " + a6[4:] + "[|DSTOPT]", false},
		{"authentication header", ah, a6 + "AH(spi=0x00001234) 1234 > 7: UDP, length 4", false},
		{"mobility header", patched(patched(ext, 20, 135), l46, 59), a6 + "mobility no next header", false},
		{"hip header", patched(patched(ext, 20, 139), l46, 59), a6 + "HIP no next header", false},
		{"shim6 header", patched(patched(ext, 20, 140), l46, 59), a6 + "shim6 no next header", false},
		{"9 extensions", manyExtensions(9), a6 + strings.Repeat("DSTOPT ", 8) + "DSTOPT", false},
		{"first fragment6", frags6[0], a6 + "frag (0|32) 1234 > 7: UDP, length 64", true},
		{"middle fragment6", frags6[1], a6 + "frag (32|32)", true},
		{"unknown protocol6", patched(udp6, 20, 253), a6 + "ip-proto-253, length 12", false},

		{"echo request6", pkttest.ICMP6Echo(o), a6 + "ICMP6, echo request, id 77, seq 1, length 12", true},
		{"echo reply6", pkttest.ICMP6EchoReply(o), a6 + "ICMP6, echo reply, id 77, seq 1, length 12", true},
		{"neighbor solicitation", ns, a6 + "ICMP6, neighbor solicitation, who has 2001:db8::2, length 32", true},
		{"neighbor advertisement", na, a6 + "ICMP6, neighbor advertisement, tgt is 2001:db8::1, length 32", true},
		{"neighbor solicitation cut short", ns[:70], "IP6 truncated-ip6 - 16 bytes missing! " + a6[4:] + "ICMP6, neighbor solicitation [|icmp6], length 32", false},
		{"router solicitation6", icmp6("8500000000000000", nil), a6 + "ICMP6, router solicitation, length 8", true},
		{"router advertisement6", icmp6("86000000 40000708 0000000000000000", nil), a6 + "ICMP6, router advertisement, length 16", true},
		{"redirect6", icmp6("8900000000000000", udp6[22:54]), a6 + "ICMP6, redirect, 2001:db8::2 to 2001:db8::1, length 40", true},
		{"redirect6 cut short", icmp6("8900000000000000", udp6[22:38]), a6 + "ICMP6, redirect [|icmp6], length 24", false},
		{"no route", icmp6("0100000000000000", udp6[14:]), a6 + "ICMP6, destination unreachable, unreachable route 2001:db8::2, length 60", true},
		{"prohibited6", icmp6("0101000000000000", udp6[14:]), a6 + "ICMP6, destination unreachable, unreachable prohibited 2001:db8::2, length 60", false},
		{"beyond scope", icmp6("0102000000000000", udp6[14:]), a6 + "ICMP6, destination unreachable, beyond scope 2001:db8::2, length 60", false},
		{"address unreachable", icmp6("0103000000000000", udp6[14:]), a6 + "ICMP6, destination unreachable, unreachable address 2001:db8::2, length 60", true},
		{"port unreachable6", icmp6("0104000000000000", udp6[14:]), a6 + "ICMP6, destination unreachable, unreachable port, 2001:db8::2 udp port 7, length 60", true},
		{"port unreachable6, inner packet cut short", icmp6("0104000000000000", udp6[14:40]),
			a6 + "ICMP6, destination unreachable, unreachable port, [|icmp6], length 34", false},
		{"unreachable6 by unknown code", icmp6("0109000000000000", udp6[14:]), a6 + "ICMP6, destination unreachable, unreachable 2001:db8::2 - #9, length 60", false},
		{"packet too big", icmp6("0200000000000578", udp6[14:]), a6 + "ICMP6, packet too big, mtu 1400, length 60", true},
		{"hop limit exceeded", icmp6("0300000000000000", udp6[14:]), a6 + "ICMP6, time exceeded in-transit for 2001:db8::2, length 60", true},
		{"reassembly time exceeded6", icmp6("0301000000000000", udp6[14:]), a6 + "ICMP6, time exceeded in-transit (reassembly), length 60", true},
		{"erroneous header", icmp6("0400000000000006", udp6[14:]), a6 + "ICMP6, parameter problem, erroneous - octet 6, length 60", true},
		{"unknown next header", icmp6("0401000000000006", udp6[14:]), a6 + "ICMP6, parameter problem, next header - octet 6, length 60", true},
		{"unknown option", icmp6("0402000000000006", udp6[14:]), a6 + "ICMP6, parameter problem, option - octet 6, length 60", true},
		{"parameter problem by unknown code", icmp6("0409000000000006", udp6[14:]), a6 + "ICMP6, parameter problem, code-#9, length 60", true},
		{"multicast query", icmp6("8200000000000000", target6), a6 + "ICMP6, multicast listener query, length 24", false},
		{"multicast report", icmp6("8300000000000000", target6), a6 + "ICMP6, multicast listener report, length 24", false},
		{"multicast done", icmp6("8400000000000000", target6), a6 + "ICMP6, multicast listener done, length 24", false},
		{"multicast report v2", icmp6("8f00000000000001 04000000", target6), a6 + "ICMP6, multicast listener report v2, 1 group record(s), length 28", true},
		{"unknown icmp6", icmp6("4d00000000000000", nil), a6 + "ICMP6, unknown icmp6 type (77), length 8", true},
		{"icmp6 cut short", pkttest.ICMP6Echo(o)[:60], "IP6 truncated-ip6 - 6 bytes missing! " + a6[4:] + "[|icmp6]", false},
	}
}

func TestSummary(t *testing.T) {
	for _, c := range summaries() {
		if got := string(AppendSummary([]byte("x"), c.b)); got != "x"+c.want {
			t.Errorf("%s:\ngot  %s\nwant x%s", c.name, got, c.want)
		}
	}
}

// TestSummaryTcpdump asks tcpdump for the same packets.
func TestSummaryTcpdump(t *testing.T) {
	tcpdump, err := exec.LookPath("tcpdump")
	if err != nil {
		t.Skip("no tcpdump here to compare with: apt-get install tcpdump")
	}
	// A capture file (draft-ietf-opsawg-pcap): magic, version 2.4, Ethernet.
	file := binary.LittleEndian.AppendUint32(nil, 0xa1b2c3d4)
	file = append(file, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0)
	var want []string
	for _, c := range summaries() {
		if !c.same {
			continue
		}
		want = append(want, c.want)
		for _, v := range []int{0, 0, len(c.b), len(c.b)} {
			file = binary.LittleEndian.AppendUint32(file, uint32(v))
		}
		file = append(file, c.b...)
	}
	// Without -K it says what it thinks of checksums, which are not looked at.
	cmd := exec.Command(tcpdump, "-n", "-S", "-t", "-K", "-r", "-")
	cmd.Stdin = strings.NewReader(string(file))
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("tcpdump does not read from standard input: %v", err)
	}
	var got []string
	for line := range strings.Lines(string(out)) {
		if line[0] != '\t' { // the bytes of what it does not know
			got = append(got, strings.TrimRight(line, " \n"))
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d lines for %d packets:\n%s", len(got), len(want), out)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("tcpdump writes\n%s\nnot\n%s", got[i], want[i])
		}
	}
}
