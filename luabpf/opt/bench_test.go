// SPDX-License-Identifier: GPL-3.0-or-later

package opt

import (
	"math/rand/v2"
	"testing"

	"pvlua/luabpf/opt/opttest"
)

// BenchmarkRun improves programs of the size of scripts/echo.lua.
func BenchmarkRun(b *testing.B) {
	n := 0
	for b.Loop() {
		b.StopTimer()
		f := opttest.Random(rand.New(rand.NewPCG(uint64(n%8), 3)), 400)
		for _, block := range f.Blocks {
			n += len(block.Instrs)
		}
		n++
		b.StartTimer()
		Run(f)
	}
}
