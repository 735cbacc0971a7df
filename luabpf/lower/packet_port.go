// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"encoding/binary"

	"github.com/yuin/gopher-lua/ast"

	"pvlua/luabpf/ir"
)

// ofPort reads a fact of a port. A program is made for the facts as they are.
func (c *compiler) ofPort(p *path, n int, name string, at ast.PositionHolder) []result {
	port := &c.opts.Ports[n]
	switch name {
	case "name":
		return one(p, text(port.Name))
	case "index":
		return one(p, whole(int64(n)+1))
	case "mac":
		return one(p, whole(int64(port.MAC)))
	case "ip":
		if len(port.IP) == 0 {
			return one(p, nothing)
		}
		return one(p, whole(int64(port.IP[0])))
	case "ip6":
		if len(port.IP6) == 0 {
			return one(p, nothing)
		}
		first := port.IP6[0]
		for _, a := range port.IP6 {
			if a[0] != 0xfe || a[1]&0xc0 != 0x80 { // not link-local: RFC 4291 section 2.5.6
				first = a
				break
			}
		}
		return one(p, text(string(first[:])))
	case "mtu":
		return one(p, whole(int64(port.MTU)))
	case "queues":
		return one(p, whole(int64(port.Queues)))
	case "up":
		return one(p, boolean(port.Up))
	}
	return c.fails(p, at, "a port has no '%s'", name)
}

// owns is port:owns(address).
func (c *compiler) owns(p *path, n int, a value, at ast.PositionHolder) []result {
	port := &c.opts.Ports[n]
	var yes, no *path
	no = p
	test := func(is, not *path) { yes, no = c.rejoin(yes, is), not }
	switch {
	case a.known && a.kind == isNumber:
		own := false
		for _, ip := range port.IP {
			own = own || int64(ip) == a.n
		}
		return one(p, boolean(own))
	case a.known && (a.kind == isAddress || a.kind == isText):
		own := false
		for _, ip := range port.IP6 {
			own = own || string(ip[:]) == a.text
		}
		return one(p, boolean(own))
	case a.kind == isFraction:
		return one(p, boolean(false))
	case a.kind == isNumber:
		for _, ip := range port.IP {
			test(c.branch(no, ir.EQ, a.reg, ir.None, int64(ip)))
		}
	case a.kind == isAddress:
		for _, ip := range port.IP6 {
			half, not := c.branch(no, ir.EQ, a.reg, ir.None, int64(binary.LittleEndian.Uint64(ip[:])))
			is, other := c.branch(half, ir.EQ, a.reg2, ir.None, int64(binary.LittleEndian.Uint64(ip[8:])))
			test(is, c.rejoin(not, other))
		}
	default:
		return c.fails(p, at, "owns: the address is neither a number nor a string of 16 bytes")
	}
	out := one(no, boolean(false))
	if yes != nil {
		out = append(out, result{yes, boolean(true)})
	}
	return out
}
