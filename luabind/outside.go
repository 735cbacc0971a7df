// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"time"

	lua "github.com/yuin/gopher-lua"
)

// outside is what a State has to do with anything beyond its packets and
// timers.
type outside struct {
	classes  map[string]*lua.LTable // metatables
	counters map[string]*lua.LUserData
	maps     map[string]*lua.LUserData
	sockets  map[*socket]bool // the open ones
	args     arguments

	loaded bool       // the main chunk has ended
	asked  bool       // it runs only for what it declares
	early  *EarlyExit // it has asked not to run
	exited bool       // a callback has called pv.exit

	pacer    *lua.LFunction // drivePace
	pacing   *timer         // the pacer in hand
	paceTime time.Time      // what is due then may run
}

// openOutside makes ready what the functions of outsideEntries need.
func (s *State) openOutside() {
	s.out = outside{
		counters: make(map[string]*lua.LUserData),
		maps:     make(map[string]*lua.LUserData),
		sockets:  make(map[*socket]bool),
		args:     newArguments(s.cfg.Args),
		pacer:    s.L.NewFunction(s.drivePace),
	}
	s.makeClasses()
}

// outsideEntries are members of the module pv.
func outsideEntries() []Entry {
	function := func(name, signature, doc string, f func(*State, *lua.LState) int) Entry {
		return Entry{Kind: Function, Of: "pv", Name: name, Signature: "pv." + name + signature, Doc: doc, make: method(f)}
	}
	return []Entry{
		function("arg", "{name=, default=, help=, choices=, type=, min=, max=, required=} -> number or string or boolean",
			"Declares an argument of the script and gives its value: what -- --name value says on the command line, or the default, whose type it has.", (*State).arg),
		function("counter", "(name) -> counter", "A number that all workers share and that outlives a reload. The same name gives the same counter.", (*State).newCounter),
		function("map", "{name=, max=, ttl=, key=, value=} -> map",
			"Values by keys that all workers share and that outlive a reload: at most max entries (65536), those left out that nobody touched for ttl seconds. The same name gives the same map.", (*State).newMap),
		function("pace", "{rate=, count=, burst=, f} -> timer",
			"Calls f(1), f(2) and so on, rate times per second on average, at most burst (64) in one turn of the loop, until count calls are made.", (*State).pace),
		function("udp_socket", "{bind=, connect=, on_receive=} -> socket",
			`Opens an ordinary UDP socket. Addresses are texts like "10.0.0.1:5000"; on_receive(data, address, port) is called for each datagram.`, (*State).udpSocket),
		function("exit", "([status])", "Ends the run in order, as an interrupt does, with an exit status (0).", (*State).exit),
		{Kind: Value, Of: "pv", Name: "worker", Signature: "pv.worker", Doc: "The number of the worker that this Lua state belongs to, from 1."},
		{Kind: Value, Of: "pv", Name: "workers", Signature: "pv.workers", Doc: "How many workers there are: one for each queue of the interfaces."},
	}
}
