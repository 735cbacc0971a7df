// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"maps"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"pvlua/analysis"
	"pvlua/packet"
)

// builder makes the front of a handler. It follows the text along every path,
// from the beginning of on_packet into the local functions that it calls, until
// the path returns or comes to what is not simple. As there are no loops among
// what is simple, a variable has one value at each place of a path, however
// often it is assigned.
type builder struct {
	s       *State
	program *Program
	scopes  *analysis.Scopes
	left    int // how many steps it may still make
	code    int // how many instructions the calls have that were followed
}

// maxSteps bounds the size of a front: what follows an if statement is made for
// each of its branches.
const maxSteps = 500

// path is what is known at one place of a path.
type path struct {
	env     map[*analysis.Symbol]value
	at      *instance // the function that it is in
	known   uint16    // bit h: the packet certainly has header h
	slots   int       // that are in use
	rebound int       // how often a local variable was given another value
	// moved: a field has been assigned that may move, add or remove headers.
	moved  bool
	stored bool                     // there is a change of a map to be done in the end
	loops  bool                     // it is in a loop
	leave  stage                    // where break leads to
	places map[*analysis.Symbol]int // the slots of variables that a loop around assigns
}

// instance is a function of the script.
type instance struct {
	fn     *lua.LFunction
	text   *analysis.Function
	caller *instance // nil for on_packet
}

// upvalue gives a variable of an outer function, nil if it can't be found.
func (in *instance) upvalue(sym *analysis.Symbol) *lua.Upvalue {
	for i, name := range in.fn.Proto.DbgUpvalues {
		if name == sym.Name && i < len(in.fn.Upvalues) && freeNamed(in.text, name) == sym {
			return in.fn.Upvalues[i]
		}
	}
	return nil
}

// next makes the steps from a place on.
type next func(*path) stage

// result makes the steps after a return statement.
type result func(*path, []value) stage

// maxFronts is how many functions get a front that on_packet is one after the
// other.
const maxFronts = 8

// frontOf gives the front of a handler, nil if it has none.
func (s *State) frontOf(handler *lua.LFunction) *front {
	if s.cfg.Plain {
		return nil
	}
	fr, ok := s.fronts[handler]
	if !ok && len(s.fronts) < maxFronts {
		fr = s.newFront(handler)
		if s.fronts == nil {
			s.fronts = make(map[*lua.LFunction]*front)
		}
		s.fronts[handler] = fr
	}
	return fr
}

// newFront makes the front of a handler; nil if it would do nothing but give
// up.
func (s *State) newFront(handler *lua.LFunction) *front {
	program, err := s.Program()
	if err != nil {
		return nil
	}
	text := program.Function(handler)
	sc := program.Scopes
	if text == nil || text.Expr == nil || text.Self != nil || text.Expr.ParList.HasVargs || sc.Reads["setfenv"] || sc.Reads["getfenv"] {
		return nil
	}
	b := &builder{s: s, program: program, scopes: sc, left: maxSteps}
	p := &path{env: make(map[*analysis.Symbol]value), at: &instance{fn: handler, text: text}}
	for i, sym := range text.Params {
		p.env[sym] = constantValue(lua.LNil)
		if i == 0 {
			p.env[sym] = value{form: formPacket, truth: always}
		}
	}
	first := b.stmts(p, text.Expr.Stmts, b.verdict, func(p *path) stage { return b.verdict(p, nil) })
	if !decides(first, make(map[stage]bool)) {
		return nil
	}
	return &front{first: first, cost: len(handler.Proto.Code) + b.code}
}

// decides reports whether a front can come to a verdict from a step on. seen
// are the steps that have been looked at.
func decides(st stage, seen map[stage]bool) bool {
	if st == (giveUp{}) || seen[st] {
		return false
	}
	seen[st] = true
	switch st := st.(type) {
	case *branch:
		return decides(st.yes, seen) || decides(st.no, seen)
	case *counting:
		return decides(st.exit, seen) || decides(st.body, seen)
	case *listing:
		return decides(st.exit, seen) || decides(st.body, seen)
	case *again:
		return decides(st.to, seen)
	case *let:
		return decides(st.next, seen)
	case *assignment:
		return decides(st.next, seen)
	case *effect:
		return decides(st.next, seen)
	case *addition:
		return decides(st.next, seen)
	case *mapChange:
		return decides(st.next, seen)
	case *whole:
		return decides(st.next, seen)
	}
	return true
}

// abandon is where a path comes to what is not simple.
func (b *builder) abandon() stage { return giveUp{} }

// verdict is the result of on_packet itself.
func (b *builder) verdict(p *path, values []value) stage {
	if len(values) == 0 {
		return &decision{verdict: Pass, stores: p.stored}
	}
	v := values[0]
	if !v.plain() || p.moved && v.constant == nil {
		return b.abandon()
	}
	a := &answer{value: v.any}
	if v.constant == nil {
		return a
	}
	c := &pass{}
	if a.take(c); c.verdict == 0 { // which is an error
		return b.abandon()
	}
	return &decision{c.verdict, c.out, p.stored}
}

// stmts makes the steps of a list of statements and of what follows.
func (b *builder) stmts(p *path, list []ast.Stmt, ret result, then next) stage {
	if len(list) == 0 {
		return then(p)
	}
	if b.left--; b.left < 0 {
		return b.abandon()
	}
	rest := func(p *path) stage { return b.stmts(p, list[1:], ret, then) }
	st := list[0]
	if _, ok := st.(*ast.ReturnStmt); p.moved && !ok {
		return b.abandon()
	}
	var made stage
	switch st := st.(type) {
	case *ast.LocalAssignStmt:
		made = b.local(p, st, rest)
	case *ast.AssignStmt:
		made = b.assign(p, st, rest)
	case *ast.FuncCallStmt:
		if call, ok := st.Expr.(*ast.FuncCallExpr); ok {
			made = b.callStmt(p, call, rest)
		}
	case *ast.DoBlockStmt:
		made = b.stmts(p, st.Stmts, ret, rest)
	case *ast.NumberForStmt:
		made = b.numberFor(p, st, ret, rest)
	case *ast.GenericForStmt:
		made = b.genericFor(p, st, ret, rest)
	case *ast.WhileStmt:
		made = b.whileStmt(p, st, ret, rest)
	case *ast.BreakStmt:
		made = p.leave
	case *ast.IfStmt:
		made = b.ifStmt(p, st, ret, rest)
	case *ast.ReturnStmt:
		made = b.returnStmt(p, st, ret)
	}
	if made == nil {
		return b.abandon()
	}
	return made
}

// ifStmt makes an if statement, nil if its condition is not simple.
func (b *builder) ifStmt(p *path, st *ast.IfStmt, ret result, rest next) stage {
	cond := b.expr(p, st.Condition)
	if !cond.valid() {
		return nil
	}
	if cond.constant != nil {
		if lua.LVAsBool(cond.constant) {
			return b.stmts(p, st.Then, ret, rest)
		}
		return b.stmts(p, st.Else, ret, rest)
	}
	yes, no := p.fork(), p.fork()
	yes.learn(b.headersIf(p, st.Condition, true))
	no.learn(b.headersIf(p, st.Condition, false))
	if goesOn(st.Then) && goesOn(st.Else) {
		rest = join(p, rest)
	}
	return &branch{cond.truth, b.stmts(yes, st.Then, ret, rest), b.stmts(no, st.Else, ret, rest)}
}

// join makes what follows an if statement once for both branches, where they
// have left the variables around them as they were.
func join(p *path, rest next) next {
	var shared stage
	return func(q *path) stage {
		if q.rebound != p.rebound || q.moved != p.moved || q.stored != p.stored {
			return rest(q)
		}
		if shared == nil {
			shared = rest(p.fork())
		}
		return shared
	}
}

// goesOn reports whether what follows a block may be reached from its end.
func goesOn(list []ast.Stmt) bool {
	if len(list) == 0 {
		return true
	}
	switch st := list[len(list)-1].(type) {
	case *ast.ReturnStmt, *ast.BreakStmt:
		return false
	case *ast.DoBlockStmt:
		return goesOn(st.Stmts)
	case *ast.IfStmt:
		return goesOn(st.Then) || goesOn(st.Else)
	}
	return true
}

// fork makes a copy of a path that can go on in another way.
func (p *path) fork() *path {
	q := *p
	q.env = maps.Clone(p.env)
	return &q
}

// learn notes headers that the packet certainly has, and Ethernet, which is
// below all.
func (p *path) learn(headers uint16) {
	if headers != 0 {
		p.known |= headers | 1<<packet.Eth
	}
}

// headersIf gives the headers that the packet certainly has if a condition is
// met, or is not.
func (b *builder) headersIf(p *path, e ast.Expr, met bool) uint16 {
	switch e := e.(type) {
	case *ast.UnaryNotOpExpr:
		return b.headersIf(p, e.Expr, !met)
	case *ast.LogicalOpExpr:
		if (e.Operator == "and") == met {
			return b.headersIf(p, e.Lhs, met) | b.headersIf(p, e.Rhs, met)
		}
	case *ast.IdentExpr, *ast.AttrGetExpr:
		if v := b.expr(p, e); met && v.form == formHeader && len(v.headers) == 1 {
			return 1 << v.headers[0]
		}
	}
	return 0
}

// returnStmt makes a return statement, nil if its values are not simple.
func (b *builder) returnStmt(p *path, st *ast.ReturnStmt, ret result) stage {
	if len(st.Exprs) == 1 {
		if call, ok := st.Exprs[0].(*ast.FuncCallExpr); ok && !call.AdjustRet {
			if made := b.call(p, call, ret); made != nil {
				return made
			}
		}
	}
	values := make([]value, len(st.Exprs))
	for i, e := range st.Exprs {
		if values[i] = b.expr(p, e); !values[i].bindable() {
			return nil
		}
	}
	return ret(p, values)
}

// bindable reports whether a local variable can have the value.
func (v *value) bindable() bool { return v.valid() && v.form != formTruth }
