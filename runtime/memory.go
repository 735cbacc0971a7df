// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"fmt"
	goruntime "runtime"
	"runtime/metrics"
	"sync/atomic"

	"pvlua/luabind"
)

// A memoryGuard looks after each garbage collection how much memory is live, which
// is when that becomes known and costs nothing more. There is a collection as soon
// as there may be much (cmd/pvlua sets Go's limit), so none is needed on a clock,
// which would keep an idle program from sleeping.
type memoryGuard struct {
	limit uint64      // bytes
	over  chan uint64 // gets what is live when that is too much; holds one
	ended atomic.Bool
}

// A sentinel is found dead by each collection. It holds a pointer so that it shares
// its place with nothing that lives longer.
type sentinel struct{ guard *memoryGuard }

// guardMemory watches the memory of the process until end. A limit of 0 is none.
func guardMemory(limit uint64) *memoryGuard {
	g := &memoryGuard{limit: limit, over: make(chan uint64, 1)}
	if limit > 0 {
		g.arm()
	}
	return g
}

func (g *memoryGuard) arm() { goruntime.SetFinalizer(&sentinel{g}, (*sentinel).collected) }

func (s *sentinel) collected() {
	g := s.guard
	if g.ended.Load() {
		return
	}
	if live := liveMemory(); live > g.limit {
		select {
		case g.over <- live:
		default:
		}
	}
	g.arm()
}

func (g *memoryGuard) end() { g.ended.Store(true) }

// liveMemory is what the last garbage collection found in use on Go's heap, in
// bytes: values of scripts are there, frames are not.
func liveMemory() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// memoryError is why a script is stopped that holds too much.
func memoryError(script string, live, limit uint64) error {
	return &luabind.ScriptError{Script: script, Msg: fmt.Sprintf("stopped: its variables and tables hold %d MB of memory; "+
		"the limit (--memory-limit) is %d MB. Does a table only ever grow? A pv.map is bounded, and forgets", live>>20, limit>>20)}
}
