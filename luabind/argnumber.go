// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"fmt"
	"math"
	"strconv"

	lua "github.com/yuin/gopher-lua"
)

// maxInteger is the largest whole number that is exact, and so is the next
// smaller one.
const maxInteger = 1 << 53

// isNumber reports whether an argument's values are numbers.
func (a *argument) isNumber() bool { return a.sort == "number" || a.sort == "integer" }

// bounds completes the declaration of an argument that is a number.
func (a *argument) bounds(L *lua.LState, o options) {
	a.least, a.most = math.Inf(-1), math.Inf(1)
	for name, bound := range map[string]*float64{"min": &a.least, "max": &a.most} {
		switch v := o.t.RawGetString(name).(type) {
		case *lua.LNilType:
			continue
		case lua.LNumber:
			*bound = float64(v)
		default:
			o.fail(name, "a number")
		}
		if !a.isNumber() {
			L.RaiseError("pv.arg: --%s is a %s and can't have %s", a.name, a.sort, name)
		}
	}
	if !(a.least <= a.most) {
		L.RaiseError("pv.arg: of --%s min is greater than max", a.name)
	}
	if x, ok := a.fallback.(lua.LNumber); ok && !a.allows(float64(x)) {
		L.RaiseError("pv.arg: the default of --%s is %s; by its type, min and max it must be %s", a.name, describe(x), a.expected())
	}
}

// allows reports whether a number can be the value.
func (a *argument) allows(x float64) bool {
	if a.sort == "integer" && (x != math.Trunc(x) || math.Abs(x) > maxInteger) {
		return false
	}
	return x >= a.least && x <= a.most && !math.IsInf(x, 0)
}

// number makes a number of what was given.
func (a *argument) number(text string) (lua.LValue, error) {
	x, ok := parseNumber(text)
	if !ok || !a.allows(x) {
		return a.fallback, fmt.Errorf("--%s is %s; expected %s", a.name, describe(lua.LString(text)), a.expected())
	}
	return lua.LNumber(x), nil
}

// expected says what number it is to be.
func (a *argument) expected() string {
	text := "a number"
	if a.sort == "integer" {
		text = "a whole number"
	}
	if interval := a.interval(); interval == "" {
		return text
	} else if math.IsInf(a.least, 0) || math.IsInf(a.most, 0) {
		return text + ", " + interval
	} else {
		return text + " from " + interval
	}
}

// interval says between what bounds a number is, "" if it has none.
func (a *argument) interval() string {
	least, most := strconv.FormatFloat(a.least, 'f', -1, 64), strconv.FormatFloat(a.most, 'f', -1, 64)
	switch {
	case !a.isNumber() || math.IsInf(a.least, 0) && math.IsInf(a.most, 0):
		return ""
	case math.IsInf(a.most, 0):
		return least + " or more"
	case math.IsInf(a.least, 0):
		return most + " or less"
	}
	return least + " to " + most
}
