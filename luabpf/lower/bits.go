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
		return one(p, c.rotate(p, args[0], args[1], name == "lrotate"))
	case "extract":
		return c.bitField(p, args[0], nil, args[1:], e)
	case "replace":
		return c.bitField(p, args[0], &args[1], args[2:], e)
	}
	return c.exit(p, e, false, "bit32.%s needs Lua", name)
}

// bitField is extract, and replace if there is a value to put. args are where the
// field begins and its width.
func (c *compiler) bitField(p *path, v value, put *value, args []value, e ast.Expr) []result {
	at, width := args[0], whole(1)
	if len(args) > 1 {
		width = args[1]
	}
	if !width.known || width.n < 1 || width.n > 32 {
		return c.exit(p, e, false, "a field of bits whose width is not a constant from 1 to 32")
	}
	for _, limit := range []struct {
		cond ir.Cond
		n    int64
	}{{ir.SLT, 0}, {ir.SGT, 32 - width.n}} {
		if p = c.unless(p, e, limit.cond, at, whole(limit.n), "a field of bits beyond the 32 that there are, which is an error"); p == nil {
			return nil
		}
	}
	mask := int64(1)<<width.n - 1
	if put == nil {
		return one(p, c.bitAnd(p, c.down(p, c.low32(p, v), at), mask))
	}
	hole := c.combine(p, ir.Xor, 0, []value{c.up(p, whole(mask), at), whole(mask32)})
	kept := c.combine(p, ir.And, 0, []value{v, hole})
	return one(p, c.combine(p, ir.Or, 0, []value{kept, c.up(p, c.bitAnd(p, *put, mask), at)}))
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

// bitAnd is the operation with a constant.
func (c *compiler) bitAnd(p *path, v value, mask int64) value {
	return c.combine(p, ir.And, 0, []value{v, whole(mask)})
}

// up and down shift a number below 2^32 by 0 to 32 bits.
func (c *compiler) up(p *path, v, n value) value {
	switch {
	case v.known && n.known:
		return whole(v.n << n.n & mask32)
	case n.known && n.n == 0:
		return v
	}
	most := int64(math.MaxInt64)
	if s := p.span(n); s.hi < 32 {
		most = p.span(v).hi << s.hi
	}
	return c.low32(p, ranged(c.op(p, ir.Shl, v, n), 0, most))
}

func (c *compiler) down(p *path, v, n value) value {
	switch {
	case v.known && n.known:
		return whole(v.n >> n.n)
	case n.known && n.n == 0:
		return v
	}
	return ranged(c.op(p, ir.Shr, v, n), p.span(v).lo>>p.span(n).hi, p.span(v).hi>>p.span(n).lo)
}

// rotate turns 32 bits to the left or right.
func (c *compiler) rotate(p *path, v, n value, left bool) value {
	v = c.low32(p, v)
	by, back := whole(n.n&31), whole(32-n.n&31)
	if !n.known {
		by = ranged(c.op(p, ir.And, n, whole(31)), 0, 31)
		back = ranged(c.op(p, ir.Sub, whole(32), by), 1, 32)
	} else if by.n == 0 {
		return v
	}
	if !left {
		by, back = back, by
	}
	return c.combine(p, ir.Or, 0, []value{c.up(p, v, by), c.down(p, v, back)})
}

// shift is lshift and rshift.
func (c *compiler) shift(p *path, left bool, v, n value, e ast.Expr) (all []result) {
	v = c.low32(p, v)
	negative, rest := c.test(p, ir.SLT, n, whole(0))
	for _, p := range negative {
		s := p.span(n)
		opposite := whole(-s.hi)
		if !n.known {
			opposite = ranged(c.op(p, ir.Sub, whole(0), n), -s.hi, -s.lo)
		}
		all = append(all, c.shift(p, !left, v, opposite, e)...)
	}
	for _, p := range rest {
		far, near := c.test(p, ir.SGT, n, whole(31))
		for _, p := range far {
			all = append(all, result{p, whole(0)})
		}
		for _, p := range near {
			if left {
				all = append(all, result{p, c.up(p, v, n)})
			} else {
				all = append(all, result{p, c.down(p, v, n)})
			}
		}
	}
	return c.joinValues(all, e)
}

// arithmeticShift is arshift.
func (c *compiler) arithmeticShift(p *path, v, n value, e ast.Expr) (all []result) {
	v = c.low32(p, v)
	negative, rest := c.test(p, ir.SLT, n, whole(0))
	for _, p := range negative {
		all = append(all, c.shift(p, false, v, n, e)...)
	}
	for _, p := range rest {
		far, near := c.test(p, ir.SGT, n, whole(31))
		for _, p := range far {
			all = append(all, result{p, c.copySign(p, v, whole(31))})
		}
		for _, p := range near {
			all = append(all, result{p, c.copySign(p, v, n)})
		}
	}
	return c.joinValues(all, e)
}

// copySign shifts to the right by 0 to 31 bits; the sign of 32 bits becomes
// that of 64, which Sar copies.
func (c *compiler) copySign(p *path, v, n value) value {
	if v.known && n.known {
		return whole(int64(uint32(int32(v.n) >> n.n)))
	}
	r := ranged(c.op(p, ir.Shl, v, whole(32)), 0, maxWhole)
	by := whole(32 + n.n)
	if !n.known {
		by = ranged(c.op(p, ir.Add, n, whole(32)), 32, 63)
	}
	return ranged(c.op(p, ir.And, ranged(c.op(p, ir.Sar, r, by), 0, maxWhole), whole(mask32)), 0, mask32)
}
