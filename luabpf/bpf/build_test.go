// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/cilium/ebpf"

	"pvlua/internal/privileged"
	"pvlua/luabpf/ir"
)

// builder writes a Func by hand.
type builder struct {
	*ir.Func
	b *ir.Block
}

// build makes a Func with one site, one counter and an entry block.
func build() *builder {
	f := &ir.Func{Name: "test.lua", Sites: []ir.Site{{Line: 3, Reason: "a string"}}, Counters: []ir.Counter{{Name: "n"}}}
	return &builder{f, f.NewBlock()}
}

func (b *builder) add(in ir.Instr) {
	in.Line = int32(len(b.b.Instrs) + 1)
	b.b.Instrs = append(b.b.Instrs, in)
}

// op adds an instruction and gives the register that it sets.
func (b *builder) op(in ir.Instr) ir.Reg {
	in.Dst = b.NewReg(ir.Number)
	b.add(in)
	return in.Dst
}

func (b *builder) konst(n int64) ir.Reg {
	return b.op(ir.Instr{Op: ir.Const, A: ir.None, B: ir.None, Imm: n})
}

func (b *builder) bin(op ir.Op, x, y ir.Reg) ir.Reg { return b.op(ir.Instr{Op: op, A: x, B: y}) }

func (b *builder) imm(op ir.Op, x ir.Reg, n int64) ir.Reg {
	return b.op(ir.Instr{Op: op, A: x, B: ir.None, Imm: n})
}

func (b *builder) ptr(off int64) ir.Reg {
	p := b.NewReg(ir.Pointer)
	b.add(ir.Instr{Op: ir.Ptr, Dst: p, A: ir.None, B: ir.None, Imm: off})
	return p
}

func (b *builder) ptrAt(off ir.Reg) ir.Reg {
	p := b.NewReg(ir.Pointer)
	b.add(ir.Instr{Op: ir.Ptr, Dst: p, A: off, B: ir.None})
	return p
}

func (b *builder) load(p ir.Reg, off int32, size uint8) ir.Reg {
	return b.op(ir.Instr{Op: ir.Load, A: p, B: ir.None, Off: off, Size: size})
}

func (b *builder) store(p ir.Reg, off int32, size uint8, v ir.Reg) {
	b.add(ir.Instr{Op: ir.Store, Dst: ir.None, A: p, B: v, Off: off, Size: size})
}

func (b *builder) storeImm(p ir.Reg, off int32, size uint8, n int64) {
	b.add(ir.Instr{Op: ir.Store, Dst: ir.None, A: p, B: ir.None, Off: off, Size: size, Imm: n})
}

func (b *builder) swap(x ir.Reg, size uint8) ir.Reg {
	return b.op(ir.Instr{Op: ir.Swap, A: x, B: ir.None, Size: size})
}

// guard goes on in a new block, or passes the packet.
func (b *builder) guard(p ir.Reg, n int64) {
	then := b.NewBlock()
	b.b.Term = ir.Term{Kind: ir.Guard, A: p, B: ir.None, Imm: n, Then: then, Else: b.ending(ir.Pass)}
	b.b = then
}

// when goes on in a new block where the condition holds, or passes the packet.
func (b *builder) when(x ir.Reg, c ir.Cond, n int64) {
	then := b.NewBlock()
	b.b.Term = ir.Term{Kind: ir.Branch, Cond: c, A: x, B: ir.None, Imm: n, Then: then, Else: b.ending(ir.Pass)}
	b.b = then
}

func (b *builder) ending(v ir.Verdict) *ir.Block {
	e := b.NewBlock()
	e.Term = ir.Term{Kind: ir.Return, Verdict: v, A: ir.None, B: ir.None}
	return e
}

func (b *builder) ret(v ir.Verdict) *ir.Func {
	b.b.Term = ir.Term{Kind: ir.Return, Verdict: v, A: ir.None, B: ir.None}
	return b.Func
}

func (b *builder) exit() *ir.Func {
	b.b.Term = ir.Term{Kind: ir.Exit, A: ir.None, B: ir.None}
	return b.Func
}

// headroom is what the kernel puts before the packets of test runs
// (XDP_PACKET_HEADROOM), less what it keeps for itself (struct xdp_frame).
const headroom = 256 - 40

// load loads a Func.
func load(t testing.TB, f *ir.Func, o Options) *ebpf.Program {
	t.Helper()
	privileged.Require(t)
	if err := ir.Verify(f); err != nil {
		t.Fatalf("%v\n%s", err, f)
	}
	p, err := Load(f, o)
	if err != nil {
		var log *ebpf.VerifierError
		errors.As(err, &log)
		t.Fatalf("%v\n%s\n%+v", err, f, log)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// runKernel executes a loaded program on a packet.
func runKernel(t testing.TB, p *ebpf.Program, packet []byte) (verdict uint32, out []byte) {
	t.Helper()
	out = make([]byte, 8192)
	opts := &ebpf.RunOptions{Data: packet, DataOut: out}
	verdict, err := p.Run(opts)
	if err != nil {
		t.Fatal(err)
	}
	return verdict, opts.DataOut
}

// memory is counters and maps without bounds.
type memory struct {
	counters map[int]int64
	maps     map[string][]uint64
	max      int
}

func newMemory() *memory {
	return &memory{counters: map[int]int64{}, maps: map[string][]uint64{}, max: 4}
}

func (m *memory) name(i int, key []uint64) string { return fmt.Sprint(i, key) }

func (m *memory) CountAdd(i int, n int64) { m.counters[i] += n }

func (m *memory) MapGet(i int, key, value []uint64) bool {
	v, ok := m.maps[m.name(i, key)]
	copy(value, v)
	return ok
}

func (m *memory) MapSet(i int, key, value []uint64) int {
	if m.maps[m.name(i, key)] == nil && len(m.maps) == m.max {
		return 0
	}
	m.maps[m.name(i, key)] = append([]uint64{}, value...)
	return 1
}

func (m *memory) MapInsert(i int, key, value []uint64) int {
	switch {
	case m.maps[m.name(i, key)] != nil:
		return 0
	case len(m.maps) == m.max:
		return 2
	}
	return m.MapSet(i, key, value)
}

func (m *memory) MapAdd(i int, key []uint64, n int64) (int64, int) {
	old := m.maps[m.name(i, key)]
	sum := n
	if old != nil {
		sum += int64(old[0])
	}
	switch {
	case sum < 0 || sum > 1000:
		return 0, 2
	case old == nil && len(m.maps) == m.max:
		return 0, 0
	}
	m.maps[m.name(i, key)] = []uint64{uint64(sum)}
	return sum, 1
}

func (m *memory) MapDelete(i int, key []uint64) int {
	if m.maps[m.name(i, key)] == nil {
		return 0
	}
	delete(m.maps, m.name(i, key))
	return 1
}

// compare runs a packet in the kernel and in the interpreter.
func compare(t testing.TB, p *ebpf.Program, f *ir.Func, packet []byte, mem ir.Memory) {
	t.Helper()
	verdict, out := runKernel(t, p, packet)
	buf := make([]byte, headroom+len(packet)+2048)
	copy(buf[headroom:], packet)
	pkt := &ir.Packet{Buf: buf, From: headroom, To: headroom + len(packet)}
	want, err := ir.Run(f, pkt, mem)
	if err != nil {
		t.Fatalf("%v\n%s", err, f)
	}
	if verdict != uint32(want.Verdict) {
		t.Fatalf("verdict %d, the interpreter says %d (site %d), for % x\n%s", verdict, want.Verdict, want.Site, packet, f)
	}
	if b := pkt.Buf[pkt.From:pkt.To]; !bytes.Equal(out, b) {
		t.Fatalf("packet % x\n%d bytes: % x\nthe interpreter has\n%d bytes: % x\n%s", packet, len(out), out, len(b), b, f)
	}
}

// frameOf is a packet of n bytes in which each differs from its neighbours.
func frameOf(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*37 + 5)
	}
	return b
}

// result makes a Func that keeps numbers in the packet's first bytes, 8 each,
// and transmits it.
func (b *builder) result(values ...ir.Reg) *ir.Func {
	p := b.ptr(0)
	b.guard(p, int64(8*len(values)))
	for i, v := range values {
		b.store(p, int32(8*i), 8, v)
	}
	return b.ret(ir.TX)
}
