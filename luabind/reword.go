// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"regexp"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// nonTable is gopher-lua's message for indexing what can't be indexed.
var nonTable = regexp.MustCompile(`^attempt to index a non-table object\((\w+)\) with key '(.*)'$`)

// reword puts messages of gopher-lua that say little into other words.
func (s *State) reword(e *ScriptError) {
	switch {
	case e.Msg == "attempt to call a non-function object":
		e.Msg = "attempt to call something that is not a function"
		if name := s.calledOn(e.Script, e.Line); name != "" {
			e.Msg = "attempt to call '" + name + "', which is not a function"
		}
	case e.Msg == "__unm undefined":
		e.Msg = "attempt to negate something that is not a number"
	case strings.Contains(e.Msg, "index out of range [-1]"):
		// gopher-lua looked for the line of a function that has not begun,
		// because there were no registers for its arguments.
		e.Msg = "registry overflow: too many arguments or results"
	default:
		if m := nonTable.FindStringSubmatch(e.Msg); m != nil {
			e.Msg = "attempt to index a " + m[1] + " value with key '" + m[2] + "'"
		}
	}
}

// calledOn gives the name of what is called on a line, empty unless it is
// certain which of the calls there can have failed.
func (s *State) calledOn(script string, line int) string {
	names := map[string]bool{}
	callsOn(s.scripts[script], line, names)
	var undefined []string
	for name := range names {
		if s.L.G.Global.RawGetString(name).Type() != lua.LTFunction {
			undefined = append(undefined, name)
		}
	}
	if len(undefined) == 1 {
		return undefined[0]
	}
	return ""
}

// callsOn collects the names of what is called on a line.
func callsOn(proto *lua.FunctionProto, line int, names map[string]bool) {
	if proto == nil {
		return
	}
	for _, call := range proto.DbgCalls {
		if proto.DbgSourcePositions[call.Pc] == line && !strings.ContainsAny(call.Name, "?(") {
			names[call.Name] = true
		}
	}
	for _, inner := range proto.FunctionPrototypes {
		callsOn(inner, line, names)
	}
}
