// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"pvlua/analysis"
)

// activation is a function that is being lowered at the place of its call.
type activation struct {
	fn      *analysis.Function
	place   int       // the end of the call, in the caller
	rest    []value   // the values of "..."
	returns []results // so far
	loops   []*loop   // that are being lowered, the innermost last
}

// results are the values that a call or a list of expressions has on one path.
type results struct {
	*path
	values []value
	at     ast.PositionHolder // where they come from
}

// first is the first value.
func (r results) first() value {
	if len(r.values) == 0 {
		return nothing
	}
	return r.values[0]
}

// maxDepth is how deep calls may be within calls.
const maxDepth = 40

// top is the activation at hand.
func (c *compiler) top() *activation { return c.calls[len(c.calls)-1] }

// call lowers a call.
func (c *compiler) call(p *path, e *ast.FuncCallExpr) (all []results) {
	if e.Func == nil {
		for _, r := range c.expr(p, e.Receiver) {
			for _, args := range c.list(r.path, e.Args) {
				c.line = line(e)
				all = append(all, c.callMethod(args.path, r.value, e.Method, args.values, e)...)
			}
		}
		return all
	}
	for _, f := range c.expr(p, e.Func) {
		if f.name == "math.floor" && len(e.Args) == 1 {
			if quotient, ok := e.Args[0].(*ast.ArithmeticOpExpr); ok && quotient.Operator == "/" {
				all = append(all, single(c.floorQuotient(f.path, quotient), e)...)
				continue
			}
		}
		for _, args := range c.list(f.path, e.Args) {
			c.line = line(e)
			all = append(all, c.apply(args.path, f.value, args.values, e)...)
		}
	}
	return all
}

// single makes results of one value each.
func single(list []result, at ast.PositionHolder) (all []results) {
	for _, r := range list {
		all = append(all, results{r.path, []value{r.value}, at})
	}
	return all
}

// apply calls a value.
func (c *compiler) apply(p *path, f value, args []value, e *ast.FuncCallExpr) []results {
	switch {
	case f.kind == isFunc:
		fn := c.program.Scopes.Functions[f.fn]
		if c.program.Scopes.Callee(e) == nil && !c.selfContained(fn) {
			return single(c.exit(p, e, false, "%s uses variables of the function around it, and is not called by its own name", c.called(e)), e)
		}
		return c.inline(p, fn, args, e)
	case f.kind == isObject && f.name != "":
		return c.builtin(p, f.name, args, e)
	case f.kind == isObject:
		return single(c.exit(p, e, false, "%s is not a function of this script", c.called(e)), e)
	}
	return single(c.fails(p, e, "%s is %s here, which can't be called", c.called(e), c.describe(f)), e)
}

// selfContained reports whether a function uses no variables of others but
// those of the chunk.
func (c *compiler) selfContained(fn *analysis.Function) bool {
	for sym := range fn.Free {
		if sym.Fn != c.program.Scopes.Chunk {
			return false
		}
	}
	return true
}

// called names what a call calls.
func (c *compiler) called(e *ast.FuncCallExpr) string {
	if e.Func == nil {
		return "method " + e.Method
	}
	return spelled(e.Func)
}

// spelled gives a short expression as it is written.
func spelled(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.IdentExpr:
		return e.Value
	case *ast.AttrGetExpr:
		if key, ok := e.Key.(*ast.StringExpr); ok {
			return spelled(e.Object) + "." + key.Value
		}
		return spelled(e.Object) + "[...]"
	case *ast.FuncCallExpr:
		if e.Func == nil {
			return spelled(e.Receiver) + ":" + e.Method + "()"
		}
		return spelled(e.Func) + "()"
	}
	return "the value"
}

// inline lowers the body of a function in the place of a call.
func (c *compiler) inline(p *path, fn *analysis.Function, args []value, at ast.PositionHolder) []results {
	for _, outer := range c.calls {
		if outer.fn == fn {
			return single(c.exit(p, at, false, "a function that calls itself: write a loop"), at)
		}
	}
	if len(c.calls) == maxDepth {
		return single(c.exit(p, at, false, "calls are nested more than %d deep", maxDepth), at)
	}
	params := fn.Params
	if fn.Self != nil {
		params = append([]*analysis.Symbol{fn.Self}, params...)
	}
	for i, sym := range params {
		p.vars[sym] = nothing
		if i < len(args) {
			p.vars[sym] = args[i]
		}
	}
	call := &activation{fn: fn, place: c.where.end[at]}
	if fn.Expr.ParList.HasVargs && len(args) > len(params) {
		call.rest = args[len(params):]
	}
	c.calls = append(c.calls, call)
	for _, p := range c.stmts([]*path{p}, fn.Expr.Stmts) {
		call.returns = append(call.returns, results{path: p, at: at})
	}
	c.calls = c.calls[:len(c.calls)-1]
	c.line = line(at)
	if len(c.calls) == 0 {
		return call.returns
	}
	return c.joinResults(call.returns, c.where.end[at])
}

// callMethod is x:name(args...).
func (c *compiler) callMethod(p *path, x value, name string, args []value, e *ast.FuncCallExpr) []results {
	switch x.kind {
	case isPacket, isHeader, isPort:
		return single(c.method(p, x, name, args, e), e)
	case isAddress, isText:
		return c.stringMethod(p, x, name, args, e)
	case isObject:
		if _, ok := x.lua.(*lua.LUserData); ok {
			return single(c.method(p, x, name, args, e), e)
		}
	case isTable:
		var all []results
		for _, f := range c.index(p, x, text(name), e) {
			all = append(all, c.apply(f.path, f.value, append([]value{x}, args...), e)...)
		}
		return all
	}
	return single(c.fails(p, e, "%s is %s here, which has no method %s", spelled(e.Receiver), c.describe(x), name), e)
}

// describe says what a value is.
func (c *compiler) describe(v value) string {
	switch v.kind {
	case isNil:
		return "nil"
	case isBool:
		return "a boolean"
	case isNumber, isFraction:
		return "a number"
	case isAddress, isText:
		return "a string"
	case isPacket:
		return "the packet"
	case isHeader:
		return "a header"
	case isPort:
		return "a port"
	case isFunc:
		return "a function"
	case isTable:
		return "a table"
	}
	if v.name != "" {
		return v.name
	}
	return "an object"
}
