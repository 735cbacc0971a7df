// SPDX-License-Identifier: GPL-3.0-or-later

// Command pvlua runs a Lua packet handler on network interfaces.
package main

import (
	"fmt"
	"io"
	"os"
)

// version is set by the linker (see the Makefile).
var version = "devel"

// Exit statuses, as documented in the README.
const (
	exitOK     = 0
	exitFailed = 1 // it could not be done here; the message says why
	exitUsage  = 2 // the command line is wrong
	exitScript = 3 // the script is wrong
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole command, apart from the process around it.
func run(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, help)
		return exitUsage
	}
	switch args[0] {
	case "help", "--help", "-h":
		fmt.Fprint(stdout, helpFor(args[1:]))
		return exitOK
	case "version", "--version":
		fmt.Fprintln(stdout, "pvlua", version)
		return exitOK
	case "lab":
		return labCommand(args[1:], stdout, stderr)
	case "doctor":
		return doctorCommand(args[1:], stdout, stderr)
	case "demo":
		return demoCommand(args[1:], stdout, stderr)
	}
	if isOffline(args) {
		return offlineCommand(args, stdout, stderr)
	}
	return liveCommand(args, stdout, stderr)
}

// helpFor returns the help on a sub-command, or else on the whole.
func helpFor(args []string) string {
	if len(args) > 0 {
		switch args[0] {
		case "lab":
			return labHelp
		case "doctor":
			return doctorHelp
		case "demo":
			return demoHelp
		case "offline":
			return offlineHelp
		case "capture":
			return captureHelp
		}
	}
	return help
}

// help fits a screen of 24 lines.
const help = `pvlua runs a Lua function on every packet of network interfaces.

  pvlua [flags] INTERFACE... SCRIPT [-- SCRIPT ARGUMENTS]
  pvlua --read IN --write OUT SCRIPT     on captures: see pvlua help offline
  pvlua doctor INTERFACE     can pvlua run there, and what cures it if not
  pvlua lab up|down|status|exec    namespaces and veth pairs to try things on
  pvlua demo                 lab, echo.lua and probes in one go
  pvlua version

      --mode MODE         auto, native, zerocopy, copy or generic (auto)
      --queues N          serve the first N queues of each interface (all)
      --batch N           packets received at once (64)
      --on-error VERDICT  for packets the handler fails on: pass or drop (pass)
      --quota N           Lua instructions a call may take (10000000)
      --stats[=INTERVAL]  print counters and rates every INTERVAL (1s)
      --dump              print each packet and its verdict
      --capture FILE      record to a file, see pvlua help capture
      --verbose           log more
  -s, --chunk-size N      bytes per frame: 2048 or 4096 (by the MTU)
  -c, --chunk-count N     frames per queue (4096 a port)
  -r, --rx-ring N  -t, --tx-ring N               descriptors (2048)
  -f, --fill-ring N  -o, --completion-ring N     frames (4096)

Try: pvlua lab up && pvlua lab exec test1 -- pvlua veth1 scripts/echo.lua
`
