// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"net"
	goruntime "runtime"
	"strings"
	"testing"
	"time"

	"pvlua/internal/labtest"
)

// TestMemoryGuard speaks when too much is live after a collection, and not before,
// nor when it has ended.
func TestMemoryGuard(t *testing.T) {
	spoke := func(g *memoryGuard) bool {
		for range 5 { // the sentinel is swept, and its finalizer runs, some time after
			goruntime.GC()
			select {
			case live := <-g.over:
				if live <= g.limit {
					t.Errorf("%d bytes are not more than %d", live, g.limit)
				}
				return true
			case <-time.After(10 * time.Millisecond):
			}
		}
		return false
	}
	for _, tt := range []struct {
		limit uint64
		want  bool
	}{{0, false}, {1, true}, {1 << 50, false}} {
		g := guardMemory(tt.limit)
		if got := spoke(g); got != tt.want {
			t.Errorf("limit %d: it spoke %v, want %v", tt.limit, got, tt.want)
		}
		g.end()
		for len(g.over) > 0 {
			<-g.over
		}
		if spoke(g) {
			t.Errorf("limit %d: it speaks after its end", tt.limit)
		}
	}
}

// TestScriptThatFillsMemory is ended with an error that names it, with all
// packets and frames accounted for.
func TestScriptThatFillsMemory(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	const limit = 32 << 20
	l := goLive(t, lab.B, `
		local kept
		function on_packet(pkt)
			for i = 1, 20000 do kept = {kept, i} end
		end`, func(c *Config) { c.MemoryLimit = limit })
	conn := listenUDP(t, lab.A)
	defer conn.Close()
	to := &net.UDPAddr{IP: lab.B.IP.AsSlice(), Port: 9}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		conn.WriteTo([]byte("x"), to)
		select {
		case err := <-l.ended:
			if err == nil || !strings.Contains(err.Error(), l.path("main.lua")+": stopped: its variables and tables hold ") ||
				!strings.HasSuffix(err.Error(), "the limit (--memory-limit) is 32 MB. Does a table only ever grow? A pv.map is bounded, and forgets") {
				t.Errorf("it ended with %v", err)
			}
			if totals := l.Totals(); !totals.FramesOK() || totals.Ports[0].Rx != totals.Ports[0].Pass {
				t.Errorf("%+v", totals)
			}
			return
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("it goes on with %d MB", liveMemory()>>20)
		}
	}
}
