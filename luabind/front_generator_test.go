// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"pvlua/packet"
)

// handlerGenerator makes random handlers of what a front can follow, and now
// and then of what it can't. They may fail on some packets, which is what a
// front must find out.
type handlerGenerator struct {
	*rand.Rand
	b       strings.Builder
	indent  int
	headers []string // local variables that hold headers
	values  []string // and those that hold something else
	returns bool     // the last statement was one of return
}

var headerNames = func() (names []string) {
	for _, h := range packet.Headers {
		names = append(names, h.Name)
	}
	return names
}()

func (g *handlerGenerator) line(format string, args ...any) {
	fmt.Fprintf(&g.b, "%s%s\n", strings.Repeat("  ", g.indent), fmt.Sprintf(format, args...))
}

func (g *handlerGenerator) oneOf(list ...string) string { return list[g.IntN(len(list))] }

// header gives an expression for a header.
func (g *handlerGenerator) header() string {
	if len(g.headers) > 0 && g.IntN(4) > 0 {
		return g.oneOf(g.headers...)
	}
	if g.IntN(8) == 0 {
		return g.oneOf("(pkt.tcp or pkt.udp)", "(pkt.ip or pkt.ip6)")
	}
	return "pkt." + g.oneOf(headerNames...)
}

// idOf gives the header that an expression most likely is.
func (g *handlerGenerator) idOf(header string) packet.HeaderID {
	name := strings.TrimPrefix(header, "pkt.")
	name, _, _ = strings.Cut(name, " ")
	for _, h := range packet.Headers {
		if h.Name == name {
			return h.ID
		}
	}
	return packet.HeaderID(g.IntN(packet.NumHeaders))
}

// field gives an expression for a field, and which it most likely is.
func (g *handlerGenerator) field() (string, *packet.Field) {
	h := g.header()
	fields := packet.Headers[g.idOf(h)].Fields
	f := fields[g.IntN(len(fields))]
	switch { // what both have; others are refused before the script runs
	case strings.HasPrefix(h, "(pkt.tcp"):
		f = packet.Lookup(packet.TCP, g.oneOf("sport", "dport", "checksum"))
	case strings.HasPrefix(h, "(pkt.ip"):
		f = packet.Lookup(packet.IP, g.oneOf("src", "dst", "proto", "len", "version", "dscp", "ecn"))
	}
	return h + "." + f.Name, f
}

// number gives an expression that is most likely a number.
func (g *handlerGenerator) number(depth int) string {
	if depth > 3 {
		return fmt.Sprint(g.IntN(300))
	}
	switch g.IntN(15) {
	case 0:
		return fmt.Sprintf("(%s %s %s)", g.number(depth+1), g.oneOf("+", "-", "*", "%", "/"), g.number(depth+1))
	case 1:
		return g.oneOf("guarded.x", "table1.a.b", "total", "me.mac", "me.mtu", "me.index", "me.ip", "#pkt", "limit", "count", "fixed", "table1.x", "pv.TX", `pv.ip"10.0.0.5"`)
	case 2:
		return fmt.Sprintf("pkt:%s(%d)", g.oneOf("u8", "u16", "u32"), g.IntN(70))
	case 3:
		return fmt.Sprintf("table1[%s]", g.value(depth+1))
	case 4:
		return fmt.Sprintf("(%s and %s or %s)", g.cond(depth+1), g.number(depth+1), g.number(depth+1))
	case 13:
		switch g.IntN(4) {
		case 0:
			return fmt.Sprintf("bit32.%s(%s, %s)", g.oneOf("band", "bor", "bxor", "lshift", "rshift"), g.number(depth+1), g.number(depth+1))
		case 1:
			return fmt.Sprintf("band(%s, %s)", g.number(depth+1), g.number(depth+1))
		case 2:
			return fmt.Sprintf("math.floor(%s / 3)", g.number(depth+1))
		}
		return fmt.Sprintf("(flows:get(%s) or 1)", g.value(depth+1))
	case 12:
		if g.IntN(2) == 0 {
			return fmt.Sprintf("#%s", g.oneOf("list", "table1", "table1.a", "pv.ports"))
		}
	case 5:
		return fmt.Sprintf("sum(%s, %s)", g.number(depth+1), g.number(depth+1))
	case 6, 7:
		if len(g.values) > 0 {
			return g.oneOf(g.values...)
		}
	case 8:
		return "pkt.ip6.src:byte(1)"
	case 9, 10, 11:
		f, _ := g.field()
		return f
	}
	return g.oneOf("0", "1", "7", "64", "255", "256", "65535", "0x0800", "6", "17", "-1", "0.5")
}

// value gives any expression.
func (g *handlerGenerator) value(depth int) string {
	switch g.IntN(8) {
	case 0:
		return g.cond(depth + 1)
	case 1:
		return g.oneOf("nil", "true", "false", "'text'", `pv.ip6"2001:db8::1"`, "here", "me", "table1")
	case 2, 3:
		f, _ := g.field()
		return f
	}
	return g.number(depth + 1)
}

func (g *handlerGenerator) cond(depth int) string {
	if depth > 3 {
		return g.header()
	}
	switch g.IntN(10) {
	case 0:
		return fmt.Sprintf("(%s %s %s)", g.cond(depth+1), g.oneOf("and", "or"), g.cond(depth+1))
	case 1:
		return "not " + g.cond(depth+1)
	case 2:
		return fmt.Sprintf("me:owns(%s)", g.value(depth+1))
	case 3:
		return fmt.Sprintf("(%s %s %s)", g.value(depth+1), g.oneOf("==", "~="), g.value(depth+1))
	case 4:
		return fmt.Sprintf("same(%s, %s)", g.value(depth+1), g.value(depth+1))
	case 5:
		f, _ := g.field()
		return fmt.Sprintf("(%s and %s ~= 5)", f[:strings.LastIndex(f, ".")], f)
	case 6, 7:
		return g.header()
	}
	return fmt.Sprintf("(%s %s %s)", g.number(depth+1), g.oneOf("<", "<=", ">", ">=", "=="), g.number(depth+1))
}

// assigned gives a value that a field most likely takes.
func (g *handlerGenerator) assigned(f *packet.Field) string {
	if g.IntN(12) == 0 {
		return g.value(0)
	}
	switch f.Kind {
	case packet.Bool:
		return g.oneOf("true", "false", "not not pkt.udp")
	case packet.IPv6:
		return g.oneOf("here", "pkt.ip6.src", "pkt.ip6.dst", `pv.ip6"fe80::1"`)
	case packet.MAC:
		return g.oneOf("me.mac", "pkt.eth.src", "pkt.eth.dst", "1")
	}
	if f.Width < 32 && g.IntN(3) > 0 {
		return fmt.Sprint(g.IntN(1 << f.Width))
	}
	return g.number(0)
}

// loop makes a loop of one of the kinds.
func (g *handlerGenerator) loop() {
	headers, values := g.headers, g.values
	switch g.IntN(5) {
	case 0:
		g.line("for i = %s, %s, %s do", g.number(2), g.number(2), g.oneOf("1", "-1", "0.1", "limit", "7"))
		g.values = append(g.values, "i")
	case 1, 2:
		g.line("for i = 1, %s do", g.oneOf("#list", "3", "0", "count", "20"))
		g.values = append(g.values, "i", "list[i]")
	case 3:
		g.line("for _, v in ipairs(%s) do", g.oneOf("list", "list", "table1", "pv.ports", g.value(2)))
		g.values = append(g.values, "v")
	case 4:
		g.line("local w = 0")
		g.line("while w < %s do", g.oneOf("5", "count", g.number(2)))
		g.line("  w = w + 1")
		g.values = append(g.values, "w")
	}
	if g.IntN(2) == 0 && len(values) > 0 && values[0] != "list[i]" {
		g.line("  %s = %s", values[0], g.value(1))
	}
	g.line("do") // which may end with return
	g.block(1 + g.IntN(3))
	g.line("end")
	if g.IntN(2) == 0 {
		g.line("  if %s then break end", g.cond(1))
	}
	g.line("end")
	g.headers, g.values = headers, values
}

// lasting gives a statement that changes what outlasts the packet.
func (g *handlerGenerator) lasting() string {
	target := func() string {
		return g.oneOf("count", "total", "fresh", "table1.x", "table1.y", "table1.a.b", "table1.a[1]", fmt.Sprintf("table1[%s]", g.value(1)),
			fmt.Sprintf("table1.a[%s]", g.number(1)), "guarded.x")
	}
	switch g.IntN(7) {
	case 6:
		return g.oneOf(fmt.Sprintf("flows:set(%s, %s)", g.value(1), g.value(1)), fmt.Sprintf("flows:add(%s, %s)", g.number(1), g.number(1)), "flows:add(#pkt)")
	case 0:
		return g.oneOf("seen:add()", "seen:add(2)", "seen:add(#pkt)", fmt.Sprintf("seen:add(%s)", g.number(2)))
	case 1, 2:
		return g.oneOf("count = count + 1", "total = total + #pkt", "table1[#pkt] = (table1[#pkt] or 0) + 1", "count, total = total, count", "unknown, other_one = other_one, unknown")
	case 3:
		f, of := g.field()
		if strings.HasPrefix(f, "(") {
			f = "count"
		}
		return fmt.Sprintf("%s, %s, %s = %s, %s, %s", target(), f, target(), g.value(1), g.assigned(of), g.value(1))
	}
	return fmt.Sprintf("%s = %s", target(), g.value(0))
}

func (g *handlerGenerator) block(n int) {
	headers, values := g.headers, g.values
	g.indent++
	g.returns = false
	for range n {
		if g.stmt(); g.returns {
			break
		}
	}
	g.indent--
	g.returns = false
	g.headers, g.values = headers, values
}

func (g *handlerGenerator) stmt() {
	switch g.IntN(19) {
	case 16, 17, 18:
		if g.indent < 4 && g.IntN(2) == 0 {
			g.loop()
		}
	case 0, 1, 2:
		name := g.oneOf(headerNames...)
		g.line("local %s = pkt.%s", name, name)
		g.headers = append(g.headers, name)
	case 3:
		g.line("local ports = pkt.tcp or pkt.udp")
		g.line("if ports then ports.dport, ports.sport = ports.sport, ports.dport end")
	case 4:
		if g.IntN(4) == 0 {
			g.line("local found, total = find(list, %s)", g.value(1))
			g.values = append(g.values, "found", "total")
			return
		}
		name := fmt.Sprintf("v%d", g.IntN(5))
		g.line("local %s = %s", name, g.value(0))
		g.values = append(g.values, name)
	case 5:
		if len(g.values) > 0 {
			g.line("%s = %s", g.oneOf(g.values...), g.value(0))
		}
	case 6, 7, 8:
		a, f := g.field()
		if strings.HasPrefix(a, "(") {
			return // it would be the arguments of a call on the line before
		}
		b, h := g.field()
		switch g.IntN(4) {
		case 0:
			g.line("%s, %s = %s, %s", a, b, g.assigned(f), g.assigned(h))
		case 1:
			g.line("%s, %s = %s, %s", a, b, b, a)
		default:
			g.line("%s = %s", a, g.assigned(f))
		}
	case 9:
		if g.IntN(4) == 0 {
			g.line("%s", g.oneOf("pkt:reply()", "pkt:fix_checksums()"))
		}
		g.line("change(pkt, %s)", g.oneOf("pkt.ip", "pkt.ip6", "pkt.eth", "pkt"))
	case 10:
		if g.indent < 4 {
			g.line("return %s(pkt, %s)", g.oneOf("finish", "unknown"), g.number(1))
			g.returns = true
		}
	case 11:
		if g.IntN(4) == 0 { // what no front does
			g.line("%s", g.oneOf("print(pkt)", "for i = 1, 2 do count = count + i end", "pkt:set_u8(3, 3)"))
			return
		}
		g.line("%s", g.lasting())
	case 12:
		g.line("return %s", g.oneOf("pv.TX", "pv.DROP", "pv.PASS", "pkt:reply()", "me", "nil", "count % 3 + 1", "pkt.udp and pv.DROP or pv.TX", "other", "me == first and other or first", g.value(0)))
		g.returns = true
	default:
		if g.indent > 3 {
			return
		}
		g.line("if %s then", g.cond(0))
		g.block(1 + g.IntN(3))
		if g.IntN(2) == 0 {
			g.line("elseif %s then", g.cond(0))
			g.block(1 + g.IntN(2))
		}
		if g.IntN(2) == 0 {
			g.line("else")
			g.block(1 + g.IntN(2))
		}
		g.line("end")
	}
}

// handlerHead is what the random handlers stand on.
const handlerHead = `local pv = require "pv"
local fixed, here, table1, limit, count = 1009, pv.ip6"2001:db8::2", {x = 5, [7] = 1, [53] = true, a = {}}, tonumber("300"), 0
local first, other = pv.ports[1], pv.ports[2]
local seen, list = pv.counter("seen"), {1, 7, 53, true, 64, 255}
local flows, band = pv.map{name = "flows", max = 20}, bit32.band
total = 0
local function same(a, b) return a == b end
local function sum(a, b)
  local c = a + b
  return c
end
local function change(pkt, h)
  if not h then return end
  if h == pkt then h = pkt.eth end
  if pkt.ip and pkt.ip.ttl > 1 then pkt.ip.ttl = pkt.ip.ttl - 1 return end
  pkt.eth.src, pkt.eth.dst = pkt.eth.dst, pkt.port.mac
end
local function find(l, x)
  local n = 0
  for i, v in ipairs(l) do
    n = n + i
    if v == x then return i, n end
  end
  return nil, n
end
local function finish(pkt, n)
  if n == 7 then return pv.DROP end
  local eth = pkt.eth
  if eth and n then eth.src = pkt.port.mac return pv.TX end
end
function unknown(pkt, n) return n > 5 and pv.TX or pv.PASS end
function other_one(pkt, n) local udp = pkt.udp if udp and udp.dport == n then return pv.DROP end end
guarded = setmetatable({}, {__newindex = function(t, k, v) print("set", k, type(v)) end, __index = function(t, k) return k == "x" and 5 or nil end})
local function text(v)
  if type(v) ~= "table" or v == table1 then return type(v) == "number" and ("%.17g"):format(v) or type(v) == "userdata" and "userdata" or v == table1 and "table1" or tostring(v) end
  local list = {}
  for k, e in pairs(v) do list[#list + 1] = text(k) .. "=" .. text(e) end
  table.sort(list)
  return table.concat(list, " ")
end
function on_stop()
  print(text(count), text(total), seen:get(), text(fresh), flows:refused())
  for k, v in flows:each() do print(text(k), text(v)) end
  local whole, list = table1, {}
  for k, e in pairs(whole) do list[#list + 1] = text(k) .. "=" .. text(e) end
  table.sort(list)
  print(table.concat(list, "\n"))
end
`

// handlerProgram makes a script with a random handler.
func handlerProgram(seed uint64) string {
	g := &handlerGenerator{Rand: rand.New(rand.NewPCG(seed, 2))}
	g.b.WriteString(handlerHead)
	g.line("function on_packet(pkt)")
	g.indent++
	g.line("local me = pkt.port")
	if g.IntN(2) == 0 {
		g.line("local eth, ip, udp = pkt.eth, pkt.ip, pkt.udp")
		g.headers = append(g.headers, "eth", "ip", "udp")
	}
	for range 3 + g.IntN(6) {
		if g.stmt(); g.returns {
			break
		}
	}
	g.indent--
	g.line("end")
	return g.b.String()
}
