// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"
)

// ScriptError is an error of a script: one that it raised, or its failure to
// compile.
type ScriptError struct {
	Script    string // the file, as Config.Script names it, or that of a module
	Line      int    // from 1; 0 if it is not known
	Msg       string
	Traceback string // the calls that led there, one per line, innermost first; may be empty
}

// Error gives "scripts/echo.lua:12: message".
func (e *ScriptError) Error() string {
	if e.Line == 0 {
		return e.Script + ": " + e.Msg
	}
	return fmt.Sprintf("%s:%d: %s", e.Script, e.Line, e.Msg)
}

// position parts "scripts/echo.lua:12: message".
var position = regexp.MustCompile(`(?s)^(.+?):(\d+): ?(.*)$`)

// scriptError makes a ScriptError of what PCall or Load returned.
func (s *State) scriptError(err error) *ScriptError {
	var api *lua.ApiError
	if !errors.As(err, &api) {
		return &ScriptError{Script: s.cfg.Script, Msg: err.Error()}
	}
	e := &ScriptError{Script: s.cfg.Script, Traceback: cleanTraceback(api.StackTrace)}
	switch v := api.Object.(type) {
	case lua.LString:
		e.Msg = string(v)
	case lua.LNumber:
		e.Msg = v.String()
	case *lua.LTable:
		e.Msg = s.tableMessage(v)
	default:
		e.Msg = "the error value is " + describe(v) + ", not a message"
	}
	if api.Type == lua.ApiErrorPanic {
		e.Msg = "internal error: " + e.Msg
	}
	s.place(e, api.Type == lua.ApiErrorPanic)
	s.reword(e)
	return e
}

// place takes script and line from the beginning of the message, or from the
// traceback if the error is a Go panic.
func (s *State) place(e *ScriptError, panicked bool) {
	m := position.FindStringSubmatch(e.Msg)
	switch {
	case m != nil && s.isScript(m[1]):
		e.Script, e.Msg = m[1], m[3]
		e.Line, _ = strconv.Atoi(m[2])
		return
	case m != nil && m[1] == internalChunk:
		e.Msg = m[3]
	case !panicked:
		return // error(..., 0) and error values without a position
	}
	if m := position.FindStringSubmatch(firstLine(e.Traceback)); m != nil && s.isScript(m[1]) {
		e.Script = m[1]
		e.Line, _ = strconv.Atoi(m[2])
	}
}

// tableMessage gives the message of an error whose value is a table: what its
// __tostring says, if that works.
func (s *State) tableMessage(t *lua.LTable) string {
	fn := s.L.GetMetaField(t, "__tostring")
	if fn == lua.LNil {
		return "the error value is a table, not a message"
	}
	top := s.L.GetTop()
	defer s.L.SetTop(top)
	s.L.Push(fn)
	s.L.Push(t)
	if err := s.L.PCall(1, 1, nil); err != nil {
		return "the error value is a table whose __tostring fails"
	}
	return s.L.Get(-1).String()
}

// isScript reports whether a file is one that the state has compiled.
func (s *State) isScript(name string) bool {
	_, ok := s.scripts[name]
	return ok
}

// cleanTraceback drops the lines of a gopher-lua traceback that say nothing
// about the script: Go functions, which have neither a name nor a line, and
// internalChunk.
func cleanTraceback(t string) string {
	var kept []string
	for line := range strings.SplitSeq(t, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line == "stack traceback:" || strings.HasPrefix(line, "[") {
			continue
		}
		kept = append(kept, line)
	}
	return strings.Join(kept, "\n")
}

// firstLine gives a string up to its first newline.
func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// syntaxError makes a ScriptError of an error of gopher-lua's parser or
// compiler.
func syntaxError(script string, source []byte, err error) *ScriptError {
	e := &ScriptError{Script: script}
	var p *parse.Error
	var c *lua.CompileError
	switch {
	case errors.As(err, &p):
		e.Line = p.Pos.Line
		e.Msg = strings.TrimSpace(p.Message)
		if e.Msg == "parse error" || e.Msg == "Invalid token" {
			e.Msg = "syntax error"
		}
		switch {
		case p.Pos.Line == parse.EOF:
			e.Line = 1 + bytes.Count(bytes.TrimRight(source, "\n"), []byte("\n"))
			e.Msg += " at the end of the file"
			if strings.Contains(e.Msg, "syntax") {
				e.Msg += ": an \"end\" or a bracket may be missing"
			}
		case p.Token != "":
			e.Msg += " near " + quote(p.Token)
			if hint := foreignSyntax(p.Token, lineOf(source, p.Pos.Line)); hint != "" {
				e.Msg += ": " + hint
			}
		}
	case errors.As(err, &c):
		e.Line, e.Msg = c.Line, c.Message
	default:
		e.Msg = err.Error()
	}
	return e
}

// foreign lists what other languages have in the place of something in Lua: it
// begins with the token at which the parser stops.
var foreign = []struct{ text, hint string }{
	{"!=", "Lua writes ~= for not equal"},
	{"!", "Lua writes not for the negation"},
	{"&&", "Lua writes and for it"},
	{"||", "Lua writes or for it"},
	{"<<", "Lua 5.1 has no operators for bits; use bit32.lshift(x, n)"},
	{">>", "Lua 5.1 has no operators for bits; use bit32.rshift(x, n)"},
	{"&", "Lua 5.1 has no operators for bits; use bit32.band(a, b)"},
	{"|", "Lua 5.1 has no operators for bits; use bit32.bor(a, b)"},
	{"+=", "Lua has no such assignment; write x = x + 1"},
	{"-=", "Lua has no such assignment; write x = x - 1"},
	{"++", "Lua has no such operator; write x = x + 1"},
}

// foreignSyntax gives what to write in the place of an operator of other
// languages, if that is what the parser stopped at on a line; empty if not.
func foreignSyntax(token, line string) string {
	for _, f := range foreign {
		if strings.HasPrefix(f.text, token) && strings.Contains(line, f.text) {
			return f.hint
		}
	}
	return ""
}

// lineOf gives a line of a source, counted from 1.
func lineOf(source []byte, number int) string {
	lines := bytes.Split(source, []byte("\n"))
	if number < 1 || number > len(lines) {
		return ""
	}
	return string(lines[number-1])
}

// quote puts a string of a script between quotation marks, as Lua writes it.
func quote(s string) string { return strconv.Quote(s) }
