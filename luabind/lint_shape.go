// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"slices"
	"sync"

	"github.com/yuin/gopher-lua/ast"

	"pvlua/analysis"
	"pvlua/packet"
)

// shape is what an expression can give besides nil and false: objects of the
// species whose bits are set. It is certain only if known; an unknown one can be
// anything.
type shape struct {
	species uint64 // bit 1<<species
	known   bool
}

// species is a kind, or numKinds plus the place in classes.
type species uint8

// classes are the things that have methods by the API but are no kinds.
var classes = sync.OnceValue(func() []string {
	var names []string
	for k := range numKinds {
		names = append(names, k.String())
	}
	for _, e := range API {
		if e.Kind == Method && !slices.Contains(names, e.Of) {
			names = append(names, e.Of)
		}
	}
	return names[numKinds:]
})

// String gives the name that the API has for it, as kind.String.
func (o species) String() string {
	if kind(o) < numKinds {
		return kind(o).String()
	}
	return classes()[kind(o)-numKinds]
}

// unknownShape is the shape of what nothing is known of.
var unknownShape = shape{}

// oneOf makes the shape of a single species.
func oneOf(o species) shape { return shape{1 << o, true} }

// join gives the shape of what is either a or b.
func (a shape) join(b shape) shape {
	return shape{a.species | b.species, a.known && b.known}
}

// certain reports whether it is known and there is an object.
func (a shape) certain() bool { return a.known && a.species != 0 }

// each calls f with the species, in their order.
func (a shape) each(f func(species)) {
	for o := range species(64) {
		if a.species>>o&1 != 0 {
			f(o)
		}
	}
}

// shapeOf is a shape that is being worked out, or has been.
type shapeOf struct {
	shape
	busy bool
}

// parameter says which one of which function a variable is.
type parameter struct {
	fn *ast.FunctionExpr
	i  int
}

// callers are the places where a local function is used.
type callers struct {
	calls   []*ast.FuncCallExpr
	uses    int  // calls and others
	handler bool // one of the others makes it on_packet
}

// survey notes what shapes and the checks of globals depend on.
func (l *linter) survey(chunk []ast.Stmt) {
	for f, fn := range l.Functions {
		for i, sym := range fn.Params {
			l.args[sym] = parameter{f, i}
		}
	}
	for st, symbols := range l.Loops {
		if len(symbols) > 1 {
			l.items[symbols[1]] = st
		}
	}
	for st, symbols := range l.Declares {
		for _, sym := range symbols {
			l.lines[sym] = st.Line()
		}
	}
	for _, sym := range l.Uses {
		if sym != nil {
			l.usesOf(sym).uses++
		}
	}
	v := &surveyor{linter: l, certain: l.main && !l.Reads["on_packet"] && !l.Reads["_G"]}
	v.stmts(chunk)
}

// usesOf gives the places where a variable is used.
func (l *linter) usesOf(sym *analysis.Symbol) *callers {
	c := l.callers[sym]
	if c == nil {
		c = new(callers)
		l.callers[sym] = c
	}
	return c
}

// surveyor walks a chunk for survey.
type surveyor struct {
	*linter
	depth   int  // of functions
	certain bool // on_packet is called by pvlua alone
}

func (v *surveyor) stmts(list []ast.Stmt) {
	for _, st := range list {
		switch st := st.(type) {
		case *ast.AssignStmt:
			for i, lhs := range st.Lhs {
				if i < len(st.Rhs) {
					v.assigns(lhs, st.Rhs[i])
				} else {
					v.assigns(lhs, nil)
				}
			}
			for _, e := range st.Rhs {
				v.expr(e)
			}
		case *ast.FuncDefStmt:
			if st.Name.Func == nil {
				v.expr(st.Name.Receiver)
			} else {
				v.assigns(st.Name.Func, st.Func)
			}
			v.expr(st.Func)
		default:
			analysis.EachPart(st, v.expr, v.stmts)
		}
	}
}

// assigns notes an assignment.
func (v *surveyor) assigns(lhs, value ast.Expr) {
	id, ok := lhs.(*ast.IdentExpr)
	if !ok {
		v.expr(lhs)
		return
	}
	if v.Uses[id] != nil {
		return
	}
	if _, ok := v.outside[id.Value]; !ok && v.depth == 0 {
		v.outside[id.Value] = id.Line()
	}
	if id.Value != "on_packet" || !v.certain {
		return
	}
	switch value := value.(type) {
	case *ast.FunctionExpr:
		v.packets[value] = true
	case *ast.IdentExpr:
		if sym := v.Uses[value]; sym != nil {
			v.usesOf(sym).handler = true
		}
	}
}

func (v *surveyor) expr(e ast.Expr) {
	switch e := e.(type) {
	case nil:
	case *ast.FunctionExpr:
		v.depth++
		v.stmts(e.Stmts)
		v.depth--
	case *ast.FuncCallExpr:
		switch callee := e.Func.(type) {
		case *ast.IdentExpr:
			if sym := v.Uses[callee]; sym != nil {
				c := v.usesOf(sym)
				c.calls = append(c.calls, e)
			}
		case *ast.AttrGetExpr:
			v.expr(callee.Object)
			v.expr(callee.Key)
		case nil:
			v.expr(e.Receiver)
		default:
			v.expr(callee)
		}
		for _, arg := range e.Args {
			v.expr(arg)
		}
	case *ast.AttrGetExpr:
		if library, name, ok := v.libraryMember(e); ok {
			v.tested[library+"."+name] = true
		}
		analysis.EachChild(e, v.expr)
	default:
		analysis.EachChild(e, v.expr)
	}
}

// shape works out the shape of an expression.
func (l *linter) shape(e ast.Expr) shape {
	switch e := e.(type) {
	case *ast.NilExpr, *ast.FalseExpr:
		return shape{known: true}
	case *ast.IdentExpr:
		if sym := l.Uses[e]; sym != nil {
			return l.variable(sym)
		}
	case *ast.AttrGetExpr:
		return l.index(e)
	case *ast.LogicalOpExpr:
		if e.Operator == "and" { // what it gives of its left side is nil or false
			return l.shape(e.Rhs)
		}
		return l.shape(e.Lhs).join(l.shape(e.Rhs))
	case *ast.FuncCallExpr:
		return l.result(e)
	}
	return unknownShape
}

// index works out the shape of an index operation.
func (l *linter) index(e *ast.AttrGetExpr) shape {
	if ports, ok := e.Object.(*ast.AttrGetExpr); ok && l.isModule(ports.Object) && isString(ports.Key, "ports") {
		return oneOf(species(kindPort))
	}
	key, ok := e.Key.(*ast.StringExpr)
	object := l.shape(e.Object)
	if !ok || !object.certain() {
		return unknownShape
	}
	p := properties[key.Value]
	if p == nil {
		return unknownShape
	}
	all := shape{known: true}
	object.each(func(o species) {
		if kind(o) >= numKinds { // which have no properties
			all = unknownShape
			return
		}
		switch from := &p.from[o]; from.access {
		case accessHeader:
			all = all.join(oneOf(species(from.index)))
		case accessPort:
			all = all.join(oneOf(species(kindPort)))
		default:
			all = unknownShape
		}
	})
	return all
}

// result works out the shape of a call, by what the API says of its results.
func (l *linter) result(e *ast.FuncCallExpr) shape {
	if e.Func == nil {
		all := shape{known: true}
		object := l.shape(e.Receiver)
		if !object.certain() {
			return unknownShape
		}
		object.each(func(o species) { all = all.join(resultOf(o.String(), e.Method)) })
		return all
	}
	attr, ok := e.Func.(*ast.AttrGetExpr)
	if !ok || !l.isModule(attr.Object) {
		return unknownShape
	}
	key, ok := attr.Key.(*ast.StringExpr)
	if !ok {
		return unknownShape
	}
	return resultOf("pv", key.Value)
}

// resultOf works out the shape of what a function of the API gives.
func resultOf(of, name string) shape {
	for _, e := range API {
		if e.Of != of || e.Name != name {
			continue
		}
		if results := e.Results(); len(results) == 1 {
			for o := species(packet.NumHeaders); o < species(numKinds)+species(len(classes())); o++ {
				if results[0] == o.String() {
					return oneOf(o)
				}
			}
		}
	}
	return unknownShape
}

// variable works out the shape of a local variable, which is that of all it is
// ever given.
func (l *linter) variable(sym *analysis.Symbol) shape {
	of := l.shapes[sym]
	if of == nil {
		of = &shapeOf{busy: true}
		l.shapes[sym] = of
		of.shape = l.given(sym)
		of.busy = false
	}
	if of.busy { // it is given what depends on itself
		return unknownShape
	}
	return of.shape
}

// given works out the shape of a variable without regard to circles.
func (l *linter) given(sym *analysis.Symbol) shape {
	if p, ok := l.args[sym]; ok && sym.Assigned == 0 {
		return l.parameter(p)
	}
	if st := l.items[sym]; st != nil && sym.Assigned == 0 && l.overPorts(st) {
		return oneOf(species(kindPort))
	}
	if sym.Unknown || sym.ChangedInside {
		return unknownShape
	}
	all := shape{known: true}
	for _, v := range sym.Values {
		all = all.join(l.shape(v))
	}
	return all
}

// overPorts reports whether a loop is for i, port in ipairs(pv.ports).
func (l *linter) overPorts(st *ast.GenericForStmt) bool {
	call, ok := st.Exprs[0].(*ast.FuncCallExpr)
	if !ok || len(call.Args) != 1 {
		return false
	}
	iterator, isName := call.Func.(*ast.IdentExpr)
	ports, isMember := call.Args[0].(*ast.AttrGetExpr)
	return isName && isMember && l.Uses[iterator] == nil && !l.Globals[iterator.Value] &&
		(iterator.Value == "ipairs" || iterator.Value == "pairs") && l.isModule(ports.Object) && isString(ports.Key, "ports")
}

// parameter works out the shape of a parameter: a packet for on_packet, or what
// a local function gets in all its calls.
func (l *linter) parameter(p parameter) shape {
	fn := l.callers[l.nameOf(p.fn)]
	switch {
	case l.packets[p.fn]:
		if p.i == 0 {
			return oneOf(species(kindPacket))
		}
		return unknownShape
	case fn == nil:
		return unknownShape
	}
	all, others := shape{known: true}, fn.uses-len(fn.calls)
	if fn.handler {
		others--
		if p.i == 0 {
			all = oneOf(species(kindPacket))
		} else {
			all = unknownShape
		}
	}
	if others > 0 {
		return unknownShape // it may be called from elsewhere
	}
	for _, call := range fn.calls {
		switch n := len(call.Args); {
		case p.i < n-1 || p.i == n-1 && !analysis.IsMulti(call.Args[p.i]):
			all = all.join(l.shape(call.Args[p.i]))
		case n > 0 && analysis.IsMulti(call.Args[n-1]):
			if p.i == n-1 {
				all = all.join(l.shape(call.Args[p.i]))
			} else {
				all = unknownShape
			}
		}
	}
	return all
}

// nameOf gives the local variable that holds a function and never anything
// else, nil if there is none.
func (l *linter) nameOf(f *ast.FunctionExpr) *analysis.Symbol {
	if l.names == nil {
		l.names = make(map[*ast.FunctionExpr]*analysis.Symbol)
		for _, sym := range l.Symbols {
			if f, ok := sym.Initial().(*ast.FunctionExpr); ok {
				l.names[f] = sym
			}
		}
	}
	return l.names[f]
}

// isString reports whether an expression is this string constant.
func isString(e ast.Expr, s string) bool {
	c, ok := e.(*ast.StringExpr)
	return ok && c.Value == s
}
