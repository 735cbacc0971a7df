// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"
)

// Handle calls on_packet on each packet, in order, and fills in the answers.
// A packet on which the handler failed is as it was before. Handle itself
// does not allocate, nor do the accessors of fields, but for the few numbers
// above 65535 and the IPv6 addresses that the State has not seen lately.
//
// All packets share one protected call, because that costs more than the call
// of a handler; after a failure it is made anew for the rest (P49).
//
// Handle returns how many packets it dealt with. They are all, except that it
// returns at once when they have taken as much as the quota of one packet, which
// takes a good part of a second: the caller may have something to do before the
// rest.
func (s *State) Handle(pkts []Packet) int {
	if s.closed {
		for i := range pkts {
			pkts[i].Verdict, pkts[i].Err = 0, &ScriptError{Script: s.cfg.Script, Msg: "the state is closed"}
		}
		return len(pkts)
	}
	s.batch, s.next = pkts, 0
	s.quota.begin()
	for s.next < len(pkts) && !s.quota.enough() {
		if err := s.guarded(s.driver); err != nil {
			s.failed(err)
		}
	}
	s.batch = nil
	return s.next
}

// drive is the Go function inside the protected call.
func (s *State) drive(L *lua.LState) int {
	for s.next < len(s.batch) && !s.quota.enough() {
		p := &s.batch[s.next]
		p.Verdict, p.Out, p.Err = 0, 0, nil
		s.quota.reset()
		if s.handlerChanged {
			old := s.handler
			if p.Err = s.findHandler(); p.Err != nil {
				s.next++
				continue
			}
			if s.handlerChanged = false; s.handler != old {
				s.runners = nil // they were made of the old one
			}
		}
		if s.run(p) {
			s.next++
			continue
		}
		s.begin(p)
		if s.front != nil && s.front.run(s, p) {
			s.end()
			s.next++
			continue
		}
		L.Push(s.handler)
		L.Push(s.view(kindPacket))
		L.Call(1, 1)
		v := L.Get(-1)
		L.Pop(1)
		if s.decide(p, v); s.hand.resized && p.Err == nil {
			s.checkLength(p)
		}
		if p.Err != nil {
			s.undo()
		}
		s.end()
		s.next++
	}
	return 0
}

// failed ends the packet in hand with an error.
func (s *State) failed(err error) {
	p := &s.batch[s.next]
	p.Verdict, p.Out = 0, 0
	p.Err = s.scriptError(err)
	s.undo()
	s.end()
	s.repair()
	s.next++
}

// decide takes what on_packet returned as the verdict on p.
func (s *State) decide(p *Packet, v lua.LValue) {
	switch v := v.(type) {
	case *lua.LNilType:
		p.Verdict = Pass
		return
	case lua.LNumber:
		switch v {
		case lua.LNumber(Drop), lua.LNumber(Pass), lua.LNumber(TX):
			p.Verdict = Verdict(v)
			return
		}
	case *lua.LUserData:
		if o := objectOf(v); o != nil && o.kind == kindPort {
			p.Verdict, p.Out = Redirect, o.port.Index
			return
		}
	}
	p.Err = s.handlerError("on_packet returned " + describe(v) + "; expected nil, pv.PASS, pv.DROP, pv.TX or a port")
}

// checkLength looks whether a packet whose length the handler has changed can
// go where its verdict says.
func (s *State) checkLength(p *Packet) {
	to := s.ports[p.Port]
	if p.Verdict == Redirect {
		to = s.ports[p.Out]
	}
	if p.Verdict == Drop {
		return
	}
	if problem := to.misfit(p.To - p.From); problem != "" {
		verdict := p.Verdict.String()
		p.Verdict, p.Out = 0, 0
		p.Err = s.handlerError("on_packet changed the length of the packet, and its verdict is " + verdict + ": " + problem)
	}
}

// handlerError makes an error of what on_packet answered. Its line is where the
// function begins.
func (s *State) handlerError(msg string) error {
	return &ScriptError{Script: s.handler.Proto.SourceName, Line: s.handler.Proto.LineDefined, Msg: msg}
}

// findHandler looks up on_packet.
func (s *State) findHandler() error {
	switch fn := s.L.G.Global.RawGetString("on_packet").(type) {
	case *lua.LFunction:
		if fn.IsG {
			return &ScriptError{Script: s.cfg.Script, Msg: "on_packet is a function of the library; expected one of the script"}
		}
		s.handler = fn
		s.front = s.frontOf(fn)
		return nil
	case *lua.LNilType:
		return s.missingHandler()
	default:
		return &ScriptError{Script: s.cfg.Script, Msg: fmt.Sprintf("on_packet is %s; expected a function", describe(fn))}
	}
}

// missingHandler makes the error of a script without on_packet, with what was
// perhaps meant to be it.
func (s *State) missingHandler() error {
	e := &ScriptError{Script: s.cfg.Script, Msg: "the script defines no global function on_packet(pkt)"}
	if s.localHandler > 0 {
		e.Line = s.localHandler
		e.Msg += fmt.Sprintf(`; the one at line %d is local: leave out "local"`, e.Line)
		return e
	}
	var names []string
	s.L.G.Global.ForEach(func(k, v lua.LValue) {
		fn, ok := v.(*lua.LFunction)
		if name, isName := k.(lua.LString); ok && isName && !fn.IsG {
			names = append(names, string(name))
		}
	})
	if near := nearest("on_packet", names); near != "" {
		fn := s.L.G.Global.RawGetString(near).(*lua.LFunction)
		e.Line = fn.Proto.LineDefined
		e.Msg += fmt.Sprintf(`; did you mean on_packet? found %s at line %d`, near, e.Line)
	}
	return e
}
