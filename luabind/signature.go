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
	depth := 0 // of square brackets
	for _, part := range splitList(list) {
		name := strings.Trim(part, " []")
		optional := depth > 0 || strings.HasPrefix(strings.TrimSpace(part), "[")
		depth += strings.Count(part, "[") - strings.Count(part, "]")
		if name != "" {
			params = append(params, Param{name, optional})
		}
	}
	return params
}

// Options gives the names that the table may have which the function takes, in
// their order: "rate" and "count" for f{rate=, count=, fn}. It has none if the
// function takes no table.
func (e Entry) Options() []string {
	_, list, ok := strings.Cut(e.Signature, e.Name+"{")
	end := strings.LastIndexByte(list, '}')
	if !ok || end < 0 {
		return nil
	}
	var names []string
	for _, part := range splitList(list[:end]) {
		if name, _, ok := strings.Cut(part, "="); ok {
			names = append(names, strings.TrimSpace(name))
		}
	}
	return names
}

// splitList parts a list at the commas that are not within braces or
// parentheses, and where an optional part begins, as in "s [, from]".
func splitList(list string) []string {
	var parts []string
	inner, begin := 0, 0
	for i, c := range list {
		switch c {
		case '{', '(':
			inner++
		case '}', ')':
			inner--
		case ',':
			if inner == 0 {
				parts = append(parts, list[begin:i])
				begin = i + 1
			}
		case ' ':
			if inner == 0 && strings.HasSuffix(list[begin:i], "]") { // as in "[level,] ..."
				parts = append(parts, list[begin:i])
				begin = i
			}
		}
	}
	return append(parts, list[begin:])
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
