// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"maps"
	"slices"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"pvlua/packet"
)

// member checks an index operation with a name: of the module pv, or of an
// object whose kind is certain.
func (l *linter) member(e *ast.AttrGetExpr) {
	key, ok := e.Key.(*ast.StringExpr)
	if !ok {
		return
	}
	if l.isModule(e.Object) {
		if names := moduleNames(); !slices.Contains(names, key.Value) && l.s.pv.RawGetString(key.Value) == lua.LNil {
			l.refuse(key, suggest("pv has no member "+quote(key.Value), key.Value, names))
		}
		return
	}
	if o, ok := l.lacks(e.Object, key.Value, hasMember); ok {
		if near := l.nearDeclared(key.Value); kind(o) == kindPacket && near != "" {
			l.refuse(key, suggest("a packet has no property '"+key.Value+"'", key.Value, []string{near}))
		} else if kind(o) < numKinds {
			l.refuse(key, unknown(kind(o), key.Value))
		} else {
			l.refuse(key, unknownMethod(o, key.Value))
		}
	}
}

// nearDeclared gives the header that the script declares and that a name is
// most likely a misspelling of, empty if there is none.
func (l *linter) nearDeclared(name string) string {
	return nearest(name, slices.Collect(maps.Keys(l.s.lints.protocols)))
}

// method checks the name of a method.
func (l *linter) method(e *ast.FuncCallExpr) {
	if o, ok := l.lacks(e.Receiver, e.Method, hasMethod); ok {
		l.refuse(e, unknownMethod(o, e.Method))
	}
}

// lacks reports whether it is certain that objects which an expression gives
// have no member of this name, and of which species they are.
func (l *linter) lacks(object ast.Expr, name string, has func(species, string) bool) (of species, lacking bool) {
	sh := l.shape(object)
	if !sh.certain() {
		return 0, false
	}
	sh.each(func(o species) {
		switch {
		case has(o, name) || kind(o) == kindPacket && l.s.lints.mayDeclare(name):
			lacking = false
		case sh.species&(1<<o-1) == 0: // the first
			of, lacking = o, true
		}
	})
	return of, lacking
}

// hasMember reports whether objects of a species have a property or method.
func hasMember(o species, name string) bool {
	if p := properties[name]; p != nil && kind(o) < numKinds && p.from[o].access != accessNone {
		return true
	}
	return hasMethod(o, name)
}

// hasMethod reports whether objects of a species have a method.
func hasMethod(o species, name string) bool { return slices.Contains(methodsOf(o), name) }

// methodsOf lists the methods of a species.
func methodsOf(o species) []string {
	var names []string
	for _, e := range API {
		if e.Kind == Method && e.Of == o.String() {
			names = append(names, e.Name)
		}
	}
	return names
}

// moduleNames lists the members of the module pv.
func moduleNames() []string {
	var names []string
	for _, e := range API {
		if e.Of == "pv" {
			names = append(names, e.Name)
		}
	}
	return names
}

// unknownMethod gives the error message for a method that objects of a species do
// not have, with what may have been meant.
func unknownMethod(o species, name string) string {
	methods := methodsOf(o)
	if len(methods) == 0 && o < packet.NumHeaders {
		fields := namesOf(kind(o))
		slices.Sort(fields)
		return "the " + o.String() + " header has no methods; its fields are read and assigned with a dot, as in " + o.String() + "." + fields[0]
	}
	msg := "a " + o.String() + " has no method '" + name + "'"
	if hasMember(o, name) {
		return msg + "; it is a property, read with a dot"
	}
	return suggest(msg, name, methods)
}

// libraryCall checks the call of a function of a library, such as string. A
// script may give libraries functions of its own, or call some only where they
// are; then it is not certain that one is missing.
func (l *linter) libraryCall(e *ast.AttrGetExpr) {
	library, name, ok := l.libraryMember(e)
	if !ok || l.foreign || l.Reads["_G"] || l.tested[library+"."+name] {
		return
	}
	t, ok := l.s.L.G.Global.RawGetString(library).(*lua.LTable)
	if !ok || t.RawGetString(name) != lua.LNil {
		return
	}
	var names []string
	t.ForEach(func(k, _ lua.LValue) {
		if s, ok := k.(lua.LString); ok {
			names = append(names, string(s))
		}
	})
	l.refuse(e.Key, suggest("the library "+library+" has no function '"+name+"'", name, names))
}

// libraryMember parts string.format into its two names, if string is the
// library.
func (l *linter) libraryMember(e *ast.AttrGetExpr) (library, name string, ok bool) {
	id, isName := e.Object.(*ast.IdentExpr)
	key, isConst := e.Key.(*ast.StringExpr)
	if !isName || !isConst || l.Uses[id] != nil || !libraries[id.Value] || id.Value == "pv" || id.Value == "_G" || l.Globals[id.Value] {
		return "", "", false
	}
	return id.Value, key.Value, true
}
