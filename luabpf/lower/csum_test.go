// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"pvlua/internal/pkttest"
	"pvlua/packet"
)

// edges are the 16-bit words at which checksums have two forms or none.
var edges = []uint16{0, 1, 0xfffe, 0xffff}

// TestChecksumEdges assigns edges, one or two of them or one for the other, to
// fields that have edges, under checksums that are edges, right or wrong: one
// update for all gives what user space gets by one after the other.
func TestChecksumEdges(t *testing.T) {
	var empty pkttest.Options
	empty.Payload = []byte{}
	for _, c := range []struct {
		frame  []byte
		header packet.HeaderID
		sum    string // the header of the checksum
		fields [2]string
	}{
		{pkttest.UDP(empty), packet.UDP, "udp", [2]string{"sport", "dport"}},
		{pkttest.UDP6(empty), packet.UDP, "udp", [2]string{"sport", "dport"}},
		{pkttest.TCPData(empty), packet.TCP, "tcp", [2]string{"window", "urgent"}},
		{pkttest.ICMPEcho(empty), packet.ICMP, "icmp", [2]string{"id", "seq"}},
		{pkttest.ICMP6Echo(empty), packet.ICMP6, "icmp6", [2]string{"id", "seq"}},
		{pkttest.UDP(empty), packet.IP, "ip", [2]string{"id", "checksum"}},
	} {
		t.Run(fmt.Sprintf("%s over %d", c.sum, len(c.frame)), func(t *testing.T) {
			a, b := packet.Lookup(c.header, c.fields[0]), packet.Lookup(c.header, c.fields[1])
			frames := edgeFrames(c.frame, c.header, a, b)
			var n outcome
			for _, s := range edgeScripts(c.header, a, b) {
				f := s.lowered(t)
				for _, frame := range frames {
					s.compare(t, f, frame, &n)
				}
			}
			if n.exited > 0 || n.ran < 1000 {
				t.Errorf("%d ran, %d exited", n.ran, n.exited)
			}
		})
	}
}

// edgeScripts assign one field, two, or exchange them, and then perhaps back.
func edgeScripts(h packet.HeaderID, a, b *packet.Field) (all []script) {
	var single []statement
	for _, f := range [...]*packet.Field{a, b} {
		for _, n := range edges {
			single = append(single, statement{header: h, field: f, assign: true, value: whole(int64(n))})
		}
	}
	single = append(single, statement{header: h, field: a, assign: true, from: b}, statement{header: h, field: b, assign: true, from: a})
	for _, x := range single {
		x.at = position(1)
		all = append(all, script{x})
		for _, y := range single {
			y.at = position(2)
			all = append(all, script{x, y})
		}
	}
	return all
}

// edgeFrames are packets in which two fields and the checksum are edges. For
// ICMP the type is 0 as well, so that some are zeros throughout.
func edgeFrames(frame []byte, h packet.HeaderID, a, b *packet.Field) (all [][]byte) {
	var l packet.Layout
	l.Walk(frame)
	at := int(l.Off[h])
	sum := at + sumAt[h]
	if h == packet.IP {
		sum = at + 10
	}
	for _, x := range edges {
		for _, y := range edges {
			for _, z := range append(edges, 0x1234) {
				f := bytes.Clone(frame)
				if h == packet.ICMP {
					f[at] = 0
				}
				binary.BigEndian.PutUint16(f[sum:], z)
				binary.BigEndian.PutUint16(f[at+int(a.BitOffset/8):], x)
				binary.BigEndian.PutUint16(f[at+int(b.BitOffset/8):], y)
				all = append(all, f)
			}
		}
	}
	return all
}
