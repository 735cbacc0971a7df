// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"github.com/yuin/gopher-lua/ast"

	"pvlua/analysis"
)

// expr lowers an expression: on each path that goes on it has one value.
func (c *compiler) expr(p *path, e ast.Expr) []result {
	c.line = line(e)
	c.lines[e.Line()] = true
	switch e := e.(type) {
	case *ast.NilExpr:
		return one(p, nothing)
	case *ast.TrueExpr:
		return one(p, boolean(true))
	case *ast.FalseExpr:
		return one(p, boolean(false))
	case *ast.NumberExpr:
		if x, ok := analysis.Number(e.Value); ok {
			return one(p, number(x.(float64)))
		}
	case *ast.StringExpr:
		return one(p, text(e.Value))
	case *ast.FunctionExpr:
		return one(p, value{kind: isFunc, known: true, fn: e})
	case *ast.IdentExpr:
		return c.variable(p, e)
	case *ast.AttrGetExpr:
		return c.attribute(p, e)
	case *ast.FuncCallExpr:
		var all []result
		for _, r := range c.call(p, e) {
			all = append(all, result{r.path, r.first()})
		}
		return all
	case *ast.Comma3Expr:
		if rest := c.top().rest; len(rest) > 0 {
			return one(p, rest[0])
		}
		return one(p, nothing)
	case *ast.LogicalOpExpr:
		return c.logical(p, e)
	case *ast.RelationalOpExpr, *ast.UnaryNotOpExpr:
		yes, no := c.cond(p, e)
		var all []result
		for _, p := range c.join(yes, c.where.end[e]) {
			all = append(all, result{p, boolean(true)})
		}
		for _, p := range c.join(no, c.where.end[e]) {
			all = append(all, result{p, boolean(false)})
		}
		return all
	case *ast.ArithmeticOpExpr:
		return c.arithmetic(p, e)
	case *ast.UnaryMinusOpExpr:
		return c.minus(p, e)
	case *ast.UnaryLenOpExpr:
		return c.lengthOf(p, e)
	case *ast.StringConcatOpExpr:
		return c.concat(p, e)
	case *ast.TableExpr:
		return c.exit(p, e, false, "a table is made for each packet; use local variables, or make it when the script is loaded")
	}
	return c.exit(p, e, false, "this expression needs Lua")
}

// list lowers expressions one after another. The last one gives all its values.
func (c *compiler) list(p *path, list []ast.Expr) []results {
	all := []results{{path: p}}
	for i, e := range list {
		var next []results
		for _, r := range all {
			for _, v := range c.values(r.path, e, i == len(list)-1) {
				next = append(next, results{v.path, append(r.values[:len(r.values):len(r.values)], v.values...), e})
			}
		}
		all = next
	}
	return all
}

// values lowers an expression that may stand for several values, if it is the
// last of a list.
func (c *compiler) values(p *path, e ast.Expr, last bool) []results {
	if last && analysis.IsMulti(e) {
		if call, ok := e.(*ast.FuncCallExpr); ok {
			c.line = line(e)
			c.lines[e.Line()] = true
			return c.call(p, call)
		}
		return []results{{p, c.top().rest, e}}
	}
	return single(c.expr(p, e), e)
}

// variable reads a variable.
func (c *compiler) variable(p *path, e *ast.IdentExpr) []result {
	sym := c.program.Scopes.Uses[e]
	switch {
	case sym == nil:
		return c.global(p, e)
	case sym.Fn == c.program.Scopes.Chunk:
		return c.chunkVariable(p, sym, e)
	}
	if v, ok := p.vars[sym]; ok {
		if v.kind == isMaybe {
			return c.resolve(p, v)
		}
		return one(p, v)
	}
	return c.exit(p, e, false, "%s is a variable of a function that has returned", e.Value)
}

// attribute is x.name and x[key].
func (c *compiler) attribute(p *path, e *ast.AttrGetExpr) []result {
	var all []result
	for _, x := range c.expr(p, e.Object) {
		for _, key := range c.expr(x.path, e.Key) {
			c.line = line(e)
			all = append(all, c.index(key.path, x.value, key.value, e)...)
		}
	}
	return all
}

// index reads x[key].
func (c *compiler) index(p *path, x, key value, e ast.Expr) []result {
	name, isName := "", key.known && (key.kind == isText || key.kind == isAddress)
	if isName {
		name = key.text
	}
	switch x.kind {
	case isPacket, isHeader, isPort:
		if !isName {
			return c.exit(p, e, false, "the name of a property is worked out at run time")
		}
		return c.property(p, x, name, e)
	case isTable:
		return c.element(p, x, key, e)
	case isObject:
		return c.member(p, x, key, e)
	}
	what := "the value"
	if attr, ok := e.(*ast.AttrGetExpr); ok {
		what = spelled(attr.Object)
	}
	if isName {
		return c.fails(p, e, "%s is %s here, which has no %s", what, c.describe(x), name)
	}
	return c.fails(p, e, "%s is %s here, which can't be indexed", what, c.describe(x))
}

// logical is "and" and "or" with the values that they have.
func (c *compiler) logical(p *path, e *ast.LogicalOpExpr) []result {
	var done []result
	var more []*path
	for _, l := range c.expr(p, e.Lhs) {
		yes, no := c.truth(l.path, l.value)
		if e.Operator == "or" {
			yes, no = no, yes
		}
		more = append(more, yes...)
		for _, p := range no {
			v := l.value
			if v.kind == isBool {
				v = boolean(e.Operator == "or")
			}
			done = append(done, result{p, v})
		}
	}
	for _, p := range c.join(more, c.where.start[e.Rhs]) {
		done = append(done, c.expr(p, e.Rhs)...)
	}
	return c.joinValues(done, e)
}

// concat is .. of known strings and numbers.
func (c *compiler) concat(p *path, e *ast.StringConcatOpExpr) []result {
	var all []result
	for _, l := range c.expr(p, e.Lhs) {
		for _, r := range c.expr(l.path, e.Rhs) {
			a, ok := l.value.asText()
			b, also := r.value.asText()
			if !ok || !also {
				all = append(all, c.exit(r.path, e, false, "a string is made for each packet; compare and store numbers")...)
				continue
			}
			all = append(all, result{r.path, text(a + b)})
		}
	}
	return all
}

// asText gives a known string.
func (v value) asText() (s string, ok bool) {
	return v.text, v.known && (v.kind == isText || v.kind == isAddress)
}

// lengthOf is the operator #.
func (c *compiler) lengthOf(p *path, e *ast.UnaryLenOpExpr) []result {
	if list, ok := c.payloadLength(p, e); ok {
		return list
	}
	var all []result
	for _, x := range c.expr(p, e.Expr) {
		c.line = line(e)
		all = append(all, c.valueLength(x.path, x.value, e)...)
	}
	return all
}

func (c *compiler) valueLength(p *path, v value, e *ast.UnaryLenOpExpr) []result {
	switch {
	case v.kind == isPacket:
		return c.length(p, e)
	case v.kind == isAddress:
		return one(p, whole(16))
	case v.kind == isText && v.known:
		return one(p, whole(int64(len(v.text))))
	case v.kind == isText:
		return one(p, whole(v.n))
	case v.kind == isTable, v.kind == isObject && v.lua != nil:
		return c.tableLength(p, v, e)
	}
	return c.fails(p, e, "%s is %s here, which has no length", spelled(e.Expr), c.describe(v))
}
