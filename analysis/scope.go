// SPDX-License-Identifier: GPL-3.0-or-later

package analysis

import (
	"github.com/yuin/gopher-lua/ast"
)

// Symbol is one local variable of a chunk: a declared one, a parameter or a
// variable of a loop. Two variables of one name are two symbols.
type Symbol struct {
	Name string
	Line int       // of the declaration; for parameters, of the function
	Fn   *Function // that declares it
	// Values are the expressions that its function assigns to it, the initial
	// one included. What functions inside assign is not among them.
	Values []ast.Expr
	// Unknown says that it gets values that no expression stands for alone:
	// parameters, variables of generic loops, results beyond the first.
	Unknown bool
	Counter bool // it is the variable of a numeric loop, which gets numbers alone
	// Assigned counts the assignments after the declaration, of all functions.
	Assigned      int
	ChangedInside bool // a function inside assigns it
	Captured      bool // a function inside uses it
}

// Fixed reports whether the variable keeps its first value for its whole life:
// it is certain that nothing assigns it after its declaration.
func (sym *Symbol) Fixed() bool { return sym.Assigned == 0 }

// Initial gives the expression that a fixed variable has its value from, cut to
// its first value if it gives several. It is nil for a variable that is not
// fixed, and for one whose value no expression stands for: parameters, loop
// variables, results beyond the first, and those declared without a value,
// which are nil.
func (sym *Symbol) Initial() ast.Expr {
	if !sym.Fixed() || sym.Unknown || len(sym.Values) != 1 {
		return nil
	}
	return sym.Values[0]
}

// Function is one function of a chunk; the chunk itself is one without Outer.
type Function struct {
	Outer  *Function
	Expr   *ast.FunctionExpr // nil for the chunk
	Self   *Symbol           // the parameter that a colon in its name makes, or nil
	Params []*Symbol         // without Self
	// Free are the variables of outer functions that it and the functions
	// inside it use.
	Free map[*Symbol]bool
	// Inner are the functions directly inside, in the order of the source.
	Inner []*Function
}

// All lists fn and the functions inside it, outer ones first and in the order
// of the source: the same for two trees of one source.
func (fn *Function) All() []*Function {
	list := []*Function{fn}
	for _, inner := range fn.Inner {
		list = append(list, inner.All()...)
	}
	return list
}

// Scopes is what a chunk's names mean. It refers to the nodes of the syntax
// tree that it was made of, and is true as long as these are not changed.
type Scopes struct {
	Chunk *Function
	// Uses has every name that stands for a variable, be it read or assigned,
	// with the variable; nil for a global.
	Uses      map[*ast.IdentExpr]*Symbol
	Functions map[*ast.FunctionExpr]*Function
	Symbols   []*Symbol       // all of them, in the order of the source
	Globals   map[string]bool // global names that the chunk assigns
	Reads     map[string]bool // global names that it reads
	Strings   []string        // its string constants, names after dots included
	// Declares has the variables of a local statement, in its order.
	Declares map[*ast.LocalAssignStmt][]*Symbol
	// Counters has the variable of a numeric loop, Loops those of a generic one.
	Counters map[*ast.NumberForStmt]*Symbol
	Loops    map[*ast.GenericForStmt][]*Symbol

	body  []ast.Stmt
	calls *calls // made when first asked for
}

// resolver finds out what the names of a chunk mean, by the scoping rules as
// gopher-lua's compiler has them.
type resolver struct {
	*Scopes
	fn     *Function
	blocks []map[string]*Symbol // from the chunk inwards, through all functions
}

// Resolve works out what the names of a chunk mean, as the parser returned it.
func Resolve(chunk []ast.Stmt) *Scopes {
	r := &resolver{Scopes: &Scopes{
		body:      chunk,
		Uses:      make(map[*ast.IdentExpr]*Symbol),
		Functions: make(map[*ast.FunctionExpr]*Function),
		Globals:   make(map[string]bool),
		Reads:     make(map[string]bool),
		Declares:  make(map[*ast.LocalAssignStmt][]*Symbol),
		Counters:  make(map[*ast.NumberForStmt]*Symbol),
		Loops:     make(map[*ast.GenericForStmt][]*Symbol),
	}}
	r.Chunk = &Function{Free: make(map[*Symbol]bool)}
	r.fn = r.Chunk
	r.block(chunk)
	return r.Scopes
}

// push and pop begin and end a block.
func (r *resolver) push() { r.blocks = append(r.blocks, make(map[string]*Symbol)) }
func (r *resolver) pop()  { r.blocks = r.blocks[:len(r.blocks)-1] }

// declare makes a local variable of the innermost block.
func (r *resolver) declare(at ast.PositionHolder, name string, unknown bool) *Symbol {
	sym := &Symbol{Name: name, Line: at.Line(), Fn: r.fn, Unknown: unknown}
	r.Symbols = append(r.Symbols, sym)
	r.blocks[len(r.blocks)-1][name] = sym
	return sym
}

// lookup finds the variable that a name means here, nil for a global.
func (r *resolver) lookup(name string) *Symbol {
	for i := len(r.blocks) - 1; i >= 0; i-- {
		if sym := r.blocks[i][name]; sym != nil {
			return sym
		}
	}
	return nil
}

// use notes that a name is used here.
func (r *resolver) use(id *ast.IdentExpr) *Symbol {
	sym := r.lookup(id.Value)
	r.Uses[id] = sym
	if sym != nil && sym.Fn != r.fn {
		sym.Captured = true
		for fn := r.fn; fn != sym.Fn; fn = fn.Outer {
			fn.Free[sym] = true
		}
	}
	return sym
}

// block resolves statements in a scope of their own.
func (r *resolver) block(stmts []ast.Stmt) {
	r.push()
	r.stmts(stmts)
	r.pop()
}

func (r *resolver) stmts(stmts []ast.Stmt) {
	for _, st := range stmts {
		r.stmt(st)
	}
}

func (r *resolver) stmt(st ast.Stmt) {
	switch st := st.(type) {
	case *ast.AssignStmt:
		r.assign(st)
	case *ast.LocalAssignStmt:
		r.local(st)
	case *ast.RepeatStmt:
		r.push()
		r.stmts(st.Stmts)
		r.expr(st.Condition) // sees the locals of the body
		r.pop()
	case *ast.NumberForStmt:
		r.expr(st.Init)
		r.expr(st.Limit)
		r.expr(st.Step)
		r.push()
		sym := r.declare(st, st.Name, false)
		sym.Counter = true
		r.Counters[st] = sym
		r.stmts(st.Stmts)
		r.pop()
	case *ast.GenericForStmt:
		r.exprs(st.Exprs)
		r.push()
		for _, name := range st.Names {
			r.Loops[st] = append(r.Loops[st], r.declare(st, name, true))
		}
		r.stmts(st.Stmts)
		r.pop()
	case *ast.FuncDefStmt:
		r.funcDef(st)
	default:
		EachPart(st, r.expr, r.block)
	}
}

// assign resolves an assignment to variables that exist already.
func (r *resolver) assign(st *ast.AssignStmt) {
	r.exprs(st.Rhs)
	for i, lhs := range st.Lhs {
		id, ok := lhs.(*ast.IdentExpr)
		if !ok {
			r.expr(lhs)
			continue
		}
		sym := r.use(id)
		if sym == nil {
			r.Globals[id.Value] = true
			continue
		}
		if r.assigns(sym) {
			sym.gets(st.Rhs, i)
		}
	}
}

// local resolves a declaration. A single function is in the scope of its own
// name, whether or not it is written "local function".
func (r *resolver) local(st *ast.LocalAssignStmt) {
	if len(st.Names) == 1 && len(st.Exprs) == 1 {
		if _, ok := st.Exprs[0].(*ast.FunctionExpr); ok {
			sym := r.declare(st, st.Names[0], false)
			sym.gets(st.Exprs, 0)
			r.Declares[st] = []*Symbol{sym}
			r.exprs(st.Exprs)
			return
		}
	}
	r.exprs(st.Exprs)
	for i, name := range st.Names {
		sym := r.declare(st, name, false)
		sym.gets(st.Exprs, i)
		r.Declares[st] = append(r.Declares[st], sym)
	}
}

// gets notes that the variable gets the i-th value of a list of expressions.
func (sym *Symbol) gets(exprs []ast.Expr, i int) {
	switch {
	case i < len(exprs):
		sym.Values = append(sym.Values, exprs[i])
	case len(exprs) > 0 && IsMulti(exprs[len(exprs)-1]):
		sym.Unknown = true
	}
}

// funcDef resolves function a.b.c() and function a.b:c().
func (r *resolver) funcDef(st *ast.FuncDefStmt) {
	if st.Name.Func == nil {
		r.expr(st.Name.Receiver)
		r.function(st.Func, true)
		return
	}
	r.function(st.Func, false)
	id, ok := st.Name.Func.(*ast.IdentExpr)
	if !ok {
		r.expr(st.Name.Func)
		return
	}
	if sym := r.use(id); sym == nil {
		r.Globals[id.Value] = true
	} else if r.assigns(sym) {
		sym.Values = append(sym.Values, st.Func)
	}
}

// assigns notes an assignment to a variable and reports whether it is one of
// the function at hand.
func (r *resolver) assigns(sym *Symbol) bool {
	sym.Assigned++
	if sym.Fn != r.fn {
		sym.ChangedInside = true
		return false
	}
	return true
}

// function resolves the body of a function.
func (r *resolver) function(f *ast.FunctionExpr, self bool) {
	fn := &Function{Outer: r.fn, Expr: f, Free: make(map[*Symbol]bool)}
	r.fn.Inner = append(r.fn.Inner, fn)
	r.Functions[f] = fn
	r.fn = fn
	r.push()
	if self {
		fn.Self = r.declare(f, "self", true)
	}
	for _, name := range f.ParList.Names {
		fn.Params = append(fn.Params, r.declare(f, name, true))
	}
	r.stmts(f.Stmts)
	r.pop()
	r.fn = fn.Outer
}

func (r *resolver) exprs(list []ast.Expr) {
	for _, e := range list {
		r.expr(e)
	}
}

func (r *resolver) expr(e ast.Expr) {
	switch e := e.(type) {
	case *ast.IdentExpr:
		if r.use(e) == nil {
			r.Reads[e.Value] = true
		}
	case *ast.FunctionExpr:
		r.function(e, false)
	case *ast.StringExpr:
		r.Strings = append(r.Strings, e.Value)
	default:
		EachChild(e, r.expr)
	}
}
