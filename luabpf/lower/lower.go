// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/yuin/gopher-lua/ast"

	"pvlua/analysis"
	"pvlua/luabind"
	"pvlua/luabpf/ir"
)

// maxBlocks is how large a function may become: more than the kernel would take.
const maxBlocks = 1 << 14

// tooLarge is the panic of a function that becomes larger.
type tooLarge struct{ line int }

// Lower makes the intermediate form of a program's handler for one port. An
// error says why the whole script has to stay in user space.
func Lower(p *luabind.Program, o Options) (r *Result, err error) {
	if p.Handler == nil {
		return nil, errors.New("on_packet is a function of a module: only one in the script itself is compiled")
	}
	c := &compiler{program: p, opts: o, hoisted: make(map[ast.PositionHolder]ir.Site), where: locate(p), effects: findEffects(p)}
	if line := c.effects.handler; line > 0 {
		return nil, fmt.Errorf("line %d gives on_packet another value while the script runs", line)
	}
	defer func() {
		switch r := recover().(type) {
		case nil:
		case tooLarge:
			err = fmt.Errorf("on_packet becomes too large for the kernel at line %d", r.line)
		default: // whatever a mistake of the compiler is, the script can run in Lua
			err = fmt.Errorf("line %d can't be compiled: %v", c.line, r)
		}
	}()
	for c.again = true; c.again; {
		c.round()
	}
	tidy(c.f)
	useless(c.f)
	if err := ir.Verify(c.f); err != nil {
		return nil, err
	}
	return &Result{Func: c.f, Lines: c.report()}, nil
}

// round lowers the handler once, with what earlier rounds have hoisted.
func (c *compiler) round() {
	c.again = false
	c.f = &ir.Func{Name: c.program.Name()}
	c.trips, c.raw = 1, nil
	c.lines = make(map[int]bool)
	c.tables = make(map[tableKey]tableRef)
	p := &path{
		block: c.f.NewBlock(), pkt: newLayout(),
		vars: make(map[*analysis.Symbol]value), spans: make(map[ir.Reg]span),
	}
	// Nothing jumps to the entry, not even a loop that begins the handler.
	c.first = c.f.NewBlock()
	c.line = line(c.program.Handler)
	c.jump(p, c.first)
	p.block = c.first
	for _, r := range c.inline(p, c.program.Scopes.Functions[c.program.Handler], []value{{kind: isPacket}}, c.program.Handler) {
		c.finish(r)
	}
}

// finish ends a path with the verdict that the handler returned.
func (c *compiler) finish(r results) {
	switch v := r.first(); v.kind {
	case isNil:
		c.verdict(r.path, ir.Pass, c.opts.In)
	case isPort:
		if !c.canSend(int(v.n)) {
			c.exit(r.path, r.at, false, "packets can't go out of %s from the kernel", c.opts.Ports[v.n].Name)
			return
		}
		c.verdict(r.path, ir.Redirect, int(v.n))
	case isNumber:
		if !v.known {
			c.unknownVerdict(r, v)
			return
		}
		c.numberVerdict(r, v.n)
	default:
		c.fails(r.path, r.at, "on_packet returns %s here; expected nil, pv.PASS, pv.DROP, pv.TX or a port", c.describe(v))
	}
}

// unknownVerdict ends a path with a verdict that a register holds.
func (c *compiler) unknownVerdict(r results, v value) {
	p := r.path
	for n := int64(ir.Drop); n <= int64(ir.TX); n++ {
		if s := p.span(v); n < s.lo || n > s.hi {
			continue
		}
		yes, no := c.branch(p, ir.EQ, v.reg, ir.None, n)
		c.numberVerdict(results{path: yes, at: r.at}, n)
		p = no
	}
	c.exit(p, r.at, true, "on_packet returns a number that is no verdict")
}

// numberVerdict ends a path with the verdict that a number stands for.
func (c *compiler) numberVerdict(r results, n int64) {
	switch v := ir.Verdict(n); {
	case n != int64(v) || v < ir.Drop || v > ir.TX:
		c.fails(r.path, r.at, "on_packet returns %d here, which is no verdict", n)
	case v == ir.TX && !c.canSend(c.opts.In):
		c.exit(r.path, r.at, false, "packets can't go out of %s from the kernel", c.opts.Ports[c.opts.In].Name)
	default:
		c.verdict(r.path, v, c.opts.In)
	}
}

func (c *compiler) canSend(port int) bool {
	return port < len(c.opts.CanSend) && c.opts.CanSend[port]
}

// verdict ends a path. port is where the packet goes, if it does not end here.
func (c *compiler) verdict(p *path, v ir.Verdict, port int) {
	if v >= ir.TX && len(p.changes) == 0 {
		c.complete(p, c.program.Handler)
	}
	p = c.settle(p)
	paths := []*path{p}
	if v != ir.Drop {
		paths = c.fits(p, port, c.program.Handler)
	}
	for _, p := range paths {
		for _, n := range p.counts {
			in := ir.Instr{Op: ir.CountAdd, A: n.reg, B: ir.None, Ref: int32(n.counter), Line: int32(n.line), Imm: n.n}
			if n.reg != ir.None && n.n != 0 {
				in.A = c.binary(p, ir.Add, n.reg, n.n)
			}
			p.block.Instrs = append(p.block.Instrs, in)
		}
		t := ir.Term{Kind: ir.Return, A: ir.None, B: ir.None, Verdict: v, Line: c.line}
		if v == ir.Redirect {
			t.Port = port
		}
		p.block.Term = t
	}
}

// report lists what became of each line that was lowered.
func (c *compiler) report() []Line {
	for _, s := range c.f.Sites {
		c.lines[s.Line] = true
	}
	var list []Line
	for _, n := range slices.Sorted(maps.Keys(c.lines)) {
		l := Line{Line: n}
		for _, s := range c.f.Sites {
			s.Undone = false // the same for who reads it
			if s.Line == n && !slices.Contains(l.Sites, s) {
				l.Sites = append(l.Sites, s)
			}
		}
		list = append(list, l)
	}
	return list
}
