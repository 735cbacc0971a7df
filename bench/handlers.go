// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/vishvananda/netns"
	lua "github.com/yuin/gopher-lua"

	"pvlua/luabind"
)

const (
	handlersName = "handlers" // for -only
	handlerBatch = 64         // packets a Handle
	handlerTime  = 200 * time.Millisecond
)

// A cost is what one packet costs on a path, one value a round.
type cost struct {
	path          string
	ns, calls     []float64 // calls: ns as a multiple of an empty call's in the same round
	allocs, bytes []float64
}

// handlers measures what scripts/echo.lua costs on each of its paths with no
// input and output, and writes the table.
func handlers(ctx context.Context, o options, stdout io.Writer, say func(string)) error {
	span := handlerTime
	if o.short {
		span /= 10
	}
	cpu := o.at.dutCPU
	if !available(cpu) {
		cpu = noCPU
	}
	var empty []float64
	var costs []cost
	err := onThread(netns.None(), cpu, func() (err error) {
		empty, costs, err = measureHandlers(ctx, o.at.script("scripts", "echo.lua"), span, o.rounds, say)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", handlersName, err)
	}
	fmt.Fprintf(stdout, "\nscripts/echo.lua without input and output, decoding included, in batches of %d; median (minimum-maximum) of %s.\n"+
		"An empty gopher-lua call costs %s ns.\n\n", handlerBatch, rounds(o.rounds), summarize(empty).text("%.0f"))
	t := table{texts: 1, head: []string{"path", "ns/packet", "empty calls", "allocs/packet", "bytes/packet"}}
	for _, c := range costs {
		t.add(c.path, summarize(c.ns).text("%.0f"), summarize(c.calls).text("%.1f"),
			number("%.3f", summarize(c.allocs).median), number("%.1f", summarize(c.bytes).median))
	}
	return t.write(stdout, o.markdown)
}

// measureHandlers takes all paths in turn in each of n rounds, another one first
// each time, each for span.
func measureHandlers(ctx context.Context, script string, span time.Duration, n int, say func(string)) (empty []float64, costs []cost, err error) {
	state, err := luabind.Load(luabind.Config{Script: script, Ports: []*luabind.Port{echoPort()}, Host: noHost{}})
	if err != nil {
		return nil, nil, err
	}
	defer state.Close()
	if err := state.Start(); err != nil {
		return nil, nil, err
	}
	all := paths()
	order := make([]int, len(all))
	for i, p := range all {
		order[i] = i
		costs = append(costs, cost{path: p.name})
		if err := checkPath(state, &p); err != nil {
			return nil, nil, err
		}
	}
	call := emptyCall()
	for round := range n {
		say(fmt.Sprintf("round %d of %d, %s", round+1, n, handlersName))
		one := measureCost(span, call)
		empty = append(empty, one.ns)
		for _, i := range rotate(order, round) {
			if err := ctx.Err(); err != nil {
				return nil, nil, err
			}
			m := measureCost(span, handlePath(state, &all[i]))
			c := &costs[i]
			c.ns = append(c.ns, m.ns)
			c.calls = append(c.calls, m.ns/one.ns)
			c.allocs = append(c.allocs, m.allocs)
			c.bytes = append(c.bytes, m.bytes)
		}
	}
	return empty, costs, nil
}

// noHost is a world that takes every frame and throws it away.
type noHost struct{}

func (noHost) Send(int, []byte) bool { return true }
func (noHost) Now() time.Time        { return time.Now() }

// checkPath fails unless the script gives each packet the verdict that the path
// is about; an error path would be measured otherwise.
func checkPath(state *luabind.State, p *path) error {
	for i, want := range p.packets {
		frame := append([]byte(nil), want.frame...)
		pkts := []luabind.Packet{{Buf: frame, To: len(frame)}}
		state.Handle(pkts)
		if got := pkts[0]; got.Err != nil || got.Verdict != want.verdict {
			return fmt.Errorf("%s, packet %d: verdict %v, error %v; want %v", p.name, i, got.Verdict, got.Err, want.verdict)
		}
	}
	return nil
}

// handlePath returns a function that handles the path's packets once, freshly
// copied, in batches, and says how many that were.
func handlePath(state *luabind.State, p *path) func() int {
	const room = 2048 // as in a UMEM frame
	memory := make([]byte, handlerBatch*room)
	pkts := make([]luabind.Packet, handlerBatch)
	return func() int {
		for first := 0; first < pathPackets; first += handlerBatch {
			for i := range pkts {
				buf := memory[i*room : (i+1)*room : (i+1)*room]
				pkts[i] = luabind.Packet{Buf: buf, To: copy(buf, p.packets[first+i].frame)}
			}
			state.Handle(pkts)
		}
		return pathPackets
	}
}

// emptyCall returns a function that calls an empty Lua function of one argument
// many times, which is the least that any handler costs.
func emptyCall() func() int {
	l := lua.NewState(lua.Options{SkipOpenLibs: true})
	if err := l.DoString("return function(pkt) end"); err != nil {
		panic(err) // it is valid Lua
	}
	f, arg := l.Get(-1), &lua.LUserData{}
	return func() int {
		const calls = 256
		for range calls {
			l.Push(f)
			l.Push(arg)
			l.Call(1, 1)
			l.Pop(1)
		}
		return calls
	}
}

// A price is the cost of one packet or call.
type price struct {
	ns, allocs, bytes float64
}

// measureCost repeats f for span and divides by how many packets f says it
// handled.
func measureCost(span time.Duration, f func() int) price {
	f() // warm up
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n, begin := 0, time.Now()
	for time.Since(begin) < span {
		n += f()
	}
	took := time.Since(begin)
	runtime.ReadMemStats(&after)
	return price{
		ns:     float64(took.Nanoseconds()) / float64(n),
		allocs: float64(after.Mallocs-before.Mallocs) / float64(n),
		bytes:  float64(after.TotalAlloc-before.TotalAlloc) / float64(n),
	}
}
