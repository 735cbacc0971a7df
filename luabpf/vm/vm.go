// SPDX-License-Identifier: GPL-3.0-or-later

// Package vm runs compiled handlers in user space, where no kernel does: on
// capture files, on interfaces in zero-copy mode, and on machines without BPF.
//
// A Program is the intermediate form in a row: fixed-width instructions on 256
// registers, what often comes together merged into one, which a loop around one
// switch executes. Go's compiler makes a table of jumps of that switch. Chains
// of closures take a fifth more time and lists of closures half as much again,
// for a call costs more than such a jump.
package vm

import (
	"fmt"
	"time"

	"pvlua/luabind"
	"pvlua/luabpf/ir"
	"pvlua/state"
)

// Env is what a Func's numbers stand for.
type Env struct {
	// Counters and Maps are those of ir.Func.Counters and Maps, in that order.
	Counters []*state.Counter
	Maps     []*state.Map
	// Now gives the time, for maps whose entries age.
	Now func() time.Time
}

// Program is a Func made ready to run. It belongs to one goroutine.
type Program struct {
	code    []instr
	regs    [maxRegs]uint64
	lookups []lookup
	env     Env
	tables  []table
	key     [16]byte // where a key that is a string, or a value,
	value   [16]byte // is put together
	exits   []uint64 // by site
	site    int
	err     error // of a map, in the packet in hand
}

// Compile makes a Program of a Func. The error says what it has too much of, or
// what ir.Verify says.
func Compile(f *ir.Func, env Env) (*Program, error) {
	if err := ir.Verify(f); err != nil {
		return nil, err
	}
	if len(env.Counters) != len(f.Counters) || len(env.Maps) != len(f.Maps) {
		return nil, fmt.Errorf("vm: %d counters and %d maps for %s, which has %d and %d",
			len(env.Counters), len(env.Maps), f.Name, len(f.Counters), len(f.Maps))
	}
	blocks := layout(f)
	slots, err := allocate(f, blocks)
	if err != nil {
		return nil, err
	}
	e := &emitter{f: f, slots: slots, starts: make([]int, len(f.Blocks))}
	e.blocks(blocks)
	if err := e.resolve(); err != nil {
		return nil, err
	}
	p := &Program{code: e.code, lookups: e.lookups, env: env, exits: make([]uint64, len(f.Sites))}
	for i := range f.Tables {
		p.tables = append(p.tables, newTable(&f.Tables[i]))
	}
	return p, nil
}

// Run handles a packet: it changes it and gives it a verdict, or reports false
// and leaves it, and all else, as it was; the Lua handler must have it then. It
// does not allocate, but for new entries of maps.
func (p *Program) Run(pkt *luabind.Packet) (done bool) {
	in := &p.code[p.run(pkt)]
	if in.op == opExit {
		p.site = int(in.imm)
		p.exits[p.site]++
		return false
	}
	pkt.Verdict, pkt.Out, pkt.Err = luabind.Verdict(in.d), 0, nil
	if pkt.Verdict == luabind.Redirect {
		pkt.Out = int(in.imm)
	}
	if p.err != nil {
		pkt.Verdict, pkt.Out, pkt.Err, p.err = 0, 0, p.err, nil
	}
	return true
}

// Site gives at which of ir.Func.Sites the last packet left that Run did not
// handle.
func (p *Program) Site() int { return p.site }

// Exits counts the packets that left at each of ir.Func.Sites. The caller must
// not change it.
func (p *Program) Exits() []uint64 { return p.exits }
