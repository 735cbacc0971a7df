// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"

	"pvlua/internal/pkttest"
)

// udpBatch makes n packets from one after the other source port.
func udpBatch(n int) []Packet {
	pkts := make([]Packet, n)
	for i := range pkts {
		frame := pkttest.UDP(pkttest.Options{SrcPort: uint16(1 + i)})
		pkts[i] = Packet{Buf: frame, To: len(frame)}
	}
	return pkts
}

// A packet on which the handler fails does not disturb those before and after
// it in the batch.
func TestHandleGoesOnAfterAFailure(t *testing.T) {
	f := load(t, `
		local seen = {}
		function on_packet(pkt)
		  local n = pkt.udp.sport
		  seen[#seen + 1] = n
		  pkt.eth.src = n
		  if n % 3 == 0 then error("three") end
		  if n % 5 == 0 then return "five" end
		  return pv.TX
		end
		function on_stop() print(table.concat(seen, " ")) end`)
	pkts := udpBatch(64)
	for i := range pkts {
		// Answers from an earlier use of the slice are not left over.
		pkts[i].Verdict, pkts[i].Out, pkts[i].Err = Redirect, 9, errors.New("old")
	}
	f.Handle(pkts)
	for i, p := range pkts {
		n := i + 1
		failed := n%3 == 0 || n%5 == 0
		if failed != (p.Err != nil) || failed != (p.Verdict == 0) || !failed && p.Verdict != TX || p.Out != 0 {
			t.Errorf("packet %d: verdict %s, out %d, error %v", n, p.Verdict, p.Out, p.Err)
		}
		if src := p.Buf[11]; failed && src != 1 || !failed && int(src) != n {
			t.Errorf("packet %d: source address ends with %d", n, src)
		}
		var e *ScriptError
		if failed && (!errors.As(p.Err, &e) || e.Script != "test.lua") {
			t.Errorf("packet %d: error %#v", n, p.Err)
		}
	}
	if err := f.Stop(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Fields(f.stdout.String()); len(got) != len(pkts) {
		t.Errorf("the handler ran %d times: %v", len(got), got)
	}
}

// However often and in what way handlers fail, the state works as well as
// before: no call frames, registers or open variables are left over.
func TestHandleAfterManyFailures(t *testing.T) {
	f := load(t, `
		local function deep(n) if n > 0 then return 1 + deep(n - 1) end error("deep") end
		local function grow(...) return grow(1, ...) end
		local fail = {
		  function() error("plain") end,
		  function() error({}) end,
		  function() error() end,
		  function() deep(100) end,
		  function() local function f() return 1 + f() end f() end,
		  function() grow() end,
		  function() pcall(grow) grow() end,
		  function() pcall(pcall, error) error("after pcall") end,
		  function() xpcall(deep, function() error("in handler") end, 1) error("after xpcall") end,
		  function() coroutine.wrap(function() error("in coroutine") end)() end,
		  function() coroutine.wrap(function() coroutine.wrap(function() deep(50) end)() end)() end,
		  function() coroutine.wrap(function() grow() end)() end,
		  function() local t = {} t[""]() end,
		  function() local t = {} t.a.b.c = 1 end,
		  function() ("x"):rep(1e10) end,
		  function() table.sort({1, 2, 3}, function() error("in sort") end) end,
		  function() ("x"):gsub("x", function() error("in gsub") end) end,
		  function() setmetatable({}, {__index = function() error("in index") end}).x = nil; local _ = setmetatable({}, {__index = function() error("in index") end}).y end,
		  function() while true do end end,
		  function() return nil .. "x" end,
		  function() return #nil end,
		  function() return {} < {} end,
		  function() return -{} end,
		  function() nothing() end,
		  function() for i = 1, {} do end end,
		  function() for x in 5 do end end,
		  function() panic() end,
		  function() pcall(panic) panic() end,
		}
		count = #fail
		local n = 0
		function on_packet(pkt)
		  n = n + 1
		  local kept = n
		  closure = function() kept = kept + 1 return kept end
		  fail[n % #fail + 1]()
		end
		function on_stop() return deep(200) end`, func(c *Config) { c.Quota = 20_000 })
	f.L.SetGlobal("panic", f.L.NewFunction(func(*lua.LState) int { panic("a bug") }))
	const rounds = 30
	kinds := int(f.L.GetGlobal("count").(lua.LNumber))
	for round := range rounds {
		pkts := udpBatch(kinds)
		f.handleAll(pkts)
		for i, p := range pkts {
			if p.Err == nil {
				t.Fatalf("round %d, packet %d: no error", round, i)
			}
			if round == 0 {
				t.Log(p.Err)
			}
			if strings.Contains(p.Err.Error(), "internal error") && !strings.Contains(p.Err.Error(), "a bug") {
				t.Errorf("packet %d: %v", i, p.Err)
			}
		}
		if top := f.L.GetTop(); top != 0 {
			t.Fatalf("round %d: %d values are left in the registers", round, top)
		}
	}
	// A variable that a closure captured in a call that failed is its own.
	f.L.Push(f.L.GetGlobal("closure"))
	f.L.Call(0, 1)
	if got, want := f.L.Get(-1), lua.LNumber(kinds*rounds+1); got != want {
		t.Errorf("the captured variable is %v; want %v", got, want)
	}
	f.L.Pop(1)
	// There is room for as many calls as at the beginning.
	wantError(t, f.Stop(), "deep")
}

// A Go panic costs one packet.
func TestHandleContainsPanics(t *testing.T) {
	f := load(t, "function on_packet(pkt)\n  if pkt.udp.sport == 2 then broken() end\n  return pv.DROP\nend")
	f.L.SetGlobal("broken", f.L.NewFunction(func(*lua.LState) int { var p *int; return *p }))
	pkts := udpBatch(3)
	f.Handle(pkts)
	if pkts[0].Verdict != Drop || pkts[2].Verdict != Drop {
		t.Errorf("verdicts %s and %s", pkts[0].Verdict, pkts[2].Verdict)
	}
	wantError(t, pkts[1].Err, "test.lua:2: internal error: runtime error: invalid memory address")
}

// A new on_packet is for the next packet on, in whatever way it is assigned.
func TestHandlerIsReplaced(t *testing.T) {
	for _, assignment := range []string{
		"on_packet = other", "function on_packet() return pv.TX end", "_G.on_packet = other", `_G["on_packet"] = other`,
		"rawset(_G, 'on_packet', other)", "local x; x, on_packet = 1, other", "local x; x, _G.on_packet = 1, other",
	} {
		f := load(t, "local function other() return pv.TX end\nfunction on_packet() "+assignment+" return pv.DROP end")
		pkts := udpBatch(3)
		f.Handle(pkts)
		if pkts[0].Verdict != Drop || pkts[1].Verdict != TX || pkts[2].Verdict != TX {
			t.Errorf("%s: verdicts %s, %s, %s", assignment, pkts[0].Verdict, pkts[1].Verdict, pkts[2].Verdict)
		}
	}
	f := load(t, "function on_packet() on_packet = 5 end")
	pkts := udpBatch(3)
	f.Handle(pkts)
	if pkts[0].Err != nil {
		t.Error(pkts[0].Err)
	}
	wantError(t, pkts[1].Err, "on_packet is 5; expected a function")
	wantError(t, pkts[2].Err, "on_packet is 5; expected a function")
}

// The views in one batch show the packet that their call is for.
func TestHandleManyPorts(t *testing.T) {
	f := load(t, "function on_packet(pkt) if #pkt == pkt.port.index then return pkt.port end end")
	pkts := []Packet{
		{Buf: []byte{1, 2, 3}, From: 1, To: 2, Port: 0},
		{Buf: []byte{1, 2, 3}, From: 1, To: 3, Port: 1},
		{Buf: nil, Port: 1},
	}
	f.Handle(pkts)
	for i, want := range []Verdict{Redirect, Redirect, Pass} {
		if pkts[i].Verdict != want || pkts[i].Err != nil {
			t.Errorf("packet %d: verdict %s, error %v", i, pkts[i].Verdict, pkts[i].Err)
		}
	}
	if pkts[1].Out != 1 {
		t.Errorf("out of port %d", pkts[1].Out)
	}
}

// A packet outside of its buffer is a bug of the caller; it costs that packet.
func TestHandleRefusesImpossiblePackets(t *testing.T) {
	f := load(t, "function on_packet(pkt) return pv.DROP end")
	pkts := []Packet{{Buf: make([]byte, 10), To: 11}, {Buf: make([]byte, 10), From: 5, To: 4}, {Buf: make([]byte, 10), To: 10}}
	f.Handle(pkts)
	if pkts[0].Err == nil || pkts[1].Err == nil || pkts[2].Verdict != Drop {
		t.Errorf("errors %v and %v, verdict %s", pkts[0].Err, pkts[1].Err, pkts[2].Verdict)
	}
}

func TestHandleAfterClose(t *testing.T) {
	f := load(t, "function on_packet() end")
	f.Close()
	f.Close()
	if p := f.handle(make([]byte, 60)); p.Err == nil {
		t.Error("a closed state handled a packet")
	}
	if f.Start() == nil || f.Stop() == nil {
		t.Error("a closed state ran a callback")
	}
	if errs := f.RunTimers(f.host.now); errs != nil {
		t.Error(errs)
	}
}

// What one packet makes of a long-lived buffer is not seen through the views of
// the next.
func TestRawWritesAreSeen(t *testing.T) {
	f := load(t, `
		function on_packet(pkt)
		  local udp = pkt.udp
		  local before = udp.dport
		  pkt:set_u16(36, before + 1)
		  if udp.dport ~= before + 1 then error(udp.dport) end
		  pkt:set_bytes(36, "\0\9")
		  return udp.dport == 9 and pv.TX or nil
		end`)
	frame := pkttest.UDP(pkttest.Options{})
	want := bytes.Clone(frame)
	want[36], want[37] = 0, 9
	if p := f.handle(frame); p.Verdict != TX || !bytes.Equal(p.Buf, want) {
		t.Errorf("verdict %s, error %v", p.Verdict, p.Err)
	}
}
