// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"maps"
	"slices"
	"strings"

	"github.com/yuin/gopher-lua/ast"

	"pvlua/packet"
)

// options checks the names in the table of a call such as pv.map{name = "x"}.
func (l *linter) options(e *ast.FuncCallExpr) {
	callee, ok := e.Func.(*ast.AttrGetExpr)
	if !ok || !l.isModule(callee.Object) || len(e.Args) != 1 {
		return
	}
	key, isName := callee.Key.(*ast.StringExpr)
	table, isTable := e.Args[0].(*ast.TableExpr)
	if !isName || !isTable {
		return
	}
	if key.Value == "build" {
		l.recipe(table)
		return
	}
	for _, entry := range API {
		names := entry.Options()
		if entry.Of != "pv" || entry.Name != key.Value || len(names) == 0 {
			continue
		}
		eachName(table, func(name *ast.StringExpr, _ ast.Expr) {
			if !slices.Contains(names, name.Value) {
				l.refuse(name, unknownOption("pv."+key.Value, quote(name.Value), name.Value, names))
			}
		})
	}
}

// unknownOption gives the error message for a named argument that a function
// does not have, which shown shows.
func unknownOption(fn, shown, name string, names []string) string {
	msg := fn + ": it has no argument " + shown
	if near := Nearest(name, names); near != "" {
		return msg + "; did you mean '" + near + "'?"
	}
	return msg + "; there are " + strings.Join(names, ", ")
}

// recipe checks the names in pv.build{udp = {dport = 7}}.
func (l *linter) recipe(table *ast.TableExpr) {
	eachName(table, func(name *ast.StringExpr, value ast.Expr) {
		if name.Value == "payload" || l.s.lints.mayDeclare(name.Value) {
			return
		}
		h, ok := headerNamed(name.Value)
		if !ok {
			l.refuse(name, unknownHeader(name.Value, slices.Collect(maps.Keys(l.s.lints.protocols))...))
			return
		}
		if fields, ok := value.(*ast.TableExpr); ok {
			eachName(fields, func(field *ast.StringExpr, _ ast.Expr) {
				if packet.Lookup(h, field.Value) == nil {
					l.refuse(field, "pv.build: "+unknown(kind(h), field.Value))
				}
			})
		}
	})
}

// eachName calls f with the names in a table constructor and their values.
func eachName(table *ast.TableExpr, f func(name *ast.StringExpr, value ast.Expr)) {
	for _, field := range table.Fields {
		if name, ok := field.Key.(*ast.StringExpr); ok {
			f(name, field.Value)
		}
	}
}
