// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"pvlua/internal/pkttest"
)

// get reads a field that must be there.
func get(t *testing.T, h HeaderID, name string, b []byte) uint64 {
	t.Helper()
	l := walked(b)
	v, ok := Lookup(h, name).Uint(b, &l)
	if !ok {
		t.Fatalf("%s.%s: absent in %s", h, name, names(&l))
	}
	return v
}

func TestUint(t *testing.T) {
	var (
		arp  = pkttest.ARPRequest(pkttest.Options{})
		udp  = pkttest.UDP(pkttest.Options{ID: 0x1234})
		syn  = pkttest.TCPSyn(pkttest.Options{})
		qinq = pkttest.QinQ(pkttest.Options{Tags: []uint16{5<<13 | 1<<12 | 100, 101}})
		echo = pkttest.ICMPEcho(pkttest.Options{ID: 7, Seq: 9})
		na   = pkttest.NeighborAdvert(pkttest.Options{})
		ns   = pkttest.NeighborSolicit(pkttest.Options{})
		frag = pkttest.Fragments(pkttest.Options{})[1]
		fr6  = pkttest.Fragments6(pkttest.Options{ID: 0xabcd})[1]
		flow = patched(pkttest.UDP6(pkttest.Options{}), 14, 0x6a, 0xb1, 0x23, 0x45)
		tos  = patched(udp, 15, 0xb9)
		nd   = func(typ byte, skip int, option string) []byte {
			m := append([]byte{typ}, make([]byte, skip-1)...)
			return pkttest.IP6(pkttest.Options{}, 58, append(m, option...))
		}
	)
	for _, c := range []struct {
		b    []byte
		h    HeaderID
		name string
		want uint64
	}{
		{udp, Eth, "dst", 0x020000000002},
		{udp, Eth, "src", 0x020000000001},
		{udp, Eth, "type", 0x0800},
		{qinq, Eth, "type", 0x88a8},
		{qinq, VLAN, "pcp", 5},
		{qinq, VLAN, "dei", 1},
		{qinq, VLAN, "vid", 100},
		{qinq, VLAN, "type", 0x8100},
		{qinq, VLAN2, "vid", 101},
		{qinq, VLAN2, "type", 0x0800},
		{arp, ARP, "op", 1},
		{arp, ARP, "sha", 0x020000000001},
		{arp, ARP, "spa", 0x0a000004},
		{arp, ARP, "tha", 0},
		{arp, ARP, "tpa", 0x0a000005},
		{udp, IP, "version", 4},
		{udp, IP, "ihl", 5},
		{tos, IP, "tos", 0xb9},
		{tos, IP, "dscp", 46},
		{tos, IP, "ecn", 1},
		{udp, IP, "len", 32},
		{udp, IP, "id", 0x1234},
		{udp, IP, "flags", 2},
		{udp, IP, "df", 1},
		{udp, IP, "mf", 0},
		{frag, IP, "mf", 1},
		{frag, IP, "frag", 4},
		{udp, IP, "ttl", 64},
		{udp, IP, "proto", 17},
		{udp, IP, "src", 0x0a000004},
		{udp, IP, "dst", 0x0a000005},
		{flow, IP6, "tc", 0xab},
		{flow, IP6, "dscp", 42},
		{flow, IP6, "ecn", 3},
		{flow, IP6, "flow", 0x12345},
		{flow, IP6, "hlim", 64},
		{flow, IP6, "proto", 17},
		{fr6, IP6, "nexthdr", 44},
		{fr6, IP6, "proto", 17},
		{fr6, IP6, "frag_off", 4},
		{fr6, IP6, "frag_mf", 1},
		{fr6, IP6, "frag_id", 0xabcd},
		{echo, ICMP, "type", 8},
		{echo, ICMP, "id", 7},
		{echo, ICMP, "seq", 9},
		{echo, ICMP, "mtu", 9},
		{echo, ICMP, "gateway", 7<<16 | 9},
		{na, ICMP6, "type", 136},
		{na, ICMP6, "router", 0},
		{na, ICMP6, "solicited", 1},
		{na, ICMP6, "override", 1},
		{na, ICMP6, "tlla", 0x020000000001},
		{ns, ICMP6, "slla", 0x020000000001},
		{nd(133, 8, "\x01\x01\x02\x00\x00\x00\x00\x05"), ICMP6, "slla", 0x020000000005},
		{nd(134, 16, "\x05\x01\x00\x00\x00\x00\x05\xdc\x01\x01\x02\x00\x00\x00\x00\x05"), ICMP6, "slla", 0x020000000005},
		{nd(137, 40, "\x02\x01\x02\x00\x00\x00\x00\x05"), ICMP6, "tlla", 0x020000000005},
		{syn, TCP, "seq", 1000},
		{syn, TCP, "doff", 10},
		{syn, TCP, "flags", 2},
		{syn, TCP, "syn", 1},
		{syn, TCP, "ack_flag", 0},
		{syn, TCP, "window", 64240},
		{syn, TCP, "mss", 1460},
		{syn, TCP, "wscale", 7},
		{syn, TCP, "sack_ok", 1},
		{syn, TCP, "tsval", 1},
		{syn, TCP, "tsecr", 0},
		{pkttest.TCPData(pkttest.Options{}), TCP, "sack_ok", 0},
		{udp, UDP, "sport", 1234},
		{udp, UDP, "dport", 7},
		{udp, UDP, "len", 12},
	} {
		if got := get(t, c.h, c.name, c.b); got != c.want {
			t.Errorf("%s.%s = %#x, want %#x", c.h, c.name, got, c.want)
		}
	}
}

// TestAbsent reads fields that packets do not have.
func TestAbsent(t *testing.T) {
	ns, udp, data := pkttest.NeighborSolicit(pkttest.Options{}), pkttest.UDP(pkttest.Options{}), pkttest.TCPData(pkttest.Options{})
	udp6, ext := pkttest.UDP6(pkttest.Options{}), pkttest.Extensions(pkttest.Options{})
	for _, c := range []struct {
		b    []byte
		h    HeaderID
		name string
	}{
		{udp, TCP, "sport"},
		{udp, IP6, "hlim"},
		{udp, IP6, "src"},
		{udp6, IP6, "frag_id"},
		{patched(ext, 55, 99), IP6, "proto"},
		{data, TCP, "mss"},
		{data, TCP, "tsval"},
		{pkttest.TCPSyn(pkttest.Options{TCPOptions: []byte{1, 0, 2, 4, 5, 180}}), TCP, "mss"},     // after the end
		{pkttest.TCPSyn(pkttest.Options{TCPOptions: []byte{2, 3, 5, 1}}), TCP, "mss"},             // of another length
		{pkttest.TCPSyn(pkttest.Options{TCPOptions: []byte{9, 1, 2, 4, 5, 180}}), TCP, "mss"},     // after one of length 1
		{pkttest.TCPSyn(pkttest.Options{TCPOptions: []byte{9, 40, 2, 4, 5, 180}}), TCP, "mss"},    // after one that is too long
		{pkttest.TCPSyn(pkttest.Options{TCPOptions: []byte{1, 1, 1, 1, 1, 1, 1, 2}}), TCP, "mss"}, // without a length
		{ns, ICMP6, "tlla"},
		{ns, ICMP6, "solicited"},
		{pkttest.ICMP6Echo(pkttest.Options{Payload: make([]byte, 40)}), ICMP6, "slla"},
		{pkttest.ICMP6Echo(pkttest.Options{Payload: make([]byte, 40)}), ICMP6, "target"},
		{patched(ns, 54+24+1, 0), ICMP6, "slla"}, // an option of length 0
		{patched(ns, 54+24+1, 2), ICMP6, "slla"}, // one that is too long
		{ns[:54+24+7], ICMP6, "slla"},            // cut short
		{ns[:54+23], ICMP6, "target"},            // cut short
		{patched(ns, 19, 23), ICMP6, "target"},   // cut short by ip6.len
		{patched(ns, 19, 31), ICMP6, "slla"},     // cut short by ip6.len
	} {
		l := walked(c.b)
		f := Lookup(c.h, c.name)
		if v, ok := f.Uint(c.b, &l); ok {
			t.Errorf("%s of %s: %d", f, names(&l), v)
		}
		if p, ok := f.Bytes(c.b, &l); ok {
			t.Errorf("%s of %s: %x", f, names(&l), p)
		}
	}
}

func TestBytes(t *testing.T) {
	udp6 := pkttest.UDP6(pkttest.Options{})
	ns := pkttest.NeighborSolicit(pkttest.Options{})
	options := pkttest.IPWithOptions(pkttest.Options{})
	syn := pkttest.TCPSyn(pkttest.Options{TCPOptions: []byte{2, 4, 5, 180}})
	for _, c := range []struct {
		b    []byte
		h    HeaderID
		name string
		want string
	}{
		{udp6, IP6, "src", "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"},
		{udp6, IP6, "dst", "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02"},
		{ns, ICMP6, "target", "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02"},
		{options, IP, "options", "\x94\x04\x00\x00"},
		{pkttest.UDP(pkttest.Options{}), IP, "options", ""},
		{syn, TCP, "options", "\x02\x04\x05\xb4"},
		{pkttest.TCPData(pkttest.Options{}), TCP, "options", ""},
	} {
		l := walked(c.b)
		p, ok := Lookup(c.h, c.name).Bytes(c.b, &l)
		if !ok || string(p) != c.want || cap(p) != len(p) {
			t.Errorf("%s.%s = %q (capacity %d), %v, want %q", c.h, c.name, p, cap(p), ok, c.want)
		}
	}
	l := walked(udp6)
	if p, ok := Lookup(UDP, "dport").Bytes(udp6, &l); ok {
		t.Errorf("udp.dport as bytes: %x", p)
	}
}

// TestUintTwin holds reading against its twin, for every field and packets of
// every shape, cut and changed.
func TestUintTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := genPacket(t)
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		if rapid.Bool().Draw(t, "cut") {
			b = b[:rapid.IntRange(0, len(b)).Draw(t, "length")]
		}
		compareReads(t, b)
	})
}

// fataler is what testing.T and rapid.T have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// compareReads reads every field of b and its twin.
func compareReads(t fataler, b []byte) {
	t.Helper()
	l := walked(b)
	for _, h := range Headers {
		for _, f := range h.Fields {
			v, ok := f.Uint(b, &l)
			want, wantOK := twinUint(f, b)
			if v != want || ok != wantOK {
				t.Fatalf("%s of %x: %#x, %v; want %#x, %v", f, b, v, ok, want, wantOK)
			}
			if f.Kind != IPv6 {
				continue
			}
			p, ok := f.Bytes(b, &l)
			bit, wantOK := twinFind(f, b)
			if ok != wantOK || ok && !bytes.Equal(p, b[bit/8:bit/8+16]) {
				t.Fatalf("%s of %x: %x, %v; want %v", f, b, p, ok, wantOK)
			}
		}
	}
}

func TestSetErrors(t *testing.T) {
	udp, ns := pkttest.UDP(pkttest.Options{}), pkttest.NeighborSolicit(pkttest.Options{})
	data := pkttest.TCPData(pkttest.Options{})
	echo6 := pkttest.ICMP6Echo(pkttest.Options{})
	for _, c := range []struct {
		b      []byte
		h      HeaderID
		name   string
		v      uint64
		reason error
		text   string
	}{
		{udp, IP, "ttl", 256, ErrRange, "ip.ttl: out of range: 256 is not in 0 to 255"},
		{udp, IP, "df", 2, ErrRange, "ip.df: out of range: 2 is not in 0 to 1"},
		{udp, Eth, "dst", 1 << 48, ErrRange, "eth.dst: out of range: 281474976710656 is not in 0 to 281474976710655"},
		{udp, TCP, "sport", 1, ErrAbsent, "tcp.sport: the packet does not have it: it has no tcp header"},
		{udp, TCP, "mss", 1, ErrAbsent, "tcp.mss: the packet does not have it: it has no tcp header"},
		{data, TCP, "mss", 1, ErrAbsent, "tcp.mss: the packet does not have it: it has no such TCP option"},
		{data, TCP, "sack_ok", 1, ErrReadOnly, "tcp.sack_ok: it is read-only: it follows from the rest of the packet"},
		{data, TCP, "options", 1, ErrReadOnly, "tcp.options: it is read-only: it follows from the rest of the packet"},
		{ns, IP6, "proto", 6, ErrReadOnly, "ip6.proto: it is read-only: it follows from the rest of the packet"},
		{ns, IP6, "frag_id", 6, ErrAbsent, "ip6.frag_id: the packet does not have it: it has no IPv6 Fragment header"},
		{ns, IP6, "src", 6, ErrKind, "ip6.src: not a value of its kind: it takes 16 bytes"},
		{ns, ICMP6, "router", 1, ErrAbsent, "icmp6.router: the packet does not have it: it is no neighbor advertisement"},
		{echo6, ICMP6, "slla", 1, ErrAbsent, "icmp6.slla: the packet does not have it: it has no link-layer address option"},
		{udp, ICMP6, "slla", 1, ErrAbsent, "icmp6.slla: the packet does not have it: it has no icmp6 header"},
	} {
		l := walked(c.b)
		b, before := bytes.Clone(c.b), l
		err := Lookup(c.h, c.name).SetUint(b, &l, c.v)
		var fe *FieldError
		if !errors.Is(err, c.reason) || !errors.As(err, &fe) || fe.Field != Lookup(c.h, c.name) || err.Error() != c.text {
			t.Errorf("%s.%s = %d: %v\nwant %s", c.h, c.name, c.v, err, c.text)
		}
		if !bytes.Equal(b, c.b) || l != before {
			t.Errorf("%s.%s = %d: changed the packet", c.h, c.name, c.v)
		}
	}
	for _, c := range []struct {
		b    []byte
		h    HeaderID
		name string
		p    string
		text string
	}{
		{ns, IP6, "src", "short", "ip6.src: out of range: 5 bytes, it takes 16"},
		{udp, IP6, "src", strings.Repeat("x", 16), "ip6.src: the packet does not have it: it has no ip6 header"},
		{udp, IP, "src", "1234", "ip.src: not a value of its kind: it takes a number"},
		{udp, IP, "options", "", "ip.options: it is read-only: it follows from the rest of the packet"},
		{echo6, ICMP6, "target", strings.Repeat("x", 16),
			"icmp6.target: the packet does not have it: it is no neighbor solicitation, advertisement or redirect"},
		{patched(ns, 18, 0, 20)[:74], ICMP6, "target", strings.Repeat("x", 16),
			"icmp6.target: the packet does not have it: it is cut short"},
	} {
		l := walked(c.b)
		b := bytes.Clone(c.b)
		if err := Lookup(c.h, c.name).SetBytes(b, &l, []byte(c.p)); err == nil || err.Error() != c.text {
			t.Errorf("%s.%s = %q: %v\nwant %s", c.h, c.name, c.p, err, c.text)
		}
		if !bytes.Equal(b, c.b) {
			t.Errorf("%s.%s = %q: changed the packet", c.h, c.name, c.p)
		}
	}
}

// TestStructural assigns fields that change which headers there are.
func TestStructural(t *testing.T) {
	udp, udp6, syn := pkttest.UDP(pkttest.Options{}), pkttest.UDP6(pkttest.Options{}), pkttest.TCPSyn(pkttest.Options{})
	vlan, frag6 := pkttest.VLAN(pkttest.Options{}), pkttest.Fragments6(pkttest.Options{})[0]
	for _, c := range []struct {
		b    []byte
		h    HeaderID
		name string
		v    uint64
		want string
	}{
		{udp, Eth, "type", 0x86dd, "eth"},
		{vlan, VLAN, "type", 0x1234, "eth vlan"},
		{vlan, Eth, "type", 0x1234, "eth"},
		{udp, IP, "version", 5, "eth"},
		{udp, IP, "ihl", 4, "eth"},
		{udp, IP, "ihl", 8, "eth ip"},
		{udp, IP, "len", 27, "eth ip"},
		{udp, IP, "proto", 1, "eth ip icmp"},
		{udp, IP, "frag", 1, "eth ip"},
		{udp, IP, "flags", 1, "eth ip udp"},
		{udp, IP, "mf", 1, "eth ip udp"},
		{frag6, IP6, "frag_mf", 0, "eth ip6 udp"},
		{udp6, IP6, "nexthdr", 58, "eth ip6 icmp6"},
		{udp6, IP6, "len", 7, "eth ip6"},
		{frag6, IP6, "frag_off", 1, "eth ip6"},
		{syn, TCP, "doff", 15, "eth ip"},
		{pkttest.ARPRequest(pkttest.Options{}), ARP, "hlen", 8, "eth"},
	} {
		b := bytes.Clone(c.b)
		l := walked(b)
		if err := Lookup(c.h, c.name).SetUint(b, &l, c.v); err != nil {
			t.Errorf("%s.%s = %d: %v", c.h, c.name, c.v, err)
		}
		if got := names(&l); got != c.want || l != walked(b) {
			t.Errorf("%s.%s = %d: %q, want %q", c.h, c.name, c.v, got, c.want)
		}
	}
	// The payload's end moves with the length of UDP.
	l := walked(udp)
	b := bytes.Clone(udp)
	if err := Lookup(UDP, "len").SetUint(b, &l, 10); err != nil {
		t.Error(err)
	}
	if from, to := l.Payload(); from != 42 || to != 44 {
		t.Errorf("payload is %d to %d after udp.len = 10", from, to)
	}
}

// TestShortened uses a layout with a packet that has lost its end since the
// walk: fields that are cut off are absent, and nothing is read or written
// outside.
func TestShortened(t *testing.T) {
	for _, p := range pkttest.All() {
		for n := range p.Frame {
			l := walked(p.Frame)
			b := bytes.Clone(p.Frame)[:n:n]
			before := bytes.Clone(b)
			if err := VerifyChecksums(b, &l); n < int(l.NetEnd) && err != nil {
				t.Errorf("%s of %d bytes: %v", p.Name, n, err)
			}
			CompletePartial(b, &l)
			FixChecksums(b, &l)
			if !bytes.Equal(b, before) {
				t.Errorf("%s of %d bytes: changed by fixing", p.Name, n)
			}
			each(func(f *Field) {
				lf := l
				end := int(l.Off[f.Header]) + int(f.BitOffset+f.Width+7)/8
				if v, ok := f.Uint(b, &lf); ok && f.Locate == Fixed && end > n {
					t.Errorf("%s of %d bytes: %s = %d", p.Name, n, f, v)
				}
				if q, ok := f.Bytes(b, &lf); ok && f.Locate == Fixed && end > n {
					t.Errorf("%s of %d bytes: %s = %x", p.Name, n, f, q)
				}
				if err := f.SetUint(b, &lf, 1&f.max); err != nil && !bytes.Equal(b, before) {
					t.Errorf("%s of %d bytes: %s failed and changed the packet", p.Name, n, f)
				}
				_ = f.SetBytes(b, &lf, make([]byte, 16))
				copy(b, before)
			})
		}
	}
}

// TestSetBytesOverlap assigns an address from the packet itself.
func TestSetBytesOverlap(t *testing.T) {
	b := pkttest.UDP6(pkttest.Options{})
	l := walked(b)
	src, _ := Lookup(IP6, "src").Bytes(b, &l)
	want := string(src)
	if err := Lookup(IP6, "dst").SetBytes(b, &l, src); err != nil {
		t.Fatal(err)
	}
	if dst, _ := Lookup(IP6, "dst").Bytes(b, &l); string(dst) != want || VerifyChecksums(b, &l) != nil {
		t.Errorf("dst %x, %v", dst, VerifyChecksums(b, &l))
	}
	shifted := b[30:46]
	want = string(shifted)
	if err := Lookup(IP6, "dst").SetBytes(b, &l, shifted); err != nil {
		t.Fatal(err)
	}
	if dst, _ := Lookup(IP6, "dst").Bytes(b, &l); string(dst) != want || VerifyChecksums(b, &l) != nil {
		t.Errorf("dst %x, %v", dst, VerifyChecksums(b, &l))
	}
}
