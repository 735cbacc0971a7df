// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"github.com/yuin/gopher-lua/ast"
)

// symbol is one local variable of a chunk.
type symbol struct {
	name string
	fn   *function // that declares it
	// values are the expressions that its function assigns to it, the initial
	// one included. What functions inside assign is not among them.
	values []ast.Expr
	// unknown says that it gets values that no expression stands for alone:
	// parameters, loop variables, results beyond the first.
	unknown bool
	// assigned counts assignments after the declaration, of all functions.
	assigned      int
	changedInside bool // a function inside assigns it
	captured      bool // a function inside uses it
	mayView       bool // it may hold a view that is not noted as kept; see keep.go
}

// function is one function of a chunk; the chunk itself is one without outer.
type function struct {
	outer  *function
	expr   *ast.FunctionExpr // nil for the chunk
	params []*symbol         // without self
	// free are the variables of outer functions that it and the functions
	// inside it use.
	free map[*symbol]bool
}

// scopes is what a chunk's names mean.
type scopes struct {
	chunk     *function
	uses      map[*ast.IdentExpr]*symbol // nil for a global
	functions map[*ast.FunctionExpr]*function
	symbols   []*symbol
	globals   map[string]bool // that the chunk assigns
	reads     map[string]bool // global names that it reads
	strings   []string        // its string constants
	declares  map[*ast.LocalAssignStmt][]*symbol
	items     map[*symbol]*ast.GenericForStmt // the second variables of loops
	declared  map[string]*property            // what State.names has
}

// resolver finds out what the names of a chunk mean, by the scoping rules as
// gopher-lua's compiler has them.
type resolver struct {
	*scopes
	fn     *function
	blocks []map[string]*symbol // from the chunk inwards, through all functions
}

// resolve works out the scopes of a chunk.
func resolve(chunk []ast.Stmt) *scopes {
	r := &resolver{scopes: &scopes{
		uses:      make(map[*ast.IdentExpr]*symbol),
		functions: make(map[*ast.FunctionExpr]*function),
		globals:   make(map[string]bool),
		reads:     make(map[string]bool),
		declares:  make(map[*ast.LocalAssignStmt][]*symbol),
		items:     make(map[*symbol]*ast.GenericForStmt),
	}}
	r.chunk = &function{free: make(map[*symbol]bool)}
	r.fn = r.chunk
	r.block(chunk)
	return r.scopes
}

// localFunction gives the line of a function that is assigned to a local
// variable of a name, 0 if there is none.
func (sc *scopes) localFunction(name string) int {
	for _, sym := range sc.symbols {
		if sym.name != name {
			continue
		}
		for _, v := range sym.values {
			if f, ok := v.(*ast.FunctionExpr); ok {
				return f.Line()
			}
		}
	}
	return 0
}

// push and pop begin and end a block.
func (r *resolver) push() { r.blocks = append(r.blocks, make(map[string]*symbol)) }
func (r *resolver) pop()  { r.blocks = r.blocks[:len(r.blocks)-1] }

// declare makes a local variable of the innermost block.
func (r *resolver) declare(name string, unknown bool) *symbol {
	sym := &symbol{name: name, fn: r.fn, unknown: unknown}
	r.symbols = append(r.symbols, sym)
	r.blocks[len(r.blocks)-1][name] = sym
	return sym
}

// lookup finds the variable that a name means here, nil for a global.
func (r *resolver) lookup(name string) *symbol {
	for i := len(r.blocks) - 1; i >= 0; i-- {
		if sym := r.blocks[i][name]; sym != nil {
			return sym
		}
	}
	return nil
}

// use notes that a name is used here.
func (r *resolver) use(id *ast.IdentExpr) *symbol {
	sym := r.lookup(id.Value)
	r.uses[id] = sym
	if sym != nil && sym.fn != r.fn {
		sym.captured = true
		for fn := r.fn; fn != sym.fn; fn = fn.outer {
			fn.free[sym] = true
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
	case *ast.FuncCallStmt:
		r.expr(st.Expr)
	case *ast.DoBlockStmt:
		r.block(st.Stmts)
	case *ast.WhileStmt:
		r.expr(st.Condition)
		r.block(st.Stmts)
	case *ast.RepeatStmt:
		r.push()
		r.stmts(st.Stmts)
		r.expr(st.Condition) // sees the locals of the body
		r.pop()
	case *ast.IfStmt:
		r.expr(st.Condition)
		r.block(st.Then)
		r.block(st.Else)
	case *ast.NumberForStmt:
		r.expr(st.Init)
		r.expr(st.Limit)
		r.expr(st.Step)
		r.push()
		r.declare(st.Name, false) // always a number
		r.stmts(st.Stmts)
		r.pop()
	case *ast.GenericForStmt:
		r.exprs(st.Exprs)
		r.push()
		for i, name := range st.Names {
			sym := r.declare(name, true)
			if i == 1 {
				r.items[sym] = st
			}
		}
		r.stmts(st.Stmts)
		r.pop()
	case *ast.FuncDefStmt:
		r.funcDef(st)
	case *ast.ReturnStmt:
		r.exprs(st.Exprs)
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
			r.globals[id.Value] = true
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
			sym := r.declare(st.Names[0], false)
			sym.gets(st.Exprs, 0)
			r.declares[st] = []*symbol{sym}
			r.exprs(st.Exprs)
			return
		}
	}
	r.exprs(st.Exprs)
	for i, name := range st.Names {
		sym := r.declare(name, false)
		sym.gets(st.Exprs, i)
		r.declares[st] = append(r.declares[st], sym)
	}
}

// gets notes that the variable gets the i-th value of a list of expressions.
func (sym *symbol) gets(exprs []ast.Expr, i int) {
	switch {
	case i < len(exprs):
		sym.values = append(sym.values, exprs[i])
	case len(exprs) > 0 && isMulti(exprs[len(exprs)-1]):
		sym.unknown = true
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
		r.globals[id.Value] = true
	} else if r.assigns(sym) {
		sym.values = append(sym.values, st.Func)
	}
}

// assigns notes an assignment to a variable and reports whether it is one of
// the function at hand.
func (r *resolver) assigns(sym *symbol) bool {
	sym.assigned++
	if sym.fn != r.fn {
		sym.changedInside = true
		return false
	}
	return true
}

// function resolves the body of a function.
func (r *resolver) function(f *ast.FunctionExpr, self bool) {
	fn := &function{outer: r.fn, expr: f, free: make(map[*symbol]bool)}
	r.functions[f] = fn
	r.fn = fn
	r.push()
	if self {
		r.declare("self", true)
	}
	for _, name := range f.ParList.Names {
		fn.params = append(fn.params, r.declare(name, true))
	}
	r.stmts(f.Stmts)
	r.pop()
	r.fn = fn.outer
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
			r.reads[e.Value] = true
		}
	case *ast.FunctionExpr:
		r.function(e, false)
	case *ast.StringExpr:
		r.strings = append(r.strings, e.Value)
	default:
		eachChild(e, r.expr)
	}
}
