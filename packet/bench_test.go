// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import (
	"fmt"
	"testing"

	"pvlua/internal/pkttest"
)

func BenchmarkWalk(b *testing.B) {
	var o pkttest.Options
	for _, p := range []pkttest.Named{
		{Name: "udp", Frame: pkttest.UDP(o)},
		{Name: "tcp", Frame: pkttest.TCPSyn(o)},
		{Name: "arp", Frame: pkttest.ARPRequest(o)},
		{Name: "icmp", Frame: pkttest.ICMPEcho(o)},
		{Name: "vlan", Frame: pkttest.VLAN(o)},
		{Name: "udp6", Frame: pkttest.UDP6(o)},
		{Name: "extensions", Frame: pkttest.Extensions(o)},
	} {
		b.Run(p.Name, func(b *testing.B) {
			var l Layout
			for b.Loop() {
				l.Walk(p.Frame)
			}
		})
	}
}

// benchFields are fields that differ in how they are found and summed up.
var benchFields = []struct {
	h    HeaderID
	name string
}{
	{UDP, "dport"}, {IP, "ttl"}, {IP, "src"}, {Eth, "src"}, {TCP, "mss"}, {ICMP6, "slla"},
}

func benchPacket(h HeaderID) []byte {
	switch h {
	case TCP:
		return pkttest.TCPSyn(pkttest.Options{})
	case ICMP6:
		return pkttest.NeighborSolicit(pkttest.Options{})
	}
	return pkttest.UDP(pkttest.Options{})
}

func BenchmarkUint(b *testing.B) {
	for _, c := range benchFields {
		f, p := Lookup(c.h, c.name), benchPacket(c.h)
		b.Run(f.String(), func(b *testing.B) {
			l := walked(p)
			var sum uint64
			for b.Loop() {
				v, _ := f.Uint(p, &l)
				sum += v
			}
		})
	}
}

func BenchmarkSetUint(b *testing.B) {
	for _, c := range append(benchFields, []struct {
		h    HeaderID
		name string
	}{{IP, "len"}, {UDP, "len"}}...) {
		f, p := Lookup(c.h, c.name), benchPacket(c.h)
		b.Run(f.String(), func(b *testing.B) {
			l := walked(p)
			v, _ := f.Uint(p, &l)
			for b.Loop() {
				v ^= 1 // another value each time, else nothing is to be done
				_ = f.SetUint(p, &l, v)
			}
		})
	}
}

func BenchmarkSetBytes(b *testing.B) {
	p := pkttest.UDP6(pkttest.Options{})
	f, l := Lookup(IP6, "dst"), walked(p)
	v := make([]byte, 16)
	for b.Loop() {
		v[15]++
		_ = f.SetBytes(p, &l, v)
	}
}

func BenchmarkChecksum(b *testing.B) {
	for _, n := range []int{20, 64, 1480, 9000} {
		p := make([]byte, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				Checksum(p, 0)
			}
		})
	}
}

func BenchmarkFixChecksums(b *testing.B) {
	p := pkttest.UDP(pkttest.Options{Payload: make([]byte, 1400)})
	l := walked(p)
	for b.Loop() {
		FixChecksums(p, &l)
	}
}

// BenchmarkCompletePartial is the case of a packet that is complete.
func BenchmarkCompletePartial(b *testing.B) {
	p := pkttest.UDP(pkttest.Options{Payload: make([]byte, 1400)})
	l := walked(p)
	for b.Loop() {
		CompletePartial(p, &l)
	}
}

func BenchmarkAppendSummary(b *testing.B) {
	buf := make([]byte, 0, 1024)
	for _, p := range []pkttest.Named{
		{Name: "udp", Frame: pkttest.UDP(pkttest.Options{})},
		{Name: "syn", Frame: pkttest.TCPSyn(pkttest.Options{})},
		{Name: "udp6", Frame: pkttest.UDP6(pkttest.Options{})},
	} {
		b.Run(p.Name, func(b *testing.B) {
			for b.Loop() {
				AppendSummary(buf, p.Frame)
			}
		})
	}
}
