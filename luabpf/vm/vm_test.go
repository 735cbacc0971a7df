// SPDX-License-Identifier: GPL-3.0-or-later

package vm_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pvlua/luabind"
	"pvlua/luabpf/ir"
	"pvlua/luabpf/irtest"
	"pvlua/luabpf/vm"
	"pvlua/state"
)

// room is what is around the packets.
const room = 12

func now() time.Time { return time.Unix(1, 0) }

// side is one of two that must do the same.
type side struct {
	store *state.Store
	env   vm.Env
	buf   []byte
	from  int
	to    int
}

func newSide(t *testing.T, f *ir.Func) *side {
	t.Helper()
	s := &side{store: state.New()}
	var err error
	if s.env, err = irtest.Env(f, s.store, irtest.Shapes, now); err != nil {
		t.Fatal(err)
	}
	return s
}

// take puts a packet between the room.
func (s *side) take(b []byte) {
	s.buf = bytes.Repeat([]byte{0xee}, 2*room+len(b))
	copy(s.buf[room:], b)
	s.from, s.to = room, room+len(b)
}

// String says what there is after a packet.
func (s *side) String() string {
	text := fmt.Sprintf("%d:%d of %x", s.from, s.to, s.buf)
	for _, c := range s.env.Counters {
		text += fmt.Sprintf("\ncounter %d", c.Get())
	}
	for _, m := range s.env.Maps {
		text += fmt.Sprintf("\n%s %d %q", m.Name(), m.Refused(), m.Items(now()))
	}
	return text
}

// A Program does what ir.Run does: functions made at random, on packets changed
// at random, end alike and leave the same bytes, counters and maps.
func TestSameAsRun(t *testing.T) {
	count := 3000
	if testing.Short() {
		count = 300
	}
	ends := make(map[string]int)
	for seed := range uint64(count) {
		rng := rand.New(rand.NewPCG(seed, 4))
		f := irtest.Random(rng)
		if err := ir.Verify(f); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, f)
		}
		plain, fast := newSide(t, f), newSide(t, f)
		program, err := vm.Compile(f, fast.env)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, f)
		}
		for range 20 {
			b := irtest.Packet(rng)
			plain.take(b)
			before := plain.String()
			p := ir.Packet{Buf: plain.buf, From: plain.from, To: plain.to}
			want, err := ir.Run(f, &p, irtest.Memory(plain.env))
			if err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, f)
			}
			plain.from, plain.to = p.From, p.To
			fast.take(b)
			q := luabind.Packet{Buf: fast.buf, From: fast.from, To: fast.to, Verdict: 77, Out: 77}
			var got ir.Result
			if program.Run(&q) {
				got.Verdict, got.Port = ir.Verdict(q.Verdict), q.Out
				if want.Verdict != ir.Redirect {
					want.Port = 0
				}
			} else if got.Site = program.Site(); q.Verdict != 77 || q.Out != 77 {
				t.Fatalf("seed %d: a verdict on a packet that left", seed)
			}
			fast.from, fast.to = q.From, q.To
			if got != want || q.Err != nil || plain.String() != fast.String() {
				t.Fatalf("seed %d: %v, %v\n%s\nwant %v\n%s\n%x\n%s", seed, got, q.Err, fast, want, plain, b, f)
			}
			if want.Verdict == 0 && plain.String() != before {
				t.Fatalf("seed %d: an exit after\n%s\nfrom\n%s", seed, plain, before)
			}
			ends[want.Verdict.String()]++
		}
	}
	for _, end := range []string{"drop", "pass", "tx", "redirect", "verdict0"} {
		if ends[end] < count/20 {
			t.Errorf("%d runs ended with %s of %v", ends[end], end, ends)
		}
	}
}

// Each instruction of the machine is in some of those functions, or their
// agreement would say little.
func TestEachInstruction(t *testing.T) {
	seen := make(map[int]int)
	for seed := range uint64(1500) {
		f := irtest.Random(rand.New(rand.NewPCG(seed, 4)))
		p, err := vm.Compile(f, newSide(t, f).env)
		if err != nil {
			t.Fatal(err)
		}
		for _, op := range p.Opcodes() {
			seen[op]++
		}
	}
	for op := range vm.LastOpcode + 1 {
		if op != vm.NoOpcode && seen[op] < 3 {
			t.Errorf("instruction %d is %d times in the functions", op, seen[op])
		}
	}
}

// Programs are run without allocation.
func TestAllocations(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		f := irtest.Random(rng)
		s := newSide(t, f)
		p, err := vm.Compile(f, s.env)
		if err != nil {
			t.Fatal(err)
		}
		s.take(irtest.Packet(rng))
		buf := slices.Clone(s.buf)
		run := func() {
			copy(s.buf, buf)
			q := luabind.Packet{Buf: s.buf, From: s.from, To: s.to}
			p.Run(&q)
		}
		for range 20 {
			run() // the entries of the maps are made now
		}
		if n := testing.AllocsPerRun(20, run); n > 0 && !changesMaps(f) {
			t.Errorf("%v allocations\n%s", n, f)
		}
	}
}

// changesMaps reports whether a Func makes or changes entries of maps.
func changesMaps(f *ir.Func) bool {
	for _, b := range f.Blocks {
		for _, in := range b.Instrs {
			if in.Op >= ir.MapSet && in.Op <= ir.MapDelete {
				return true
			}
		}
	}
	return false
}

// Exits are counted by site.
func TestExits(t *testing.T) {
	f := &ir.Func{Sites: []ir.Site{{Line: 1}, {Line: 2}}}
	b := f.NewBlock()
	n := f.NewReg(ir.Number)
	b.Instrs = []ir.Instr{{Op: ir.Len, Dst: n}}
	one, two := f.NewBlock(), f.NewBlock()
	b.Term = ir.Term{Kind: ir.Branch, Cond: ir.LT, A: n, B: ir.None, Imm: 20, Then: one, Else: two}
	one.Term, two.Term = ir.Term{Kind: ir.Exit, Site: 0}, ir.Term{Kind: ir.Exit, Site: 1}
	p, err := vm.Compile(f, vm.Env{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{14, 30, 31} {
		if p.Run(&luabind.Packet{Buf: make([]byte, n), To: n}) {
			t.Error("the packet did not leave")
		}
	}
	if got := p.Exits(); !slices.Equal(got, []uint64{1, 2}) {
		t.Errorf("exits %d", got)
	}
}

// What can't be compiled is refused.
func TestRefusals(t *testing.T) {
	f := &ir.Func{Name: "x.lua"}
	b := f.NewBlock()
	if _, err := vm.Compile(f, vm.Env{}); err == nil {
		t.Error("a block without end was taken")
	}
	b.Term = ir.Term{Kind: ir.Return, Verdict: ir.Pass}
	if _, err := vm.Compile(f, vm.Env{Counters: make([]*state.Counter, 1)}); err == nil || err.Error() != "vm: 1 counters and 0 maps for x.lua, which has 0 and 0" {
		t.Error(err)
	}
	sum := f.NewReg(ir.Number)
	b.Instrs = append(b.Instrs, ir.Instr{Op: ir.Const, Dst: sum})
	for range 255 {
		b.Instrs = append(b.Instrs, ir.Instr{Op: ir.Len, Dst: f.NewReg(ir.Number)})
	}
	for r := range sum + 256 {
		b.Instrs = append(b.Instrs, ir.Instr{Op: ir.Add, Dst: sum, A: sum, B: r})
	}
	if _, err := vm.Compile(f, vm.Env{}); err != nil {
		t.Error(err)
	}
	b.Instrs = append([]ir.Instr{{Op: ir.Len, Dst: f.NewReg(ir.Number)}}, b.Instrs...)
	b.Instrs = append(b.Instrs, ir.Instr{Op: ir.Add, Dst: sum, A: sum, B: 256})
	if _, err := vm.Compile(f, vm.Env{}); err == nil || err.Error() != "vm: x.lua needs more than 256 values at the same time" {
		t.Error(err)
	}
	b.Instrs = slices.Repeat([]ir.Instr{{Op: ir.Len, Dst: sum}}, 1<<16)
	if _, err := vm.Compile(f, vm.Env{}); err == nil || err.Error() != "vm: x.lua makes 65537 instructions; at most 65535 are possible" {
		t.Error(err)
	}
}
