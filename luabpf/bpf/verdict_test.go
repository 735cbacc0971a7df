// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

import (
	"bytes"
	"testing"

	"github.com/cilium/ebpf"

	"pvlua/luabpf/ir"
)

// choice makes a Func whose verdict is the packet's first byte; others exit.
func choice() *ir.Func {
	b := build()
	p := b.ptr(0)
	b.guard(p, 1)
	first := b.load(p, 0, 1)
	for v := ir.Drop; v <= ir.Redirect; v++ {
		then, next := b.ending(v), b.NewBlock()
		then.Term.Port = 1
		b.b.Term = ir.Term{Kind: ir.Branch, Cond: ir.EQ, A: first, B: ir.None, Imm: int64(v), Then: then, Else: next}
		b.b = next
	}
	return b.exit()
}

func TestVerdictsAndStatistics(t *testing.T) {
	f := choice()
	stats := perCPU(t, StatsLen(f))
	prog := load(t, f, Options{Stats: stats})
	for v := range 6 {
		for range v + 1 {
			pkt := frameOf(60)
			pkt[0] = byte(v)
			compare(t, prog, f, pkt, newMemory())
		}
	}
	for v := ir.Drop; v <= ir.Redirect; v++ {
		index := VerdictIndex(v)
		if v == ir.Redirect {
			index = RedirectIndex(1)
		}
		if got := total(t, stats, index); got != uint64(v)+1 {
			t.Errorf("%v was counted %d times, want %d", v, got, v+1)
		}
	}
	if got := total(t, stats, SiteIndex(0)); got != 1+6 {
		t.Errorf("the exit was counted %d times, want 7", got)
	}
}

func TestRedirects(t *testing.T) {
	f := choice()
	dev := newMap(t, ebpf.MapSpec{Type: ebpf.DevMap, KeySize: 4, ValueSize: 4, MaxEntries: 4})
	xsk := newMap(t, ebpf.MapSpec{Type: ebpf.XSKMap, KeySize: 4, ValueSize: 4, MaxEntries: 4})
	prog := load(t, f, Options{Dev: dev, XSK: xsk, TXRedirect: true, Ifindex: 1})
	run := func(first byte) uint32 {
		pkt := frameOf(60)
		pkt[0] = first
		verdict, _ := runKernel(t, prog, pkt)
		return verdict
	}
	if got := run(byte(ir.TX)); got != uint32(ir.Redirect) {
		t.Errorf("TX gives %d, want a redirect", got)
	}
	if got := run(byte(ir.Redirect)); got != uint32(ir.Drop) {
		t.Errorf("the redirect to a port that is not there gives %d, want a drop", got)
	}
	if got := run(0); got != uint32(ir.Pass) {
		t.Errorf("the exit without a socket gives %d, want pass", got)
	}
	if err := dev.Put(uint32(1), uint32(1)); err != nil { // lo
		t.Fatal(err)
	}
	if got := run(byte(ir.Redirect)); got != uint32(ir.Redirect) {
		t.Errorf("the redirect gives %d", got)
	}
}

func TestMarkedPacketsPass(t *testing.T) {
	mark := []byte("0123456789abcdef")
	b := build()
	f := b.ret(ir.Drop)
	prog := load(t, f, Options{Mark: mark})
	for _, c := range []struct {
		packet  []byte
		verdict ir.Verdict
		cut     int
	}{
		{append(bytes.Clone(mark), frameOf(14)...), ir.Pass, 16},
		{append(bytes.Clone(mark), frameOf(13)...), ir.Drop, 0},
		{append([]byte("0123456789abcdeF"), frameOf(14)...), ir.Drop, 0},
		{append([]byte("1123456789abcdef"), frameOf(14)...), ir.Drop, 0},
		{frameOf(14), ir.Drop, 0},
	} {
		verdict, out := runKernel(t, prog, c.packet)
		if verdict != uint32(c.verdict) || !bytes.Equal(out, c.packet[c.cut:]) {
			t.Errorf("%q: %d and %q", c.packet, verdict, out)
		}
	}
}
