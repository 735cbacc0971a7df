// SPDX-License-Identifier: GPL-3.0-or-later

package kmap

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"pvlua/internal/privileged"
	"pvlua/luabpf/bpf"
	"pvlua/luabpf/ir"
	"pvlua/state"
)

// bound gives a map of a store that has moved into the kernel, and its twin that
// has not.
func bound(t *testing.T, shape state.Shape) (moved, stayed *state.Map) {
	t.Helper()
	privileged.Require(t)
	store := state.New()
	moved, err := store.Map("m", shape)
	if err != nil {
		t.Fatal(err)
	}
	stayed, _ = state.New().Map("m", shape)
	r := New(store)
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	f := &ir.Func{Maps: []ir.Map{{Name: "m", Key: registers(shape.Key), Value: registers(shape.Value)}}}
	var o bpf.Options
	if err := r.Bind(f, &o); err != nil {
		t.Fatal(err)
	}
	if len(o.Maps) != 1 || o.Maps[0].Map == nil {
		t.Fatal("the program got no map")
	}
	return moved, stayed
}

// value makes one of few keys or values of a width, some of them wrong.
func value(rnd *rand.Rand, w state.Width) state.Value {
	switch {
	case rnd.IntN(40) == 0:
		return state.String("no")
	case rnd.IntN(40) == 0:
		return state.Number(float64(limit(w)) + 1)
	case w == state.IP6:
		return state.String(fmt.Sprintf("%016d", rnd.IntN(12)))
	case rnd.IntN(4) == 0:
		return state.Number(float64(limit(w)) - float64(rnd.IntN(3)))
	}
	return state.Number(float64(rnd.IntN(10)))
}

// TestMapsAreTheSame: what a script sees of a map in the kernel is what it sees
// of one that is not.
func TestMapsAreTheSame(t *testing.T) {
	now := time.Time{}
	for _, shape := range []state.Shape{
		{Max: 5, Key: state.U8, Value: state.U8},
		{Max: 100, Key: state.U32, Value: state.U64},
		{Max: 7, Key: state.IP6, Value: state.U16},
		{Max: 7, Key: state.U64, Value: state.IP6},
		{Max: 7, Key: state.U16, Value: state.U32, TTL: time.Hour},
	} {
		t.Run(shape.String(), func(t *testing.T) {
			a, b := bound(t, shape)
			rnd := rand.New(rand.NewPCG(1, 2))
			for step := range 2000 {
				key, v := value(rnd, shape.Key), value(rnd, shape.Value)
				var x, y any
				switch op := rnd.IntN(6); op {
				case 0:
					x, y = results(a.Get(key, now)), results(b.Get(key, now))
				case 1:
					x, y = pair(a.Set(key, v, now)), pair(b.Set(key, v, now))
				case 2:
					x, y = pair(a.Insert(key, v, now)), pair(b.Insert(key, v, now))
				case 3:
					n := float64(rnd.IntN(7)-3) / []float64{1, 1, 1, 2}[rnd.IntN(4)]
					x, y = results(a.Add(key, n, now)), results(b.Add(key, n, now))
				case 4:
					x, y = pair(a.Delete(key, now)), pair(b.Delete(key, now))
				case 5:
					x, y = []any{a.Len(now), a.Refused()}, []any{b.Len(now), b.Refused()}
				}
				if x, y := fmt.Sprint(x), fmt.Sprint(y); x != y {
					t.Fatalf("step %d with key %v, value %v: %s in the kernel, %s outside", step, key, v, x, y)
				}
				if x, y := fmt.Sprint(a.Items(now)), fmt.Sprint(b.Items(now)); x != y {
					t.Fatalf("step %d: %s in the kernel, %s outside", step, x, y)
				}
			}
			if a.Refused() == 0 && shape.Max < 100 {
				t.Error("the map was never full")
			}
		})
	}
}

func results[V any](v V, ok bool, err error) []any { return []any{v, ok, err} }
func pair[V any](v V, err error) []any             { return []any{v, err} }

// TestEntriesMove into the kernel with the map.
func TestEntriesMove(t *testing.T) {
	privileged.Require(t)
	store := state.New()
	m, _ := store.Map("m", state.Shape{Max: 10, Key: state.U32, Value: state.U32})
	for i := range 8 {
		m.Set(state.Number(float64(i)), state.Number(float64(i*i)), time.Time{})
	}
	want := m.Items(time.Time{})
	r := New(store)
	defer r.Close()
	if err := r.Bind(&ir.Func{Maps: []ir.Map{{Name: "m", Key: 1, Value: 1}}}, new(bpf.Options)); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(fmt.Sprint(want), fmt.Sprint(m.Items(time.Time{}))); d != "" {
		t.Error(d)
	}
	if _, ok := m.Place().(*Map); !ok {
		t.Errorf("the entries are at %T", m.Place())
	}
}

// TestEntriesAge by the kernel's clock, and make room for others.
func TestEntriesAge(t *testing.T) {
	const ttl = 50 * time.Millisecond
	m, _ := bound(t, state.Shape{Max: 2, Key: state.U8, Value: state.U8, TTL: ttl})
	now := time.Now()
	m.Set(state.Number(1), state.Number(10), now)
	m.Set(state.Number(2), state.Number(20), now)
	time.Sleep(ttl + 10*time.Millisecond)
	if _, ok, _ := m.Get(state.Number(1), now); ok {
		t.Error("an entry outlived its time")
	}
	if n := m.Len(now); n != 0 {
		t.Errorf("%d entries are left", n)
	}
	if ok, err := m.Set(state.Number(3), state.Number(30), now); !ok || err != nil {
		t.Errorf("aged entries keep new ones out: %v, %v", ok, err)
	}
	if m.Refused() != 0 {
		t.Logf("%d refused before what had aged was swept out", m.Refused())
	}
}

// TestSweepMakesRoom in a map that has refused something.
func TestSweepMakesRoom(t *testing.T) {
	privileged.Require(t)
	store := state.New()
	m, _ := store.Map("m", state.Shape{Max: 1, Key: state.U8, Value: state.U8, TTL: 10 * time.Millisecond})
	r := New(store)
	defer r.Close()
	if r.Ages() {
		t.Error("something ages in a registry without maps")
	}
	if err := r.Bind(&ir.Func{Maps: []ir.Map{{Name: "m", Key: 1, Value: 1}}}, new(bpf.Options)); err != nil {
		t.Fatal(err)
	}
	k := m.Place().(*Map)
	set := func(key float64) uint64 { // as a program of the kernel does
		outcome, _, err := k.run(ir.MapSet, state.Number(key), state.Number(1))
		if err != nil {
			t.Fatal(err)
		}
		return outcome
	}
	set(1)
	time.Sleep(15 * time.Millisecond)
	if set(2) != 0 {
		t.Fatal("a full map took a second entry")
	}
	if r.Sweep(); set(2) != 1 || !r.Ages() {
		t.Error("there is no room after a sweep")
	}
}

// TestAdditionsFromOutsideAreAtomic among each other.
func TestAdditionsFromOutsideAreAtomic(t *testing.T) {
	m, _ := bound(t, state.Shape{Max: 4, Key: state.U8, Value: state.U32})
	const workers, rounds = 4, 300
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for range rounds {
				if _, ok, err := m.Add(state.Number(1), 1, time.Time{}); !ok || err != nil {
					t.Error(ok, err)
				}
			}
		})
	}
	all.Wait()
	if v, _, _ := m.Get(state.Number(1), time.Time{}); v != state.Number(workers*rounds) {
		t.Errorf("added up to %v of %d", v, workers*rounds)
	}
}

// TestCountersAddUp over CPUs, programs and user space.
func TestCountersAddUp(t *testing.T) {
	privileged.Require(t)
	store := state.New()
	r := New(store)
	first := counting("a", "b")
	for range 2 { // a second program that counts the same in another order
		var o bpf.Options
		if err := r.Bind(first, &o); err != nil {
			t.Fatal(err)
		}
		prog, err := bpf.Load(first, o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := prog.Run(&ebpf.RunOptions{Data: make([]byte, 14)}); err != nil {
			t.Fatal(err)
		}
		prog.Close()
		first = counting("b", "a")
	}
	a, _ := store.Counter("a")
	b, _ := store.Counter("b")
	a.Add(100)
	if a.Get() != 103 || b.Get() != 3 {
		t.Errorf("a counts %d of 103, b %d of 3", a.Get(), b.Get())
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if a.Get() != 103 || b.Get() != 3 {
		t.Errorf("after the end a counts %d of 103, b %d of 3", a.Get(), b.Get())
	}
}

// counting makes a handler that adds 1 to its first counter and 2 to the second.
func counting(names ...string) *ir.Func {
	f := &ir.Func{Name: "count"}
	b := f.NewBlock()
	for i, name := range names {
		f.Counters = append(f.Counters, ir.Counter{Name: name})
		b.Instrs = append(b.Instrs, ir.Instr{Op: ir.CountAdd, Dst: ir.None, A: ir.None, B: ir.None, Ref: int32(i), Imm: int64(i) + 1})
	}
	b.Term = ir.Term{Kind: ir.Return, A: ir.None, B: ir.None, Verdict: ir.Drop}
	return f
}
