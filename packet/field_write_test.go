// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"pvlua/internal/pkttest"
)

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
