// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/vishvananda/netns"
	lua "github.com/yuin/gopher-lua"

	"pvlua/luabind"
)

const (
	handlerBatch = 64 // packets a Handle
	handlerTime  = 100 * time.Millisecond

	// noAllocation is below one allocation of the Go runtime's own in the time
	// that a case is measured for.
	noAllocation = 0.001
)

// handlers is the section of what handlers cost with no input and output.
func handlers() section {
	title := fmt.Sprintf("a handler without input and output, decoding included, in batches of %d, against an empty gopher-lua call;\n"+
		"  the mix is 40 %% UDP to port 7, 25 %% TCP, 20 %% other UDP, 10 %% ICMP, 5 %% ARP", handlerBatch)
	return section{name: "handlers", title: title, run: func(b *bench) ([]row, error) {
		subjects := echoSubjects()
		mix := len(subjects) - 1
		subjects = append(subjects, firewallSubject("firewall.lua, 1,000 flows blocked, half of the packets", 1000, goal{atMost, 4}))
		for _, s := range subjects[mix:] {
			s.what, s.compiled, s.goal = s.what+", compiled for user space", true, goal{}
			subjects = append(subjects, s)
		}
		costs, err := b.measureHandlers("handlers", subjects)
		if err != nil {
			return nil, err
		}
		var rows []row
		for i, c := range costs {
			rows = append(rows, c.row("handlers", subjects[i]))
		}
		rows = append(rows, row{name: "handlers", what: "echo.lua, mix: allocations", figures: costs[mix].allocs,
			format: "%.3f", unit: "a packet", goal: goal{atMost, noAllocation}})
		return append(rows, row{name: "handlers", what: "an empty gopher-lua call", figures: costs[0].empty, format: "%.0f", unit: "ns"}), nil
	}}
}

// echoSubjects are the paths of scripts/echo.lua, the mix last.
func echoSubjects() (list []subject) {
	for _, p := range paths() {
		s := subject{what: "echo.lua, " + p.name, script: []string{"scripts", "echo.lua"}, ports: []*luabind.Port{echoPort()}, packets: p.packets[:]}
		if p.name == mixName {
			s.goal = goal{atMost, 5.4}
		}
		list = append(list, s)
	}
	return list
}

// A cost is what one packet costs a subject, one value a round.
type cost struct {
	ns, empty, allocs []float64 // empty: ns of an empty call
}

func (c cost) row(name string, s subject) row {
	r := row{name: name, what: s.what, figures: c.ns, format: "%.0f", unit: "ns",
		ratios: ratios(c.ns, c.empty), of: emptyCalls, goal: s.goal}
	if n := summarize(c.allocs).median; n >= 0.05 {
		r.what += fmt.Sprintf(" (%.1f allocations)", n)
	}
	return r
}

// measureHandlers takes all subjects and an empty call in turn.
func (b *bench) measureHandlers(name string, subjects []subject) (costs []cost, err error) {
	span, cpu := handlerTime, b.at.dutCPU
	if b.short {
		span /= 10
	}
	if !available(cpu) {
		cpu = noCPU
	}
	err = onThread(netns.None(), cpu, func() error {
		call := emptyCall()
		entries := []entry{{what: "empty call", run: func(context.Context) ([]float64, error) {
			return measureCost(span, call)
		}}}
		for _, s := range subjects {
			handle, end, err := s.load(b.at)
			if err != nil {
				return err
			}
			defer end()
			entries = append(entries, entry{what: s.what, run: func(context.Context) ([]float64, error) {
				return measureCost(span, handle)
			}})
		}
		outcomes, err := takeTurns(b.ctx, name, b.rounds, entries, b.say)
		for i := range subjects {
			if err == nil {
				o := outcomes[i+1]
				costs = append(costs, cost{ns: o.of(0), allocs: o.of(1), empty: outcomes[0].of(0)})
			}
		}
		return err
	})
	return costs, err
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
