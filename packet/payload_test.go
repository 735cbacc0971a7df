// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pvlua/internal/pkttest"
)

// withRoom gives a copy of b with capacity for more.
func withRoom(b []byte, more int) []byte { return append(make([]byte, 0, len(b)+more), b...) }

// The packet with another payload is the packet that was made with it.
func TestSetPayload(t *testing.T) {
	type o = pkttest.Options
	ext := pkttest.Extensions
	for _, shape := range []struct {
		name string
		make func(o) []byte
	}{
		{"udp", pkttest.UDP}, {"udp6", pkttest.UDP6}, {"tcp", pkttest.TCPData}, {"tcp6", pkttest.TCPData6},
		{"icmp", pkttest.ICMPEcho}, {"icmp6", pkttest.ICMP6Echo}, {"vlan", pkttest.VLAN}, {"qinq", pkttest.QinQ},
		{"ip options", pkttest.IPWithOptions}, {"extensions", ext},
		{"no checksum", func(o o) []byte { o.NoChecksum = true; return pkttest.UDP(o) }},
		{"padded", func(o o) []byte {
			if string(o.Payload) == "before" {
				o.PadTo = 60
			}
			return pkttest.UDP(o)
		}},
		{"protocol unknown", func(o o) []byte { return pkttest.IP4(o, 99, 0, o.Payload) }},
		{"protocol unknown over ip6", func(o o) []byte { return pkttest.IP6(o, 99, o.Payload) }},
		{"ethertype unknown", func(o o) []byte { return pkttest.Ethernet(o, 0x88b5, o.Payload) }},
		{"802.3", func(o o) []byte { return pkttest.Ethernet(o, uint16(len(o.Payload)), o.Payload) }},
		{"802.3 tagged", func(o o) []byte {
			o.Tags = []uint16{7}
			return pkttest.Ethernet(o, uint16(len(o.Payload)), o.Payload)
		}},
	} {
		for _, payload := range []string{"", "x", "odd", "ping", "PING", "longer than it was", strings.Repeat("\xff", 1001), strings.Repeat("\x00", 1000)} {
			before := shape.make(o{Payload: []byte("before")})
			want := shape.make(o{Payload: []byte(payload)})
			for _, cut := range []int{0, 2} { // a packet cut short becomes a whole one
				b := withRoom(before, 1100)
				b = b[:len(b)-cut]
				l := walked(b)
				got, err := SetPayload(b, &l, payload)
				if err != nil {
					t.Errorf("%s, %d bytes: %v", shape.name, len(payload), err)
				} else if !bytes.Equal(got, want) {
					t.Errorf("%s, %d bytes, cut by %d:\n%swant\n%s", shape.name, len(payload), cut, hex.Dump(got), hex.Dump(want))
				} else if l != walked(got) {
					t.Errorf("%s, %d bytes: the layout is not that of the packet", shape.name, len(payload))
				}
			}
		}
	}
}

// The payload's end by the length of UDP may be before that of IP.
func TestSetPayloadBeforeSurplus(t *testing.T) {
	b := pkttest.IP4(pkttest.Options{}, 17, 0, []byte{4, 210, 0, 7, 0, 9, 0, 0, 'x', 's', 'u', 'r'})
	l := walked(b)
	got, err := SetPayload(withRoom(b, 9), &l, []byte("xyz"))
	want := pkttest.IP4(pkttest.Options{}, 17, 0, []byte{4, 210, 0, 7, 0, 11, 0, 0, 'x', 'y', 'z'})
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v\n%swant\n%s", err, hex.Dump(got), hex.Dump(want))
	}
}

// A payload that is itself a header, where the one of the packet was cut short,
// keeps its checksum.
func TestSetPayloadOfHeader(t *testing.T) {
	want := pkttest.IP4(pkttest.Options{}, 17, 0, []byte{4, 210, 0, 7, 0, 8, 0xde, 0xad})
	b := want[: ethLen+ipLen+3 : len(want)]
	l := walked(b)
	if got, err := SetPayload(b, &l, []byte{4, 210, 0, 7, 0, 8, 0xde, 0xad}); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v\n%swant\n%s", err, hex.Dump(got), hex.Dump(want))
	}
}

func TestSetPayloadRefuses(t *testing.T) {
	parts := slices.Concat(pkttest.Fragments(pkttest.Options{}), pkttest.Fragments6(pkttest.Options{}))
	for i, b := range parts {
		before := bytes.Clone(b)
		l := walked(b)
		if _, err := SetPayload(b, &l, "x"); !errors.Is(err, ErrFragment) || !bytes.Equal(b, before) {
			t.Errorf("fragment %d: %v", i, err)
		}
	}
	b := pkttest.UDP(pkttest.Options{})
	l := walked(b)
	if got, err := SetPayload(b, &l, "five5"); !errors.Is(err, ErrRoom) || len(got) != len(b) {
		t.Error(err)
	}
	if _, err := SetPayload(b, &l, make([]byte, maxLen)); !errors.Is(err, ErrTooLong) {
		t.Error(err)
	}
	b = withRoom(pkttest.Ethernet(pkttest.Options{}, 3, []byte("abc")), 2000)
	l = walked(b)
	if _, err := SetPayload(b, &l, make([]byte, 1501)); !errors.Is(err, ErrTooLong) {
		t.Error(err)
	}
	// A packet that has become shorter since the walk.
	l = walked(b)
	if _, err := SetPayload(b[:10:10], &l, ""); err == nil {
		t.Error("no error for a packet shorter than its layout")
	}
}

// SwapEnds turns a packet into what its receiver would send; twice is nothing.
func TestSwapEnds(t *testing.T) {
	pair := func(h HeaderID, a, b string) [2]*Field { return [2]*Field{Lookup(h, a), Lookup(h, b)} }
	pairs := [][2]*Field{
		pair(Eth, "src", "dst"), pair(ARP, "sha", "tha"), pair(ARP, "spa", "tpa"), pair(IP, "src", "dst"),
		pair(IP6, "src", "dst"), pair(TCP, "sport", "dport"), pair(UDP, "sport", "dport"),
	}
	get := func(f *Field, b []byte, l *Layout) any {
		if v, ok := f.Uint(b, l); ok {
			return v
		}
		p, ok := f.Bytes(b, l)
		if ok {
			return string(p)
		}
		return nil
	}
	routed := pkttest.UDP6(pkttest.Options{Extensions: []pkttest.Extension{
		{Number: 43, Bytes: append([]byte{0, 2, 0, 1, 0, 0, 0, 0}, bytes.Repeat([]byte{9}, 16)...)}}})
	wl := walked(routed)
	FixChecksums(routed, &wl)
	for _, p := range append(pkttest.All(), pkttest.Named{Name: "routed", Frame: routed}) {
		b := bytes.Clone(p.Frame)
		l := walked(b)
		old := l
		right := VerifyChecksums(b, &l)
		SwapEnds(b, &l)
		if l != old {
			t.Errorf("%s: the layout has changed", p.Name)
		}
		if err := VerifyChecksums(b, &l); err != nil && right == nil {
			t.Errorf("%s: %v", p.Name, err)
		}
		for _, f := range pairs {
			if get(f[0], b, &l) != get(f[1], p.Frame, &old) || get(f[1], b, &l) != get(f[0], p.Frame, &old) {
				t.Errorf("%s: %s and %s are not exchanged", p.Name, f[0], f[1])
			}
		}
		SwapEnds(b, &l)
		if !bytes.Equal(b, p.Frame) {
			t.Errorf("%s: swapped twice it is\n%s", p.Name, hex.Dump(b))
		}
	}
	want := pkttest.UDP(pkttest.Options{SrcMAC: [6]byte{2, 0, 0, 0, 0, 2}, DstMAC: [6]byte{2, 0, 0, 0, 0, 1},
		Src: netip.MustParseAddr("10.0.0.5"), Dst: netip.MustParseAddr("10.0.0.4"), SrcPort: 7, DstPort: 1234})
	b := pkttest.UDP(pkttest.Options{})
	l := walked(b)
	if SwapEnds(b, &l); !bytes.Equal(b, want) {
		t.Errorf("\n%swant\n%s", hex.Dump(b), hex.Dump(want))
	}
}

func TestAppendHexDump(t *testing.T) {
	b := make([]byte, 33)
	for i := range b {
		b[i] = byte(i * 8)
	}
	want := `0000  00 08 10 18 20 28 30 38  40 48 50 58 60 68 70 78  .... (08@HPX` + "`" + `hpx
0010  80 88 90 98 a0 a8 b0 b8  c0 c8 d0 d8 e0 e8 f0 f8  ................
0020  00                                                .
`
	if got := string(AppendHexDump(nil, b)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := AppendHexDump([]byte("x"), nil); string(got) != "x" {
		t.Errorf("of nothing: %q", got)
	}
}
