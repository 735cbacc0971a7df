// SPDX-License-Identifier: GPL-3.0-or-later

package apidoc

import (
	"fmt"
	"strings"

	"pvlua/luabind"
	"pvlua/packet"
)

// The types here are those of the language server. It knows integers, but Lua
// 5.1 does not: all numbers are just that, so that n / 2 is no mistake.

// recipe writes the classes of what pv.build takes, where every field may be
// left out.
func recipe(s *strings.Builder) {
	for _, h := range packet.Headers {
		fmt.Fprintf(s, "\n---@class pvlua.recipe.%s\n", h.Name)
		for _, f := range h.Fields {
			fmt.Fprintf(s, "---@field %s? %s %s\n", f.Name, fieldType(f), f.Doc)
		}
	}
	s.WriteString("\n---@class pvlua.recipe\n")
	for _, h := range packet.Headers {
		fmt.Fprintf(s, "---@field %s? pvlua.recipe.%s %s\n", h.Name, h.Name, h.Doc)
	}
	s.WriteString("---@field payload? string what follows the last header\n")
}

// fieldType gives the type of a field.
func fieldType(f *packet.Field) string {
	switch f.Kind {
	case packet.Bool:
		return "boolean"
	case packet.MAC:
		return "pvlua.mac"
	case packet.IPv4:
		return "pvlua.ipv4"
	case packet.IPv6:
		return "pvlua.ipv6"
	case packet.Bytes:
		return "string"
	}
	return "number"
}

// mayLack reports whether a header may be without the field.
func mayLack(f *packet.Field) bool { return f.Locate != packet.Fixed && f.Locate != packet.Trailing }

// valueTypes are the types of values, which their entries do not say.
var valueTypes = map[string]string{
	"pv.PASS": "number", "pv.DROP": "number", "pv.TX": "number", "pv.ports": "pvlua.ports", "pv.args": "string[]",
	"pv.worker": "number", "pv.workers": "number",
	"pkt.port": "pvlua.port", "pkt.payload": "string",
	"port.name": "string", "port.index": "number", "port.mac": "pvlua.mac", "port.ip": "pvlua.ipv4|nil", "port.ip6": "pvlua.ipv6|nil",
	"port.mtu": "number", "port.queues": "number", "port.up": "boolean",
}

// valueType gives the type of a value.
func valueType(e luabind.Entry) string {
	if t, ok := valueTypes[entryName(e)]; ok {
		return t
	}
	return "any"
}

// paramTypes are the types of parameters by their names in signatures. A name
// of the form "pv.log ..." is for that function alone.
var paramTypes = map[string]string{
	"address": "pvlua.ipv4|pvlua.ipv6", "field": "number", "format": "string", "from": "number", "length": "number",
	"level": `"debug"|"info"|"warn"|"error"|any`, "n": "number", "number": "number", "offset": "number", "packet or string": "pvlua.packet|string",
	"pkt": "pvlua.packet", "position": "number", "s": "string", "seconds": "number", "string": "string", "text": "string",
	"v": "number", "width": "number", "x": "number", "f": "fun()", "...": "any",
	"bit32.band ...": "number", "bit32.bor ...": "number", "bit32.bxor ...": "number", "bit32.btest ...": "number",
	"pv.build options": "pvlua.recipe", "pv.arg type": "string",
	"pv.arg default": "any", "min": "number", "help": "string", "choices": "any[]", "required": "boolean",
	"max": "number", "ttl": "number", "pv.map key": "string", "pv.map value": "string",
	"rate": "number", "count": "number", "burst": "number", "pv.pace f": "fun(i: number)",
	"bind": "string", "connect": "string", "on_receive": "fun(data: string, address: number|string, port: number)",
	"data": "string", "key": "number|string", "name": "string", "status": "number", "value": "number|string", "socket:send port": "number",
	"port": "pvlua.port|number|string", "got": "any", "want": "any", "what": "string", "pattern": "string", "test.fails f": "fun()",
	"file": "string", "packets": "(pvlua.packet|string)[]|pvlua.packet", "n or list": "number|table[]", "list": "table",
	"pv.proto fields": "table[]", "pv.proto udp": "number|number[]", "pv.proto tcp": "number|number[]", "pv.proto ip": "number|number[]", "pv.proto eth": "number|number[]",
	"own_port": "number", "test.receive port": "number",
}

// paramType gives the type of a parameter.
func paramType(e luabind.Entry, name string) string {
	if names := e.Options(); name == "options" && len(names) > 0 && e.Name != "build" {
		return optionsType(e, names)
	}
	return namedType(e, name)
}

// optionsType gives the type of a table of named arguments. All are optional to
// the editor, because the signature does not say which are not.
func optionsType(e luabind.Entry, names []string) string {
	var fields []string
	for _, name := range names {
		fields = append(fields, name+"?: "+namedType(e, name))
	}
	if strings.HasSuffix(e.Signature[:strings.LastIndexByte(e.Signature, '}')], ", f") {
		fields = append(fields, "[integer]: "+namedType(e, "f"))
	}
	return "{ " + strings.Join(fields, ", ") + " }"
}

// namedType gives the type of what has a name in a signature.
func namedType(e luabind.Entry, name string) string {
	if t, ok := paramTypes[entryName(e)+" "+name]; ok {
		return t
	}
	if t, ok := paramTypes[name]; ok {
		return t
	}
	return "any"
}

// paramName makes a variable's name of a parameter that the signature has in
// words, such as "packet or string".
func paramName(name string) string {
	if name == "..." {
		return name
	}
	end := strings.IndexFunc(name, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	switch {
	case end == 0:
		return "options"
	case end > 0:
		return name[:end]
	}
	return name
}

// resultType gives the type of a result that the signature has in words.
func resultType(words string) string {
	var types []string
	for word := range strings.SplitSeq(words, " or ") {
		t := "any"
		switch word {
		case "number", "string", "boolean", "nil", "function", "table":
			t = word
		case "offset", "next":
			t = "number"
		case "address":
			t = "pvlua.ipv4|pvlua.ipv6"
		case "reason":
			t = "string"
		case "value":
			t = "number|string"
		case "...":
			return "any ..."
		default:
			for _, of := range titles {
				if of.of == word {
					t = "pvlua." + word
				}
			}
			switch {
			case word == "verdict":
				t = "pvlua.verdict"
			case strings.HasPrefix(word, "pv."): // a verdict by its name
				t = "number"
			}
		}
		types = append(types, t)
	}
	return strings.Join(types, "|")
}
