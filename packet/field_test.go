// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import (
	"bytes"
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
