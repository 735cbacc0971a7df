// SPDX-License-Identifier: GPL-3.0-or-later

package apidoc

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"

	"pvlua/luabind"
	"pvlua/packet"
)

func TestStubs(t *testing.T) {
	got := Stubs()
	for _, want := range []string{
		"---@meta pv\n",
		"\n---UDP (RFC 768) over IPv4 or IPv6; not in fragments after the first.\n---@class pvlua.udp\n---@field sport number Source port (RFC 768).\n---@field dport number Destination port (RFC 768).\n",
		"---@field syn boolean ", "---@field mss? number ", "---@field src pvlua.mac ", "---@field src pvlua.ipv4 ", "---@field src pvlua.ipv6 ", "---@field target? pvlua.ipv6 ",
		"---@class pvlua.packet\n---@field eth pvlua.eth ", "---@operator len: number\n", "---@field port pvlua.port The port that the packet came in on",
		"\n---The byte at offset.\n---@param offset number\n---@return number\nfunction pkt:u8(offset) end\n",
		"---@param s string\n---@param from? number\n---@return number|nil\nfunction pkt:find(s, from) end\n",
		"---@param packet pvlua.packet|string\n---@return boolean\nfunction port:send(packet) end\n",
		"---@param level? \"debug\"|\"info\"|\"warn\"|\"error\"|any\n---@param ... any\nfunction pv.log(level, ...) end\n",
		"---@param seconds number\n---@param f fun()\n---@return pvlua.timer\nfunction pv.every(seconds, f) end\n",
		"---@param ... number\n---@return number\nfunction bit32.band(...) end\n",
		"---@param options pvlua.recipe\n---@return pvlua.packet\nfunction pv.build(options) end\n",
		"---@class pvlua.recipe.udp\n---@field sport? number Source port (RFC 768).\n", "---@field udp? pvlua.recipe.udp UDP (RFC 768)",
		"---@param options { rate?: number, count?: number, burst?: number, [integer]: fun(i: number) }\n",
		"---@return any ...\n---@return number\nfunction string.unpack(format, s, position) end\n",
		"---@param pkt pvlua.packet\n---@return pvlua.verdict\nfunction on_packet(pkt) end\n",
		"---@type pvlua.ports\npv.ports = nil\n",
		"\nreturn pv\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(got, "\n\n\n") || strings.Contains(got, " \n") || strings.Contains(got, "\t") {
		t.Error("stray white space")
	}
}

// The file is Lua, and everything in the tables is where a script has it.
func TestStubsAreComplete(t *testing.T) {
	text := Stubs()
	L := lua.NewState()
	defer L.Close()
	if err := L.DoString(text); err != nil {
		t.Fatal(err)
	}
	if L.Get(-1) != L.GetGlobal("pv") {
		t.Error(`require "pv" would not give the table pv`)
	}
	for _, e := range luabind.API {
		switch e.Kind {
		case luabind.Function:
			if L.GetField(L.GetGlobal(e.Of), e.Name).Type() != lua.LTFunction {
				t.Errorf("no function %s", e.Signature)
			}
		case luabind.Callback:
			if L.GetGlobal(e.Name).Type() != lua.LTFunction {
				t.Errorf("no function %s", e.Signature)
			}
		case luabind.Method:
			if !strings.Contains(text, ":"+e.Name+"(") {
				t.Errorf("no method %s: is %q among the titles?", e.Signature, e.Of)
			}
		case luabind.Value:
			if !strings.Contains(text, "---@field "+e.Name+" ") && !strings.Contains(text, e.Of+"."+e.Name+" = nil") && !strings.HasPrefix(e.Signature, "#") {
				t.Errorf("no value %s", e.Signature)
			}
		}
	}
	for _, h := range packet.Headers {
		if !strings.Contains(text, "---@class pvlua."+h.Name+"\n") {
			t.Errorf("no class for %s", h.Name)
		}
	}
}

// Whoever adds to the API says what the types are.
func TestStubsHaveTypes(t *testing.T) {
	for _, e := range luabind.API {
		if e.Kind == luabind.Value && valueType(e) == "any" && !strings.HasPrefix(e.Signature, "#") {
			t.Errorf("%s: valueTypes has no type for it", e.Signature)
		}
		for _, p := range e.Params() {
			if paramType(e, p.Name) == "any" && p.Name != "..." && paramTypes[p.Name] != "any" && paramTypes[entryName(e)+" "+p.Name] != "any" {
				t.Errorf("%s: paramTypes has no type for the parameter %q", e.Signature, p.Name)
			}
		}
		for _, name := range e.Options() {
			if namedType(e, name) == "any" && paramTypes[entryName(e)+" "+name] != "any" && e.Name != "build" {
				t.Errorf("%s: paramTypes has no type for the argument %q", e.Signature, name)
			}
		}
		for _, r := range e.Results() {
			if resultType(r) == "any" {
				t.Errorf("%s: resultType has no type for the result %q", e.Signature, r)
			}
		}
	}
}

// Every type that is named is one of the server's or defined in the file.
func TestStubsDefineTheirTypes(t *testing.T) {
	text := Stubs()
	var defined []string
	for _, m := range regexp.MustCompile(`---@(?:class|alias) (pvlua\.[\w.]+)`).FindAllStringSubmatch(text, -1) {
		if slices.Contains(defined, m[1]) {
			t.Errorf("%s is defined twice", m[1])
		}
		defined = append(defined, m[1])
	}
	for _, name := range regexp.MustCompile(`pvlua\.[\w.]*\w`).FindAllString(text, -1) {
		if !slices.Contains(defined, name) {
			t.Errorf("%s is not defined", name)
		}
	}
}

// The copy in docs is up to date: make docs writes it.
func TestStubsInDocs(t *testing.T) {
	got, err := os.ReadFile("../../docs/stubs/pvlua.lua")
	if err != nil || string(got) != Stubs() {
		t.Errorf("%v: docs/stubs/pvlua.lua is out of date; make docs", err)
	}
}

func TestLuaRC(t *testing.T) {
	var settings map[string]any
	if err := json.Unmarshal([]byte(LuaRC()), &settings); err != nil {
		t.Fatal(err)
	}
	if settings["runtime.version"] != "Lua 5.1" || !strings.Contains(LuaRC(), `"on_packet"`) {
		t.Errorf("%s", LuaRC())
	}
}
