// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"

	"pvlua/luabind"
	"pvlua/runtime"
	"pvlua/xsk"
)

// reportFailure says why a run failed, and on the lines below what to do about
// it. It answers with the exit status.
func reportFailure(w io.Writer, c runtime.Config, err error) int {
	if isScriptError(c, err) {
		fmt.Fprintln(w, "pvlua:", err)
		return exitScript
	}
	why, hint := err.Error(), ""
	if x, ok := err.(*xsk.Error); ok {
		why, hint = explain(x)
	}
	fmt.Fprintln(w, "pvlua:", why)
	if hint != "" {
		fmt.Fprintln(w, "      ", hint)
	}
	for i, name := range c.Interfaces {
		if _, err := net.InterfaceByName(name); err == nil {
			fmt.Fprintf(w, "       (pvlua doctor %s shows all that stands in the way there)\n", name)
			continue
		}
		if command := luabind.Nearest(name, commands); command != "" && i == 0 {
			fmt.Fprintf(w, "       did you mean the command pvlua %s?\n", command)
		}
		for _, namespace := range namespacesWith(name) {
			fmt.Fprintf(w, "       %s is in namespace %s: ip netns exec %[2]s pvlua ...\n", name, namespace)
		}
	}
	return exitFailed
}

// isScriptError tells whether it is the script that is wrong, or not there.
func isScriptError(c runtime.Config, err error) bool {
	var script *luabind.ScriptError
	var path *fs.PathError
	return errors.As(err, &script) || errors.As(err, &path) && path.Path == c.Script
}
