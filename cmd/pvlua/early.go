// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"fmt"
	"io"

	"pvlua/luabind"
	"pvlua/runtime"
)

// scriptHelp prints the script's own help if its arguments ask for it, before
// anything else is opened, and answers with the exit status.
func scriptHelp(script string, args, ports []string, stdout, stderr io.Writer) (status int, asked bool) {
	if !luabind.AsksHelp(args) {
		return exitOK, false
	}
	config := luabind.Config{Script: script, Args: args}
	for _, name := range ports {
		config.Ports = append(config.Ports, &luabind.Port{Name: name})
	}
	text, err := luabind.Help(config)
	if err != nil {
		return reportFailure(stderr, runtime.Config{Script: script}, err), true
	}
	fmt.Fprint(stdout, text)
	return exitOK, true
}

// endedEarly tells whether the script ended while it was loaded, and with what
// exit status. That is no failure.
func endedEarly(err error, stdout io.Writer) (status int, early bool) {
	var e *luabind.EarlyExit
	if !errors.As(err, &e) {
		return exitOK, false
	}
	fmt.Fprint(stdout, e.Output)
	return e.Status, true
}
