// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	lua "github.com/yuin/gopher-lua"
)

// EntryKind says what an Entry of the API is.
type EntryKind uint8

// The kinds of entry.
const (
	Function EntryKind = iota // called with a dot: pv.log(...)
	Method                    // called with a colon: pkt:u8(0)
	Value                     // read: pv.args, pkt.port
	Callback                  // a global that the script defines
)

// Entry is one name of the API that scripts have, apart from the headers and
// fields of a packet, which package packet lists.
type Entry struct {
	Kind      EntryKind
	Of        string // what has it: "pv", "packet", "port", "timer", "counter", "map", "socket", "bit32", "string", "test"; empty for globals
	Name      string
	Signature string // in the manner of the Lua manual: "pkt:u8(offset) -> number"
	Doc       string // one sentence or two

	// make gives the Go function of a Function or Method for a state.
	make func(*State) lua.LGFunction
}

// API is all that pvlua adds to Lua. The functions are registered from it, so
// that what it documents is what there is. It is sorted by what has the entry,
// then by use.
var API []Entry

// It is filled here because the functions, in their error messages, use it.
func init() {
	for _, part := range [][]Entry{
		callbackEntries, moduleEntries(), outsideEntries(), buildEntries(), protocolEntries(), packetEntries(), reshapeEntries(), portEntries(), timerEntries(), sharedEntries(), socketEntries(), bit32Entries(), packEntries(), testEntries(),
	} {
		API = append(API, part...)
	}
}

// callbackEntries are the globals that pvlua calls.
var callbackEntries = []Entry{
	{Kind: Callback, Name: "on_packet", Signature: "on_packet(pkt) -> verdict",
		Doc: "Called for each packet. The verdict is nil or pv.PASS (not ours: the kernel gets it), pv.DROP, pv.TX (back out of the port it came in on) or a port (out of that one)."},
	{Kind: Callback, Name: "on_start", Signature: "on_start()",
		Doc: "Called once before the first packet."},
	{Kind: Callback, Name: "on_stop", Signature: "on_stop()",
		Doc: "Called once after the last packet."},
}

// method makes the function of an Entry of one of State's methods.
func method(f func(*State, *lua.LState) int) func(*State) lua.LGFunction {
	return func(s *State) lua.LGFunction {
		return func(L *lua.LState) int { return f(s, L) }
	}
}

// functionsOf makes the functions of a library.
func (s *State) functionsOf(of string) map[string]*lua.LFunction {
	m := make(map[string]*lua.LFunction)
	for _, e := range API {
		if e.Of == of && e.Kind == Function {
			m[e.Name] = s.L.NewFunction(e.make(s))
		}
	}
	return m
}
