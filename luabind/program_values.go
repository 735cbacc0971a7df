// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	lua "github.com/yuin/gopher-lua"

	"pvlua/state"
)

// Object tells what a value is that pvlua or a library has made: a
// *state.Counter, a *state.Map, the Index of a port as an int, or a name as a
// string: of a function such as "bit32.band", or of a module such as "math" or
// "pv". It is nil for all others.
//
// Names are those that hold now; a script that assigns members of libraries
// gives them other ones.
func (p *Program) Object(v lua.LValue) any {
	switch v := v.(type) {
	case *lua.LUserData:
		switch o := v.Value.(type) {
		case *counter:
			return o.Counter
		case *sharedMap:
			return o.Map
		case *object:
			if o.kind == kindPort {
				return o.port.Index
			}
		}
	case *lua.LFunction, *lua.LTable:
		if p.names == nil {
			p.nameLibraries()
		}
		if name, ok := p.names[v]; ok {
			return name
		}
	}
	return nil
}

// CounterName gives the name of a counter that Object gave.
func (p *Program) CounterName(c *state.Counter) string {
	for name, ud := range p.s.out.counters {
		if ud.Value.(*counter).Counter == c {
			return name
		}
	}
	return ""
}

// Port gives the port with an Index as scripts have it.
func (p *Program) Port(index int) lua.LValue { return p.s.ports[index].ud }

// Members gives the table with what a table shows: of a read-only one, such as
// pv.ports, the one behind it.
func (p *Program) Members(t *lua.LTable) *lua.LTable {
	if members := p.s.frozen[t]; members != nil {
		return members
	}
	return t
}

// nameLibraries finds the names of library functions and modules. A function
// that has two names is left out, since which is true is not certain.
func (p *Program) nameLibraries() {
	p.names = make(map[lua.LValue]string)
	twice := make(map[lua.LValue]bool)
	note := func(v lua.LValue, name string) {
		if p.names[v] != "" {
			twice[v] = true
		}
		p.names[v] = name
	}
	function := func(v lua.LValue, name string) {
		if fn, ok := v.(*lua.LFunction); ok && fn.IsG {
			note(v, name)
		}
	}
	globals := p.s.L.G.Global
	globals.ForEach(func(k, v lua.LValue) { function(v, k.String()) })
	for _, library := range []string{"bit32", "coroutine", "math", "os", "pv", "string", "table"} {
		t, ok := globals.RawGetString(library).(*lua.LTable)
		if !ok {
			continue
		}
		note(t, library)
		p.Members(t).ForEach(func(k, v lua.LValue) {
			function(v, library+"."+k.String())
			if ports, ok := v.(*lua.LTable); ok && library == "pv" {
				note(ports, "pv."+k.String())
			}
		})
	}
	for v := range twice {
		delete(p.names, v)
	}
}

// Name gives the path of the script.
func (p *Program) Name() string { return p.s.cfg.Script }

// Length gives the length of a table, or of what it shows.
func (p *Program) Length(t *lua.LTable) int { return tableLength(p.Members(t)) }
