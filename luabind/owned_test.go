// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"pvlua/internal/pkttest"
	"pvlua/packet"
)

// lookSource is a chunk with the function look(p), which tells all that can be
// read of a packet, in every way, and change(p, n), which makes change number n
// of all that can be made and says what came of it.
func lookSource() string {
	var b strings.Builder
	b.WriteString(`
local names = {}
function look(p)
  local out, n = {}, 0
  local function tell(what, ok, v) n = n + 1 out[n] = what .. "=" .. (ok and type(v) ~= "userdata" and tostring(v) or ok and "a " .. tostring(v) or "error " .. tostring(v)) end
  local function try(what, f) tell(what, pcall(f)) end
  tell("#", true, #p) tell("text", true, tostring(p)) tell("port", true, p.port) tell("payload", true, p.payload)
  tell("pay..load", true, p["pay" .. "load"]) tell("type", true, type(p)) tell("metatable", true, getmetatable(p))
  try("u8", function() return p:u8(#p - 1) end) try("u16", function() return p:u16(4) end) try("u32", function() return p:u32(5) end)
  try("outside", function() return p:u8(#p) end) try("bytes", function() return p:bytes(0, #p) end)
  try("find", function() return p:find("i") end) try("hexdump", function() return p:hexdump() end)
  try("unknown", function() return p["u" .. "pd"] end) try("by a name", function() local f = p["u" .. "8"] return f(p, 0) end)
`)
	for _, h := range packet.Headers {
		fmt.Fprintf(&b, "  local h = p.%s if h then tell(%[1]q, h == p[%[1]q .. ''], h)\n", h.Name)
		fmt.Fprintf(&b, "    try('unknown', function() return h['x' .. 'y'] end)\n")
		for _, f := range h.Fields {
			fmt.Fprintf(&b, "    try(%q, function() return h.%s end) try('again', function() return h['%[2]s' .. ''] end)\n", f, f.Name)
		}
		b.WriteString("  end\n")
	}
	b.WriteString("  return table.concat(out, '\\n')\nend\nlocal list = {\n")
	for _, h := range packet.Headers {
		for _, f := range h.Fields {
			for _, value := range []string{"1", "3", "true", "('x'):rep(16)"} {
				fmt.Fprintf(&b, "  function(p) p.%s.%s = %s end,\n", h.Name, f.Name, value)
			}
			fmt.Fprintf(&b, "  function(p) local h = p.%s h['%s' .. ''] = 2 end,\n", h.Name, f.Name)
		}
	}
	b.WriteString(`  function(p) local e = p.eth e.dst, e.src = e.src, e.dst end, function(p) local i = p.ip6 i.dst, i.src = i.src, i.dst end,
  function(p) p:set_u8(20, 7) end, function(p) p:set_u16(22, 7) end, function(p) p:set_u32(16, 7) end, function(p) p:set_bytes(14, "EF") end,
  function(p) p:fix_checksums() end, function(p) return p:reply() end, function(p) p.payload = "" end, function(p) p.payload = "odd" end,
  function(p) p.payload = ("long"):rep(20) end, function(p) p["payload" .. ""] = "x" end, function(p) p.payload = 1 end, function(p) p.port = 1 end,
  function(p) p:push(4) end, function(p) p:pull(5) end, function(p) p:resize(#p + 9) end, function(p) p:resize(#p - 3) end, function(p) p:pull(1e6) end,
  function(p) p:set_u8(1e6, 0) end, function(p) p.eth = nil end, function(p) p.upd = 1 end,
}
changes = #list
function change(p, n)
  local ok, v = pcall(list[n], p)
  return tostring(ok) .. " " .. tostring(v)
end
`)
	return b.String()
}

// Everything that scripts can do with a packet does the same with a packet in
// hand, with a clone of it, and with the clone later, when there is none in
// hand.
func TestOwnedPacketsAreLikeThoseInHand(t *testing.T) {
	f := load(t, lookSource()+`
		local kept, done = {}, 0
		local function same(what, clone, pkt) if clone ~= pkt then error(what .. " of a clone is\n" .. clone .. "\nof the packet\n" .. pkt) end end
		function on_packet(pkt)
		  local c, original, before = pkt:clone(), pkt:bytes(0, #pkt), look(pkt)
		  same("look", look(c), before)
		  for i = 1, changes do
		    local said = change(pkt, i)
		    same("change " .. i, change(c, i), said)
		    same("result of change " .. i, c:hexdump(), pkt:hexdump())
		    if i % 7 == 0 then
		      same("look after change " .. i, look(c), look(pkt))
		      kept[#kept + 1] = {packet = c, look = look(pkt)}
		      c = c:clone()
		    end
		    if said:find("true", 1, true) then done = done + 1 end
		    pkt:resize(#original) pkt:set_bytes(0, original)
		    c:resize(#original) c:set_bytes(0, original)
		  end
		  same("look in the end", look(c), before)
		  kept[#kept + 1] = {packet = c, look = before}
		  return pv.DROP
		end
		local function check()
		  for i, k in ipairs(kept) do same("later look " .. i, look(k.packet), k.look) end
		  print(#kept > 0, done > 0)
		  kept, done = {}, 0
		end
		pv.every(1, check)`, func(c *Config) { c.Quota = 1e9 })
	for _, shape := range pkttest.All() {
		const room = 128
		buf := make([]byte, room+len(shape.Frame)+room)
		copy(buf[room:], shape.Frame)
		p := []Packet{{Buf: buf, From: room, To: room + len(shape.Frame), Port: 1}}
		if f.Handle(p); p[0].Err != nil {
			t.Fatalf("%s: %v", shape.Name, p[0].Err)
		}
		if !bytes.Equal(buf[p[0].From:p[0].To], shape.Frame) {
			t.Errorf("%s: the packet is not as it was", shape.Name)
		}
		f.host.now = f.host.now.Add(time.Second)
		f.stdout.Reset()
		if errs := f.RunTimers(f.host.now); len(errs) > 0 {
			t.Fatalf("%s: %v", shape.Name, errs[0])
		}
		if f.stdout.String() != "true\ttrue\n" {
			t.Errorf("%s: nothing was compared", shape.Name)
		}
	}
}

// The test above covers all that the API lists.
func TestLookIsComplete(t *testing.T) {
	source := lookSource()
	for _, e := range API {
		if e.Of != "packet" || e.Name == "#" || e.Name == "clone" {
			continue
		}
		if !strings.Contains(source, "p."+e.Name) && !strings.Contains(source, "p:"+e.Name+"(") {
			t.Errorf("%s is not in it", e.Signature)
		}
	}
}

// A packet that is built is one of its own as well.
func TestBuiltPacket(t *testing.T) {
	f := load(t, `
		P = pv.build{eth = {dst = pv.mac"02:00:00:00:00:02", src = pv.mac"02:00:00:00:00:01"},
		  ip = {src = pv.ip"10.0.0.4", dst = pv.ip"10.0.0.5", id = 77, df = true}, udp = {sport = 1234, dport = 7}, payload = "ping"}
		function on_packet(pkt)
		  for name in ("eth ip udp"):gmatch("%a+") do if not P[name] then error(name) end end
		  if P:bytes(0, #P) ~= pkt:bytes(0, #pkt) or P.port or P.udp.dport ~= 7 then error("not the same") end
		  local eth = P.eth
		  P.udp.sport, P.payload = 1234, "other"
		  P.payload = "ping"
		  if P.eth ~= eth or eth.dst ~= pkt.eth.dst or P:reply() ~= pv.TX then error("the view is another") end
		  P:reply()
		  return pv.ports[2]:send(P) and pv.DROP
		end
		function on_stop() P.eth.dst = 1 print(P.eth.dst, P, pv.ports[1]:send(P)) end`)
	want := pkttest.UDP(pkttest.Options{})
	for range 3 {
		if p := f.handle(bytes.Clone(want)); p.Err != nil || p.Verdict != Drop {
			t.Fatal(p.Err, p.Verdict)
		}
	}
	if err := f.Stop(); err != nil {
		t.Fatal(err)
	}
	if got := f.stdout.String(); got != "1\tIP 10.0.0.4.1234 > 10.0.0.5.7: UDP, length 4\ttrue\n" {
		t.Errorf("printed %q", got)
	}
	if len(f.host.sent) != 4 || !bytes.Equal(f.host.sent[0].frame, want) || f.host.sent[0].port != 1 || f.host.sent[3].frame[5] != 1 {
		t.Errorf("sent %v", f.host.sent)
	}
}

// Clones and their headers can be kept; that does not touch the views of the
// packet in hand, which are used again.
func TestViewsOfClonesAreKept(t *testing.T) {
	f := load(t, `
		local kept, clone, udp
		function on_packet(pkt)
		  local c = pkt:clone()
		  if clone then
		    if udp.sport ~= SPORT or clone.udp ~= udp or clone.udp.sport ~= SPORT or c.udp == udp or pkt == clone then error("changed") end
		  end
		  clone, udp, SPORT = c, c.udp, pkt.udp.sport
		  local inner = function() return clone.udp end
		  if KEEP then kept = pkt end
		end
		function use() return kept.udp end`)
	for i := range 3 {
		if p := f.handle(pkttest.UDP(pkttest.Options{SrcPort: uint16(100 + i)})); p.Err != nil {
			t.Fatal(p.Err)
		}
		if f.State.hand.views[kindPacket] == nil {
			t.Fatal("the views were retired, but only a clone was kept")
		}
	}
	f.L.SetGlobal("KEEP", boolean(true))
	if p := f.handle(pkttest.UDP(pkttest.Options{})); p.Err != nil {
		t.Fatal(p.Err)
	}
	if f.State.hand.views[kindPacket] != nil {
		t.Error("the packet was kept, but its view is alive")
	}
	wantError(t, f.callGlobal("use"), "packet view used after its callback")
}

// An owned packet can grow to the longest frame there can be, and no further.
func TestOwnedPacketsGrow(t *testing.T) {
	got, err := run(t, `
		local p = pv.build{udp = {}, payload = "0123456789"}
		local udp = p.udp
		for i = 1, 40 do p:push(3) p:resize(#p + 7) end
		for i = 1, 40 do p:pull(3) end
		p:resize(52)
		print(#p, p.payload, udp.len)
		print(pcall(p.push, p, 4045)) print(pcall(p.resize, p, 4097))
		p:push(4044) print(#p, p:bytes(4044 + 42, 10), p:bytes(0, 4044) == ("\0"):rep(4044))
		p:pull(4044) p:resize(4096) print(#p, p:bytes(42, 10), #p.payload, p:bytes(52, 4044) == ("\0"):rep(4044))
		p.payload = ("x"):rep(4054) print(#p, udp.len)
		print(pcall(function() p.payload = ("x"):rep(4055) end))
		print(pcall(pv.build, {udp = {}, payload = ("x"):rep(4055)}))
		print(pcall(pv.build, {udp = {}, payload = ("x"):rep(100000)}))`)
	if err != nil {
		t.Fatal(err)
	}
	got = strings.ReplaceAll(got, "test.lua:", "")
	want := `52	0123456789	18
false	9: push: 4045 bytes do not fit: the frame has room for 4044
false	9: resize: 4097 bytes do not fit: the frame has room for 4096
4096	0123456789	true
4096	0123456789	10	true
4096	4062
false	13: payload: 4055 bytes do not fit: the frame has room for 4054
false	14: pv.build: payload: 4055 bytes do not fit: the frame has room for 4054
false	15: pv.build: payload: 100000 bytes do not fit: the frame has room for 4096`
	if got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

// Changing the length of the packet in hand and turning it round allocates
// nothing.
func TestReshapingDoesNotAllocate(t *testing.T) {
	f := load(t, `function on_packet(pkt) pkt:push(4) pkt:pull(4) pkt:resize(#pkt + 9) pkt.payload = "odd" return pkt:reply() end`)
	frame := pkttest.UDP(pkttest.Options{})
	buf := make([]byte, 256)
	p := make([]Packet, 1)
	allocs := testing.AllocsPerRun(100, func() {
		copy(buf[64:], frame)
		p[0] = Packet{Buf: buf, From: 64, To: 64 + len(frame)}
		f.Handle(p)
	})
	if p[0].Err != nil || p[0].Verdict != TX || allocs != 0 {
		t.Errorf("verdict %s, error %v, %v allocations", p[0].Verdict, p[0].Err, allocs)
	}
}

// Too long a frame for the port that it is to leave by costs the packet, with
// an error, and is not lost on the way.
func TestTooLongForThePort(t *testing.T) {
	f := load(t, "function on_packet(pkt) pkt:resize(pkt:u16(0)) return OUT end")
	for _, c := range []struct {
		n, out int
		err    string
	}{
		{1518, 1, ""}, {1519, 1, "a frame of 1519 bytes is too long for veth1: its MTU of 1500 allows 1518"},
		{1519, 2, ""}, {9019, 2, "a frame of 9019 bytes is too long for veth2: its MTU of 9000 allows 9018"},
		{13, 2, "a frame of 13 bytes is too short"}, {14, 2, ""},
	} {
		f.L.SetGlobal("OUT", f.ports[c.out-1].ud)
		buf := make([]byte, 10000)
		buf[0], buf[1] = byte(c.n>>8), byte(c.n)
		p := []Packet{{Buf: buf, To: 60}}
		f.Handle(p)
		if c.err == "" && (p[0].Err != nil || p[0].Verdict != Redirect || p[0].To != c.n) {
			t.Errorf("%d bytes: %v", c.n, p[0].Err)
		} else if c.err != "" {
			wantError(t, p[0].Err, c.err)
			if p[0].To != 60 || p[0].Verdict != 0 || p[0].Out != 0 {
				t.Errorf("%d bytes: the packet ends at %d, its verdict is %s", c.n, p[0].To, p[0].Verdict)
			}
		}
	}
}

// A packet of bytes is the packet that they are.
func TestPacketOfBytes(t *testing.T) {
	f := load(t, `
		function on_packet(pkt)
			local p = pv.packet(pkt:bytes(0, #pkt))
			pkt.port:send(p)
			assert(p.port == nil and #p == #pkt and tostring(p) == tostring(pkt) and p.payload == pkt.payload)
			if p.eth then p.eth.dst = 1 end
			assert(not pkt.eth or pkt.eth.dst ~= 1)
			return pv.DROP
		end`)
	for _, shape := range pkttest.All() {
		f.host.sent = nil
		if p := f.handle(bytes.Clone(shape.Frame)); p.Err != nil {
			t.Errorf("%s: %v", shape.Name, p.Err)
		} else if len(f.host.sent) != 1 || !bytes.Equal(f.host.sent[0].frame, shape.Frame) {
			t.Errorf("%s: sent %x; want %x", shape.Name, f.host.sent, shape.Frame)
		}
	}
	for body, want := range map[string]string{
		`pv.packet{}`:                        `test.lua:2: pv.packet: got a table; expected a string with the bytes of a frame; pv.build{...} makes a packet of tables`,
		`pv.packet(("x"):rep(4097))`:         `test.lua:2: pv.packet: 4097 bytes do not fit: the frame has room for 4096`,
		`pv.ports[1]:send(pv.packet("abc"))`: `send: a frame of 3 bytes is too short: it needs an Ethernet header, 14 bytes`,
	} {
		if _, err := run(t, body); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %s", body, err, want)
		}
	}
}
