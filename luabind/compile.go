// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
	"github.com/yuin/gopher-lua/parse"
)

// compile makes a function of the text of a script or module. The error is a
// *ScriptError.
func (s *State) compile(name string, source []byte) (*lua.LFunction, error) {
	s.scripts[name] = nil
	chunk, err := parseChunk(name, source)
	if err != nil {
		return nil, syntaxError(name, source, err)
	}
	r := newRewriter(s, name, chunk)
	s.localHandler = max(s.localHandler, r.localFunction("on_packet"))
	if err := s.lint(name, chunk, r.scopes); err != nil {
		return nil, err
	}
	chunk = r.stmts(chunk)
	if r.err != nil {
		return nil, r.err
	}
	numbered := numberFunctions(r.Scopes)
	proto, err := compileChunk(name, chunk)
	if err != nil {
		return nil, syntaxError(name, source, err)
	}
	if numbers := numbered(proto); name == s.cfg.Script {
		s.source, s.numbers = source, numbers
	}
	r.patch(proto)
	s.scripts[name] = proto
	return s.L.NewFunctionFromProto(proto), nil
}

// parseChunk parses a script. A first line that begins with # is a comment, so
// that scripts can be made executable.
func parseChunk(name string, source []byte) (chunk []ast.Stmt, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the parser failed: %v", r)
		}
	}()
	if bytes.HasPrefix(source, []byte("#")) {
		source = append([]byte("--"), source...)
	}
	return parse.Parse(bytes.NewReader(source), name)
}

// compileChunk compiles a rewritten tree. gopher-lua's compiler panics at trees
// that it does not expect.
func compileChunk(name string, chunk []ast.Stmt) (proto *lua.FunctionProto, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the compiler failed: %v", r)
		}
	}()
	proto, err = lua.Compile(chunk, name)
	var c *lua.CompileError
	if errors.As(err, &c) && strings.Contains(c.Message, "register overflow") {
		c.Message = "the function has too many local variables or too long an expression: " + c.Message
	}
	return proto, err
}

// constant gives an expression for a Go value. It is a string constant that
// patch replaces in the compiled code, so that using it costs no look-up. It
// must not be used as a key, because gopher-lua keeps those apart.
func (r *rewriter) constant(at ast.PositionHolder, key string, value func() lua.LValue) ast.Expr {
	n, ok := r.patchNumber[key]
	if !ok {
		n = len(r.patches)
		r.patches = append(r.patches, value())
		r.patchNumber[key] = n
	}
	e := &ast.StringExpr{Value: r.marker + strconv.Itoa(n)}
	e.SetLine(at.Line())
	return e
}

// chooseMarker finds a beginning that no string constant of the chunk has.
func chooseMarker(constants []string) string {
	marker := "\x00go"
	for i := 0; i < len(constants); i++ {
		if strings.HasPrefix(constants[i], marker) {
			marker, i = marker+"\x00", -1
		}
	}
	return marker
}

// patch puts the Go values into the constants of compiled functions. It also
// names calls like t[""]() that have no name, at which tracebacks fail.
func (r *rewriter) patch(proto *lua.FunctionProto) {
	for i, c := range proto.Constants {
		str, ok := c.(lua.LString)
		if !ok || !strings.HasPrefix(string(str), r.marker) {
			continue
		}
		n, err := strconv.Atoi(string(str[len(r.marker):]))
		if err != nil || n >= len(r.patches) {
			panic("luabind: a constant that is not one of the rewriter's: " + strconv.Quote(string(str)))
		}
		proto.Constants[i] = r.patches[n]
	}
	for i := range proto.DbgCalls {
		if proto.DbgCalls[i].Name == "" {
			proto.DbgCalls[i].Name = "?"
		}
	}
	for _, inner := range proto.FunctionPrototypes {
		r.patch(inner)
	}
}
