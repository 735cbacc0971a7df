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

// commands are the sub-commands, for who misspells one.
var commands = []string{"help", "version", "lab", "dissector", "doctor", "demo", "new", "stubs", "test", "check"}

// run is the whole command, apart from the process around it.
func run(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, help)
		return exitUsage
	}
	switch args[0] {
	case "help", "--help", "-h":
		return helpCommand(args[1:], stdout, stderr)
	case "version", "--version":
		fmt.Fprintln(stdout, "pvlua", version)
		return exitOK
	case "lab":
		return labCommand(args[1:], stdout, stderr)
	case "dissector":
		return dissectorCommand(args[1:], stdout, stderr)
	case "doctor":
		return doctorCommand(args[1:], stdout, stderr)
	case "demo":
		return demoCommand(args[1:], stdout, stderr)
	case "new":
		return newCommand(args[1:], stdout, stderr)
	case "stubs":
		return stubsCommand(args[1:], stdout, stderr)
	case "check":
		return checkCommand(args[1:], stdout, stderr)
	case "test":
		return testCommand(args[1:], stdout, stderr)
	}
	if isOffline(args) {
		return offlineCommand(args, stdout, stderr)
	}
	return liveCommand(args, stdout, stderr)
}
