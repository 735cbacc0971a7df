// SPDX-License-Identifier: GPL-3.0-or-later

package apidoc

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"pvlua/luabind"
	"pvlua/packet"
)

// Stubs gives the API as definitions for the Lua language server
// (https://luals.github.io/wiki/annotations), so that editors complete names,
// show what they mean and underline wrong ones. The file is no script: pvlua
// never runs it.
func Stubs() string {
	var s strings.Builder
	s.WriteString(stubsHead)
	for _, h := range packet.Headers {
		fmt.Fprintf(&s, "\n%s---@class pvlua.%s\n", comment(h.Doc), h.Name)
		for _, f := range h.Fields {
			fmt.Fprintf(&s, "---@field %s%s %s %s\n", f.Name, map[bool]string{true: "?"}[mayLack(f)], fieldType(f), f.Doc)
		}
		fmt.Fprintf(&s, "local %s = {}\n", h.Name)
	}
	recipe(&s)
	for _, t := range titles {
		stubsOf(&s, t.of, t.title)
	}
	s.WriteString("\nreturn pv\n")
	return s.String()
}

const stubsHead = `---@meta pv
-- SPDX-License-Identifier: GPL-3.0-or-later
-- The API of pvlua for the Lua language server. Made by "pvlua stubs": changes are lost.

---An Ethernet address as a number: pv.mac"02:00:00:00:00:01".
---@alias pvlua.mac number

---An IPv4 address as a number: pv.ip"10.0.0.1".
---@alias pvlua.ipv4 number

---An IPv6 address as a string of 16 bytes: pv.ip6"2001:db8::1".
---@alias pvlua.ipv6 string

---What becomes of a packet: nil or pv.PASS, pv.DROP, pv.TX, or a port.
---@alias pvlua.verdict nil|number|pvlua.port

---@class pvlua.ports
---@field [integer] pvlua.port by number, from 1
---@field [string] pvlua.port by name
`

// stubsOf writes what one thing has.
func stubsOf(s *strings.Builder, of, title string) {
	object := of // the variable that the functions are put into
	library := isLibrary(of)
	switch {
	case of == "", of == "string": // which the server knows
	case library:
		fmt.Fprintf(s, "\n---%s.\n---@class pvlua.%s\n%s = {}\n", title, of, of)
	default:
		object = strings.Replace(of, "packet", "pkt", 1)
		fmt.Fprintf(s, "\n---@class pvlua.%s\n", of)
		if of == "packet" {
			for _, h := range packet.Headers {
				optional := "?"
				if h.ID == packet.Eth {
					optional = "" // a packet without is shorter than any that is sent
				}
				fmt.Fprintf(s, "---@field %s%s pvlua.%s %s\n", h.Name, optional, h.Name, h.Doc)
			}
		}
		for _, e := range luabind.API {
			if e.Of != of || e.Kind != luabind.Value {
				continue
			}
			if strings.HasPrefix(e.Signature, "#") {
				fmt.Fprintf(s, "---@operator len: number\n")
				continue
			}
			fmt.Fprintf(s, "---@field %s %s %s\n", e.Name, valueType(e), e.Doc)
		}
		fmt.Fprintf(s, "local %s = {}\n", object)
	}
	for _, e := range luabind.API {
		switch {
		case e.Of != of:
		case e.Kind == luabind.Value && library:
			fmt.Fprintf(s, "\n%s---@type %s\n%s.%s = nil\n", comment(e.Doc), valueType(e), of, e.Name)
		case e.Kind != luabind.Value:
			stub(s, e, object)
		}
	}
}

// isLibrary reports whether something is a table of functions, such as bit32.
func isLibrary(of string) bool {
	return slices.ContainsFunc(luabind.API, func(e luabind.Entry) bool { return e.Of == of && e.Kind == luabind.Function })
}

// stub writes a function, method or callback.
func stub(s *strings.Builder, e luabind.Entry, object string) {
	fmt.Fprintf(s, "\n%s", comment(e.Doc))
	var names []string
	for _, p := range e.Params() {
		name, optional := paramName(p.Name), ""
		if p.Optional {
			optional = "?"
		}
		names = append(names, name)
		fmt.Fprintf(s, "---@param %s%s %s\n", name, optional, paramType(e, p.Name))
	}
	for _, r := range e.Results() {
		fmt.Fprintf(s, "---@return %s\n", resultType(r))
	}
	path := e.Name
	switch e.Kind {
	case luabind.Method:
		path = object + ":" + path
	case luabind.Function:
		path = object + "." + path
	}
	fmt.Fprintf(s, "function %s(%s) end\n", path, strings.Join(names, ", "))
}

// comment makes the documentation comment of what follows.
func comment(doc string) string { return "---" + doc + "\n" }

// LuaRC gives the settings file .luarc.json of the Lua language server for a
// folder of scripts.
func LuaRC() string {
	var callbacks []string
	for _, e := range luabind.API {
		if e.Kind == luabind.Callback {
			callbacks = append(callbacks, e.Name)
		}
	}
	text, err := json.MarshalIndent(struct {
		Schema  string            `json:"$schema"`
		Version string            `json:"runtime.version"`
		Builtin map[string]string `json:"runtime.builtin"`
		Globals []string          `json:"diagnostics.globals"`
		Tests   []string          `json:"diagnostics.globalsRegex"`
	}{
		"https://raw.githubusercontent.com/LuaLS/vscode-lua/master/setting/schema.json",
		"Lua 5.1",
		map[string]string{"io": "disable", "debug": "disable"}, // scripts do not have them
		callbacks,
		[]string{"^test_"},
	}, "", "  ")
	if err != nil {
		panic(err)
	}
	return string(text) + "\n"
}
