// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"slices"

	"github.com/yuin/gopher-lua/ast"

	"pvlua/luabpf/ir"
)

// Before each store the bytes that were there are read, so that a path can exit
// after it: it puts them back. Where no exit follows, nobody uses what was read,
// and the loads go.

// altered is what a path has changed.
type altered struct {
	// changes are the first changes on the ways to here: of the packet, or of
	// maps. None: the path can exit.
	changes []ast.PositionHolder
	// undo has what puts back the bytes that have been changed, the last change
	// last; it is of no use on a path that is lasting: what such a one has changed
	// can't be put back, since lasts, if there are any.
	undo    []*oldBytes
	lasting bool
	lasts   []ast.PositionHolder
}

// last notes a change that can't be put back.
func (a *altered) last(at ast.PositionHolder) {
	if a.undo, a.lasting = nil, true; len(a.lasts) == 0 {
		a.lasts = []ast.PositionHolder{at}
	}
}

// oldBytes are bytes of the packet as they were before a store: in a register,
// or imm if that is ir.None.
type oldBytes struct {
	ptr  ir.Reg
	off  int32
	size uint8
	reg  ir.Reg
	imm  int64
}

// maxUndo is how many stores a path can put back.
const maxUndo = 32

// remember notes the bytes at a place before they change.
func (c *compiler) remember(p *path, pl place, size uint8) {
	if p.lasting = p.lasting || len(p.undo) == maxUndo; p.lasting {
		p.undo = nil
		return
	}
	if slices.ContainsFunc(p.undo, func(o *oldBytes) bool { return o.ptr == pl.ptr && o.off == pl.off && o.size == size }) {
		return // what was there at first is known
	}
	old := &oldBytes{ptr: pl.ptr, off: pl.off, size: size}
	i := slices.IndexFunc(p.pkt.loads, func(e loaded) bool {
		return e.ptr == pl.ptr && e.off == pl.off && e.size == size && !e.swapped
	})
	if i >= 0 {
		old.reg, old.imm = p.pkt.loads[i].reg, p.pkt.loads[i].imm
	} else {
		old.reg = c.emit(p, ir.Instr{Op: ir.Load, Size: size, A: pl.ptr, B: ir.None, Off: pl.off})
	}
	p.undo = append(slices.Clip(p.undo), old)
}

// repoint has a path put bytes back by way of another pointer to the packet's
// start, since an ir.Adjust, though it did nothing, has made all pointers void.
func (c *compiler) repoint(p *path, base ir.Reg, at ast.PositionHolder) *path {
	end := int32(0)
	for _, old := range p.undo {
		if old.ptr != base {
			p.last(at)
			return p
		}
		end = max(end, old.off+int32(old.size))
	}
	if end == 0 {
		return p
	}
	start := c.emit(p, ir.Instr{Op: ir.Ptr, A: ir.None, B: ir.None})
	p, out := c.guard(p, start, int(end))
	c.impossible(out)
	p.undo = slices.Clone(p.undo)
	for i, old := range p.undo {
		moved := *old
		moved.ptr = start
		p.undo[i] = &moved
	}
	return p
}

// takeBack puts back all that a path has changed.
func (p *path) takeBack(line int32) {
	for _, old := range slices.Backward(p.undo) {
		p.block.Instrs = append(p.block.Instrs, ir.Instr{Op: ir.Store, Size: old.size, A: old.ptr, B: old.reg, Off: old.off, Imm: old.imm, Dst: ir.None, Line: line})
	}
}

// undoLike keeps what p can put back only if o has changed the same.
func (p *path) undoLike(o *path) {
	if p.lasting = p.lasting || o.lasting || !slices.Equal(p.undo, o.undo); p.lasting {
		p.undo = nil
	}
}
