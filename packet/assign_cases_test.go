// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import (
	"bytes"
	"errors"
	"testing"

	"pvlua/internal/pkttest"
)

// TestAssignWrongLength gives a header with a wrong checksum another length,
// which covers bytes that are the same in both packets.
func TestAssignWrongLength(t *testing.T) {
	right := pkttest.UDP(pkttest.Options{})
	wrong := patched(right, 24, 1, 2)
	r, w := bytes.Clone(right), bytes.Clone(wrong)
	for _, b := range [][]byte{r, w} {
		l := walked(b)
		mustSet(Lookup(IP, "ihl"), b, &l, 6)
	}
	if apart(r, w, 24) != apart(right, wrong, 24) || twinSum(r[14:38]) != 0xffff {
		t.Errorf("was wrong by %#x, is by %#x; %x", apart(right, wrong, 24), apart(r, w, 24), r)
	}
}

// TestAssignFragmentLength assigns the length of a first fragment, which says
// nothing about that of the datagram.
func TestAssignFragmentLength(t *testing.T) {
	for _, c := range []struct {
		b []byte
		h HeaderID
	}{{pkttest.Fragments(pkttest.Options{})[0], IP}, {pkttest.Fragments6(pkttest.Options{})[0], IP6}} {
		l := walked(c.b)
		before := be16(c.b, int(l.sum))
		f := Lookup(c.h, "len")
		v, _ := f.Uint(c.b, &l)
		mustSet(f, c.b, &l, v-8)
		if after := be16(c.b, int(l.sum)); after != before || !l.Present(UDP) {
			t.Errorf("%s: checksum %#x became %#x", f, before, after)
		}
		if err := VerifyChecksums(c.b, &l); err != nil {
			t.Error(err)
		}
	}
}

// TestAssignMoved makes a header begin elsewhere: what is there now is another
// one, whose checksum is left alone.
func TestAssignMoved(t *testing.T) {
	b := pkttest.UDP6(pkttest.Options{Payload: make([]byte, 30), Extensions: []pkttest.Extension{
		{Number: 60, Bytes: []byte{0, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
	}})
	l := walked(b)
	want := patched(b, 20, 51) // an authentication header of 12 bytes
	mustSet(Lookup(IP6, "nexthdr"), b, &l, 51)
	if l.Off[UDP] != 54+12 || !bytes.Equal(b, want) {
		t.Errorf("udp at %d\n%x\n%x", l.Off[UDP], want, b)
	}
	tcp := pkttest.UDP(pkttest.Options{Payload: append(make([]byte, 4), 0x50, 0, 0, 0, 0, 0, 0, 0, 0)})
	l = walked(tcp)
	mustSet(Lookup(IP, "proto"), tcp, &l, 6)
	if !l.Present(TCP) || be16(tcp, 50) != 0 || be16(tcp, 40) == 0 {
		t.Errorf("%s: %x", names(&l), tcp)
	}
	mustSet(Lookup(IP, "proto"), tcp, &l, 17)
	if err := VerifyChecksums(tcp, &l); err != nil {
		t.Error(err)
	}
}

// TestAssignOptions assigns TCP options at every offset within a word.
func TestAssignOptions(t *testing.T) {
	for nops := range 4 {
		options := append(bytes.Repeat([]byte{1}, nops), 2, 4, 5, 180, 3, 3, 7, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2)
		for _, name := range []string{"mss", "wscale", "tsval", "tsecr"} {
			f := Lookup(TCP, name)
			for _, v := range []uint64{0, 1, f.max, f.max / 3, f.max - 1} {
				b := pkttest.TCPSyn(pkttest.Options{TCPOptions: options})
				l := walked(b)
				mustSet(f, b, &l, v)
				if got := get(t, TCP, name, b); got != v {
					t.Errorf("%s after %d nops is %d, not %d", f, nops, got, v)
				}
				if w := twinWrong(b); w != "" {
					t.Errorf("%s = %#x after %d nops: %s wrong", f, v, nops, w)
				}
			}
		}
	}
}

// TestAssignZero makes an ICMP message of zeros and back: the checksum of
// zeros is 0xffff, not 0.
func TestAssignZero(t *testing.T) {
	b := pkttest.ICMPEcho(pkttest.Options{Payload: []byte{0, 0, 0}})
	l := walked(b)
	for _, c := range []struct {
		name string
		v    uint64
	}{{"type", 0}, {"id", 0}, {"seq", 0}, {"seq", 1}, {"seq", 0}, {"id", 0xffff}, {"id", 0}} {
		if err := Lookup(ICMP, c.name).SetUint(b, &l, c.v); err != nil {
			t.Fatal(err)
		}
		if err := VerifyChecksums(b, &l); err != nil {
			t.Errorf("icmp.%s = %d: %v", c.name, c.v, err)
		}
	}
	if got := get(t, ICMP, "checksum", b); got != 0xffff {
		t.Errorf("checksum of zeros is %#x", got)
	}
}

// TestAssignUDPZero drives a UDP checksum through the value that would be 0.
func TestAssignUDPZero(t *testing.T) {
	for _, b := range [][]byte{pkttest.UDP(pkttest.Options{}), pkttest.UDP6(pkttest.Options{})} {
		l := walked(b)
		f := Lookup(UDP, "sport")
		full := false
		for v := range uint64(0x10000) {
			if err := f.SetUint(b, &l, v); err != nil {
				t.Fatal(err)
			}
			sum := be16(b, int(l.sum))
			if sum == 0 {
				t.Fatalf("sport %d: checksum 0", v)
			}
			if sum == 0xffff {
				full = true
				FixChecksums(b, &l)
				if be16(b, int(l.sum)) != 0xffff {
					t.Fatalf("sport %d: fixed to %#x", v, be16(b, int(l.sum)))
				}
			}
		}
		if err := VerifyChecksums(b, &l); err != nil || !full {
			t.Errorf("%v; was 0xffff: %v", err, full)
		}
	}
}

// TestLinkAddress turns a solicitation into an advertisement, option included.
func TestLinkAddress(t *testing.T) {
	b := pkttest.NeighborSolicit(pkttest.Options{})
	l := walked(b)
	for _, s := range []struct {
		name string
		v    uint64
	}{{"type", 136}, {"solicited", 1}, {"override", 1}, {"tlla", 0x02aabbccddee}} {
		if err := Lookup(ICMP6, s.name).SetUint(b, &l, s.v); err != nil {
			t.Fatal(err)
		}
		if w := twinWrong(b); w != "" {
			t.Errorf("icmp6.%s = %#x: %s wrong", s.name, s.v, w)
		}
	}
	if got := get(t, ICMP6, "tlla", b); got != 0x02aabbccddee {
		t.Errorf("tlla is %#x", got)
	}
	if _, ok := Lookup(ICMP6, "slla").Uint(b, &l); ok {
		t.Error("slla is still there")
	}
	if err := Lookup(ICMP6, "slla").SetUint(b, &l, 1); err != nil || get(t, ICMP6, "slla", b) != 1 {
		t.Errorf("back to slla: %v", err)
	}
	// With both, each is its own.
	both := pkttest.NeighborSolicit(pkttest.Options{})
	both = append(both, 2, 1, 1, 2, 3, 4, 5, 6)
	both[19] += 8
	l = walked(both)
	FixChecksums(both, &l)
	if err := Lookup(ICMP6, "tlla").SetUint(both, &l, 7); err != nil {
		t.Fatal(err)
	}
	if get(t, ICMP6, "tlla", both) != 7 || get(t, ICMP6, "slla", both) != 0x020000000001 || twinWrong(both) != "" {
		t.Errorf("%x", both)
	}
	// An option of the reserved type 0 is none of a link-layer address.
	reserved := patched(pkttest.NeighborSolicit(pkttest.Options{}), 78, 0)
	l = walked(reserved)
	if err := Lookup(ICMP6, "tlla").SetUint(reserved, &l, 7); !errors.Is(err, ErrAbsent) {
		t.Errorf("assigned to an option of type 0: %v, %x", err, reserved)
	}
}

// TestAssignRouting turns a routing header with hops left into options, so that
// another destination counts in the pseudo-header, and back.
func TestAssignRouting(t *testing.T) {
	b := pkttest.UDP6(pkttest.Options{Extensions: []pkttest.Extension{
		{Number: 43, Bytes: []byte{0, 2, 0, 1, 0, 0, 0, 0, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9}},
	}})
	l := walked(b)
	FixChecksums(b, &l)
	right := bytes.Clone(b)
	for _, v := range []uint64{60, 43} {
		if err := Lookup(IP6, "nexthdr").SetUint(b, &l, v); err != nil {
			t.Fatal(err)
		}
		if err := VerifyChecksums(b, &l); err != nil || l.has(Routed) != (v == 43) {
			t.Errorf("nexthdr %d: %v, facts %#x", v, err, l.Facts)
		}
	}
	if !bytes.Equal(b, right) {
		t.Errorf("%x\n%x", right, b)
	}
	// The destination on the way is not in the pseudo-header.
	if err := Lookup(IP6, "dst").SetBytes(b, &l, make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	if err := VerifyChecksums(b, &l); err != nil || be16(b, int(l.sum)) != be16(right, int(l.sum)) {
		t.Errorf("dst: %v", err)
	}
}
