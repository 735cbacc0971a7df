// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

// doubt is a warning that holds only if, when the script has been loaded, there
// is no global of this name: a module may have made it.
type doubt struct {
	Warning
	global string
}

// callbackNames lists the globals that pvlua calls.
func callbackNames() []string {
	var names []string
	for _, e := range API {
		if e.Kind == Callback {
			names = append(names, e.Name)
		}
	}
	return names
}

// defines checks the name of a global function: one that nobody calls and that
// looks like a callback is a misspelt callback.
func (l *linter) defines(id *ast.IdentExpr, _ *ast.FunctionExpr) {
	if !l.main || l.foreign || l.s.localHandler > 0 || l.Uses[id] != nil || l.Reads[id.Value] || l.Reads["_G"] {
		return
	}
	for _, name := range callbackNames() {
		if id.Value == name || l.Globals[name] || editDistance(strings.ToLower(id.Value), name) > 2 {
			continue
		}
		msg := fmt.Sprintf("nothing calls the global function '%s'; did you mean '%s', which pvlua calls?", id.Value, name)
		if name == "on_packet" {
			msg = misspeltHandler(id.Value, id.Line())
		}
		l.refuse(id, msg)
		return
	}
}

// assignsGlobal warns of an assignment inside a function that makes a global.
func (l *linter) assignsGlobal(id *ast.IdentExpr) {
	name := id.Value
	if l.Uses[id] != nil || l.fn.Outer == nil || l.outside[name] != 0 || isCallback(name) || l.seen(name) {
		return
	}
	msg := fmt.Sprintf("assignment to the global '%s' inside a function: ", name)
	near, line := l.nearVariable(name)
	switch {
	case near == name:
		msg += fmt.Sprintf("the local '%s' of line %d is not visible here; declare that one further out and above this line", name, line)
	case near != "" && line > 0:
		msg += fmt.Sprintf("did you mean '%s' (line %d)? Declare it local, or assign it at the top level first", near, line)
	case near != "":
		msg += fmt.Sprintf("did you mean '%s'? Declare it local, or assign it at the top level first", near)
	default:
		msg += "declare it local, or assign it at the top level first"
	}
	l.warn(id, msg)
}

// readsGlobal warns of a global that nothing assigns and that looks like a
// misspelling of something else.
func (l *linter) readsGlobal(id *ast.IdentExpr) {
	name := id.Value
	header, verdict := isHeaderName(name), verdictLike(name)
	if l.Uses[id] != nil || l.Globals[name] || isCallback(name) || len(name) < 3 && !header && verdict == "" || l.s.L.G.Global.RawGetString(name) != lua.LNil || l.seen(name) {
		return
	}
	near, line := l.nearVariable(name)
	if near == "" && !header && verdict == "" {
		var names []string
		l.s.L.G.Global.ForEach(func(k, _ lua.LValue) {
			if s, ok := k.(lua.LString); ok {
				names = append(names, string(s))
			}
		})
		near = nearest(name, names)
	}
	msg := fmt.Sprintf("the global '%s' is never assigned: ", name)
	switch {
	case header && near != name:
		msg += fmt.Sprintf("headers are taken from the packet, as in local %s = pkt.%[1]s", name)
	case near == "" && verdict != "":
		msg += fmt.Sprintf("did you mean 'pv.%s'?", verdict)
	case near == "":
		return // it may be meant, as in: if DEBUG then
	case near == name && line > 0:
		msg += fmt.Sprintf("the local '%s' of line %d is not visible here", name, line)
	case line > 0:
		msg += fmt.Sprintf("did you mean '%s' (line %d)?", near, line)
	default:
		msg += fmt.Sprintf("did you mean '%s'?", near)
	}
	l.warn(id, msg)
}

// verdictLike gives the verdict that somebody who writes DROP, drop or DORP may
// mean, pv.DROP; empty if it is none. As a global it would be nil, and let
// through what is to be dropped.
func verdictLike(name string) string {
	verdicts := []string{"PASS", "DROP", "TX"}
	for _, v := range verdicts {
		if strings.EqualFold(name, v) {
			return v
		}
	}
	if len(name) < 3 || name != strings.ToUpper(name) {
		return ""
	}
	return nearest(name, verdicts)
}

// nearVariable gives the local variable of a function around, or the global
// assigned at the top level, that a name may be a misspelling of, and its line,
// 0 if that is not known. It may be the name itself: of a local variable that
// is declared elsewhere.
func (l *linter) nearVariable(name string) (near string, line int) {
	lines := make(map[string]int)
	var names []string
	note := func(n string, line int) {
		if _, ok := lines[n]; !ok && len(n) > 1 {
			lines[n] = line
			names = append(names, n)
		}
	}
	for fn := l.fn; fn != nil; fn = fn.Outer {
		for _, sym := range l.Symbols {
			if sym.Fn != fn {
				continue
			}
			if sym.Name == name && l.lines[sym] > 0 {
				return name, l.lines[sym]
			}
			note(sym.Name, l.lines[sym])
		}
	}
	for n, line := range l.outside {
		note(n, line)
	}
	near = nearest(name, names)
	return near, lines[near]
}

// isCallback reports whether pvlua calls the global of this name.
func isCallback(name string) bool {
	for _, n := range callbackNames() {
		if n == name {
			return true
		}
	}
	return false
}

// seen reports whether a global has been judged already: the first place stands
// for all.
func (l *linter) seen(name string) bool {
	seen := l.judged[name]
	l.judged[name] = true
	return seen
}

// warn notes a warning about a global.
func (l *linter) warn(id *ast.IdentExpr, msg string) {
	l.s.lints.doubts = append(l.s.lints.doubts, doubt{Warning{l.script, id.Line(), msg}, id.Value})
}

// misspeltHandler is the error message of a script that has a function in the
// place of on_packet.
func misspeltHandler(name string, line int) string {
	return fmt.Sprintf("the script defines no global function on_packet(pkt); did you mean on_packet? found %s at line %d", name, line)
}
