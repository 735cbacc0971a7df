// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"encoding/binary"

	lua "github.com/yuin/gopher-lua"

	"pvlua/packet"
)

// headerValue makes the value of pkt.ip, or of pkt.tcp or pkt.udp.
func headerValue(ids ...packet.HeaderID) value {
	mask := uint16(0)
	for _, id := range ids {
		mask |= 1 << id
	}
	return value{
		form:    formHeader,
		headers: ids,
		truth:   func(c *pass) bool { return c.f.layout.Has&mask != 0 },
	}
}

// fieldValue makes the value of a field of a header, which is the first of some
// that the packet has.
func fieldValue(headers []packet.HeaderID, name string) (v value, ok bool) {
	if len(headers) > 1 {
		return eitherField(headers, name)
	}
	f := packet.Lookup(headers[0], name)
	if f == nil {
		return value{}, false
	}
	switch f.Kind {
	case packet.Bytes:
		return value{}, false
	case packet.IPv6:
		v = bytesValue(func(c *pass) []byte {
			b, ok := f.Bytes(c.f.b, &c.f.layout)
			if !ok {
				c.bad = true
			}
			return b
		})
	case packet.Bool:
		v = boolValue(func(c *pass) bool {
			n, ok := f.Uint(c.f.b, &c.f.layout)
			if !ok {
				c.bad = true
			}
			return n != 0
		})
	default:
		v = numberValue(reader(f))
	}
	v.field, v.width = f, f.Width
	if f.Locate != packet.Fixed {
		return optionalField(v), true
	}
	return v, true
}

// reader makes the closure that reads a field that is a number. Those that are
// whole bytes at a fixed place, which is most that are asked for, are read here:
// a call less.
func reader(f *packet.Field) func(*pass) uint64 {
	h, from := f.Header, int(f.BitOffset/8)
	if f.Locate == packet.Fixed && f.BitOffset%8 == 0 {
		switch f.Width {
		case 8:
			return func(c *pass) uint64 {
				if off := c.place(h, from, 1); off >= 0 {
					return uint64(c.f.b[off])
				}
				return 0
			}
		case 16:
			return func(c *pass) uint64 {
				if off := c.place(h, from, 2); off >= 0 {
					return uint64(binary.BigEndian.Uint16(c.f.b[off:]))
				}
				return 0
			}
		case 32:
			return func(c *pass) uint64 {
				if off := c.place(h, from, 4); off >= 0 {
					return uint64(binary.BigEndian.Uint32(c.f.b[off:]))
				}
				return 0
			}
		}
	}
	return func(c *pass) uint64 {
		n, ok := f.Uint(c.f.b, &c.f.layout)
		if !ok {
			c.bad = true
		}
		return n
	}
}

// place gives where n bytes are that begin at an offset from a header; bad, and
// below 0, if the packet does not have them.
func (c *pass) place(h packet.HeaderID, from, n int) int {
	off := int(c.f.layout.Off[h]) + from
	if !c.f.layout.Present(h) || off > len(c.f.b)-n {
		c.bad = true
		return -1
	}
	return off
}

// optionalField makes v, a field that a packet with its header may not have,
// nil if it has it not.
func optionalField(v value) value {
	f, all := v.field, v
	there := func(c *pass) (uint64, []byte, bool) {
		if f.Kind == packet.IPv6 {
			b, ok := f.Bytes(c.f.b, &c.f.layout)
			return 0, b, ok
		}
		n, ok := f.Uint(c.f.b, &c.f.layout)
		return n, nil, ok
	}
	v.optional = true
	v.truth = func(c *pass) bool {
		n, _, ok := there(c)
		if !ok && !c.f.layout.Present(f.Header) {
			c.bad = true
		}
		return ok && (f.Kind != packet.Bool || n != 0)
	}
	v.any = func(c *pass) lua.LValue {
		_, _, ok := there(c)
		switch {
		case ok:
			return all.any(c)
		case !c.f.layout.Present(f.Header):
			c.bad = true
		}
		return lua.LNil
	}
	return v
}

// eitherField makes the value of a field that each of some headers has.
func eitherField(headers []packet.HeaderID, name string) (v value, ok bool) {
	var each [packet.NumHeaders]value
	first := value{}
	for i, id := range headers {
		if each[id], ok = fieldValue([]packet.HeaderID{id}, name); !ok {
			return value{}, false
		}
		if i == 0 {
			first = each[id]
		} else if first.form != each[id].form || first.optional || each[id].optional {
			first.form = formAny
		}
	}
	pick := func(c *pass) *value {
		for _, id := range headers {
			if c.f.layout.Present(id) {
				return &each[id]
			}
		}
		c.bad = true
		return &each[headers[0]]
	}
	switch first.form {
	case formNumber:
		return numberValue(func(c *pass) uint64 { return pick(c).n(c) }), true
	case formBool:
		return boolValue(func(c *pass) bool { return pick(c).truth(c) }), true
	case formBytes:
		return bytesValue(func(c *pass) []byte { return pick(c).bytes(c) }), true
	}
	return anyValue(func(c *pass) lua.LValue { return pick(c).any(c) }), true
}

// fact makes the value of a property of a port.
func fact(p func(*pass) *port, name string) (v value, ok bool) {
	prop := properties[name]
	if prop == nil || prop.from[kindPort].access != accessFact {
		return value{}, false
	}
	i := prop.from[kindPort].index
	switch name {
	case "mac":
		v = numberValue(func(c *pass) uint64 { return p(c).MAC & (1<<48 - 1) })
		v.width, v.steady = 48, true
		return v, true
	case "up":
		v = boolValue(func(c *pass) bool { return p(c).Up })
	default:
		v = anyValue(func(c *pass) lua.LValue { return p(c).facts[i] })
	}
	v.steady = true
	return v, true
}

// raw makes the value of pkt:u8(offset) and so on.
func raw(offset value, size int) value {
	return numberValue(func(c *pass) uint64 {
		off := int(offset.n(c))
		if c.bad || off > len(c.f.b)-size {
			c.bad = true
			return 0
		}
		n := uint64(0)
		for _, b := range c.f.b[off : off+size] {
			n = n<<8 | uint64(b)
		}
		return n
	})
}

// owns makes the value of port:owns(address).
func owns(p func(*pass) *port, address value) (v value, ok bool) {
	switch {
	case address.form == formNumber:
		return boolValue(func(c *pass) bool {
			n := address.n(c)
			for _, ip := range p(c).IP {
				if uint64(ip) == n {
					return true
				}
			}
			return false
		}), true
	case address.form == formBytes:
		return boolValue(func(c *pass) bool {
			b := address.bytes(c)
			if len(b) != 16 {
				return false
			}
			for i := range p(c).IP6 {
				if p(c).IP6[i] == [16]byte(b) {
					return true
				}
			}
			return false
		}), true
	}
	return value{}, false
}
