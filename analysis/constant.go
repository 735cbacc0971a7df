// SPDX-License-Identifier: GPL-3.0-or-later

package analysis

import (
	"math"
	"strconv"
	"strings"

	"github.com/yuin/gopher-lua/ast"
)

// Folder works out the values of constant expressions.
//
// A value is nil, a bool, a float64 or a string, as in Lua. Constants are
// those that the syntax has, fixed local variables whose initial value is
// constant, and, by operators, what is made of constants. An operator that
// would raise an error, call a metamethod, or take a string for a number makes
// no constant.
type Folder struct {
	*Scopes
	// Known, if set, knows constants that this package does not: a member of a
	// module, such as pv.TX, or a call without effects, such as pv.ip "10.0.0.1".
	// It is asked about index operations and calls. It may use the Folder.
	Known func(e ast.Expr) (v any, ok bool)

	busy map[*Symbol]bool // being worked out
}

// Constant works out the value of an expression. It reports false if that is
// not certain to be the same whenever the expression is reached.
func (f *Folder) Constant(e ast.Expr) (v any, ok bool) {
	switch e := e.(type) {
	case *ast.NilExpr:
		return nil, true
	case *ast.TrueExpr:
		return true, true
	case *ast.FalseExpr:
		return false, true
	case *ast.NumberExpr:
		return Number(e.Value)
	case *ast.StringExpr:
		return e.Value, true
	case *ast.IdentExpr:
		return f.Variable(f.Uses[e])
	case *ast.AttrGetExpr, *ast.FuncCallExpr:
		if f.Known != nil {
			return f.Known(e)
		}
	case *ast.LogicalOpExpr:
		return f.logical(e)
	case *ast.RelationalOpExpr:
		return f.relation(e)
	case *ast.ArithmeticOpExpr:
		return f.arithmetic(e)
	case *ast.UnaryMinusOpExpr:
		if x, ok := f.number(e.Expr); ok {
			return -x, true
		}
	case *ast.UnaryNotOpExpr:
		if v, ok := f.Constant(e.Expr); ok {
			return !Truth(v), true
		}
	case *ast.UnaryLenOpExpr:
		if s, ok := f.text(e.Expr); ok {
			return float64(len(s)), true
		}
	case *ast.StringConcatOpExpr:
		a, ok := f.text(e.Lhs)
		b, also := f.text(e.Rhs)
		if ok && also {
			return a + b, true
		}
	}
	return nil, false
}

// Variable works out the value of a variable that never has another one. sym
// may be nil, as it is for globals, which are never constant.
func (f *Folder) Variable(sym *Symbol) (v any, ok bool) {
	if sym == nil || !sym.Fixed() || sym.Unknown || f.busy[sym] {
		return nil, false
	}
	e := sym.Initial()
	if e == nil {
		return nil, !sym.Counter // declared without a value
	}
	if f.busy == nil {
		f.busy = make(map[*Symbol]bool)
	}
	f.busy[sym] = true
	defer delete(f.busy, sym)
	return f.Constant(e)
}

// logical folds "and" and "or".
func (f *Folder) logical(e *ast.LogicalOpExpr) (v any, ok bool) {
	v, ok = f.Constant(e.Lhs)
	if !ok || Truth(v) == (e.Operator == "or") {
		return v, ok
	}
	return f.Constant(e.Rhs)
}

// relation folds comparisons.
func (f *Folder) relation(e *ast.RelationalOpExpr) (v any, ok bool) {
	a, ok := f.Constant(e.Lhs)
	b, also := f.Constant(e.Rhs)
	if !ok || !also {
		return nil, false
	}
	switch e.Operator {
	case "==":
		return a == b, true
	case "~=":
		return a != b, true
	}
	if x, ok := a.(float64); ok {
		if y, ok := b.(float64); ok {
			return Compare(e.Operator, x, y), true
		}
	}
	if x, ok := a.(string); ok {
		if y, ok := b.(string); ok {
			return Compare(e.Operator, x, y), true
		}
	}
	return nil, false
}

// Compare is one of Lua's operators of order, which are "<", "<=", ">" and ">=".
func Compare[T float64 | string](operator string, a, b T) bool {
	switch operator {
	case "<":
		return a < b
	case "<=":
		return a <= b
	case ">":
		return a > b
	}
	return a >= b
}

// arithmetic folds the operators of two numbers.
func (f *Folder) arithmetic(e *ast.ArithmeticOpExpr) (v any, ok bool) {
	a, ok := f.number(e.Lhs)
	b, also := f.number(e.Rhs)
	if !ok || !also {
		return nil, false
	}
	return Arithmetic(e.Operator, a, b), true
}

// number is Constant for expressions that are numbers.
func (f *Folder) number(e ast.Expr) (x float64, ok bool) {
	v, _ := f.Constant(e)
	x, ok = v.(float64)
	return x, ok
}

// text is Constant for expressions that are strings.
func (f *Folder) text(e ast.Expr) (s string, ok bool) {
	v, _ := f.Constant(e)
	s, ok = v.(string)
	return s, ok
}

// Truth is what a condition makes of a value.
func Truth(v any) bool { return v != nil && v != false }

// Arithmetic is one of Lua's operators +, -, *, /, % and ^, as gopher-lua works
// them out.
func Arithmetic(operator string, a, b float64) float64 {
	switch operator {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "/":
		return a / b
	case "^":
		return math.Pow(a, b)
	}
	v := math.Mod(a, b) // which has the sign of a; Lua's has that of b
	if b > 0 && v < 0 || b < 0 && v > 0 {
		v += b
	}
	return v
}

// Number gives the number that a numeral of a program stands for. It reports
// false at one that gopher-lua refuses.
func Number(numeral string) (v any, ok bool) {
	numeral = strings.Trim(numeral, " \t\n")
	if n, err := strconv.ParseInt(numeral, 0, 64); err == nil {
		return float64(n), true
	}
	x, err := strconv.ParseFloat(numeral, 64)
	return x, err == nil
}
