// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"
)

// A Filter is a function of a script that chooses packets, beside on_packet
// and before it. It belongs to the State's goroutine.
type Filter struct {
	s      *State
	fn     *lua.LFunction
	driver *lua.LFunction
	pkts   []Packet
	keep   []bool
	next   int
}

// NewFilter finds the global function of that name. That there is none is a
// *ScriptError, which names what was perhaps meant.
func (s *State) NewFilter(name string) (*Filter, error) {
	fn, ok := s.L.G.Global.RawGetString(name).(*lua.LFunction)
	if !ok || fn.IsG {
		e := &ScriptError{Script: s.cfg.Script, Msg: fmt.Sprintf("the script defines no global function %s(pkt) for the capture's filter", name)}
		var names []string
		s.L.G.Global.ForEach(func(k, v lua.LValue) {
			if fn, ok := v.(*lua.LFunction); ok && !fn.IsG {
				names = append(names, k.String())
			}
		})
		if near := nearest(name, names); near != "" {
			e.Msg += "; did you mean " + near + "?"
		}
		return nil, e
	}
	f := &Filter{s: s, fn: fn}
	f.driver = s.L.NewFunction(f.drive)
	return f, nil
}

// Choose calls the function with each packet and notes in keep, which is as
// long as pkts, whether it answered true (anything but nil and false). What it
// changes in a packet is taken back. A packet on which it fails is kept; the
// first such error is returned, a *ScriptError. Choose itself does not
// allocate.
func (f *Filter) Choose(pkts []Packet, keep []bool) (first error) {
	s := f.s
	f.pkts, f.keep, f.next = pkts, keep, 0
	for f.next < len(pkts) {
		if err := s.guarded(f.driver); err != nil {
			e := s.scriptError(err)
			s.undo()
			s.end()
			s.repair()
			if keep[f.next] = true; first == nil {
				first = e
			}
			f.next++
		}
	}
	f.pkts, f.keep = nil, nil
	return first
}

// drive is the Go function inside the protected call.
func (f *Filter) drive(L *lua.LState) int {
	s := f.s
	for f.next < len(f.pkts) {
		s.quota.reset()
		s.begin(&f.pkts[f.next])
		L.Push(f.fn)
		L.Push(s.view(kindPacket))
		L.Call(1, 1)
		f.keep[f.next] = lua.LVAsBool(L.Get(-1))
		L.Pop(1)
		s.undo()
		s.end()
		f.next++
	}
	return 0
}
