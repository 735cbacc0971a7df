// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"pvlua/packet"
)

// buildEntries are pv.build and pv.packet.
func buildEntries() []Entry {
	entry := func(name, signature, doc string, f func(*State, *lua.LState) int) Entry {
		return Entry{Kind: Function, Of: "pv", Name: name, Signature: "pv." + name + signature, Doc: doc, make: method(f)}
	}
	return []Entry{
		entry("build", "{eth={dst=, src=}, ip={...}, udp={...}, payload=} -> packet", "Makes a packet of tables of header fields, any subset, and a payload. Lengths, types, protocols, checksums and other defaults are filled in where they are not given.", (*State).build),
		entry("packet", "(s) -> packet", "Makes a packet of the bytes of a whole frame, a string, such as came in by a socket.", (*State).packetOf),
	}
}

// packetOf is pv.packet(s).
func (s *State) packetOf(L *lua.LState) int {
	str, ok := L.Get(1).(lua.LString)
	if !ok {
		L.RaiseError("pv.packet: got %s; expected a string with the bytes of a frame; pv.build{...} makes a packet of tables", describe(L.Get(1)))
	}
	if len(str) > maxOwned {
		raiseRoom(L, "pv.packet", len(str), maxOwned)
	}
	s.quota.spendBytes(L, len(str))
	L.Push(s.viewOf(newOwned([]byte(str), noPort), kindPacket))
	return 1
}

// build is pv.build{...}.
func (s *State) build(L *lua.LState) int {
	t, ok := L.Get(1).(*lua.LTable)
	if !ok {
		L.RaiseError(`pv.build: got %s; expected a table of headers, as in pv.build{udp={dport=7}, payload="hello"}`, describe(L.Get(1)))
	}
	var r packet.Recipe
	t.ForEach(func(k, v lua.LValue) {
		if k == lua.LString("payload") {
			str, ok := v.(lua.LString)
			if !ok {
				L.RaiseError("pv.build: payload takes a string, got %s", describe(v))
			}
			r.Payload = []byte(str)
			return
		}
		if p := s.declaredBy(k); p != nil {
			s.buildDeclared(L, &r, p, v)
			return
		}
		h := s.buildHeader(L, k)
		fields, ok := v.(*lua.LTable)
		if !ok {
			L.RaiseError("pv.build: %s takes a table of fields, got %s", h, describe(v))
		}
		r.Add(h)
		fields.ForEach(func(k, v lua.LValue) { buildField(L, &r, h, k, v) })
	})
	if len(r.Payload) > maxOwned {
		raiseRoom(L, "pv.build: payload", len(r.Payload), maxOwned)
	}
	b, err := r.Build()
	if err != nil {
		L.RaiseError("pv.build: %s", err.Error())
	}
	if len(b) > maxOwned {
		raiseRoom(L, "pv.build: payload", len(r.Payload), maxOwned-(len(b)-len(r.Payload)))
	}
	s.quota.spendBytes(L, 2*len(b))
	L.Push(s.viewOf(newOwned(b, noPort), kindPacket))
	return 1
}

// noPort is the Port of a packet that did not come in.
const noPort = -1

// buildHeader gives the header that a key of the table of pv.build names.
func (s *State) buildHeader(L *lua.LState, key lua.LValue) packet.HeaderID {
	name, ok := key.(lua.LString)
	if !ok {
		L.RaiseError("pv.build: the key %s is no header's name", describe(key))
	}
	h, ok := headerNamed(string(name))
	if !ok {
		L.RaiseError("%s", unknownHeader(string(name), s.protocolNames()...))
	}
	return h
}

// headerNamed finds a header by its name.
func headerNamed(name string) (h packet.HeaderID, ok bool) {
	for _, h := range packet.Headers {
		if h.Name == name {
			return h.ID, true
		}
	}
	return 0, false
}

// unknownHeader is the error message for a name in pv.build's table that is no
// header's.
func unknownHeader(name string, declared ...string) string {
	names := []string{"payload"}
	for _, h := range packet.Headers {
		names = append(names, h.Name)
	}
	names = append(names, declared...)
	list := strings.Join(names[1:], ", ")
	msg := fmt.Sprintf("pv.build: there is no header '%s'", name)
	if near := nearest(name, names); near != "" {
		return msg + "; did you mean '" + near + "'?"
	}
	return msg + "; there are " + list + " and payload"
}

// buildField gives a field of the recipe its value.
func buildField(L *lua.LState, r *packet.Recipe, h packet.HeaderID, key, v lua.LValue) {
	name, ok := key.(lua.LString)
	if !ok {
		L.RaiseError("pv.build: the key %s in %s is no field's name", describe(key), h)
	}
	f := packet.Lookup(h, string(name))
	if f == nil {
		L.RaiseError("pv.build: %s", unknown(kind(h), string(name)))
	}
	var err error
	switch str, isString := v.(lua.LString); fieldAccess(f) {
	case accessBool:
		switch v {
		case lua.LTrue:
			err = r.SetUint(f, 1)
		case lua.LFalse:
			err = r.SetUint(f, 0)
		default:
			ok = false
		}
	case accessIPv6:
		if ok = isString && len(str) == 16; ok {
			err = r.SetBytes(f, []byte(str))
		}
	case accessBytes:
		if !isString {
			L.RaiseError("pv.build: %s takes a string, got %s", f, describe(v))
		}
		err = r.SetBytes(f, []byte(str))
	default:
		var n uint64
		if n, ok = wholeNumber(v); ok {
			err = r.SetUint(f, n)
		}
	}
	if !ok {
		L.RaiseError("pv.build: %s", wrongValue(f, v))
	}
	if err != nil {
		L.RaiseError("pv.build: %s", err.Error())
	}
}
