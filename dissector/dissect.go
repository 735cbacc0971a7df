// SPDX-License-Identifier: GPL-3.0-or-later

package dissector

import (
	"fmt"
	"strings"

	"pvlua/packet"
)

// dissect writes the function that decodes a header. First it finds out how
// long the header is, which is where one that is cut short is refused; then it
// adds the fields to the tree.
func (g *generator) dissect(p *packet.Protocol) {
	g.open("function proto.dissector(tvb, pinfo, tree)")
	g.line("local length, size = tvb:len(), %d", p.Size())
	g.line("if length < size then return 0 end")
	if p.Varies() {
		g.line("local n = {} -- the lengths of the fields that vary")
	}
	for _, f := range p.Fields {
		switch {
		case f.Rest:
			g.line("n.%s = length - size", f.Name)
		case f.Count != nil:
			g.line("n.%s = count(%s)", f.Name, value(f.Count))
		default:
			continue
		}
		g.line("size = size + n.%s", f.Name)
		if f.Count != nil {
			g.line("if length < size then return 0 end")
		}
	}
	g.line("")
	g.line("local item = tree:add(proto, tvb(0, size))")
	g.line("local v, text = {}, \"\"")
	for _, f := range p.Fields {
		g.add(f)
	}
	g.line("item:append_text(text)")
	g.line("pinfo.cols.protocol = %q", title(p))
	g.line("pinfo.cols.info = %q .. text", title(p))
	g.line("if size < length then Dissector.get(\"data\"):call(tvb(size):tvb(), pinfo, tree) end")
	g.line("return length")
	g.close("end")
}

// add writes the lines that show one field.
func (g *generator) add(f *packet.ProtocolField) {
	at := start(f)
	switch f.Kind {
	case packet.Bytes:
		n := fmt.Sprint(f.Size)
		if f.Size == 0 {
			n = "n." + f.Name
		}
		g.line("item:add(f.%s, tvb(%s, %s))", f.Name, at, n)
		if f.Text {
			g.line("text = text .. %q .. quoted(tvb, %s, %s)", " "+f.Name+"=", at, n)
		}
		return
	case packet.IPv4:
		g.line("v.%s = tvb(%s, 4):ipv4()", f.Name, at)
	case packet.MAC:
		g.line("v.%s = tvb(%s, 6):ether()", f.Name, at)
	case packet.Bool:
		g.line("v.%s = %s == 1", f.Name, value(f))
	default:
		g.line("v.%s = %s", f.Name, value(f))
	}
	g.line("item:add(f.%s, tvb(%s, %d), v.%[1]s)", f.Name, at, (f.BitOffset()%8+f.Width+7)/8)
	shown := "tostring(v." + f.Name + ")"
	if f.Kind == packet.MAC {
		shown = fmt.Sprintf("mac(tvb, %s)", at)
	}
	if len(f.Enum) > 0 {
		shown = fmt.Sprintf("(names.%s[count(v.%[1]s)] or %s)", f.Name, shown)
	}
	g.line("text = text .. %q .. %s", " "+f.Name+"=", shown)
}

// value gives the expression that reads a number.
func value(f *packet.ProtocolField) string {
	if f.LittleEndian {
		return fmt.Sprintf("little(tvb, %s, %d)", start(f), f.Width/8)
	}
	return fmt.Sprintf("number(tvb, %s, %d, %d)", start(f), f.BitOffset()%8, f.Width)
}

// start gives the expression for the byte in which a field begins.
func start(f *packet.ProtocolField) string {
	at := fmt.Sprint(f.BitOffset() / 8)
	for _, c := range f.Varying() {
		at += " + n." + c.Name
	}
	return at
}

// title is what columns call a protocol.
func title(p *packet.Protocol) string { return strings.ToUpper(p.Name) }
