// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"fmt"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// arguments are the script's arguments on the command line. Each declaration
// takes its own out of given; what is left when the main chunk has ended is in
// pv.args, or a mistake.
type arguments struct {
	given    []string // not taken yet, before any --
	rest     []string // behind it
	declared []*argument
	help     bool        // --help is among them
	table    *lua.LTable // pv.args
}

// argument is one that a script has declared.
type argument struct {
	name, help string
	sort       string // "number", "integer", "string", "boolean", or one of addressSorts
	fallback   lua.LValue
	shown      string // fallback as a person would type it
	choices    []lua.LValue
	required   bool
	least      float64 // if it is a number
	most       float64
}

func newArguments(args []string) arguments {
	a := arguments{given: slices.Clone(args)}
	if i := slices.Index(args, "--"); i >= 0 {
		a.given, a.rest = a.given[:i], a.given[i+1:]
	}
	a.help = slices.Contains(a.given, "--help")
	return a
}

// fill puts into pv.args what no declaration has taken.
func (a *arguments) fill() {
	for a.table.Len() > 0 {
		a.table.Remove(-1)
	}
	for _, list := range [][]string{a.given, a.rest} {
		for _, v := range list {
			a.table.Append(lua.LString(v))
		}
	}
}

// argsTable makes pv.args.
func (s *State) argsTable() *lua.LTable {
	s.out.args.table = s.L.NewTable()
	// Without declarations it has everything, for scripts that read it
	// themselves.
	for _, v := range s.cfg.Args {
		s.out.args.table.Append(lua.LString(v))
	}
	return s.out.args.table
}

// arg is pv.arg{name=, default=, help=, choices=, type=, min=, max=, required=}.
func (s *State) arg(L *lua.LState) int {
	if s.out.loaded {
		L.RaiseError("pv.arg: arguments are declared while the script is loaded: at its top, outside of functions that run later")
	}
	args := &s.out.args
	arg := declaration(L)
	for _, other := range args.declared {
		if other.name == arg.name {
			L.RaiseError("pv.arg: --%s is declared twice", arg.name)
		}
	}
	args.declared = append(args.declared, arg)
	text, found, err := args.take(arg)
	value := arg.fallback
	if err == nil && found {
		value, err = arg.parse(text)
	}
	if err == nil && !found && arg.required {
		err = fmt.Errorf("--%s is missing; it must be given as in -- --%[1]s %[2]s", arg.name, arg.placeholder())
	}
	if err != nil && !args.help {
		L.RaiseError("%s (-- --help lists the script's arguments)", err.Error())
	}
	args.fill()
	L.Push(value)
	return 1
}

// declaration reads what pv.arg is called with.
func declaration(L *lua.LState) *argument {
	o := takeOptions(L, "pv.arg", `pv.arg{name = "port", default = 7, help = "UDP port to answer on"}`,
		"name", "default", "help", "choices", "type", "min", "max", "required")
	a := &argument{
		name:     o.text("name", "a string", true),
		help:     o.text("help", "a string", false),
		sort:     o.text("type", argumentTypes, false),
		fallback: o.t.RawGetString("default"),
		required: lua.LVAsBool(o.t.RawGetString("required")),
	}
	if !validArgument(a.name) {
		o.fail("name", `letters, digits, - and _, without dashes in front, and not "help"`)
	}
	if a.required && a.fallback != lua.LNil {
		L.RaiseError("pv.arg: --%s has a default and is required; leave out one", a.name)
	}
	if list, ok := o.t.RawGetString("choices").(*lua.LTable); ok {
		for i := 1; i <= tableLength(list); i++ {
			a.choices = append(a.choices, list.RawGetInt(i))
		}
	}
	if o.has("choices") && len(a.choices) == 0 {
		o.fail("choices", `a list, such as {"left", "right"}`)
	}
	if sort, ok := addressSorts[a.sort]; ok {
		a.bounds(L, o)
		a.address(L, sort)
		return a
	}
	sorts := slices.Clone(a.choices)
	if a.fallback != lua.LNil {
		sorts = append(sorts, a.fallback)
	}
	for _, v := range sorts {
		sort := v.Type().String()
		if a.sort == "" {
			a.sort = sort
		}
		if a.sort != sort && !(a.sort == "integer" && sort == "number") {
			L.RaiseError("pv.arg: --%s is %s, which is no %s; its default, choices and type must agree", a.name, describe(v), a.sort)
		}
	}
	switch a.sort {
	case "":
		a.sort = "string"
	case "boolean":
		if a.fallback == lua.LNil {
			a.fallback = lua.LFalse
		}
	case "number", "integer", "string":
	default:
		L.RaiseError("pv.arg: --%s is of the type %s; expected %s", a.name, describe(lua.LString(a.sort)), argumentTypes)
	}
	a.bounds(L, o)
	a.shown = a.fallback.String()
	if a.fallback != lua.LNil && len(a.choices) > 0 && !slices.Contains(a.choices, a.fallback) {
		L.RaiseError("pv.arg: the default of --%s is %s, which is none of its choices", a.name, describe(a.fallback))
	}
	return a
}

// argumentTypes is what type= can be.
const argumentTypes = `"number", "integer", "string", "boolean", "ip", "ip6", "address" or "mac"`

// validArgument reports whether an argument can have a name.
func validArgument(name string) bool {
	bad := func(r rune) bool { return r >= 0x80 || !isLetter(byte(r)) && !isDigit(byte(r)) && r != '-' && r != '_' }
	return name != "" && name != "help" && name[0] != '-' && !strings.ContainsFunc(name, bad)
}

// take removes an argument from given and returns the text of its value.
func (a *arguments) take(arg *argument) (text string, found bool, err error) {
	left := make([]string, 0, len(a.given))
	for i := 0; i < len(a.given); i++ {
		name, value, joined := strings.Cut(a.given[i], "=")
		switch {
		case name == "--"+arg.name:
		case name == "--no-"+arg.name && arg.sort == "boolean" && !joined:
			value, joined = "false", true
		default:
			left = append(left, a.given[i])
			continue
		}
		switch {
		case found:
			return "", true, fmt.Errorf("--%s is given twice", arg.name)
		case joined:
		case arg.sort == "boolean":
			value = "true"
		case i+1 == len(a.given) || strings.HasPrefix(a.given[i+1], "--"):
			return "", true, fmt.Errorf("--%s needs a value, as in --%[1]s %[2]s or --%[1]s=%[2]s", arg.name, arg.placeholder())
		default:
			i++
			value = a.given[i]
		}
		text, found = value, true
	}
	a.given = left
	return text, found, nil
}

// parse makes a value of what was given.
func (a *argument) parse(text string) (lua.LValue, error) {
	var v lua.LValue
	switch a.sort {
	case "string":
		v = lua.LString(text)
	case "number", "integer":
		var err error
		if v, err = a.number(text); err != nil {
			return a.fallback, err
		}
	case "boolean":
		if text != "true" && text != "false" {
			return a.fallback, fmt.Errorf("--%s is %s; expected true or false", a.name, describe(lua.LString(text)))
		}
		v = lua.LBool(text == "true")
	default:
		var err error
		if v, err = addressSorts[a.sort].value(a.name, text); err != nil {
			return a.fallback, err
		}
	}
	if len(a.choices) > 0 && !slices.Contains(a.choices, v) {
		return a.fallback, fmt.Errorf("--%s is %s; expected %s", a.name, describe(v), listChoices(a.choices))
	}
	return v, nil
}

// unknown gives an error if something is left that looks like an argument,
// though the script says which ones it has.
func (a *arguments) unknown(script string) error {
	if len(a.declared) == 0 {
		return nil
	}
	for _, text := range a.given {
		name, _, _ := strings.Cut(text, "=")
		dashed := len(text) > 1 && text[0] == '-' && (text[1] == '-' || isLetter(text[1]))
		if !dashed {
			continue
		}
		var names []string
		for _, d := range a.declared {
			names = append(names, "--"+d.name)
		}
		msg := fmt.Sprintf("there is no argument %s", name)
		if near := nearest(name, slices.Clone(names)); near != "" {
			msg += "; did you mean " + near + "?"
		} else {
			msg += "; there are " + strings.Join(names, ", ")
		}
		return &ScriptError{Script: script, Msg: msg + " (-- --help explains them)"}
	}
	return nil
}

// endMain ends the loading of the script: err is what its main chunk ended with.
func (s *State) endMain(source []byte, err error) error {
	s.out.loaded = true
	switch {
	case s.out.args.help:
		return &EarlyExit{Output: s.scriptHelp(source)}
	case s.out.early != nil:
		return s.out.early
	case err != nil:
		return err
	}
	return s.out.args.unknown(s.cfg.Script)
}
