// SPDX-License-Identifier: GPL-3.0-or-later

package opttest

import (
	"math/rand/v2"
	"testing"

	"pvlua/luabpf/ir"
)

type memory struct{}

func (memory) CountAdd(int, int64)                      {}
func (memory) MapGet(int, []uint64, []uint64) bool      { return false }
func (memory) MapSet(int, []uint64, []uint64) int       { return 1 }
func (memory) MapInsert(int, []uint64, []uint64) int    { return 1 }
func (memory) MapAdd(int, []uint64, int64) (int64, int) { return 0, 1 }
func (memory) MapDelete(int, []uint64) int              { return 0 }

// TestProgramsAreValid: and end in every way, and use every operation but those
// on maps.
func TestProgramsAreValid(t *testing.T) {
	verdicts, ops := map[ir.Verdict]int{}, map[ir.Op]int{}
	for seed := range uint64(2000) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		f := Random(rnd, 5+rnd.IntN(60))
		if err := ir.Verify(f); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, f)
		}
		for _, b := range f.Blocks {
			for i := range b.Instrs {
				ops[b.Instrs[i].Op]++
			}
		}
		for range 5 {
			b := Packet(rnd)
			r, err := ir.Run(f, &ir.Packet{Buf: append(b, make([]byte, 200)...), To: len(b)}, memory{})
			if err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, f)
			}
			verdicts[r.Verdict]++
		}
	}
	for v := range ir.Redirect + 1 {
		if verdicts[v] == 0 {
			t.Errorf("no program gave %v", v)
		}
	}
	for op := range ir.NumOps {
		if ops[op] == 0 && (op < ir.MapGet || op > ir.MapDelete) {
			t.Errorf("no program has %v", op)
		}
	}
}
