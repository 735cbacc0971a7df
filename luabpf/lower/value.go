// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"pvlua/luabpf/ir"
	"pvlua/packet"
)

// kind is what a value is. On a path it is known of every value.
type kind uint8

const (
	isNil      kind = iota
	isBool          // known: n is 0 or 1; otherwise reg holds 0 or 1
	isNumber        // known: n, a whole number; otherwise reg, from lo to hi
	isFraction      // a known number that is not whole, or beyond 2^53: f
	isAddress       // a string of 16 bytes: known: text; otherwise reg and reg2, as ir.Load reads them
	isText          // a string of another length: known: text; otherwise n is the length, 1 to 15, and reg and, from 9 on, reg2 hold it
	isPacket        // pkt
	isHeader        // a view of header that this path has proven to be there
	isPort          // port number n, always known
	isFunc          // a function of the script
	isTable         // a constant table
	isObject        // a value of the libraries: a function, module, counter or map
	isMaybe         // of variables alone: inner or nil, as n or reg says by 1 or 0
)

// value is a value on one path.
type value struct {
	kind   kind
	known  bool // a constant
	n      int64
	reg    ir.Reg
	reg2   ir.Reg
	lo, hi int64 // of a number: inclusive; lo == hi == n when known
	f      float64
	text   string
	header packet.HeaderID
	fn     *ast.FunctionExpr
	lua    lua.LValue // the constant that a table or object is, if it has one
	inner  *value     // what may be there
	name   string     // of an object, as in the library: "pv.ip_str", "bit32.band", "require"
}

// result is a value and the path on which an expression has it.
type result struct {
	*path
	value
}

// maxWhole is the greatest number up to which doubles count every whole number.
const maxWhole = 1 << 53

// The makers of values.

// nothing is nil.
var nothing = value{kind: isNil, known: true}

// boolean is a known boolean.
func boolean(b bool) value {
	v := value{kind: isBool, known: true}
	if b {
		v.n = 1
	}
	return v
}

// flag is a boolean that a register holds as 0 or 1.
func flag(r ir.Reg) value { return value{kind: isBool, reg: r, hi: 1} }

// whole is a known whole number, within -2^53..2^53.
func whole(n int64) value { return value{kind: isNumber, known: true, n: n, lo: n, hi: n} }

// ranged is a number in a register.
func ranged(r ir.Reg, lo, hi int64) value { return value{kind: isNumber, reg: r, lo: lo, hi: hi} }

// number is a known number.
func number(x float64) value {
	if n := int64(x); float64(n) == x && n >= -maxWhole && n <= maxWhole {
		return whole(n)
	}
	return value{kind: isFraction, known: true, f: x}
}

// text is a known string.
func text(s string) value {
	if len(s) == 16 {
		return value{kind: isAddress, known: true, text: s}
	}
	return value{kind: isText, known: true, text: s}
}

// address is a string of 16 bytes in two registers.
func address(a, b ir.Reg) value { return value{kind: isAddress, reg: a, reg2: b} }

// one is the result of an expression that has one value on one path.
func one(p *path, v value) []result { return []result{{p, v}} }

// span is the range of a number on the path.
func (p *path) span(v value) span {
	if v.known {
		return span{v.n, v.n}
	}
	s := span{v.lo, v.hi}
	if t, ok := p.spans[v.reg]; ok {
		s.lo, s.hi = max(s.lo, t.lo), min(s.hi, t.hi)
	}
	return s
}

// narrow notes that a number in a register is within a range.
func (p *path) narrow(v value, lo, hi int64) {
	s := p.span(v)
	p.spans[v.reg] = span{max(s.lo, lo), min(s.hi, hi)}
}

// operand gives the register of a number or boolean; of a known one a new one.
func (c *compiler) operand(p *path, v value) ir.Reg {
	if v.known {
		return c.constant(p, v.n)
	}
	return v.reg
}
