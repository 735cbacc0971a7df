// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"strings"
)

// Param is one parameter of a function of the API.
type Param struct {
	Name     string // as the signature has it: "seconds", "packet or string", "..."
	Optional bool   // it stands in brackets
}

// Params gives the parameters that the signature lists, without the object of
// a method. A function that takes a table, f{a=, b=}, has one, named "options".
func (e Entry) Params() []Param {
	call, _, _ := strings.Cut(e.Signature, " -> ")
	open := strings.IndexAny(call, "({")
	if open < 0 {
		return nil
	}
	if call[open] == '{' {
		return []Param{{Name: "options"}}
	}
	list := call[open+1:]
	if end := strings.LastIndexByte(list, ')'); end >= 0 {
		list = list[:end]
	}
	var params []Param
	var name strings.Builder
	brackets, optional, inner := 0, false, 0
	flush := func() {
		if n := strings.TrimSpace(name.String()); n != "" {
			params = append(params, Param{n, optional})
		}
		name.Reset()
		optional = false
	}
	for _, c := range list {
		switch {
		case c == '{' || c == '(':
			inner++
		case c == '}' || c == ')':
			inner--
		}
		switch {
		case inner > 0 || c == '}' || c == ')':
			name.WriteRune(c)
		case c == '[':
			brackets++
		case c == ']':
			flush()
			brackets--
		case c == ',':
			flush()
		default:
			optional = optional || brackets > 0 && c != ' '
			name.WriteRune(c)
		}
	}
	flush()
	return params
}

// Results gives what the signature says that the function returns, in the
// words of the signature: "number", "offset or nil", "...".
func (e Entry) Results() []string {
	_, list, ok := strings.Cut(e.Signature, " -> ")
	if !ok {
		return nil
	}
	return strings.Split(list, ", ")
}
