// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

import (
	"math/rand/v2"
	"testing"

	"github.com/cilium/ebpf"

	"pvlua/internal/privileged"
	"pvlua/luabpf/ir"
	"pvlua/luabpf/irtest"
	"pvlua/luabpf/opt"
	"pvlua/luabpf/opt/opttest"
	"pvlua/state"
)

// programs is how many random programs a test run takes.
func programs() uint64 {
	if testing.Short() {
		return 20
	}
	return 150
}

// TestRandomPrograms runs programs of all shapes on the kernel and on the
// interpreter.
func TestRandomPrograms(t *testing.T) {
	privileged.Require(t)
	for seed := range programs() {
		rnd := rand.New(rand.NewPCG(seed, 7))
		f := opttest.Random(rnd, 5+rnd.IntN(80))
		if seed%2 == 0 {
			opt.Run(f)
		}
		counters, mem := perCPU(t, opttest.Counters), newMemory()
		prog := load(t, f, Options{Counters: counters})
		for range 20 {
			compare(t, prog, f, opttest.Packet(rnd), mem)
		}
		for i := range opttest.Counters {
			if got := total(t, counters, uint32(i)); got != uint64(mem.counters[i]) {
				t.Fatalf("seed %d: counter %d is %d, want %d\n%s", seed, i, got, mem.counters[i], f)
			}
		}
		prog.Close()
		counters.Close()
	}
}

// TestRandomProgramsWithMaps: the maps begin empty, and keep what earlier
// packets left.
func TestRandomProgramsWithMaps(t *testing.T) {
	privileged.Require(t)
	for seed := range programs() {
		rnd := rand.New(rand.NewPCG(seed, 8))
		f := irtest.Random(rnd)
		if seed%2 == 0 {
			opt.Run(f)
		}
		o := Options{Counters: perCPU(t, uint32(len(f.Counters)))}
		mem := shapedMemory{newMemory(), f}
		for i, s := range irtest.Shapes {
			o.Maps = append(o.Maps, MapInfo{Max: greatest(s.Value), Map: newMap(t, ebpf.MapSpec{
				Type: ebpf.Hash, KeySize: uint32(8 * f.Maps[i].Key), ValueSize: uint32(8 + 8*f.Maps[i].Value), MaxEntries: uint32(s.Max),
			})})
		}
		prog := load(t, f, o)
		for range 20 {
			compare(t, prog, f, irtest.Packet(rnd), mem)
		}
		prog.Close()
		o.Counters.Close()
		for _, m := range o.Maps {
			m.Map.Close()
		}
	}
}

func greatest(w state.Width) uint64 {
	switch w {
	case state.U16:
		return 0xffff
	case state.U32:
		return 0xffffffff
	}
	return 1 << 53
}

// shapedMemory has maps of irtest's shapes.
type shapedMemory struct {
	*memory
	f *ir.Func
}

// of gives map i alone, within its bounds.
func (m shapedMemory) full(i int, key []uint64) bool {
	if m.maps[m.name(i, key)] != nil {
		return false
	}
	n := 0
	for name := range m.maps {
		if name[0] == byte('0'+i) {
			n++
		}
	}
	return n == irtest.Shapes[i].Max
}

func (m shapedMemory) MapSet(i int, key, value []uint64) int {
	if m.full(i, key) {
		return 0
	}
	m.max = 1000
	return m.memory.MapSet(i, key, value)
}

func (m shapedMemory) MapInsert(i int, key, value []uint64) int {
	if m.maps[m.name(i, key)] != nil {
		return 0
	}
	if m.full(i, key) {
		return 2
	}
	return m.MapSet(i, key, value)
}

func (m shapedMemory) MapAdd(i int, key []uint64, n int64) (int64, int) {
	old := m.maps[m.name(i, key)]
	sum := uint64(n)
	if old != nil {
		sum += old[0]
	}
	switch {
	case sum > greatest(irtest.Shapes[i].Value):
		return 0, 2
	case m.full(i, key):
		return 0, 0
	}
	m.maps[m.name(i, key)] = []uint64{sum}
	return int64(sum), 1
}
