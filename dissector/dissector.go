// SPDX-License-Identifier: GPL-3.0-or-later

// Package dissector writes Wireshark dissectors, in Lua, of the protocols that
// scripts declare, so that Wireshark and tshark show their fields and filter by
// them: myproto.type == 1.
//
// A dissector decodes what the walk of package packet finds: one header after
// the ports, protocols and ethertypes that it is bound to, and none that is cut
// short. What follows it is shown as data. The files need Wireshark 3.0 or
// later.
package dissector

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"pvlua/packet"
)

// Write writes the dissectors of protocols, which are prepared, as one file.
// script is the name of what declares them, for the comment at its top.
func Write(w io.Writer, script string, protocols []*packet.Protocol) error {
	var g generator
	fmt.Fprintf(&g.out, top, comment(script))
	for _, p := range protocols {
		g.protocol(p)
	}
	_, err := w.Write(g.out.Bytes())
	return err
}

// top is what all files begin with. It says where to put them as Wireshark's
// user's guide does, appendix B.4, "Plugin folders".
const top = `-- Wireshark dissector of what %s declares, written by pvlua dissector.
-- Try it by
--   wireshark -X lua_script:FILE
-- or put it into Wireshark's folder for plugins (Help, About Wireshark, Folders).

-- number gives width bits of the buffer from bit on, counted from byte at.
local function number(tvb, at, bit, width)
  return tvb(at, math.ceil((bit + width) / 8)):bitfield(bit, width)
end

-- little gives the little-endian number in n bytes of the buffer.
local function little(tvb, at, n)
  if n <= 4 then return tvb(at, n):le_uint() end
  return tvb(at, n):le_uint64()
end

-- count gives a number as one that can be computed with.
local function count(n)
  return type(n) == "number" and n or n:tonumber()
end

-- mac writes the Ethernet address at a byte, in numbers.
local function mac(tvb, at)
  local parts = {}
  for i = 0, 5 do parts[i + 1] = string.format("%%02x", tvb(at + i, 1):uint()) end
  return table.concat(parts, ":")
end

-- quoted writes n bytes as text between quotation marks, the first 40 of them.
local function quoted(tvb, at, n)
  local parts = {}
  for i = at, at + math.min(n, 40) - 1 do
    local c = tvb(i, 1):uint()
    if c == 34 or c == 92 then
      parts[#parts + 1] = "\\" .. string.char(c)
    elseif c < 32 or c > 126 then
      parts[#parts + 1] = string.format("\\x%%02x", c)
    else
      parts[#parts + 1] = string.char(c)
    end
  end
  return '"' .. table.concat(parts) .. (n > 40 and '..."' or '"')
end
`

// comment makes a name fit for a line of comment.
func comment(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, name)
}

// A generator writes one file.
type generator struct {
	out    bytes.Buffer
	indent string
}

// line writes a line of Lua.
func (g *generator) line(format string, args ...any) {
	if format != "" {
		g.out.WriteString(g.indent)
	}
	fmt.Fprintf(&g.out, format, args...)
	g.out.WriteByte('\n')
}

// open writes a line that begins a block, close one that ends it.
func (g *generator) open(format string, args ...any) {
	g.line(format, args...)
	g.indent += "  "
}

func (g *generator) close(format string, args ...any) {
	g.indent = g.indent[2:]
	g.line(format, args...)
}

// protocol writes the dissector of one protocol.
func (g *generator) protocol(p *packet.Protocol) {
	g.line("")
	g.open("do")
	g.line("local name = %q", p.Name)
	long := title(p) + " (pvlua)" // which no protocol of Wireshark's own is called
	g.line("local ok, proto = pcall(Proto, name, %q)", long)
	g.open("if not ok then -- Wireshark has a protocol of this name itself")
	g.line("name = \"pvlua_\" .. name")
	g.line("proto = Proto(name, %q)", long)
	g.close("end")
	g.line("local f, names = {}, {}")
	for _, field := range p.Fields {
		g.field(field)
	}
	g.line("proto.fields = f")
	g.line("")
	g.dissect(p)
	g.line("")
	for _, b := range p.Bindings {
		g.line("DissectorTable.get(%q):add(%d, proto)", tables[b.Under], b.Number)
	}
	g.close("end")
}

// tables are Wireshark's dissector tables by what a binding is under.
var tables = map[packet.HeaderID]string{
	packet.UDP: "udp.port", packet.TCP: "tcp.port", packet.IP: "ip.proto", packet.Eth: "ethertype",
}

// field writes the declaration of a field.
func (g *generator) field(f *packet.ProtocolField) {
	args := fmt.Sprintf("name .. %q, %q", "."+f.Name, f.Name)
	switch {
	case f.Kind == packet.Uint:
		args += ", base.DEC"
	case f.Text:
		args += ", base.UNICODE" // which is UTF-8
	}
	if len(f.Enum) > 0 {
		g.open("names.%s = {", f.Name)
		for _, e := range f.Enum {
			g.line("[%d] = %q,", e.Value, e.Name)
		}
		g.close("}")
		args += ", names." + f.Name
	}
	g.line("f.%s = ProtoField.%s(%s)", f.Name, fieldType(f), args)
}

// fieldType gives the constructor of a field, which goes by the number of bits
// of its value.
func fieldType(f *packet.ProtocolField) string {
	switch {
	case f.Text:
		return "string"
	case f.Kind == packet.Bytes:
		return "bytes"
	case f.Kind == packet.Bool:
		return "bool"
	case f.Kind == packet.IPv4:
		return "ipv4"
	case f.Kind == packet.MAC:
		return "ether"
	case f.Width > 32:
		return "uint64"
	}
	return fmt.Sprintf("uint%d", (f.Width+7)/8*8)
}
