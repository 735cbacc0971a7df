// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator makes random programs without errors, endless loops, or results
// that the Lua manual leaves open, such as the order of side effects.
type generator struct {
	*rand.Rand
	b      strings.Builder
	indent int
	scopes [][]variable
	depth  int // of expressions
	vararg bool
}

type variable struct {
	name string
	typ  valueType
}

type valueType int

const (
	number valueType = iota
	text
	table // with a number in each field
	any_
)

// fieldNames are names of properties, of members of libraries, and others.
var fieldNames = []string{"dst", "src", "type", "len", "udp", "port", "payload", "mac", "name", "x", "y"}

func (g *generator) line(format string, args ...any) {
	fmt.Fprintf(&g.b, "%s%s\n", strings.Repeat("  ", g.indent), fmt.Sprintf(format, args...))
}

func (g *generator) push() { g.scopes = append(g.scopes, nil); g.indent++ }
func (g *generator) pop()  { g.scopes = g.scopes[:len(g.scopes)-1]; g.indent-- }

func (g *generator) declare(typ valueType) string {
	name := fmt.Sprintf("%c%d", "nsta"[typ], g.IntN(6))
	top := len(g.scopes) - 1
	g.scopes[top] = append(g.scopes[top], variable{name, typ})
	return name
}

// pick gives a variable of a type, or "" if there is none in scope. Names are
// used again, so that some variables hide others.
func (g *generator) pick(typ valueType) string {
	seen := map[string]bool{}
	var found []string
	for i := len(g.scopes) - 1; i >= 0; i-- {
		for j := len(g.scopes[i]) - 1; j >= 0; j-- {
			if v := g.scopes[i][j]; !seen[v.name] {
				seen[v.name] = true
				if v.typ == typ {
					found = append(found, v.name)
				}
			}
		}
	}
	if len(found) == 0 {
		return ""
	}
	return found[g.IntN(len(found))]
}

func (g *generator) field() string { return fieldNames[g.IntN(len(fieldNames))] }

// tableField gives an element that is a number.
func (g *generator) tableField() string {
	t := g.pick(table)
	if t == "" {
		return ""
	}
	switch g.IntN(4) {
	case 0:
		return fmt.Sprintf("%s[%q]", t, g.field())
	case 1:
		return fmt.Sprintf("%s[%d]", t, 1+g.IntN(2))
	case 2:
		return fmt.Sprintf("%s[%s %% 2 + 1]", t, g.num())
	}
	return t + "." + g.field()
}

func (g *generator) num() string {
	g.depth++
	defer func() { g.depth-- }()
	n := 12
	if g.depth > 4 {
		n = 4
	}
	switch g.IntN(n) {
	case 0, 1:
		if v := g.pick(number); v != "" {
			return v
		}
	case 2:
		if f := g.tableField(); f != "" {
			return f
		}
	case 4, 5:
		return fmt.Sprintf("(%s %s %s) %% 1009", g.num(), []string{"+", "-", "*"}[g.IntN(3)], g.num())
	case 6:
		return fmt.Sprintf("(%s and %s or %s)", g.cond(), g.num(), g.num())
	case 7:
		return fmt.Sprintf("((%s or %s) and %s)", g.num(), g.num(), g.num())
	case 8:
		return fmt.Sprintf("pick(%s, %s)", g.num(), g.num())
	case 9:
		return "#" + "(" + g.str() + ")"
	case 10:
		return fmt.Sprintf("(pair(%s, %s))", g.num(), g.num())
	case 11:
		if g.vararg {
			return "(select('#', ...))"
		}
		return fmt.Sprintf("select(%d, %s, pair(%s, %s))", 1+g.IntN(3), g.num(), g.num(), g.num())
	}
	return fmt.Sprint(g.IntN(10))
}

func (g *generator) str() string {
	g.depth++
	defer func() { g.depth-- }()
	if g.depth < 4 {
		switch g.IntN(4) {
		case 0:
			if v := g.pick(text); v != "" {
				return v
			}
		case 1:
			return fmt.Sprintf("tostring(%s)", g.num())
		case 2:
			return fmt.Sprintf("(%s .. %s .. %s):sub(-6)", g.str(), g.num(), g.str())
		}
	}
	return fmt.Sprintf("%q", string(rune('a'+g.IntN(4))))
}

func (g *generator) cond() string {
	switch g.IntN(6) {
	case 0:
		return fmt.Sprintf("%s < %s", g.num(), g.num())
	case 1:
		return fmt.Sprintf("%s == %s", g.num(), g.num())
	case 2:
		return fmt.Sprintf("not (%s ~= %s)", g.num(), g.num())
	case 3:
		if v := g.pick(any_); v != "" {
			return v
		}
		return "nil"
	case 4:
		return fmt.Sprintf("%s >= %s", g.str(), g.str())
	}
	return []string{"true", "false", "nil"}[g.IntN(3)]
}

func (g *generator) tab() string {
	fields := []string{"new{"}
	for range g.IntN(4) {
		switch g.IntN(3) {
		case 0:
			fields = append(fields, fmt.Sprintf("%s = %s,", g.field(), g.num()))
		case 1:
			fields = append(fields, g.num()+",")
		case 2:
			fields = append(fields, fmt.Sprintf("[%q] = %s,", g.field(), g.num()))
		}
	}
	if g.IntN(4) == 0 {
		fields = append(fields, fmt.Sprintf("pair(%s, %s)", g.num(), g.num()))
	}
	return strings.Join(fields, " ") + "}"
}

func (g *generator) value(typ valueType) string {
	switch typ {
	case number:
		return g.num()
	case text:
		return g.str()
	case table:
		if v := g.pick(table); v != "" && g.IntN(2) == 0 {
			return v
		}
		return g.tab()
	}
	if g.IntN(2) == 0 {
		return fmt.Sprintf("(%s and %s)", g.cond(), g.num())
	}
	return g.cond()
}

// target gives something that can be assigned a value of a type.
func (g *generator) target(typ valueType) string {
	if typ == number && g.IntN(2) == 0 {
		if f := g.tableField(); f != "" {
			return f
		}
	}
	return g.pick(typ)
}

func (g *generator) assign() {
	var lhs, rhs []string
	used := map[string]bool{}
	for range 1 + g.IntN(4) {
		typ := valueType(g.IntN(4))
		t := g.target(typ)
		// The order of assignments is open, so nothing twice; and no table
		// that is itself assigned.
		base := strings.FieldsFunc(t, func(r rune) bool { return r == '.' || r == '[' })
		if t == "" || used[base[0]] {
			continue
		}
		used[base[0]] = true
		lhs, rhs = append(lhs, t), append(rhs, g.value(typ))
	}
	if len(lhs) == 0 {
		return
	}
	for _, l := range lhs {
		if strings.Contains(l, "[") {
			// Its key must not be a variable that is assigned as well.
			for _, m := range lhs {
				if m != l && strings.Contains(l, m) {
					return
				}
			}
		}
	}
	if g.IntN(6) == 0 {
		rhs = append(rhs, g.num())
	}
	g.line("%s = %s", strings.Join(lhs, ", "), strings.Join(rhs, ", "))
}

func (g *generator) pairAssign() {
	a, b := g.pick(number), g.target(number)
	if a == "" || b == "" || strings.Contains(b, a) {
		return
	}
	g.line("%s, %s = pair(%s, %s)", a, b, g.num(), g.num())
}

func (g *generator) block(n int) {
	g.push()
	for range n {
		g.stmt()
	}
	g.pop()
}

func (g *generator) stmt() {
	n := 14
	if g.indent > 4 {
		n = 6
	}
	switch g.IntN(n) {
	case 0, 1:
		var names, values []string
		var types []valueType
		for range 1 + g.IntN(3) {
			types = append(types, valueType(g.IntN(4)))
			values = append(values, g.value(types[len(types)-1]))
		}
		for _, typ := range types {
			names = append(names, g.declare(typ))
		}
		g.line("local %s = %s", strings.Join(names, ", "), strings.Join(values, ", "))
	case 2, 3, 4:
		g.assign()
	case 5:
		g.pairAssign()
	case 6:
		g.line("if %s then", g.cond())
		g.block(2)
		g.line("elseif %s then", g.cond())
		g.block(1)
		g.line("else")
		g.block(2)
		g.line("end")
	case 7:
		g.push()
		g.indent--
		g.line("for %s = 1, %d do", g.declare(number), 1+g.IntN(3))
		g.block(2)
		g.line("end")
		g.indent++
		g.pop()
	case 8:
		// A function that changes variables around it, called at once.
		name := fmt.Sprintf("f%d", g.IntN(4))
		g.line("local function %s(%s)", name, "n0, n1")
		g.scopes = append(g.scopes, []variable{{"n0", number}, {"n1", number}})
		old := g.vararg
		g.vararg = false
		g.block(4)
		g.indent++
		g.line("return %s, %s", g.num(), g.num())
		g.indent--
		g.vararg = old
		g.scopes = g.scopes[:len(g.scopes)-1]
		g.line("end")
		if v := g.pick(number); v != "" {
			g.line("%s = %s(%s, %s)", v, name, g.num(), g.num())
		}
	case 9:
		g.line("print(%s, %s, (%s))", g.num(), g.str(), g.value(any_))
	case 10:
		g.line("while %s do", g.cond())
		g.block(2)
		g.line("  if true then break end")
		g.line("end")
	case 11:
		g.line("call(function(...)")
		old := g.vararg
		g.vararg = true
		g.block(3)
		g.line("  print(select('#', ...), ...)")
		g.vararg = old
		g.line("end, %s, %s)", g.num(), g.num())
	case 12:
		g.line("repeat")
		g.push()
		v := g.declare(any_)
		g.line("local %s = %s", v, g.value(any_))
		g.line("if not %s then break end", v)
		g.indent--
		g.line("until %s", v)
		g.indent++
		g.pop()
	case 13:
		g.line("for i, v in ipairs(%s) do print(i, v) end", g.tab())
	}
}

// program makes one.
func program(seed uint64) string {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 1))}
	g.scopes = [][]variable{{{"n8", number}, {"t9", table}, {"s9", text}}}
	g.line("n8, t9, s9 = 8, new{}, 's'")
	g.line("local function main(n5, t5)")
	g.scopes = append(g.scopes, []variable{{"n5", number}, {"t5", table}})
	g.push()
	for range 12 {
		g.stmt()
	}
	for _, typ := range []valueType{number, text, any_} {
		if v := g.pick(typ); v != "" {
			g.line("print('%s', %s)", v, v)
		}
	}
	if v := g.pick(table); v != "" {
		for _, f := range fieldNames {
			g.line("print('%s', %s.%s)", f, v, f)
		}
		g.line("print(%s[1], %s[2])", v, v)
	}
	g.pop()
	g.line("end")
	g.line("print(pcall(main, 5, new{}))")
	return g.b.String()
}

const preamble = `
local fields = {"dst", "src", "type", "len", "udp", "port", "payload", "mac", "name", "x", "y"}
function new(t)
  for i = 1, #fields do t[fields[i]] = t[fields[i]] or i end
  t[1], t[2] = t[1] or 11, t[2] or 12
  return t
end
function pick(a, b) if a < b then return a end return b end
function pair(a, b) return b, a end
function call(f, ...) return f(...) end
`
