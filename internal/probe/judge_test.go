// SPDX-License-Identifier: GPL-3.0-or-later

package probe

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"pvlua/packet"
)

var (
	ourMAC   = [6]byte{2, 0, 0, 0, 0, 1}
	theirMAC = [6]byte{2, 0, 0, 0, 0, 2}
	our4     = [4]byte{10, 0, 0, 4}
	their4   = [4]byte{10, 0, 0, 5}
	our6     = netip.MustParseAddr("2001:db8::1").As16()
	their6   = netip.MustParseAddr("2001:db8::2").As16()
)

// serialize builds a frame with gopacket, which shares no code with this project.
func serialize(t *testing.T, l ...gopacket.SerializableLayer) []byte {
	t.Helper()
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, l...); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// edits is one way to alter a right answer, and the fault it must cause; "-" means
// that it is not taken for an answer.
type edits []struct {
	name string
	edit func(b []byte) []byte
	want string
}

func (e edits) run(t *testing.T, right []byte, judge func([]byte) (string, bool)) {
	t.Helper()
	if fault, ok := judge(right); !ok || fault != "" {
		t.Errorf("a right answer: ok %v, fault %q", ok, fault)
	}
	for n := range right {
		judge(right[:n:n]) // must not read outside
	}
	for _, c := range e {
		fault, ok := judge(c.edit(append([]byte(nil), right...)))
		switch {
		case c.want == "-" && ok:
			t.Errorf("%s: taken for an answer (fault %q)", c.name, fault)
		case c.want != "-" && (!ok || !strings.Contains(fault, c.want)):
			t.Errorf("%s: ok %v, fault %q, want %q", c.name, ok, fault, c.want)
		}
	}
}

// set returns an edit that puts bytes at an offset.
func set(off int, v ...byte) func([]byte) []byte {
	return func(b []byte) []byte { copy(b[off:], v); return b }
}

func TestARPRepliesAreJudged(t *testing.T) {
	p := &arpProber{frameSocket: &frameSocket{mac: ourMAC}, from: our4, to: their4}
	p.request = serialize(t,
		&layers.Ethernet{SrcMAC: ourMAC[:], DstMAC: layers.EthernetBroadcast, EthernetType: layers.EthernetTypeARP},
		&layers.ARP{AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4,
			Operation: layers.ARPRequest, SourceHwAddress: ourMAC[:], SourceProtAddress: our4[:], DstHwAddress: make([]byte, 6), DstProtAddress: their4[:]})
	right := serialize(t,
		&layers.Ethernet{SrcMAC: theirMAC[:], DstMAC: ourMAC[:], EthernetType: layers.EthernetTypeARP},
		&layers.ARP{AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4,
			Operation: layers.ARPReply, SourceHwAddress: theirMAC[:], SourceProtAddress: their4[:], DstHwAddress: ourMAC[:], DstProtAddress: our4[:]})
	edits{
		{"a request", set(14+7, 1), "-"},
		{"about another address", set(14+17, 9), "-"},
		{"another hardware type", set(14+1, 6), "-"},
		{"to another address", set(14+27, 9), "names target address 10.0.0.9"},
		{"to another MAC", set(14+23, 9), "names target MAC 02:00:00:00:00:09"},
		{"from another MAC than it names", set(14+13, 9), "comes from 02:00:00:00:00:02"},
		{"a multicast sender", set(14+8, 3), "names sender MAC 03:"},
		{"no sender", set(14+8, 0, 0, 0, 0, 0, 0), "names sender MAC 00:"},
	}.run(t, right, p.judge)
}

func TestARPRequestIsRight(t *testing.T) {
	c := Config{From: netip.AddrFrom4(our4), To: netip.AddrFrom4(their4)}
	got := newARP(&frameSocket{mac: ourMAC}, c).request
	p := gopacket.NewPacket(got, layers.LayerTypeEthernet, gopacket.Default)
	eth, _ := p.Layer(layers.LayerTypeEthernet).(*layers.Ethernet)
	a, _ := p.Layer(layers.LayerTypeARP).(*layers.ARP)
	if eth == nil || a == nil {
		t.Fatalf("not an ARP packet: %v", p)
	}
	if eth.DstMAC.String() != "ff:ff:ff:ff:ff:ff" || eth.SrcMAC.String() != "02:00:00:00:00:01" || a.Operation != layers.ARPRequest ||
		net.IP(a.DstProtAddress).String() != "10.0.0.5" || net.IP(a.SourceProtAddress).String() != "10.0.0.4" ||
		net.HardwareAddr(a.SourceHwAddress).String() != "02:00:00:00:00:01" {
		t.Errorf("got %v", p)
	}
}

func TestSolicitationIsRight(t *testing.T) {
	c := Config{From: netip.AddrFrom16(our6), To: netip.MustParseAddr("2001:db8::12:3456")}
	got := newND(&frameSocket{mac: ourMAC}, c).request
	p := gopacket.NewPacket(got, layers.LayerTypeEthernet, gopacket.Default)
	eth, _ := p.Layer(layers.LayerTypeEthernet).(*layers.Ethernet)
	ip, _ := p.Layer(layers.LayerTypeIPv6).(*layers.IPv6)
	icmp, _ := p.Layer(layers.LayerTypeICMPv6).(*layers.ICMPv6)
	ns, _ := p.Layer(layers.LayerTypeICMPv6NeighborSolicitation).(*layers.ICMPv6NeighborSolicitation)
	if eth == nil || ip == nil || icmp == nil || ns == nil {
		t.Fatalf("not a neighbour solicitation: %v", p)
	}
	if eth.DstMAC.String() != "33:33:ff:12:34:56" || ip.DstIP.String() != "ff02::1:ff12:3456" || ip.SrcIP.String() != "2001:db8::1" || ip.HopLimit != 255 ||
		ns.TargetAddress.String() != "2001:db8::12:3456" || len(ns.Options) != 1 || net.HardwareAddr(ns.Options[0].Data).String() != "02:00:00:00:00:01" {
		t.Errorf("got %v", p)
	}
	want := icmp.Checksum
	if err := icmp.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	again := serialize(t, eth, ip, icmp, ns)
	if have := binary.BigEndian.Uint16(again[14+40+2:]); have != want {
		t.Errorf("checksum %#04x, gopacket has %#04x", want, have)
	}
}

// advertisement builds a right answer.
func advertisement(t *testing.T) []byte {
	eth := &layers.Ethernet{SrcMAC: theirMAC[:], DstMAC: ourMAC[:], EthernetType: layers.EthernetTypeIPv6}
	ip := &layers.IPv6{Version: 6, NextHeader: layers.IPProtocolICMPv6, HopLimit: 255, SrcIP: their6[:], DstIP: our6[:]}
	icmp := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(layers.ICMPv6TypeNeighborAdvertisement, 0)}
	if err := icmp.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	return serialize(t, eth, ip, icmp, &layers.ICMPv6NeighborAdvertisement{Flags: 0x60, TargetAddress: their6[:],
		Options: layers.ICMPv6Options{{Type: layers.ICMPv6OptTargetAddress, Data: theirMAC[:]}}})
}

func TestAdvertisementsAreJudged(t *testing.T) {
	p := &ndProber{frameSocket: &frameSocket{mac: ourMAC}, from: our6, to: their6}
	right := advertisement(t)
	const icmp = 14 + 40
	// resum makes the checksum right again after an edit.
	resum := func(edit func([]byte) []byte) func([]byte) []byte {
		return func(b []byte) []byte {
			b = edit(b)
			var l packet.Layout
			l.Walk(b)
			packet.FixChecksums(b, &l)
			return b
		}
	}
	edits{
		{"another ICMPv6 type", set(icmp, 135), "-"},
		{"about another address", set(icmp+23, 9), "-"},
		{"a length beyond the frame", set(14+5, 200), "-"},
		{"a length too short", set(14+5, 8), "-"},
		{"not ICMPv6", set(14+6, 17), "-"},
		{"a wrong checksum", set(icmp+2, right[icmp+2]^1), "wrong checksum"},
		{"a lower hop limit", set(14+7, 254), "hop limit 254"},
		{"a code", resum(set(icmp+1, 1)), "code 1"},
		{"to another address", resum(set(14+39, 9)), "is sent to 2001:db8::9"},
		{"unsolicited", resum(set(icmp+4, 0x20)), "lacks the solicited flag"},
		{"with the other option", resum(set(icmp+24, 1)), "lacks the target's link-layer address"},
		{"with an option of no length", resum(set(icmp+25, 0)), "lacks the target's link-layer address"},
		{"with an option that is too long", resum(set(icmp+25, 2)), "lacks the target's link-layer address"},
		{"with another MAC", resum(set(icmp+31, 9)), "names MAC 02:00:00:00:00:09 but comes from"},
	}.run(t, right, p.judge)
	padded := append(append([]byte(nil), right...), 1, 2, 3)
	if fault, ok := p.judge(padded); !ok || fault != "" {
		t.Errorf("with Ethernet padding: ok %v, fault %q", ok, fault)
	}
}

func TestEchoRepliesAreJudged(t *testing.T) {
	for _, v4 := range []bool{true, false} {
		p := &echoProber{v4: v4, reply: icmp6EchoReply, id: 0x1234, load: newPayload(56)}
		if v4 {
			p.reply = icmpEchoReply
		}
		right := append([]byte{p.reply, 0, 0, 0, 0x12, 0x34, 0, 7}, p.load.append(nil, 7)...)
		resum := func(edit func([]byte) []byte) func([]byte) []byte {
			return func(b []byte) []byte {
				b = edit(b)
				b[2], b[3] = 0, 0
				binary.BigEndian.PutUint16(b[2:], packet.Checksum(b, 0))
				return b
			}
		}
		right = resum(func(b []byte) []byte { return b })(right)
		list := edits{
			{"another type", resum(set(0, 3)), "-"},
			{"another's", resum(set(4, 9)), "-"},
			{"a code", resum(set(1, 1)), "code 1"},
			{"another number", resum(set(7, 8)), "payload of answer 8 altered"},
			{"altered cookie", resum(set(8, right[8]^1)), "payload of answer 7 altered"},
			{"altered last byte", resum(set(len(right)-1, right[len(right)-1]^1)), "payload of answer 7 altered"},
			{"cut short", resum(func(b []byte) []byte { return b[:len(b)-2] }), "54 bytes of payload, not 56"},
			{"made longer", resum(func(b []byte) []byte { return append(b, 0, 0) }), "58 bytes of payload, not 56"},
		}
		if v4 {
			list = append(list, edits{{"a wrong checksum", set(2, right[2]^1), "wrong checksum"}}...)
		}
		list.run(t, right, func(b []byte) (string, bool) { a, ok := p.judge(b); return a.fault, ok })
		if a, _ := p.judge(right); a.seq != 7 {
			t.Errorf("number %d, want 7", a.seq)
		}
	}
}

func TestPayload(t *testing.T) {
	p := newPayload(64)
	for _, seq := range []int{0, 1, 65534} {
		b := p.append(nil, seq)
		if len(b) != 64 {
			t.Errorf("%d bytes, want 64", len(b))
		}
		if got, fault := p.seq(b); got != seq || fault != "" || p.judge(b, seq) != "" {
			t.Errorf("number %d came back as %d, fault %q", seq, got, fault)
		}
		if p.judge(b, seq+1) == "" {
			t.Errorf("payload %d passes for that of another probe", seq)
		}
	}
	if _, fault := p.seq(newPayload(64).append(nil, 1)); fault == "" {
		t.Error("a payload of another run passes for one of ours")
	}
	if _, fault := p.seq(nil); fault == "" {
		t.Error("an empty payload passes for one of ours")
	}
}
