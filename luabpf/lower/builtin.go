// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"fmt"
	"math"
	"strings"

	"github.com/yuin/gopher-lua/ast"

	"pvlua/luabpf/ir"
	"pvlua/packet"
)

// builtin calls a library function.
func (c *compiler) builtin(p *path, name string, args []value, e *ast.FuncCallExpr) []results {
	give := func(list []result) []results { return single(list, e) }
	arg := func(i int) value {
		if i < len(args) {
			return args[i]
		}
		return nothing
	}
	library, member, _ := strings.Cut(name, ".")
	switch {
	case library == "bit32":
		return give(c.bits(p, member, args, e))
	case name == "math.floor" || name == "math.ceil":
		if v := arg(0); v.kind == isFraction && name == "math.ceil" {
			return give(one(p, number(math.Ceil(v.f))))
		}
		return give(c.floor(p, arg(0), e))
	case name == "math.min" || name == "math.max":
		return give(c.extreme(p, name, args, e))
	case name == "math.abs":
		return give(c.absolute(p, arg(0), e))
	case name == "type" && len(args) > 0:
		return give(one(p, text(typeOf(args[0]))))
	case name == "tonumber" && len(args) == 1:
		switch v := args[0]; v.kind {
		case isNumber, isFraction:
			return give(one(p, v))
		case isText, isAddress:
			return give(c.exit(p, e, false, "tonumber of a string needs Lua"))
		}
		return give(one(p, nothing))
	case name == "rawequal" && len(args) == 2:
		yes, no := c.equal(p, e, args[0], args[1])
		var list []result
		for _, p := range yes {
			list = append(list, result{p, boolean(true)})
		}
		for _, p := range no {
			list = append(list, result{p, boolean(false)})
		}
		return give(c.joinValues(list, e))
	case name == "require" && len(args) == 1 && args[0].text == "pv":
		return give(one(p, c.constantValue(c.program.Global("pv"), "pv")))
	case name == "select":
		return c.selected(p, args, e)
	case library == "string" && member != "" && arg(0).isString():
		return c.stringMethod(p, args[0], member, args[1:], e)
	case name == "pv.ip" || name == "pv.ip6" || name == "pv.mac":
		return give(c.parse(p, name, arg(0), e))
	case name == "print" || name == "pv.log":
		return give(c.exit(p, e, false, "%s writes to the outside; pv.counter counts in the kernel", name))
	case name == "error" || name == "assert":
		if name == "assert" {
			yes, no := c.truth(p, arg(0))
			for _, p := range no {
				c.exit(p, e, true, "assert fails")
			}
			var all []results
			for _, p := range yes {
				all = append(all, results{p, args, e})
			}
			return all
		}
		return give(c.fails(p, e, "error is called"))
	}
	return give(c.exit(p, e, false, "%s needs Lua", name))
}

// typeOf is type(v).
func typeOf(v value) string {
	switch v.kind {
	case isNil:
		return "nil"
	case isBool:
		return "boolean"
	case isNumber, isFraction:
		return "number"
	case isAddress, isText:
		return "string"
	case isFunc:
		return "function"
	case isTable:
		return "table"
	case isObject:
		return v.lua.Type().String()
	}
	return "userdata"
}

// parse reads the text of an address.
func (c *compiler) parse(p *path, name string, v value, e ast.Expr) []result {
	s, ok := v.asText()
	if !ok {
		return c.exit(p, e, false, "%s of %s", name, c.describe(v))
	}
	x, err := parseAddress(name, s)
	if err != nil {
		return c.exit(p, e, false, "%v", err)
	}
	return one(p, x)
}

// parseAddress is pv.ip, pv.ip6 and pv.mac.
func parseAddress(name, s string) (value, error) {
	switch name {
	case "pv.ip":
		a, err := packet.ParseIP4(s)
		return whole(int64(a)), err
	case "pv.mac":
		a, err := packet.ParseMAC(s)
		return whole(int64(a)), err
	case "pv.ip6":
		a, err := packet.ParseIP6(s)
		return text(string(a[:])), err
	}
	return nothing, fmt.Errorf("%s needs Lua", name)
}

// extreme is math.min and math.max.
func (c *compiler) extreme(p *path, name string, args []value, e ast.Expr) []result {
	for _, v := range args {
		if !v.numeric() {
			return c.fails(p, e, "%s of %s", name, c.describe(v))
		}
	}
	if len(args) == 0 {
		return c.exit(p, e, false, "%s of nothing", name)
	}
	cond := ir.SLE
	if name == "math.max" {
		cond = ir.SGE
	}
	list := one(p, args[0])
	for _, v := range args[1:] {
		var next []result
		for _, r := range list {
			compare := c.test
			if r.value.kind == isFraction || v.kind == isFraction {
				compare = c.orderFraction
			}
			yes, no := compare(r.path, cond, r.value, v)
			for _, p := range yes {
				next = append(next, result{p, r.value})
			}
			for _, p := range no {
				next = append(next, result{p, v})
			}
		}
		list = c.joinValues(next, e)
	}
	return list
}

// absolute is math.abs.
func (c *compiler) absolute(p *path, v value, e ast.Expr) []result {
	switch {
	case v.kind == isFraction:
		return one(p, number(math.Abs(v.f)))
	case v.kind != isNumber:
		return c.exit(p, e, false, "math.abs of %s", c.describe(v))
	case v.known:
		return one(p, whole(max(v.n, -v.n)))
	}
	yes, no := c.test(p, ir.SLT, v, whole(0))
	var list []result
	for _, p := range no {
		list = append(list, result{p, v})
	}
	for _, p := range yes {
		s := p.span(v)
		list = append(list, result{p, ranged(c.op(p, ir.Sub, whole(0), v), -s.hi, -s.lo)})
	}
	return c.joinValues(list, e)
}

// selected is select(n, ...).
func (c *compiler) selected(p *path, args []value, e ast.Expr) []results {
	if len(args) > 0 {
		if s, ok := args[0].asText(); ok && s == "#" {
			return []results{{p, []value{whole(int64(len(args) - 1))}, e}}
		}
		if v := args[0]; v.kind == isNumber && v.known && v.n > 0 {
			return []results{{p, args[min(int(v.n), len(args)):], e}}
		}
	}
	return single(c.exit(p, e, false, "select with a number that is not known here"), e)
}

// stringMethod is s:name(args...) and string.name(s, args...).
func (c *compiler) stringMethod(p *path, s value, name string, args []value, e *ast.FuncCallExpr) []results {
	n := int64(16)
	switch {
	case s.kind == isText && s.known:
		n = int64(len(s.text))
	case s.kind == isText:
		n = s.n
	}
	switch name {
	case "len":
		return []results{{p, []value{whole(n)}, e}}
	case "byte":
		first, last := int64(1), int64(0)
		for i, v := range args[:min(len(args), 2)] {
			if v.kind != isNumber || !v.known {
				return single(c.exit(p, e, false, "a byte of a string at a place that is not a constant; pkt:u8(offset) reads any byte"), e)
			}
			if i == 0 {
				first = v.n
			} else {
				last = v.n
			}
		}
		if first < 0 {
			first += n + 1
		}
		if len(args) < 2 {
			last = first
		} else if last < 0 {
			last += n + 1
		}
		r := results{path: p, at: e}
		for i := max(first, 1); i <= min(last, n); i++ {
			r.values = append(r.values, c.byteAt(p, s, i-1))
		}
		return []results{r}
	}
	return single(c.exit(p, e, false, "string function %s needs Lua", name), e)
}

// byteAt gives one byte of a string, counted from 0.
func (c *compiler) byteAt(p *path, s value, i int64) value {
	if s.known {
		return whole(int64(s.text[i]))
	}
	r := s.reg
	if i >= 8 {
		r = s.reg2
	}
	if i%8 > 0 {
		r = c.binary(p, ir.Shr, r, i%8*8)
	}
	if i%8 < 7 {
		r = c.binary(p, ir.And, r, 0xff)
	}
	return ranged(r, 0, 0xff)
}
