// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"errors"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"pvlua/analysis"
)

// Program is a script that has been loaded, as it is written: for who wants to
// run its on_packet by other means. It is made of a syntax tree of its own,
// which the caller may change.
type Program struct {
	Chunk  []ast.Stmt
	Scopes *analysis.Scopes
	// Handler is the function that on_packet was when the script had been loaded;
	// nil if it is not one of the script's own text, but of a module's.
	Handler *ast.FunctionExpr

	s         *State
	functions map[*lua.FunctionProto]*analysis.Function
	upvalues  map[*analysis.Symbol]*lua.Upvalue
	names     map[lua.LValue]string // of what libraries have; see Object
}

// Program gives the script as a program. It is made when it is first asked for;
// one State gives the same one every time. The error is that of the parser, which
// a script that has been loaded does not have, or that of tests whose script has
// not been.
func (s *State) Program() (*Program, error) {
	if s.program != nil {
		return s.program, nil
	}
	if s.handler == nil {
		return nil, errors.New("the script has no on_packet")
	}
	chunk, err := parseChunk(s.cfg.Script, s.source)
	if err != nil {
		return nil, err
	}
	p := &Program{
		Chunk: chunk, Scopes: analysis.Resolve(chunk), s: s,
		functions: make(map[*lua.FunctionProto]*analysis.Function),
		upvalues:  make(map[*analysis.Symbol]*lua.Upvalue),
	}
	functions := p.Scopes.Chunk.All()
	for proto, n := range s.numbers {
		p.functions[proto] = functions[n]
	}
	if fn := p.functions[s.handler.Proto]; fn != nil {
		p.Handler = fn.Expr
	}
	p.collect()
	s.program = p
	return p, nil
}

// Value gives what a local variable of the main chunk holds now. It reports
// false for others, and for one that no function has that can be reached from
// the globals by way of such variables and of tables.
func (p *Program) Value(sym *analysis.Symbol) (v lua.LValue, ok bool) {
	uv := p.upvalues[sym]
	if uv == nil {
		return nil, false
	}
	return uv.Value(), true
}

// Global gives what a global variable holds now, LNil if there is none.
func (p *Program) Global(name string) lua.LValue { return p.s.L.G.Global.RawGetString(name) }

// Function gives the function of the program that a Lua function was made of,
// nil for those of modules and the library.
func (p *Program) Function(fn *lua.LFunction) *analysis.Function { return p.functions[fn.Proto] }

// collect finds the variables of the main chunk that functions have captured.
func (p *Program) collect() {
	seen := make(map[lua.LValue]bool)
	var visit func(lua.LValue)
	visit = func(v lua.LValue) {
		if t, ok := v.(*lua.LTable); ok && !seen[t] {
			seen[t] = true
			t.ForEach(func(_, v lua.LValue) { visit(v) })
		}
		fn, ok := v.(*lua.LFunction)
		if !ok || fn.IsG || seen[fn] {
			return
		}
		seen[fn] = true
		of := p.functions[fn.Proto]
		for i, uv := range fn.Upvalues {
			if of != nil && i < len(fn.Proto.DbgUpvalues) {
				if sym := freeNamed(of, fn.Proto.DbgUpvalues[i]); sym != nil && sym.Fn == p.Scopes.Chunk {
					p.upvalues[sym] = uv
				}
			}
			visit(uv.Value())
		}
	}
	visit(p.s.handler)
	p.s.L.G.Global.ForEach(func(_, v lua.LValue) { visit(v) })
}

// freeNamed gives the variable of outer functions that a function knows by a
// name, nil if there are two of that name.
func freeNamed(fn *analysis.Function, name string) (found *analysis.Symbol) {
	for sym := range fn.Free {
		if sym.Name != name {
			continue
		}
		if found != nil {
			return nil
		}
		found = sym
	}
	return found
}

// numberBase is beyond the number of any line of a script.
const numberBase = 1 << 40

// numberFunctions has the compiler tell which function it makes of which: where
// it notes the line of a function's end, it finds the number of the function.
// What it returns is to be called with what the compiler has made.
func numberFunctions(sc *analysis.Scopes) func(*lua.FunctionProto) map[*lua.FunctionProto]int {
	functions := sc.Chunk.All()
	lines := make([]int, len(functions))
	for i, fn := range functions {
		if fn.Expr != nil {
			lines[i] = fn.Expr.LastLine()
			fn.Expr.SetLastLine(numberBase + i)
		}
	}
	numbers := make(map[*lua.FunctionProto]int)
	var restore func(*lua.FunctionProto)
	restore = func(proto *lua.FunctionProto) {
		if n := proto.LastLineDefined - numberBase; n >= 0 {
			proto.LastLineDefined = lines[n]
			numbers[proto] = n
		}
		for i, line := range proto.DbgSourcePositions {
			if n := line - numberBase; n >= 0 {
				proto.DbgSourcePositions[i] = lines[n]
			}
		}
		for _, inner := range proto.FunctionPrototypes {
			restore(inner)
		}
	}
	return func(proto *lua.FunctionProto) map[*lua.FunctionProto]int {
		restore(proto)
		return numbers
	}
}
