// SPDX-License-Identifier: GPL-3.0-or-later

package offline

import (
	"bytes"
	"net/netip"
	"testing"

	"pvlua/internal/pkttest"
	"pvlua/packet"
)

// TestEcho has echo.lua answer from a file, and compares each answer, byte for
// byte, with one that was made without pvlua.
func TestEcho(t *testing.T) {
	ip, _ := packet.ParseIP4("10.0.0.5")
	ip6, _ := packet.ParseIP6("2001:db8::2")
	there := pkttest.Options{} // from 10.0.0.4 to 10.0.0.5, from MAC 1 to MAC 2
	back := pkttest.Options{SrcMAC: [6]byte{2, 0, 0, 0, 0, 2}, DstMAC: [6]byte{2, 0, 0, 0, 0, 1},
		Src: netip.MustParseAddr("10.0.0.5"), Dst: netip.MustParseAddr("10.0.0.4"), SrcPort: 7, DstPort: 1234}
	back6 := back
	back6.Src, back6.Dst = netip.MustParseAddr("2001:db8::2"), netip.MustParseAddr("2001:db8::1")
	for _, c := range []struct {
		name         string
		ask, answers []byte
	}{
		{"ARP", pkttest.ARPRequest(there), pkttest.ARPReply(back)},
		{"ping", pkttest.ICMPEcho(there), pkttest.ICMPEchoReply(back)},
		{"UDP", pkttest.UDP(there), pkttest.UDP(back)},
		{"neighbour", pkttest.NeighborSolicit(there), pkttest.NeighborAdvert(back6)},
		{"ping6", pkttest.ICMP6Echo(there), pkttest.ICMP6EchoReply(back6)},
		{"UDP6", pkttest.UDP6(there), pkttest.UDP6(back6)},
	} {
		in := port("in", file(at{1, c.ask}))
		in.Port.MAC, in.Port.IP, in.Port.IP6 = 2<<40|2, []uint32{ip}, [][16]byte{ip6}
		r := playFile(t, "../scripts/echo.lua", nil, in).ok(t)
		all := r.entries(t)
		if got, want := lines(all), "1.000000 in received on in -> tx\n1.000000 in transmitted by in\n"; got != want {
			t.Errorf("%s: the capture says\n%swant\n%s", c.name, got, want)
			continue
		}
		if all[0].Outbound || !all[1].Outbound || !bytes.Equal(all[0].Data, c.ask) || !bytes.Equal(all[1].Data, c.answers) {
			t.Errorf("%s: asked\n% x\nanswered\n% x\nwant\n% x", c.name, all[0].Data, all[1].Data, c.answers)
		}
		if want := (PortTotals{Name: "in", Rx: 1, Tx: 1}); r.totals.Ports[0] != want {
			t.Errorf("%s: %+v", c.name, r.totals)
		}
	}
}

// TestForward joins two files like a cable.
func TestForward(t *testing.T) {
	a, b := pkttest.UDP(pkttest.Options{}), pkttest.TCPSyn(pkttest.Options{})
	r := playFile(t, "../scripts/forward.lua", nil,
		port("left", file(at{1, a}, at{2, a}, at{4, a})), port("right", file(at{1.5, b}, at{2, b}))).ok(t)
	const want = `1.000000 left received on left -> right
1.000000 right transmitted by right
1.500000 right received on right -> left
1.500000 left transmitted by left
2.000000 left received on left -> right
2.000000 right transmitted by right
2.000000 right received on right -> left
2.000000 left transmitted by left
4.000000 left received on left -> right
4.000000 right transmitted by right
`
	if got := lines(r.entries(t)); got != want {
		t.Errorf("the capture says\n%swant\n%s", got, want)
	}
	for i, e := range r.entries(t) {
		want := a
		if i == 2 || i == 3 || i == 6 || i == 7 {
			want = b
		}
		if !bytes.Equal(e.Data, want) {
			t.Errorf("packet %d was changed", i+1)
		}
	}
}
