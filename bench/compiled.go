// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/vishvananda/netns"

	"pvlua/internal/pkttest"
	"pvlua/luabind"
)

const (
	compiledRuns   = 500_000 // of a program at a time: some 15 ms
	compiledRounds = 15      // at least: single values differ by a nanosecond or two

	// resolution is the time in nanoseconds below which two programs can't be told
	// apart: where in memory they lie makes as much of a difference.
	resolution = 2

	compiledBound = 1.2
	checksumBound = 2 // for a checksum that is computed anew
)

// A compiledCase is a handler in C and in Lua, with a packet for it. Both are
// called name, in bench/c/handlers and bench/lua/handlers.
type compiledCase struct {
	name, what string
	packet     []byte
	verdict    luabind.Verdict
	bound      float64
}

// compiledCases are in the order of the table.
func compiledCases() []compiledCase {
	blocked := pkttest.Options{Src: addr4(10, 1, 500), Dst: addr4(10, 2, 500), SrcPort: 1524, DstPort: 53}
	other := blocked
	other.DstPort = 54
	return []compiledCase{
		{"reflect", "reflect", pkttest.UDP(pkttest.Options{}), luabind.TX, compiledBound},
		{"arp", "ARP reply", pkttest.ARPRequest(pkttest.Options{}), luabind.TX, compiledBound},
		{"icmp", "ICMP echo", pkttest.ICMPEcho(pkttest.Options{}), luabind.TX, compiledBound},
		{"udp", "UDP echo", pkttest.UDP(pkttest.Options{}), luabind.TX, compiledBound},
		{"udp6", "UDP echo over IPv6", pkttest.UDP6(pkttest.Options{}), luabind.TX, compiledBound},
		{"ndp", "neighbour advertisement, checksum computed anew", pkttest.NeighborSolicit(pkttest.Options{}), luabind.TX, checksumBound},
		{"firewall", "firewall, blocked", pkttest.UDP(blocked), luabind.Drop, compiledBound},
		{"firewall", "firewall, not blocked", pkttest.UDP(other), luabind.Pass, compiledBound},
		{"nat", "source NAT", pkttest.UDP(blocked), luabind.TX, compiledBound},
	}
}

// compiled is the section of Lua compiled to eBPF against C.
func compiled() section {
	title := fmt.Sprintf("a handler compiled to eBPF against the same in C by clang -O2 -mcpu=v3, by %d runs in the kernel,\n"+
		"  net of the median of an empty program; in ratios, less than %d ns counts as %[2]d ns", compiledRuns, resolution)
	return section{name: "compiled", title: title, needs: cPrograms, run: func(b *bench) ([]row, error) {
		runs, rounds := compiledRuns, max(b.rounds, compiledRounds)
		if b.short {
			runs, rounds = runs/20, b.rounds
		}
		empty := &program{load: loadEmpty}
		// onTrack has a program loaded anew for each measurement, so that no one is
		// lucky in every round with where in memory it lies.
		onTrack := func(what string, p *program, err error, frame []byte) entry {
			if err == nil {
				b.later(p.close)
				if len(p.exits) > 0 {
					err = errors.New(p.exits[0])
				}
			}
			return entry{what: what, run: func(context.Context) ([]float64, error) {
				if err != nil {
					return nil, err
				}
				ns, err := p.time(frame, runs)
				return []float64{ns}, err
			}}
		}
		cases := compiledCases()
		var entries []entry
		for _, c := range cases {
			inC, errC := loadC(b.at, c.name)
			inLua, errLua := compileLua(b.at, "bench", "lua", "handlers", c.name+".lua")
			entries = append(entries, onTrack(c.what+", nothing done", empty, nil, c.packet),
				onTrack(c.what+", C", inC, errC, c.packet), onTrack(c.what+", Lua", inLua, errLua, c.packet))
		}
		entries = append(entries, entry{what: "compile and load echo.lua", run: func(context.Context) ([]float64, error) {
			begin, err := processorTime(os.Getpid(), wholeProcess)
			if err != nil {
				return nil, err
			}
			p, err := compileLua(b.at, "scripts", "echo.lua")
			if err != nil {
				return nil, err
			}
			defer p.close()
			prog, err := p.load()
			if err != nil {
				return nil, err
			}
			defer prog.Close()
			end, err := processorTime(os.Getpid(), wholeProcess)
			return []float64{(end - begin).Seconds() * 1e3}, err
		}})
		var outcomes []outcome
		err := onThread(netns.None(), b.at.dutCPU, func() (err error) {
			outcomes, err = takeTurns(b.ctx, "compiled", rounds, entries, b.say)
			return err
		})
		if err != nil {
			return nil, err
		}
		var rows []row
		for i, c := range cases {
			base := summarize(outcomes[3*i].of(0)).median
			inC, inLua := less(outcomes[3*i+1].of(0), base), less(outcomes[3*i+2].of(0), base)
			rows = append(rows,
				row{name: "compiled", what: c.what + ", Lua", figures: inLua, format: "%.1f", unit: "ns",
					ratios: ratios(noLess(inLua, resolution), noLess(inC, resolution)), of: "C", goal: goal{atMost, c.bound}, err: outcomes[3*i+2].err},
				row{name: "compiled", what: c.what + ", C", figures: inC, format: "%.1f", unit: "ns", err: outcomes[3*i+1].err})
		}
		load := outcomes[len(outcomes)-1]
		return append(rows, row{name: "compiled", what: entries[len(entries)-1].what, figures: load.of(0), format: "%.0f", unit: "ms",
			goal: goal{below, 100}, err: load.err}), nil
	}}
}

// less takes a base from each value.
func less(values []float64, base float64) []float64 {
	net := make([]float64, len(values))
	for i, v := range values {
		net[i] = v - base
	}
	return net
}

// noLess raises values to a bound where they are below it.
func noLess(values []float64, bound float64) []float64 {
	raised := make([]float64, len(values))
	for i, v := range values {
		raised[i] = max(v, bound)
	}
	return raised
}

// A program is a handler for the kernel, with what it needs.
type program struct {
	load  func() (*ebpf.Program, error) // as often as one likes; the caller closes it
	exits []string                      // where it leaves packets to Lua, rare ones aside
	free  []func()                      // what close calls, the last first
}

func (p *program) close() {
	for _, f := range slices.Backward(p.free) {
		f()
	}
	p.free = nil
}

// time is what one of so many runs on a frame takes, in nanoseconds, with the
// prologue. The thread has to be locked.
func (p *program) time(frame []byte, runs int) (ns float64, err error) {
	prog, err := p.load()
	if err != nil {
		return 0, err
	}
	defer prog.Close()
	t, err := newTrack(prog, frame)
	if err != nil {
		return 0, err
	}
	defer t.close()
	return t.time(runs)
}
