// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"github.com/yuin/gopher-lua/ast"

	"pvlua/state"
)

// method is x:name(args...) for packets, headers, ports, counters and maps; the
// object of the latter two is c.program.Object(x.lua).
func (c *compiler) method(p *path, x value, name string, args []value, at ast.PositionHolder) []result {
	switch x.kind {
	case isPacket:
		return c.packetMethod(p, name, args, at)
	case isPort:
		if name == "owns" {
			return c.owns(p, int(x.n), arg(args, 0), at)
		}
		return c.exit(p, at, false, "port:%s needs user space; return the port as the verdict to send the packet itself", name)
	case isHeader:
		return c.fails(p, at, "%s has no method %s", x.header, name)
	}
	switch o := c.program.Object(x.lua).(type) {
	case *state.Counter:
		return c.counterMethod(p, o, name, args, at)
	case *state.Map:
		return c.mapMethod(p, o, name, args, at)
	}
	return c.exit(p, at, false, "method %s of an object that is known in user space only", name)
}

// packetMethod is pkt:name(args...).
func (c *compiler) packetMethod(p *path, name string, args []value, at ast.PositionHolder) []result {
	switch name {
	case "u8":
		return c.rawRead(p, name, 1, args, at)
	case "u16":
		return c.rawRead(p, name, 2, args, at)
	case "u32":
		return c.rawRead(p, name, 4, args, at)
	case "set_u8":
		return c.rawWrite(p, name, 1, args, at)
	case "set_u16":
		return c.rawWrite(p, name, 2, args, at)
	case "set_u32":
		return c.rawWrite(p, name, 4, args, at)
	case "bytes":
		return c.rawBytes(p, args, at)
	case "set_bytes":
		return c.rawSetBytes(p, args, at)
	case "reply":
		return c.reply(p, at)
	case "fix_checksums":
		return c.fixChecksums(p, at)
	case "push", "pull", "resize":
		return c.reshape(p, name, arg(args, 0), at)
	case "find":
		return c.exit(p, at, false, "pkt:find looks for a string anywhere; where the place is known, pkt:u8, u16 and u32 read numbers")
	case "clone", "hexdump":
		return c.exit(p, at, false, "pkt:%s makes something that outlives the packet", name)
	}
	return c.fails(p, at, "a packet has no method %s", name)
}
