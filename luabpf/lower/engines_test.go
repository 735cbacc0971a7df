// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pvlua/luabind"
	"pvlua/luabpf/ir"
	"pvlua/luabpf/irtest"
	"pvlua/luabpf/vm"
	"pvlua/state"
)

// The tests here run a script in the Lua engine and in its intermediate form:
// verdict, bytes, counters and maps must be equal, packet after packet, except
// where the form exits.

// clock is a Host whose time stands still.
type clock struct{}

func (clock) Send(int, []byte) bool { return true }
func (clock) Now() time.Time        { return time.Unix(1_000_000, 0) }

// engines are a script in both engines, as of port 0.
type engines struct {
	t      *testing.T
	lua    *luabind.State
	other  *luabind.State // the same script on the state of the form: it does what exits
	result *Result
	mem    irtest.Memory
	stores [2]*state.Store
	port   int
	exits  map[string]int // by the reasons, how many packets exited
	vain   map[string]int // of them, how many on which Lua does not fail
	runs   int
}

// startEngines loads a script for both engines.
func startEngines(t *testing.T, source string, port int, change ...func(*luabind.Config)) *engines {
	t.Helper()
	e := &engines{t: t, port: port, exits: make(map[string]int), vain: make(map[string]int)}
	var states [2]*luabind.State
	for i := range states {
		e.stores[i] = state.New()
		c := luabind.Config{Script: "test.lua", Source: []byte(source), Host: clock{}, Store: e.stores[i]}
		for i := range testPorts {
			p := testPorts[i]
			p.Index = i
			c.Ports = append(c.Ports, &p)
		}
		for _, ch := range change {
			ch(&c)
		}
		s, err := luabind.Load(c)
		if err != nil {
			t.Fatalf("%v\n%s", err, source)
		}
		t.Cleanup(s.Close)
		states[i] = s
	}
	e.lua, e.other = states[0], states[1]
	p, err := states[1].Program()
	if err != nil {
		t.Fatal(err)
	}
	e.result, err = Lower(p, Options{In: port, Ports: testPorts, CanSend: []bool{true, true}})
	if err != nil {
		t.Fatalf("%v\n%s", err, source)
	}
	f := e.result.Func
	env := vm.Env{Now: clock{}.Now}
	for _, c := range f.Counters {
		counter, err := e.stores[1].Counter(c.Name)
		if err != nil {
			t.Fatal(err)
		}
		env.Counters = append(env.Counters, counter)
	}
	for _, m := range f.Maps {
		made, _ := e.stores[1].Lookup(m.Name)
		env.Maps = append(env.Maps, made)
	}
	e.mem = irtest.Memory(env)
	return e
}

// handle runs a packet in both engines. An exit is done by the Lua engine.
func (e *engines) handle(b []byte) {
	e.t.Helper()
	room := 200 // around the packet, in bytes
	if e.runs%5 == 4 {
		room = 2
	}
	buf := make([]byte, room+len(b)+room)
	copy(buf[room:], b)
	own := slices.Clone(buf)
	pkts := []luabind.Packet{{Buf: buf, From: room, To: room + len(b), Port: e.port}}
	p := &ir.Packet{Buf: own, From: room, To: room + len(b)}
	r, err := ir.Run(e.result.Func, p, e.mem)
	e.runs++
	if err != nil {
		e.t.Fatalf("%v\npacket %x\n%s", err, b, e.result.Func)
	}
	e.lua.Handle(pkts)
	want := pkts[0]
	if r.Verdict == 0 {
		e.exits[e.result.Func.Sites[r.Site].Reason]++
		if want.Err == nil {
			e.vain[e.result.Func.Sites[r.Site].Reason]++
		}
		if !bytes.Equal(own[room:room+len(b)], b) || p.From != room || p.To != room+len(b) {
			e.t.Fatalf("an exit has changed the packet\n%s", e.result.Func)
		}
		e.other.Handle([]luabind.Packet{{Buf: own, From: room, To: room + len(b), Port: e.port}})
		return
	}
	switch {
	case want.Err != nil:
		e.t.Fatalf("Lua fails with %v, but the form ends with %d\npacket %x\n%s", want.Err, r.Verdict, b, e.result.Func)
	case uint8(want.Verdict) != uint8(r.Verdict) || want.Verdict == luabind.Redirect && want.Out != r.Port:
		e.t.Fatalf("verdict %d of port %d; Lua says %d of port %d\npacket %x\n%s", r.Verdict, r.Port, want.Verdict, want.Out, b, e.result.Func)
	case !bytes.Equal(want.Buf[want.From:want.To], own[p.From:p.To]):
		e.t.Fatalf("bytes\n%x; Lua has\n%x\npacket\n%x\n%s", own[p.From:p.To], want.Buf[want.From:want.To], b, e.result.Func)
	}
}

// fuzz runs random packets.
func (e *engines) fuzz(n int) {
	e.t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	for range n {
		e.handle(irtest.Packet(rng))
	}
}

// same is the test of a script that must be compiled as a whole, but for exits
// that are rare, or whose reasons are given.
func same(t *testing.T, source string, reasons ...string) *engines {
	t.Helper()
	e := startEngines(t, source, 0)
	e.fuzz(300)
	for _, s := range e.result.Func.Sites {
		if !s.Rare && !slices.ContainsFunc(reasons, func(r string) bool { return strings.Contains(s.Reason, r) }) {
			t.Errorf("line %d exits: %s\n%s", s.Line, s.Reason, source)
		}
	}
	return e
}

// sameCounters compares a counter, of packets that did not exit.
func (e *engines) sameCounters(name string) {
	e.t.Helper()
	if len(e.exits) > 0 {
		e.t.Fatalf("packets exit: %v", e.exits)
	}
	a, _ := e.stores[0].Counter(name)
	b, _ := e.stores[1].Counter(name)
	if a.Get() != b.Get() || a.Get() == 0 {
		e.t.Errorf("%s is %d; Lua counts %d", name, b.Get(), a.Get())
	}
}
