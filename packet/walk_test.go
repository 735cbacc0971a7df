// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"pvlua/internal/pkttest"
)

// names gives the headers that a layout has: "eth ip udp".
func names(l *Layout) string {
	var s []string
	for h := range HeaderID(NumHeaders) {
		if l.Present(h) {
			s = append(s, h.String())
		}
	}
	return strings.Join(s, " ")
}

// walked gives the layout of b.
func walked(b []byte) (l Layout) {
	l.Walk(b)
	return l
}

// patched gives a copy of b with bytes at off replaced.
func patched(b []byte, off int, p ...byte) []byte {
	b = bytes.Clone(b)
	copy(b[off:], p)
	return b
}

// manyExtensions is UDP over IPv6 with n destination options headers.
func manyExtensions(n int) []byte {
	var o pkttest.Options
	for range n {
		o.Extensions = append(o.Extensions, pkttest.Extension{Number: 60, Bytes: []byte{0, 0, 1, 4, 0, 0, 0, 0}})
	}
	return pkttest.UDP6(o)
}

func TestWalk(t *testing.T) {
	var (
		udp    = pkttest.UDP(pkttest.Options{})
		padded = pkttest.UDP(pkttest.Options{PadTo: 60})
		syn    = pkttest.TCPSyn(pkttest.Options{})
		udp6   = pkttest.UDP6(pkttest.Options{})
		arp    = pkttest.ARPRequest(pkttest.Options{PadTo: 60})
		ext    = pkttest.Extensions(pkttest.Options{})
		frags  = pkttest.Fragments(pkttest.Options{})
		frags6 = pkttest.Fragments6(pkttest.Options{})
		qinq   = pkttest.QinQ(pkttest.Options{})
	)
	const ip, ip6, l4, l46 = 14, 14, 34, 54 // offsets in the untagged packets
	for _, c := range []struct {
		name     string
		b        []byte
		headers  string
		from, to int
		facts    Facts
	}{
		{"nothing", nil, "", 0, 0, 0},
		{"13 bytes", udp[:13], "", 0, 13, 0},
		{"ethernet only", udp[:14], "eth", 14, 14, 0},
		{"arp with padding", arp, "eth arp", 42, 42, 0},
		{"arp cut short", arp[:41], "eth", 14, 41, 0},
		{"arp of another hardware", patched(arp, 15, 6), "eth", 14, 60, 0},
		{"arp of another protocol", patched(arp, 16, 0x86, 0xdd), "eth", 14, 60, 0},
		{"arp with long addresses", patched(arp, 18, 8), "eth", 14, 60, 0},
		{"udp", udp, "eth ip udp", 42, 46, 0},
		{"udp with padding", padded, "eth ip udp", 42, 46, 0},
		{"udp shorter than ip says", patched(udp, l4+4, 0, 10), "eth ip udp", 42, 44, 0},
		{"udp longer than ip says", patched(udp, l4+4, 0, 200), "eth ip udp", 42, 46, 0},
		{"udp of impossible length", patched(udp, l4+4, 0, 7), "eth ip udp", 42, 46, 0},
		{"udp cut short", udp[:41], "eth ip", 34, 41, Truncated},
		{"udp cut short by ip len", patched(udp, ip+2, 0, 27), "eth ip", 34, 41, 0},
		{"ip cut short", udp[:33], "eth", 14, 33, 0},
		{"ip of version 5", patched(udp, ip, 0x55), "eth", 14, 46, 0},
		{"ip with ihl 4", patched(udp, ip, 0x44), "eth", 14, 46, 0},
		{"ip with ihl past the end", patched(udp, ip, 0x4f), "eth", 14, 46, 0},
		{"ip len shorter than the header", patched(udp, ip+2, 0, 19), "eth", 14, 46, 0},
		{"ip len 0", patched(udp, ip+2, 0, 0), "eth", 14, 46, 0},
		{"ip len past the end", patched(udp, ip+2, 1, 0), "eth ip udp", 42, 46, Truncated},
		{"ip with an unknown protocol", patched(udp, ip+9, 253), "eth ip", 34, 46, 0},
		{"icmpv6 over ip", patched(udp, ip+9, 58), "eth ip", 34, 46, 0},
		{"icmp over ip6", patched(udp6, ip6+6, 1), "eth ip6", 54, 66, 0},
		{"ip options", pkttest.IPWithOptions(pkttest.Options{}), "eth ip udp", 46, 50, 0},
		{"source route with hops left", pkttest.UDP(pkttest.Options{IPOptions: []byte{1, 131, 7, 4, 10, 0, 0, 9}}),
			"eth ip udp", 50, 54, Routed},
		{"source route at its end", pkttest.UDP(pkttest.Options{IPOptions: []byte{1, 131, 7, 8, 10, 0, 0, 9}}),
			"eth ip udp", 50, 54, 0},
		{"ip option without a length", pkttest.UDP(pkttest.Options{IPOptions: []byte{1, 1, 1, 131}}), "eth ip udp", 46, 50, 0},
		{"ip option past the end", pkttest.UDP(pkttest.Options{IPOptions: []byte{131, 12, 4, 10, 0, 0, 9, 0}}), "eth ip udp", 50, 54, 0},
		{"ip option of length 1", pkttest.UDP(pkttest.Options{IPOptions: []byte{7, 1, 131, 7, 4, 10, 0, 0}}), "eth ip udp", 50, 54, 0},
		{"first fragment", frags[0], "eth ip udp", 42, 66, Fragmented},
		{"middle fragment", frags[1], "eth ip", 34, 66, Fragmented | LaterFragment},
		{"last fragment", frags[2], "eth ip", 34, 42, Fragmented | LaterFragment},
		{"tcp syn", syn, "eth ip tcp", 74, 74, 0},
		{"tcp with doff 4", patched(syn, l4+12, 0x40), "eth ip", 34, 74, 0},
		{"tcp with doff past the end", patched(syn, l4+12, 0xb0), "eth ip", 34, 74, 0},
		{"tcp cut short", syn[:53], "eth ip", 34, 53, Truncated},
		{"icmp", pkttest.ICMPEcho(pkttest.Options{}), "eth ip icmp", 42, 46, 0},
		{"icmp cut short", pkttest.ICMPEcho(pkttest.Options{})[:41], "eth ip", 34, 41, Truncated},
		{"udp6", udp6, "eth ip6 udp", 62, 66, 0},
		{"ip6 of version 4", patched(udp6, ip6, 0x40), "eth", 14, 66, 0},
		{"ip6 cut short", udp6[:53], "eth", 14, 53, 0},
		{"ip6 len 0", patched(udp6, ip6+4, 0, 0), "eth ip6", 54, 54, 0},
		{"ip6 len past the end", patched(udp6, ip6+4, 1, 0), "eth ip6 udp", 62, 66, Truncated},
		{"udp6 of length 0", patched(udp6, l46+4, 0, 0), "eth ip6 udp", 62, 66, 0},
		{"extensions", ext, "eth ip6 udp", 102, 106, 0},
		{"extensions cut short", ext[:60], "eth ip6", 54, 60, Truncated | ChainCut},
		{"extension longer than the packet", patched(ext, l46+1, 99), "eth ip6", 54, 106, ChainCut},
		{"hop-by-hop not first", patched(ext, l46, 0), "eth ip6", 62, 106, ChainCut},
		{"segments left", patched(ext, l46+8+3, 1), "eth ip6 udp", 102, 106, Routed},
		{"8 extensions", manyExtensions(8), "eth ip6 udp", 126, 130, 0},
		{"9 extensions", manyExtensions(9), "eth ip6", 118, 138, ChainCut},
		{"first fragment6", frags6[0], "eth ip6 udp", 70, 94, Fragmented},
		{"middle fragment6", frags6[1], "eth ip6", 62, 94, Fragmented | LaterFragment},
		{"atomic fragment", patched(frags6[0], l46+3, 0), "eth ip6 udp", 70, 94, 0},
		{"icmp6", pkttest.ICMP6Echo(pkttest.Options{}), "eth ip6 icmp6", 62, 66, 0},
		{"neighbor solicitation", pkttest.NeighborSolicit(pkttest.Options{}), "eth ip6 icmp6", 62, 86, 0},
		{"tcp6", pkttest.TCPData6(pkttest.Options{}), "eth ip6 tcp", 74, 78, 0},
		{"vlan", pkttest.VLAN(pkttest.Options{}), "eth vlan ip udp", 46, 50, 0},
		{"vlan cut short", pkttest.VLAN(pkttest.Options{})[:17], "eth", 14, 17, 0},
		{"qinq", qinq, "eth vlan vlan2 ip udp", 50, 54, 0},
		{"second tag cut short", qinq[:21], "eth vlan", 18, 21, 0},
		{"three tags", pkttest.UDP(pkttest.Options{Tags: []uint16{1, 2, 3}}), "eth vlan vlan2", 22, 58, 0},
		{"unknown ethertype", patched(udp, 12, 0x88, 0xcc), "eth", 14, 46, 0},
		{"802.3 with padding", patched(padded, 12, 0, 3), "eth", 14, 17, 0},
		{"802.3 cut short", patched(udp, 12, 5, 0), "eth", 14, 46, 0},
	} {
		l := walked(c.b)
		if got := names(&l); got != c.headers {
			t.Errorf("%s: headers %q, want %q", c.name, got, c.headers)
		}
		if from, to := l.Payload(); from != c.from || to != c.to {
			t.Errorf("%s: payload %d to %d, want %d to %d", c.name, from, to, c.from, c.to)
		}
		if l.Facts != c.facts {
			t.Errorf("%s: facts %#x, want %#x", c.name, l.Facts, c.facts)
		}
	}
}

// TestWalkOffsets checks where headers are when something is before them.
func TestWalkOffsets(t *testing.T) {
	for _, c := range []struct {
		b    []byte
		h    HeaderID
		want uint16
	}{
		{pkttest.UDP(pkttest.Options{}), IP, 14},
		{pkttest.UDP(pkttest.Options{}), UDP, 34},
		{pkttest.QinQ(pkttest.Options{}), VLAN, 14},
		{pkttest.QinQ(pkttest.Options{}), VLAN2, 18},
		{pkttest.QinQ(pkttest.Options{}), UDP, 42},
		{pkttest.IPWithOptions(pkttest.Options{}), UDP, 38},
		{pkttest.Extensions(pkttest.Options{}), UDP, 94},
		{pkttest.ARPRequest(pkttest.Options{}), ARP, 14},
	} {
		if l := walked(c.b); l.Off[c.h] != c.want {
			t.Errorf("%s in %s: at %d, want %d", c.h, names(&l), l.Off[c.h], c.want)
		}
	}
}

// TestWalkLong walks the longest packet, and one that is too long.
func TestWalkLong(t *testing.T) {
	long := pkttest.UDP(pkttest.Options{Payload: make([]byte, 65535-42)})
	for _, b := range [][]byte{long, append(bytes.Clone(long), 1, 2, 3)} {
		l := walked(b)
		if _, to := l.Payload(); names(&l) != "eth ip udp" || to != 65535 || l.NetEnd != 65535 {
			t.Errorf("%d bytes: %q, payload to %d, network layer to %d", len(b), names(&l), to, l.NetEnd)
		}
		if err := VerifyChecksums(b, &l); err != nil {
			t.Errorf("%d bytes: %v", len(b), err)
		}
		if s := string(AppendSummary(nil, b)); s != "IP 10.0.0.4.1234 > 10.0.0.5.7: UDP, length 65493" {
			t.Errorf("%d bytes: %s", len(b), s)
		}
	}
}

// TestWalkTwin holds the walk against its twin: on good packets, cut at every
// length, with every byte changed.
func TestWalkTwin(t *testing.T) {
	check := func(name string, b []byte) {
		if got, want := walked(b), twinWalk(b); got != want {
			t.Errorf("%s: %x\n%s", name, b, cmp.Diff(want, got, cmp.AllowUnexported(Layout{})))
		}
	}
	for _, p := range pkttest.All() {
		check(p.Name, p.Frame)
		for n := range p.Frame {
			check(p.Name, p.Frame[:n])
			for _, x := range []byte{0, 1, 4, 0x45, 0x60, 43, 44, 51, 0x81, 255, p.Frame[n] ^ 1, p.Frame[n] ^ 0x80} {
				check(p.Name, patched(p.Frame, n, x))
			}
		}
	}
}

// TestWalkTwinRandom does so with packets that have several changes.
func TestWalkTwinRandom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := genPacket(t)
		for range rapid.IntRange(0, 4).Draw(t, "changes") {
			b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		b = b[:rapid.IntRange(0, len(b)).Draw(t, "length")]
		if got, want := walked(b), twinWalk(b); got != want {
			t.Fatalf("%x\n%s", b, cmp.Diff(want, got, cmp.AllowUnexported(Layout{})))
		}
	})
}
