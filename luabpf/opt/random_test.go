// SPDX-License-Identifier: GPL-3.0-or-later

package opt

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"testing"

	"pvlua/luabpf/ir"
	"pvlua/luabpf/irtest"
	"pvlua/luabpf/opt/opttest"
)

// outcome is all that a program does.
type outcome struct {
	ir.Result
	packet   []byte
	counters map[int]int64
	maps     map[string][2]uint64
}

// tableMemory is maps that are never full, and counters.
type tableMemory struct{ o *outcome }

func (m tableMemory) key(i int, key []uint64) string {
	b := []byte{byte(i)}
	for _, k := range key {
		for j := range 8 {
			b = append(b, byte(k>>(8*j)))
		}
	}
	return string(b)
}

func (m tableMemory) CountAdd(i int, n int64) { m.o.counters[i] += n }

func (m tableMemory) MapGet(i int, key, value []uint64) bool {
	v, ok := m.o.maps[m.key(i, key)]
	copy(value, v[:])
	return ok
}

func (m tableMemory) MapSet(i int, key, value []uint64) int {
	var v [2]uint64
	copy(v[:], value)
	m.o.maps[m.key(i, key)] = v
	return 1
}

func (m tableMemory) MapInsert(i int, key, value []uint64) int {
	if _, ok := m.o.maps[m.key(i, key)]; ok {
		return 0
	}
	return m.MapSet(i, key, value)
}

func (m tableMemory) MapAdd(i int, key []uint64, n int64) (int64, int) {
	v := m.o.maps[m.key(i, key)]
	if v[0]+uint64(n) > 1000 {
		return 0, 2
	}
	v[0] += uint64(n)
	m.o.maps[m.key(i, key)] = v
	return int64(v[0]), 1
}

func (m tableMemory) MapDelete(i int, key []uint64) int {
	if _, ok := m.o.maps[m.key(i, key)]; !ok {
		return 0
	}
	delete(m.o.maps, m.key(i, key))
	return 1
}

// runOn executes a program on a packet.
func runOn(t testing.TB, f *ir.Func, packet []byte) outcome {
	t.Helper()
	o := outcome{counters: map[int]int64{}, maps: map[string][2]uint64{}}
	for i := range f.Maps { // half of the keys are there
		for k := range uint64(8) {
			m := tableMemory{&o}
			m.MapSet(i, []uint64{2 * k, k & 1}[:f.Maps[i].Key], []uint64{k, k + 1}[:f.Maps[i].Value])
		}
	}
	const room = 64
	p := &ir.Packet{Buf: make([]byte, len(packet)+2*room), From: room, To: room + len(packet)}
	copy(p.Buf[room:], packet)
	var err error
	if o.Result, err = ir.Run(f, p, tableMemory{&o}); err != nil {
		t.Fatalf("%v\n%s", err, f)
	}
	if o.Verdict != ir.Redirect {
		o.Port = 0 // which means nothing
	}
	o.packet = p.Buf[p.From:p.To]
	return o
}

func (o outcome) equal(p outcome) bool {
	return o.Result == p.Result && bytes.Equal(o.packet, p.packet) && maps.Equal(o.counters, p.counters) && maps.Equal(o.maps, p.maps)
}

// check runs all passes one by one, and looks after each whether the program is
// valid and does what it did.
func check(t testing.TB, f *ir.Func, packets [][]byte) {
	t.Helper()
	var want []outcome
	for _, p := range packets {
		want = append(want, runOn(t, f, p))
	}
	before := f.String()
	step := func(p pass) bool {
		was := f.String()
		changed := p.run(f)
		if err := ir.Verify(f); err != nil {
			t.Fatalf("after %s: %v\n%s\nit was\n%s", p.name, err, f, was)
		}
		if now := f.String(); now != was && !changed {
			t.Fatalf("%s says that it changed nothing, of\n%s\nand there is\n%s", p.name, was, now)
		}
		for i, pkt := range packets {
			if got := runOn(t, f, pkt); !got.equal(want[i]) {
				t.Fatalf("after %s: on % x\n%+v, want\n%+v\n%s\nit was\n%s\nand first\n%s", p.name, pkt, got, want[i], f, was, before)
			}
		}
		return changed
	}
	for _, p := range first {
		step(p)
	}
	for n := 0; ; n++ {
		changed := false
		for _, p := range then {
			changed = step(p) || changed
		}
		if !changed {
			return
		}
		if n == 50 {
			t.Fatalf("the passes find no end of\n%s\nwhich was\n%s", f, before)
		}
	}
}

// programs is how many random programs a test run takes.
func programs() uint64 {
	if testing.Short() {
		return 200
	}
	return 400
}

func TestRandomPrograms(t *testing.T) {
	for seed := range programs() {
		rnd := rand.New(rand.NewPCG(seed, 3))
		f := opttest.Random(rnd, 5+rnd.IntN(80))
		var packets [][]byte
		for range 8 {
			packets = append(packets, opttest.Packet(rnd))
		}
		check(t, f, packets)
	}
}

func TestRandomProgramsWithMaps(t *testing.T) {
	for seed := range programs() {
		rnd := rand.New(rand.NewPCG(seed, 4))
		f := irtest.Random(rnd)
		var packets [][]byte
		for range 8 {
			packets = append(packets, irtest.Packet(rnd))
		}
		check(t, f, packets)
	}
}
