// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"bytes"
	"slices"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// BenchmarkGuard measures what guarding against endless handlers costs, in
// percent of the run time without: with the loop that counts, and with
// gopher-lua's, which asks a context. The three take turns.
func BenchmarkGuard(b *testing.B) {
	guards := map[string]func(*fixture){
		"counting": func(*fixture) {},
		"asking":   func(f *fixture) { f.L.SetContext(f.quota) },
		"none":     func(f *fixture) { f.L.RemoveContext() },
	}
	for name, load := range map[string]func() *fixture{
		"echo": func() *fixture { return loadScript(b, "echo.lua", plain) },
		"loop": func() *fixture {
			return load(b, "function on_packet() local n = 0 for i = 1, 100 do if i % 3 == 0 then n = n + 1 end end end", plain)
		},
		"calls": func() *fixture {
			return load(b, "local function less(a, b) return a < b end function on_packet() for i = 1, 50 do less(i, 7) end end", plain)
		},
	} {
		b.Run(name, func(b *testing.B) {
			frame := echoPaths[2].request
			pkts := make([]Packet, 16)
			for i := range pkts {
				pkts[i] = Packet{Buf: bytes.Clone(frame), To: len(frame)}
			}
			fixtures, times := map[string]*fixture{}, map[string][]time.Duration{}
			for guard, set := range guards {
				fixtures[guard] = load()
				set(fixtures[guard])
			}
			for b.Loop() {
				for guard, f := range fixtures {
					for i := range pkts {
						copy(pkts[i].Buf, frame)
					}
					began := time.Now()
					f.Handle(pkts)
					times[guard] = append(times[guard], time.Since(began))
				}
			}
			median := func(guard string) float64 {
				slices.Sort(times[guard])
				return float64(times[guard][len(times[guard])/2])
			}
			for _, guard := range []string{"counting", "asking"} {
				b.ReportMetric(100*(median(guard)/median("none")-1), guard+"-%")
			}
		})
	}
}

// The loop is in use, in coroutines too.
func TestGuardLoop(t *testing.T) {
	f := load(t, `local co = coroutine.wrap(function() while true do coroutine.yield() end end)
		function on_packet() co() end`)
	if p := f.handle(make([]byte, 60)); p.Err != nil {
		t.Fatal(p.Err)
	}
	if n := f.quota.limit - f.quota.left; n < 10 || n > 20 {
		t.Errorf("%d instructions were counted", n)
	}
	// Without a function to run it does nothing, as gopher-lua's do.
	L := lua.NewState()
	defer L.Close()
	f.quota.guardLoop(L)
	if f.quota.runs(L) {
		t.Error("there is a function to run in an empty state")
	}
	if err := L.DoString("return 1 + 1"); err != nil {
		t.Error(err)
	}
}
