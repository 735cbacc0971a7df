// SPDX-License-Identifier: GPL-3.0-or-later

// Package luabind is the Lua side of pvlua: it loads a script, gives it the
// API of packets, ports and timers, and runs its callbacks.
//
// A State is one Lua state with one script. It belongs to one goroutine; a
// worker has its own. The life of a state is
//
//	s, err := luabind.Load(config)   // compiles the script and runs its main chunk
//	err = s.Start()                  // on_start
//	s.Handle(packets)                // on_packet for each, again and again
//	errs := s.RunTimers(now)         // what is due
//	err = s.Stop()                   // on_stop
//	s.Close()
//
// # How a script is compiled
//
// The script is parsed by gopher-lua, its syntax tree is rewritten, compiled
// by gopher-lua, and the functions that the rewriting calls are put into the
// constants of the result. What a script means does not change by it, line
// numbers included; it is done for four reasons:
//
//   - Reading and assigning header fields, as in ip.ttl = ip.ttl - 1, become
//     calls of Go functions, because an __index or __newindex written in Go
//     allocates at each access.
//   - Where a script stores a value that may be a packet or a header beyond
//     its callback, a call notes that it does, so that only then the objects
//     are not used again for the next packet.
//   - gopher-lua 1.1.2 compiles some statements wrongly, a, b = b, a with local
//     variables among them; they are rewritten to ones that it compiles well.
//   - The operators # and .. can be given bounds.
//
// # What Go runs of a handler
//
// A handler consists mostly of decisions about header fields, and an
// instruction of gopher-lua costs more than reading one. So what is simple of
// on_packet, and of the local functions that it calls, is run as a tree of Go
// closures, the front, as long as everything is as the text suggests; if
// anything is not, gopher-lua runs the handler from its beginning. See front.go.
//
// # What is checked before a script runs
//
// Names of headers, fields, methods, members of pv and callbacks that are
// certain to be misspelt are errors of Load, and globals that functions make
// by accident are warnings; see lint.go. "Certain" means that a variable can
// hold nothing else than an object of ours, by all that is assigned to it.
//
// # What a script has of the outside
//
// Packets are sent, and the time is told, by the Host. If it is an ExitHost a
// script can end the run; if it is a SocketHost, it can have UDP sockets. What
// all states of a run share, counters and maps, is in Config.Store. A script
// that is asked for its help, or that calls pv.exit, while it is loaded does not
// become a State: Load's error is an *EarlyExit then.
//
// # Tests of scripts
//
// LoadTest makes a State whose script is under test: the functions of its tests
// call the script, through the global test, while they run themselves. So a
// callback may run within another call there, and nowhere else; see inTest.
//
// # What limits a script
//
// Each callback may run Config.Quota instructions; work that Go functions do
// for it, such as pattern matching, counts as well. Strings are at most 16 MiB
// long. Recursion and the number of values in registers have gopher-lua's
// limits. All of them end the callback with an error that says script and
// line.
package luabind
