// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"pvlua/internal/apidoc"
	"pvlua/luabind"
)

// commandHelp has the help on sub-commands and groups of flags, by their names.
// What else can be asked for are names of the Lua API.
var commandHelp = map[string]string{
	"capture":   captureHelp,
	"check":     checkHelp,
	"demo":      demoHelp,
	"dissector": dissectorHelp,
	"doctor":    doctorHelp,
	"frames":    framesHelp,
	"lab":       labHelp,
	"new":       newHelp,
	"offline":   offlineHelp,
	"speed":     speedHelp,
	"stubs":     stubsHelp,
	"test":      testHelp,
}

// help fits a screen of 24 lines.
const help = `pvlua runs a Lua function on every packet of network interfaces.

  pvlua [flags] INTERFACE... SCRIPT [-- SCRIPT ARGUMENTS]
  pvlua --read IN --write OUT SCRIPT     on captures: see pvlua help offline
  pvlua new NAME; pvlua test SCRIPT...   a script to start from; its tests
  pvlua check SCRIPT         which of its lines run in the kernel, and why not
  pvlua doctor INTERFACE     can pvlua run there, and what cures it if not
  pvlua lab up|down|status|exec; pvlua demo    namespaces to try things in
  pvlua stubs [DIR]; pvlua dissector SCRIPT    what editors and Wireshark need
  pvlua help NAME            a command, pkt.udp.dport, ...; see pvlua version

      --engine ENGINE     where the handler runs: auto, lua or kernel (auto)
      --mode MODE         auto, native, zerocopy, copy or generic (auto)
      --queues N          serve the first N queues of each interface (all)
      --on-error VERDICT  for packets the handler fails on: pass or drop (pass)
      --quota N           Lua instructions a call may take (10000000)
      --stats[=INTERVAL]  print counters and rates every INTERVAL (1s)
      --watch             reload the script when it changes (SIGHUP: at once)
      --capture FILE      record to a file, see pvlua help capture
      --dump  --verbose   print each packet and its verdict; log more
  -s -c -r -t -f -o       sizes of frames and rings, see pvlua help frames;
      --tx  --busy-poll   --batch and more about speed, see pvlua help speed

Try: pvlua lab up && pvlua lab exec test1 -- pvlua veth1 scripts/echo.lua
`

const framesHelp = `The memory that packets are in. The defaults do for most.

  -s, --chunk-size N         bytes per frame: 2048 or 4096 (by the MTU)
  -c, --chunk-count N        frames per queue (4096 a port)
  -r, --rx-ring N            descriptors of packets received (2048)
  -t, --tx-ring N            descriptors of packets to transmit (2048)
  -f, --fill-ring N          frames the kernel can receive into (4096)
  -o, --completion-ring N    frames that have been transmitted (4096)

All but the chunk count are powers of two. Each queue of each interface has the
four rings; the ports of a worker share its frames.
`

// helpCommand shows the help on what is asked for.
func helpCommand(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stdout, help)
		return exitOK
	}
	if len(args) > 1 {
		return usageError(stderr, "pvlua help", fmt.Errorf("one name at a time, but %s are given", quoted(args)))
	}
	name := strings.TrimSpace(args[0])
	if text, ok := commandHelp[name]; ok {
		fmt.Fprint(stdout, text)
		return exitOK
	}
	if text, ok := apidoc.Topic(name); ok {
		fmt.Fprint(stdout, text)
		if name == "topics" {
			fmt.Fprintf(stdout, "  commands    %s\n", strings.Join(commandNames(), " "))
		}
		return exitOK
	}
	fmt.Fprintf(stderr, "pvlua help: there is nothing about %s", quoted(args))
	if near := nearestHelp(name); near != "" {
		fmt.Fprintf(stderr, "; did you mean %s?", near)
	}
	fmt.Fprint(stderr, "\n(pvlua help topics lists all that there is)\n")
	return exitUsage
}

// nearestHelp gives the name that an unknown one is most likely a misspelling
// of; empty if there is none.
func nearestHelp(name string) string {
	if near := luabind.Nearest(name, commandNames()); near != "" {
		return near
	}
	return apidoc.NearestTopic(name)
}

// commandNames lists what commandHelp has, in alphabetical order.
func commandNames() []string { return slices.Sorted(maps.Keys(commandHelp)) }
