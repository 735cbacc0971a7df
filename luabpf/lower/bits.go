// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"math"
	"math/bits"
	"slices"

	"github.com/yuin/gopher-lua/ast"

	"pvlua/luabpf/ir"
)

// mask32 is the range of the library bit32: arguments are taken modulo 2^32.
const mask32 = 1<<32 - 1

// bits calls a function of bit32.
func (c *compiler) bits(p *path, name string, args []value, e ast.Expr) []result {
	args = slices.Clone(args)
	for i, v := range args {
		if v.kind == isFraction && math.Abs(v.f) < 1<<62 { // downwards, as there
			args[i] = whole(int64(math.Floor(v.f)))
			continue
		}
		if v.kind != isNumber {
			return c.fails(p, e, "bit32.%s of %s", name, c.describe(v))
		}
	}
	least := map[string]int{"band": 0, "bor": 0, "bxor": 0, "btest": 0, "bnot": 1, "extract": 2, "replace": 3}
	if n, ok := least[name]; ok && len(args) < n || !ok && len(args) < 2 {
		return c.exit(p, e, false, "bit32.%s has too few arguments", name)
	}
	switch name {
	case "band":
		return one(p, c.combine(p, ir.And, mask32, args))
	case "bor":
		return one(p, c.combine(p, ir.Or, 0, args))
	case "bxor":
		return one(p, c.combine(p, ir.Xor, 0, args))
	case "btest":
		yes, no := c.test(p, ir.NE, c.combine(p, ir.And, mask32, args), whole(0))
		var list []result
		for _, p := range yes {
			list = append(list, result{p, boolean(true)})
		}
		for _, p := range no {
			list = append(list, result{p, boolean(false)})
		}
		return list
	case "bnot":
		return one(p, c.combine(p, ir.Xor, 0, []value{args[0], whole(mask32)}))
	case "lshift", "rshift":
		return c.shift(p, name == "lshift", args[0], args[1], e)
	case "arshift":
		return c.arithmeticShift(p, args[0], args[1], e)
	case "lrotate", "rrotate":
		n := args[1]
		if !n.known {
			break
		}
		by := n.n & 31
		if name == "rrotate" {
			by = -n.n & 31
		}
		return one(p, c.rotate(p, args[0], by))
	case "extract":
		if field, width, ok := known(args[1:]); ok {
			return one(p, c.bitAnd(p, c.down(p, c.low32(p, args[0]), field), 1<<width-1))
		}
	case "replace":
		if field, width, ok := known(args[2:]); ok {
			mask := int64(1)<<width - 1
			kept := c.bitAnd(p, c.low32(p, args[0]), mask32&^(mask<<field))
			put := c.up(p, c.bitAnd(p, c.low32(p, args[1]), mask), field)
			return one(p, c.combine(p, ir.Or, 0, []value{kept, put}))
		}
	}
	return c.exit(p, e, false, "bit32.%s with numbers of bits that are not known", name)
}

// known gives a field and its width that are constants within 32 bits.
func known(args []value) (field, width int64, ok bool) {
	width = 1
	for i, v := range args[:min(len(args), 2)] {
		if !v.known {
			return 0, 0, false
		}
		if i == 0 {
			field = v.n
		} else {
			width = v.n
		}
	}
	return field, width, field >= 0 && width > 0 && field+width <= 32
}

// low32 gives a number modulo 2^32.
func (c *compiler) low32(p *path, v value) value {
	s := p.span(v)
	switch {
	case s.lo >= 0 && s.hi <= mask32:
		return v
	case v.known:
		return whole(v.n & mask32)
	}
	return ranged(c.op(p, ir.And, v, whole(mask32)), 0, mask32)
}

// combine is the operation of all arguments.
func (c *compiler) combine(p *path, op ir.Op, start int64, args []value) value {
	if len(args) == 0 {
		return whole(start)
	}
	v := c.low32(p, args[0])
	for _, w := range args[1:] {
		w = c.low32(p, w)
		switch {
		case v.known && w.known && op == ir.And:
			v = whole(v.n & w.n)
		case v.known && w.known && op == ir.Or:
			v = whole(v.n | w.n)
		case v.known && w.known:
			v = whole(v.n ^ w.n)
		case op == ir.And:
			v = ranged(c.op(p, op, v, w), 0, min(p.span(v).hi, p.span(w).hi))
		default:
			most := int64(1)<<bits.Len64(uint64(p.span(v).hi|p.span(w).hi)) - 1
			v = ranged(c.op(p, op, v, w), 0, most)
		}
	}
	return v
}

// bitAnd, up and down are operations on numbers below 2^32 with constants.
func (c *compiler) bitAnd(p *path, v value, mask int64) value {
	return c.combine(p, ir.And, 0, []value{v, whole(mask)})
}

func (c *compiler) up(p *path, v value, n int64) value {
	switch {
	case v.known:
		return whole(v.n << n & mask32)
	case n == 0:
		return v
	}
	r := ranged(c.op(p, ir.Shl, v, whole(n)), p.span(v).lo<<n, p.span(v).hi<<n)
	return c.low32(p, r)
}

func (c *compiler) down(p *path, v value, n int64) value {
	switch {
	case v.known:
		return whole(v.n >> n)
	case n == 0:
		return v
	}
	return ranged(c.op(p, ir.Shr, v, whole(n)), p.span(v).lo>>n, p.span(v).hi>>n)
}

// rotate turns 32 bits to the left.
func (c *compiler) rotate(p *path, v value, n int64) value {
	v = c.low32(p, v)
	if n == 0 {
		return v
	}
	return c.combine(p, ir.Or, 0, []value{c.up(p, v, n), c.down(p, v, 32-n)})
}

// shift is lshift and rshift. A number of bits that is not known is one from 0
// to 31, or the path exits.
func (c *compiler) shift(p *path, left bool, v, n value, e ast.Expr) []result {
	v = c.low32(p, v)
	if n.known {
		by := n.n
		if by < 0 {
			left, by = !left, -by
		}
		switch {
		case by >= 32:
			return one(p, whole(0))
		case left:
			return one(p, c.up(p, v, by))
		}
		return one(p, c.down(p, v, by))
	}
	for _, limit := range []struct {
		cond ir.Cond
		n    int64
	}{{ir.SLT, 0}, {ir.SGT, 31}} {
		if p = c.unless(p, e, limit.cond, n, whole(limit.n), "a shift by a number of bits that is not 0 to 31"); p == nil {
			return nil
		}
	}
	s, by := p.span(v), p.span(n)
	if left {
		return one(p, c.low32(p, ranged(c.op(p, ir.Shl, v, n), s.lo<<by.lo, s.hi<<by.hi)))
	}
	return one(p, ranged(c.op(p, ir.Shr, v, n), s.lo>>by.hi, s.hi>>by.lo))
}

// arithmeticShift is arshift by a constant.
func (c *compiler) arithmeticShift(p *path, v, n value, e ast.Expr) []result {
	if !n.known {
		return c.exit(p, e, false, "bit32.arshift by a number of bits that is not a constant")
	}
	if n.n < 0 {
		return c.shift(p, true, v, whole(-n.n), e)
	}
	v = c.low32(p, v)
	by := min(n.n, 31)
	if v.known {
		return one(p, whole(int64(uint32(int32(v.n)>>by))))
	}
	// The sign of 32 bits becomes that of 64, which Sar copies.
	r := c.binary(p, ir.Shl, v.reg, 32)
	r = c.binary(p, ir.Sar, r, 32+by)
	return one(p, ranged(c.binary(p, ir.And, r, mask32), 0, mask32))
}
