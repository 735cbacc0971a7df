// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"pvlua/internal/privileged"
	"pvlua/luabpf/ir"
)

func newMap(t testing.TB, spec ebpf.MapSpec) *ebpf.Map {
	t.Helper()
	privileged.Require(t)
	m, err := ebpf.NewMap(&spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// perCPU makes a map of n numbers.
func perCPU(t testing.TB, n uint32) *ebpf.Map {
	return newMap(t, ebpf.MapSpec{Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: n})
}

// total adds up number i of a map.
func total(t testing.TB, m *ebpf.Map, i uint32) (sum uint64) {
	t.Helper()
	var each []uint64
	if err := m.Lookup(i, &each); err != nil {
		t.Fatal(err)
	}
	for _, n := range each {
		sum += n
	}
	return sum
}

func hashMap(t testing.TB, key, value int, ttl time.Duration) MapInfo {
	return MapInfo{
		Map: newMap(t, ebpf.MapSpec{Type: ebpf.Hash, KeySize: uint32(8 * key), ValueSize: uint32(8 + 8*value), MaxEntries: 4}),
		TTL: ttl, Max: 1000, Refused: perCPU(t, 1),
	}
}

// mapFunc makes a Func that does one operation, of which the packet has the key
// and value, and that stores what it gives.
func mapFunc(op ir.Op, key, value int) *ir.Func {
	b := build()
	b.Maps = []ir.Map{{Name: "m", Key: key, Value: value}}
	p := b.ptr(0)
	b.guard(p, 64)
	in := ir.Instr{Op: op, A: ir.None, B: ir.None}
	for i := range key {
		in.Args = append(in.Args, b.load(p, int32(8*i), 8))
	}
	if op != ir.MapGet && op != ir.MapDelete {
		for i := range value {
			in.Args = append(in.Args, b.load(p, int32(16+8*i), 8))
		}
	}
	if op == ir.MapGet || op == ir.MapAdd {
		for range value {
			in.Res = append(in.Res, b.konst(-1))
		}
	}
	res := in.Res
	done := b.op(in)
	b.store(p, 32, 8, done)
	b.when(done, ir.EQ, 1)
	for i, r := range res {
		b.store(p, int32(40+8*i), 8, r)
	}
	return b.ret(ir.TX)
}

func TestMapOperations(t *testing.T) {
	for _, c := range []struct{ key, value int }{{1, 1}, {2, 1}, {1, 2}, {2, 2}} {
		for _, ttl := range []time.Duration{0, time.Hour} {
			t.Run(fmt.Sprint(c, ttl), func(t *testing.T) {
				info, mem := hashMap(t, c.key, c.value, ttl), newMemory()
				ops := []ir.Op{ir.MapGet, ir.MapSet, ir.MapInsert, ir.MapDelete}
				if c.value == 1 {
					ops = append(ops, ir.MapAdd, ir.MapAdd)
				}
				progs, funcs := map[ir.Op]*ebpf.Program{}, map[ir.Op]*ir.Func{}
				for _, op := range ops {
					funcs[op] = mapFunc(op, c.key, c.value)
					progs[op] = load(t, funcs[op], Options{Maps: []MapInfo{info}})
				}
				rnd := rand.New(rand.NewPCG(1, 2))
				for range 2000 {
					op := ops[rnd.IntN(len(ops))]
					pkt := words(rnd.Int64N(6), rnd.Int64N(3), rnd.Int64N(700)-150, rnd.Int64N(100))
					compare(t, progs[op], funcs[op], pkt, mem)
				}
				if total(t, info.Refused, 0) == 0 {
					t.Error("no new key was refused")
				}
			})
		}
	}
}

// give runs an operation on key 1 and gives its result and value.
func give(t *testing.T, info MapInfo, op ir.Op, key, value int64) (result, got int64) {
	t.Helper()
	_, out := runKernel(t, load(t, mapFunc(op, 1, 1), Options{Maps: []MapInfo{info}}), words(key, 0, value))
	at := func(i int) (n int64) {
		for j := range 8 {
			n |= int64(out[i+j]) << (8 * j)
		}
		return n
	}
	return at(32), at(40)
}

func TestEntriesAgeOut(t *testing.T) {
	const ttl = 60 * time.Millisecond
	for _, c := range []struct {
		op     ir.Op
		result int64 // on the entry that has aged out
		then   int64 // what a look-up gives afterwards: the value, or -1
	}{
		{ir.MapGet, 0, -1}, {ir.MapSet, 1, 5}, {ir.MapInsert, 1, 5}, {ir.MapAdd, 1, 5}, {ir.MapDelete, 0, -1},
	} {
		info := hashMap(t, 1, 1, ttl)
		give(t, info, ir.MapSet, 1, 100)
		if result, got := give(t, info, ir.MapGet, 1, 0); result != 1 || got != 100 {
			t.Fatalf("%v: the entry is not there: %d, %d", c.op, result, got)
		}
		time.Sleep(ttl + 5*time.Millisecond)
		if result, _ := give(t, info, c.op, 1, 5); result != c.result {
			t.Errorf("%v gives %d, want %d", c.op, result, c.result)
		}
		result, got := give(t, info, ir.MapGet, 1, 0)
		if result == 0 {
			got = -1
		}
		if got != c.then {
			t.Errorf("after %v there is %d, want %d", c.op, got, c.then)
		}
	}
}

func TestTouchedEntriesStay(t *testing.T) {
	const ttl = 160 * time.Millisecond
	for _, op := range []ir.Op{ir.MapGet, ir.MapSet, ir.MapAdd} {
		info := hashMap(t, 1, 1, ttl)
		give(t, info, ir.MapSet, 1, 100)
		for range 4 {
			time.Sleep(ttl / 2)
			if result, _ := give(t, info, op, 1, 0); result != 1 {
				t.Errorf("%v finds %d", op, result)
			}
		}
		if n, _ := give(t, info, ir.MapGet, 1, 0); n != 1 {
			t.Errorf("%v did not touch the entry", op)
		}
	}
	info := hashMap(t, 1, 1, ttl)
	give(t, info, ir.MapSet, 1, 100)
	time.Sleep(ttl * 2 / 3)
	if n, _ := give(t, info, ir.MapInsert, 1, 5); n != 0 {
		t.Errorf("an insertion found %d", n)
	}
	time.Sleep(ttl * 2 / 3)
	if n, _ := give(t, info, ir.MapGet, 1, 0); n != 0 {
		t.Error("an insertion touched the entry that it found")
	}
}

func TestMapAddKeepsTheRange(t *testing.T) {
	info := hashMap(t, 1, 1, 0)
	for _, c := range []struct{ n, result, sum int64 }{{-1, 2, 0}, {1001, 2, 0}, {1000, 1, 1000}, {1, 2, 0}, {-1000, 1, 0}, {-1, 2, 0}, {7, 1, 7}} {
		result, sum := give(t, info, ir.MapAdd, 1, c.n)
		if result != c.result || result == 1 && sum != c.sum {
			t.Errorf("adding %d gives %d and %d, want %d and %d", c.n, result, sum, c.result, c.sum)
		}
	}
}

func TestCounters(t *testing.T) {
	b := build()
	b.Counters = append(b.Counters, ir.Counter{Name: "bytes"})
	n := b.op(ir.Instr{Op: ir.Len, A: ir.None, B: ir.None})
	b.add(ir.Instr{Op: ir.CountAdd, Dst: ir.None, A: ir.None, B: ir.None, Imm: 1})
	b.add(ir.Instr{Op: ir.CountAdd, Dst: ir.None, A: n, B: ir.None, Ref: 1})
	f := b.ret(ir.Drop)
	counters, mem := perCPU(t, 2), newMemory()
	prog := load(t, f, Options{Counters: counters})
	for _, n := range lengths {
		compare(t, prog, f, frameOf(n), mem)
	}
	for i := range 2 {
		if got := total(t, counters, uint32(i)); got != uint64(mem.counters[i]) || got == 0 {
			t.Errorf("counter %d is %d, want %d", i, got, mem.counters[i])
		}
	}
}

func TestTables(t *testing.T) {
	for _, wide := range []bool{false, true} {
		for _, size := range []int{0, 1, 4, 5, 8, 9, 32, 33, 300} {
			b := build()
			table := ir.Table{Name: "t", Wide: wide}
			for i := range size {
				e := ir.Entry{Key: uint64(i/2)*3 + uint64(i)<<33, Value: int64(i) - 5}
				if wide {
					e = ir.Entry{Key: uint64(i / 2), High: uint64(i) << 40, Value: int64(i) << 33}
				}
				table.Entries = append(table.Entries, e)
			}
			b.Tables = []ir.Table{table}
			p := b.ptr(0)
			b.guard(p, 16)
			in := ir.Instr{Op: ir.TableGet, A: b.load(p, 0, 8), B: ir.None, Res: []ir.Reg{b.NewReg(ir.Number)}}
			if wide {
				in.A, in.Args = ir.None, []ir.Reg{in.A, b.load(p, 8, 8)}
			}
			value := in.Res[0]
			found := b.op(in)
			b.when(found, ir.EQ, 1)
			f := b.result(found, value)
			prog := load(t, f, Options{})
			for i := range size + 1 {
				e := ir.Entry{Key: 12345, High: 1}
				if i < size {
					e = table.Entries[i]
				}
				for _, d := range []int64{0, 1, -1, 1 << 40} {
					compare(t, prog, f, words(int64(e.Key)+d, int64(e.High)), newMemory())
					compare(t, prog, f, words(int64(e.Key), int64(e.High)+d), newMemory())
				}
			}
		}
	}
}
