// SPDX-License-Identifier: GPL-3.0-or-later

package luabpf

import (
	"encoding/binary"
	"testing"

	"pvlua/internal/pkttest"
	"pvlua/luabpf/ir"
	"pvlua/luabpf/opt"
	"pvlua/packet"
)

// TestExitUnfinished: packets whose checksums package packet would complete exit,
// all others reach the handler.
func TestExitUnfinished(t *testing.T) {
	f := &ir.Func{}
	f.NewBlock().Term = ir.Term{Kind: ir.Return, A: ir.None, B: ir.None, Verdict: ir.TX}
	ExitUnfinished(f)
	if err := ir.Verify(f); err != nil {
		t.Fatal(err)
	}
	opt.Run(f)
	if err := ir.Verify(f); err != nil {
		t.Fatal(err)
	}
	exits := 0
	for name, b := range samples() {
		for cut := range min(len(b), 70) {
			exits += compareExit(t, f, name, b[:len(b)-cut])
		}
		var l packet.Layout
		if l.Walk(b); !l.Present(packet.UDP) && !l.Present(packet.TCP) {
			continue
		}
		left := leaveToCard(b, &l)
		n := compareExit(t, f, name+" unfinished", left)
		if n == 0 {
			t.Errorf("%s: it reached the handler", name)
		}
		exits += n
	}
	if exits < 4 {
		t.Errorf("only %d packets left", exits)
	}
}

// TestFiltersStayAsTheyAre: what is not touched may be unfinished.
func TestFiltersStayAsTheyAre(t *testing.T) {
	f := &ir.Func{}
	f.NewBlock().Term = ir.Term{Kind: ir.Return, A: ir.None, B: ir.None, Verdict: ir.Pass}
	if ExitUnfinished(f); len(f.Blocks) != 1 || len(f.Sites) != 0 {
		t.Error("it was changed")
	}
}

// samples are packets without tags, options and extension headers.
func samples() map[string][]byte {
	o := pkttest.Options{Payload: []byte("some data of odd size")}
	return map[string][]byte{
		"udp": pkttest.UDP(o), "tcp": pkttest.TCPData(o), "udp6": pkttest.UDP6(o), "tcp6": pkttest.TCPData6(o),
		"icmp": pkttest.ICMPEcho(o), "arp": pkttest.ARPRequest(o),
	}
}

// leaveToCard does what a kernel does that leaves the checksum to the card.
func leaveToCard(b []byte, l *packet.Layout) []byte {
	b = append([]byte(nil), b...)
	h, at := packet.UDP, 6
	if l.Present(packet.TCP) {
		h, at = packet.TCP, 16
	}
	off := int(l.Off[h])
	from, n, proto := 26, 8, uint32(b[23])
	if l.Present(packet.IP6) {
		from, n, proto = 22, 32, uint32(b[20])
	}
	sum := proto + uint32(int(l.NetEnd)-off)
	for i := from; i < from+n; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	binary.BigEndian.PutUint16(b[off+at:], uint16(sum))
	return b
}

// compareExit runs a packet, and compares what becomes of it with whether
// package packet would complete it.
func compareExit(t *testing.T, f *ir.Func, name string, b []byte) (exits int) {
	t.Helper()
	var l packet.Layout
	copied := append([]byte(nil), b...)
	l.Walk(copied)
	want := packet.CompletePartial(copied, &l)
	out, err := ir.Run(f, &ir.Packet{Buf: append([]byte(nil), b...), To: len(b)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if (out.Verdict == 0) != want {
		t.Errorf("%s of %d bytes: exit %v, but completed is %v", name, len(b), out.Verdict == 0, want)
	}
	if out.Verdict == 0 {
		return 1
	}
	return 0
}
