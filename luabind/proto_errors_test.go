// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"testing"
)

func TestDeclarationErrors(t *testing.T) {
	fields := func(s string) string { return `{name="p", fields={` + s + `}, udp=9}` }
	for declaration, want := range map[string]string{
		``:                                       "test.lua:2: pv.proto: got nil; it is called with one table",
		`"p"`:                                    `pv.proto: got "p"; it is called with one table, as in pv.proto{name="myproto", fields={{"ver", 4}, {"type", 4}}, udp=7000}`,
		`{}`:                                     "pv.proto: name is nil; expected a name",
		`{name="p"}`:                             `pv.proto: fields is nil; expected a list of fields, as in fields={{"ver", 4}, {"type", 4}}`,
		`{nam="p"}`:                              `pv.proto: it has no argument "nam"; did you mean 'name'?`,
		`{name="P"}`:                             "pv.proto P: the name of a protocol is in small letters; write 'p'",
		`{name=""}`:                              "pv.proto: name has 0 letters; expected 1 to 40",
		`{name="a b"}`:                           `pv.proto: name is "a b"; a name has letters, digits and _, and begins with no digit`,
		`{name="9p"}`:                            `name is "9p"; a name has letters`,
		`{name="end"}`:                           "name is 'end', which is a word of Lua and can't stand after a dot",
		`{name="eth", fields={{"a", 8}}, udp=9}`: "pv.proto eth: the name is taken: pkt.eth is a header that pvlua knows; choose another, such as 'myeth'",
		`{name="payload", fields={{"a", 8}}, udp=9}`:  "pkt.payload is a property of every packet",
		`{name="port", fields={{"a", 8}}, udp=9}`:     "pkt.port is a property of every packet",
		`{name="clone", fields={{"a", 8}}, udp=9}`:    "pkt.clone is a method of every packet",
		`{name="greeting", fields={{"a", 8}}, udp=9}`: "pv.proto greeting: the protocol 'greeting' is declared twice",
		`{name="p", fields={{"a", 8}}, udp=7}`:        "pv.proto p: UDP port 7 is taken by the protocol 'greeting'",
		`{name="p", fields={{"a", 8}}, eth=0x800}`:    "pv.proto p: ethertype 0x0800 is that of the ip header",
		`{name="p", fields={{"a", 8}}, ip=6}`:         "pv.proto p: IP protocol 6 is that of the tcp header",
		`{name="p", fields={{"a", 8}}}`:               "pv.proto p: it does not say where 'p' is found; bind it to a UDP or TCP port, an IP protocol or an ethertype, as in udp=7000",
		`{name="p", fields={{"a", 8}}, udp="9"}`:      `pv.proto p: udp is "9"; expected a number of 0 to 65535 or a list of them, as in udp={7000, 7001}`,
		`{name="p", fields={{"a", 8}}, tcp={}}`:       "tcp has no numbers; expected one or a list of them",
		`{name="p", fields={{"a", 8}}, udp=70000}`:    "udp is 70000; expected a number of 0 to 65535",
		fields(``):                   "pv.proto p: p has no fields; give it at least one",
		fields(`a = 1`):              `fields has "a"; expected a list of fields`,
		fields(`"a"`):                `field 1 is "a"; expected its name and width in bits, as in {"ver", 4}`,
		fields(`{8}`):                `the name of field 1 is 8; expected a string`,
		fields(`{"a", 8}, {"a", 8}`): "test.lua:2: pv.proto p: the field 'a' is declared twice; give one of the two another name",
		fields(`{"and", 8}`):         "the name of field 1 is 'and', which is a word of Lua",
		fields(`{"a"}`):              `the field 'a' has no width; give it in bits, as in {"a", 8}, or make it bytes, as in {"a", bytes="rest"}`,
		fields(`{"a", "8"}`):         `the width of 'a' is "8"; expected a number of bits, 1 to 48`,
		fields(`{"a", 49}`):          "the field 'a' is 49 bits wide; expected 1 to 48",
		fields(`{"a", 12}`):          `the fields end in the middle of a byte, at bit 12; add a field of 4 bits, such as {"reserved", 4}`,
		fields(`{"a", 4}, {"b", bytes=2}, {"c", 4}`):       "the bytes of 'b' begin in the middle of a byte, at bit 4",
		fields(`{"a", 8, enun={X=1}}`):                     `the field 'a': it has no argument "enun"; did you mean 'enum'?`,
		fields(`{"a", 8, enum=5}`):                         "enum of 'a' is 5; expected names of numbers, as in enum={HELLO=1, BYE=2}",
		fields(`{"a", 8, enum={X="y"}}`):                   `enum of 'a' has "y" = "X"`,
		fields(`{"a", 8, enum={X=1, Y=1}}`):                "X and Y of 'a' are both 1; give a value one name",
		fields(`{"a", 8, enum={X=256}}`):                   "X of 'a' is 256, which is not in 0 to 255",
		fields(`{"a", 8, enum={["x y"]=1}}`):               `a name of a value of 'a' is "x y"`,
		fields(`{"a", 8, enum={X=1, [2]="X"}}`):            "enum of 'a' has the name 'X' twice",
		fields(`{"a", 8, default=256}`):                    "the default of 'a' is 256, which is not in 0 to 255",
		fields(`{"a", 8, default=-1}`):                     "the default of 'a' is -1; expected a whole number",
		fields(`{"a", 8, default="x"}`):                    `the default of 'a' is "x"; expected a whole number`,
		fields(`{"a", 8, enum={HELLO=1}, default="HELO"}`): "the default of 'a' is 'HELO', which enum does not have; did you mean 'HELLO'?",
		fields(`{"a", 1, default=1}, {"b", 7}`):            "the default of 'a' is 1; expected true or false",
		fields(`{"a", 8, type="boolean"}`):                 "the field 'a' is 8 bits wide; a boolean has 1",
		fields(`{"a", 8, type="int"}`):                     `the type of 'a' is "int"; expected "number", "boolean", "ip" or "mac" (or bytes=, which can be "text")`,
		fields(`{"a", bytes=2, type="ip"}`):                `the type of 'a', which is made of bytes, is "ip"; expected "text" or none`,
		fields(`{"a", 12, le=true}, {"b", 4}`):             "the field 'a' is little-endian but not made of whole bytes",
		fields(`{"a", 8, le=1}`):                           "le of 'a' is 1; expected true or false",
		fields(`{"a", 8, bytes=2}`):                        "the field 'a' has both a width, 8, and bytes; leave one out",
		fields(`{"a", bytes=0}`):                           `bytes of 'a' is 0; expected a number of bytes, the name of the field that counts them, or "rest"`,
		fields(`{"a", bytes=true}`):                        "bytes of 'a' is true; expected a number of bytes",
		fields(`{"a", bytes=2, default="abc"}`):            "the default of 'a' has 3 bytes, the field has 2",
		fields(`{"a", bytes=2, default=5}`):                "the default of 'a' is 5; expected a string",
		fields(`{"a", bytes=2, le=true}`):                  "the field 'a' is made of bytes and has no 'le'; leave it out",
		fields(`{"a", bytes="n"}`):                         `no field 'n' counts the bytes of 'a'; declare it before, as in {"n", 8}, or write bytes="rest"`,
		fields(`{"len", 8}, {"a", bytes="lem"}`):           "no field 'lem' counts the bytes of 'a'; did you mean 'len'?",
		fields(`{"a", bytes="n"}, {"n", 8}`):               "the field 'n' counts the bytes of 'a' but comes after them; put it before",
		fields(`{"a", bytes="a"}`):                         "the field 'a' can't count its own bytes",
		fields(`{"x", bytes=1}, {"a", bytes="x"}`):         "the field 'x' can't count the bytes of 'a': it is a string",
		fields(`{"a", bytes="rest"}, {"n", 8}`):            "the field 'n' comes after 'a', which takes all the rest of the packet; make that one the last field",
	} {
		// The declaration is the value of a call, for names in the table of a
		// plain one are checked before.
		source := `pv.proto{name="greeting", fields={{"a", 8}}, udp=7}` + "\nlocal function declare(...) return pv.proto(...) end declare(" + declaration + ") function on_packet() end"
		_, err := tryLoad(t, source)
		if err == nil {
			t.Errorf("%s: no error, want %q", declaration, want)
			continue
		}
		wantError(t, err, want)
	}
}

func TestDeclaredTooLate(t *testing.T) {
	f := load(t, `function on_packet() end function on_start() pv.proto{name="p", fields={{"a", 8}}, udp=9} end`)
	wantError(t, f.Start(), "test.lua:1: pv.proto: protocols are declared while the script is loaded: at its top")
}

func TestDeclaredAccessErrors(t *testing.T) {
	for body, want := range map[string]string{
		`print(g.vre)`:                             "the greeting header has no field 'vre'; did you mean 'ver'?",
		`g.vre = 1`:                                "the greeting header has no field 'vre'; did you mean 'ver'?",
		`g["v" .. "re"] = 1`:                       "the greeting header has no field 'vre'",
		`print(g[1])`:                              "attempt to index a greeting with 1",
		`g.ver = 16`:                               "greeting.ver: out of range: 16 is not in 0 to 15",
		`g.ver = 1.5`:                              "greeting.ver takes a whole number of 0 to 15, got 1.5",
		`g.ver = nil`:                              "greeting.ver takes a whole number of 0 to 15, got nil",
		`g.ver = g`:                                "greeting.ver takes a whole number of 0 to 15, got a greeting header",
		`g.type = "HELLO"`:                         `greeting.type takes a whole number of 0 to 7, got "HELLO"; the value that pv.proto gives has the numbers, as in greeting.type.HELLO`,
		`g.from = "10.0.0.1"`:                      `greeting.from takes a whole number of 0 to 4294967295, got "10.0.0.1"; pv.ip"10.0.0.1" gives the number of an address`,
		`g.by = "x"`:                               `pv.mac"02:00:00:00:00:01" gives the number of an address`,
		`g.urgent = 1`:                             "greeting.urgent takes true or false, got 1",
		`g.who = 5`:                                "greeting.who takes a string, got 5",
		`g.who = ("x"):rep(256)`:                   "greeting.who: out of range: 256 bytes, but n counts them, in 8 bits: at most 255",
		`g.who = ("x"):rep(250)`:                   "greeting.who: 250 bytes do not fit: the frame has room for 3",
		`g.n = 200 print(g.ver)`:                   "the packet has no greeting header any more: it was changed since this one was looked up",
		`pkt.udp.dport = 99 print(g.ver)`:          "the packet has no greeting header any more",
		`pkt.udp.dport = 99 g.ver = 2`:             "the packet has no greeting header any more",
		`pkt.greeting = 1`:                         "greeting of a packet is read-only; assign its fields, or make a packet by pv.build{greeting={...}}",
		`print(pkt["gree" .. "tng"])`:              "a packet has no property 'greetng'; did you mean 'greeting'?",
		`print(pkt["wh" .. "o"])`:                  "a packet has no property 'who'; it is a field of greeting, as in pkt.greeting.who",
		`local x = nil print(x.who)`:               "attempt to index a nil value (local 'x', field 'who'): a header is nil when the packet does not have it",
		`local greeting = nil print(greeting.who)`: "this packet has no greeting header; test it first, e.g. \"if greeting and greeting.who == ...\"",
		`print(greeting.type.HELO)`:                `greeting.type has no value named "HELO"; did you mean 'HELLO'?`,
		`print(greeting.typ)`:                      `greeting has no names for "typ"; did you mean 'type'?`,
		`greeting.type.HELLO = 3`:                  `greeting.type is read-only: "HELLO" can't be assigned`,
		`build{greting = {}}`:                      "pv.build: there is no header 'greting'; did you mean 'greeting'?",
		`build{greeting = 5}`:                      "pv.build: greeting takes a table of fields, got 5",
		`build{greeting = {5}}`:                    "pv.build: the key 1 in greeting is no field's name",
		`build{greeting = {vre = 5}}`:              "pv.build: the greeting header has no field 'vre'; did you mean 'ver'?",
		`build{greeting = {ver = 16}}`:             "pv.build: greeting.ver: out of range: 16 is not in 0 to 15",
		`build{greeting = {ver = "x"}}`:            "pv.build: greeting.ver takes a whole number of 0 to 15, got \"x\"",
		`build{greeting = {who = 5}}`:              "pv.build: greeting.who takes a string, got 5",
		`build{icmp = {}, greeting = {}}`:          "pv.build: greeting is not found above icmp, for it is bound to UDP port 7, UDP port 8, TCP port 7",
	} {
		f := load(t, greetingSource+"local function build(...) return pv.build(...) end function on_packet(pkt) local g = pkt.greeting "+body+" end")
		p := f.handle(greetingPacket("behind"))
		if p.Err == nil {
			t.Errorf("%s: no error, want %q", body, want)
			continue
		}
		wantError(t, p.Err, want)
		wantError(t, p.Err, "test.lua:16: ")
		if string(p.Buf[p.From:p.To]) != string(greetingPacket("behind")) {
			t.Errorf("%s: the packet was not left as it was", body)
		}
	}
}

// A fragment's length is not the script's to change.
func TestDeclaredBytesOfAFragment(t *testing.T) {
	f := load(t, greetingSource+`function on_packet(pkt) local g = pkt.greeting g.who = "eve" pkt.udp.len = pkt.udp.len g.who = "else" end`)
	b := greetingPacket("")
	b[14+6] = 0x20 // more fragments
	wantError(t, f.handle(b).Err, "greeting.who can't be replaced: the packet is a fragment")
}

// A misspelt name of a declared header is refused at load, where what it is a
// name of is certain.
func TestMisspeltDeclaredHeaders(t *testing.T) {
	for body, want := range map[string]string{
		`print(pkt.greting)`:               "test.lua:16: a packet has no property 'greting'; did you mean 'greeting'?",
		`local p = pkt p.gretting.ver = 1`: "a packet has no property 'gretting'; did you mean 'greeting'?",
		`pv.build{greting = {}}`:           "test.lua:16: pv.build: there is no header 'greting'; did you mean 'greeting'?",
		`pv.build{http = {}}`:              "there is no header 'http'; there are eth, vlan, vlan2, arp, ip, ip6, icmp, icmp6, tcp, udp, greeting and payload",
		`print(pkt.upd)`:                   "a packet has no property 'upd'; did you mean 'udp'?",
	} {
		_, err := tryLoad(t, greetingSource+"function on_packet(pkt) "+body+" end")
		if err == nil {
			t.Errorf("%s: no error, want %q", body, want)
			continue
		}
		wantError(t, err, want)
	}
}
