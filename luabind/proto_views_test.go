// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"fmt"
	"strings"
	"testing"

	"pvlua/internal/pkttest"
)

// Reading and assigning the numbers of a declared header allocates nothing, nor
// does looking it up.
func TestDeclaredAccessDoesNotAllocate(t *testing.T) {
	for _, body := range []string{
		`local g = pkt.greeting if g then g.ver = (g.ver + 1) % 16 g.id = g.n g.urgent = not g.urgent g.type = 2 end`,
		`local g, udp = pkt.greeting, pkt.udp g.ver, g.type = g.type, g.ver g.id = udp.sport`,
		`local g = pkt.greeting g.mark, g.from = g.from, g.mark`,
		`pkt.greeting.ver = 7`,
		`local g = pkt.greeting if g.type == HELLO then return pkt:reply() end`,
		`local g = pkt.other if not g then return pv.DROP end`,
	} {
		f := load(t, greetingSource+`local HELLO = greeting.type.HELLO
			pv.proto{name = "other", fields = {{"x", 8}}, udp = 5}
			function on_packet(pkt) `+body+` end`)
		frame := greetingPacket("")
		p := make([]Packet, 1)
		n := testing.AllocsPerRun(100, func() {
			p[0] = Packet{Buf: frame, To: len(frame)}
			f.Handle(p)
		})
		if n != 0 || p[0].Err != nil {
			t.Errorf("%s: %v allocations, error %v", body, n, p[0].Err)
		}
	}
}

// A declared header that is kept is dead afterwards, by whatever way it was
// looked up and kept.
func TestDeclaredHeadersKeptAreDead(t *testing.T) {
	for _, declare := range []string{
		greetingSource,
		strings.Replace(greetingSource, `"greeting"`, `"gree" .. "ting"`, 1), // which the checks before can't know
		strings.Replace(greetingSource, `"greeting"`, `("greeting"):lower()`, 1),
		`local declare = pv.proto ` + strings.Replace(greetingSource, "pv.proto", "declare", 1),
	} {
		for _, keep := range []string{
			"G = pkt.greeting", "G = pkt['greeting']", "local k = 'greet' G = pkt[k .. 'ing']", "local g = pkt.greeting G = g", "G = {pkt.greeting} G = G[1]",
			"local t = {} t.x = pkt.greeting G = t.x", "local x; x, G = 1, pkt.greeting", "G = pkt.tcp or pkt.greeting", "G = pkt.ip and pkt.greeting",
			"local function f(p) return p.greeting end G = f(pkt)", "local g = pkt.greeting F = function() return g.ver end G = setmetatable({}, {__index = F})",
			"local g, udp = pkt.greeting, pkt.udp G = g", "T[pkt.greeting] = 1 G = next(T)", "rawset(_G, 'G', pkt.greeting)", "G = select(2, pkt.ip, pkt.greeting)",
		} {
			f := load(t, declare+"T = {} function on_packet(pkt) if not G then "+keep+" return end return print(G.ver) end")
			if p := f.handle(greetingPacket("")); p.Err != nil {
				t.Errorf("%s: %v", keep, p.Err)
				continue
			}
			p := f.handle(greetingPacket(""))
			if p.Err == nil || !strings.Contains(p.Err.Error(), "packet view (greeting header) used after its callback") {
				t.Errorf("%s\n%s: the header can be used later: %v, printed %q", declare, keep, p.Err, f.stdout)
			}
		}
	}
}

// The names of a protocol and of its fields may be those of anything else.
func TestDeclaredNamesOfOthers(t *testing.T) {
	f := load(t, `
		pv.proto{name = "type", fields = {{"dport", 8}, {"name", 8}, {"payload", 8}, {"type", 8}, {"x", 8}}, udp = 7}
		function on_packet(pkt)
		  local x, other = pkt.type, {x = 5, dport = 6, name = "n"}
		  print(x.dport, x.name, x.payload, x.type, x.x, pkt.udp.dport, pkt.eth.type, pkt.port.name, pkt.payload, other.x, other.dport, other.name)
		  KEPT = KEPT or x
		  print(pcall(function() return KEPT.dport end))
		end`)
	for i, want := range []string{
		"1\t2\t3\t4\t5\t7\t2048\tveth1\t\t5\t6\tn\ntrue\t1\n",
		"1\t2\t3\t4\t5\t7\t2048\tveth1\t\t5\t6\tn\nfalse\ttest.lua:N: packet view (type header) used after its callback: a packet and its headers last only as long as on_packet runs; keep the values that you need instead\n",
	} {
		f.stdout.Reset()
		p := f.handle(pkttest.UDP(pkttest.Options{Payload: []byte{1, 2, 3, 4, 5}}))
		if got := anyLine.ReplaceAllString(f.stdout.String(), "test.lua:N:"); p.Err != nil || got != want {
			t.Errorf("packet %d: %v, %s, want %s", i+1, p.Err, got, want)
		}
	}
}

// Access by names that are worked out, in hand and owned, and by modules.
func TestDeclaredAccessByAnyName(t *testing.T) {
	dir := folder(t, map[string]string{
		"main.lua":  `local g = require "proto" local use = require "use" function on_packet(pkt) use(pkt) use(pkt:clone()) print(g.type.BYE, g.type[2], g.type[99]) end`,
		"proto.lua": greetingSource + "return greeting",
		"use.lua": `return function(pkt)
			local g = pkt["greet" .. "ing"]
			for _, name in ipairs{"ver", "type", "urgent", "id", "n", "who"} do
			  local old = g[name]
			  g[name] = old
			  if g[name] ~= old then error(name) end
			end
			print(g.ver, pkt.greeting.who, g)
		end`,
	})
	f, err := loadFile(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		f.stdout.Reset()
		p := f.handle(greetingPacket(""))
		line := "1\tbob\tgreeting header of " + string(f.AppendSummary(nil, greetingPacket(""))) + "\n"
		if want := line + line + "2\tBYE\tnil\n"; p.Err != nil || f.stdout.String() != want {
			t.Errorf("%v, printed\n%s\nwant\n%s", p.Err, f.stdout, want)
		}
	}
}

// Views show the header that the packet has now; those of two protocols are
// apart.
func TestDeclaredViewsFollow(t *testing.T) {
	f := load(t, `
		pv.proto{name = "a", fields = {{"x", 8}}, udp = 7}
		pv.proto{name = "b", fields = {{"x", 16}}, udp = 8}
		function on_packet(pkt)
		  local a, udp = pkt.a, pkt.udp
		  print(a.x, pkt.b)
		  udp.dport = 8
		  local b = pkt.b
		  print(pkt.a, b.x, pcall(function() return a.x end))
		  b.x = 0x0506
		  udp.dport, udp.sport = udp.sport, 7
		  print(a.x, pkt.b, a == pkt.a)
		  pkt:set_u8(42, 9)
		  print(a.x, #pkt.payload)
		  pkt:resize(40)
		  print(pkt.a)
		  pkt.payload = "zz"
		end`)
	for range 2 {
		f.stdout.Reset()
		p := f.handle(pkttest.UDP(pkttest.Options{Payload: []byte{1, 2}}))
		want := "1\tnil\nnil\t258\tfalse\ttest.lua:N: the packet has no a header any more: it was changed since this one was looked up\n5\tnil\ttrue\n9\t1\nnil\n"
		if got := anyLine.ReplaceAllString(f.stdout.String(), "test.lua:N:"); p.Err != nil || got != want {
			t.Errorf("%v, printed\n%s\nwant\n%s", p.Err, got, want)
		}
	}
}

// What a script declares is its own.
func TestDeclarationsOfStatesAreApart(t *testing.T) {
	a := load(t, `pv.proto{name = "a", fields = {{"x", 8}}, udp = 7} function on_packet(pkt) print(pkt.a.x) end`)
	b := load(t, `pv.proto{name = "b", fields = {{"y", 16}}, udp = 7} function on_packet(pkt) print(pkt.b.y, pcall(function() return pkt["a"] end)) end`)
	plain := load(t, `function on_packet(pkt) print(pcall(function() return pkt["a"] end)) end`)
	for range 2 {
		for _, f := range []*fixture{a, b, plain} {
			if p := f.handle(pkttest.UDP(pkttest.Options{Payload: []byte{1, 2}})); p.Err != nil {
				t.Error(p.Err)
			}
		}
	}
	got := fmt.Sprint(a.stdout.String(), b.stdout, plain.stdout)
	if want := "1\n1\n258\tfalse\ttest.lua:1: a packet has no property 'a'"; !strings.HasPrefix(got, want) || strings.Contains(plain.stdout.String(), "true") {
		t.Errorf("printed\n%s", got)
	}
	if len(a.Protocols()) != 1 || a.Protocols()[0].Name != "a" || len(plain.Protocols()) != 0 {
		t.Errorf("%v, %v", a.Protocols(), plain.Protocols())
	}
}
