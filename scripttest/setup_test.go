// SPDX-License-Identifier: GPL-3.0-or-later

package scripttest

import "testing"

// cable can be loaded with two ports only, as forward.lua.
const cable = `
if #pv.ports ~= 2 then error("two ports are needed", 0) end
local left, right = pv.ports[1], pv.ports[2]
function on_packet(pkt) if pkt.port == left then return right end return left end`

func TestPorts(t *testing.T) {
	passes(t, cable, `test.ports(2) function test_it() test.equal(test.handle("", 1), pv.ports[2]) end`)
	passes(t, cable, `function test_it() test.ports(2) test.equal(test.handle("", 1), pv.ports[2]) end`)
	passes(t, cable, `test.ports(3) function test_it() test.ports(2) test.equal(test.handle("", 2), pv.ports[1]) end`)
	passes(t, cable, `test.ports = 2 function test_it() test.equal(#pv.ports, 2) end`)
	// The same that fails in on_start.
	passes(t, `function on_start() if #pv.ports ~= 2 then error("two") end end function on_packet() end`, `function test_it() test.ports(2) test.handle("") end`)

	expect(t, cable, `function test_it() test.handle("", 1) end`, "FAIL  test_it\n      a.lua: two ports are needed\n        raised at a.lua:2\n")
	expect(t, cable, `function test_it() end`, "FAIL  test_it\n      a.lua: two ports are needed\n        raised at a.lua:2\n")
	expect(t, cable, `function test_it() on_packet() end`, "FAIL  test_it\n      a.lua: two ports are needed\n        raised at a.lua:2\n")
	expect(t, cable, `function test_it() test.fails(function() test.handle("") end) end`, "FAIL  test_it\n      a.lua: two ports are needed\n        raised at a.lua:2\n")
	// One that catches it all does not escape.
	passes(t, cable, `function test_it() pcall(function() test.ports(2) end) test.equal(#pv.ports, 2) end`)

	passes(t, `function on_packet() end`, `
test.ports{{name = "in", mac = "02:00:00:00:00:aa", ip = {"10.0.0.1", pv.ip"10.0.0.2"}, ip6 = {pv.ip6"2001:db8::1"}, mtu = 9000, queues = 4, up = false}, {ip = false, ip6 = {}}, {}}
function test_facts()
  local p, q, r = pv.ports["in"], pv.ports[2], pv.ports[3]
  test.equal({p.index, p.mac, p.ip, p.ip6, p.mtu, p.queues, p.up}, {1, pv.mac"02:00:00:00:00:aa", pv.ip"10.0.0.1", pv.ip6"2001:db8::1", 9000, 4, false})
  test.equal(p:owns(pv.ip"10.0.0.2"), true)
  test.equal({q.name, q.mac, q.mtu, q.up}, {"port2", pv.mac"02:00:00:00:00:02", 1500, true})
  test.equal({q.ip, q.ip6}, {})
  test.equal({r.ip, r.ip6}, {pv.ip"10.0.3.1", pv.ip6"2001:db8:3::1"})
end`)
	for call, want := range map[string]string{
		`test.ports(0)`:                          `test.ports: got 0; expected a number of ports, 1 to 64, or a list such as {{name = "left", ip = "10.0.0.1"}, {name = "right"}}`,
		`test.ports(65)`:                         `test.ports: got 65; expected a number of ports, 1 to 64, or a list such as {{name = "left", ip = "10.0.0.1"}, {name = "right"}}`,
		`test.ports{}`:                           `test.ports: got a table; expected a number of ports, 1 to 64, or a list such as {{name = "left", ip = "10.0.0.1"}, {name = "right"}}`,
		`test.ports{1}`:                          `test.ports: port 1 is 1; expected a table, which may be empty`,
		`test.ports{{nmae = "x"}}`:               `test.ports: it has no argument "nmae"; did you mean 'name'?`,
		`test.ports{{}, {ip = "10.0.0"}}`:        `test.ports: the ip of port 2 is "10.0.0", which it can't be`,
		`test.ports{{ip6 = "fe80"}}`:             `test.ports: the ip6 of port 1 is "fe80", which it can't be`,
		`test.ports{{mac = true}}`:               `test.ports: the mac of port 1 is true, which it can't be`,
		`test.ports{{name = "a"}, {name = "a"}}`: `test.ports: two ports are called "a"`,
		`test.handle("") test.ports(2)`:          `test.ports comes first in a test: the script is loaded anew with it, so nothing can have been done before`,
	} {
		expect(t, `function on_packet() end`, "function test_it() "+call+" end", "FAIL  test_it\n      a_test.lua:1: "+want+"\n")
	}
}

func TestArgs(t *testing.T) {
	const script = `
local word, n = pv.arg{name = "word", default = "cat"}, pv.arg{name = "n", default = 3}
function on_packet() print(word, n, #pv.args) end`
	passes(t, script, `
local function said(...) test.handle("") test.equal(test.log(), {table.concat({...}, "\t")}) end
function test_defaults() said("cat", 3, 0) end
function test_list() test.args{"--word", "lion", "rest"} said("lion", 3, 1) end
function test_named() test.args{word = "lion", n = 4} said("lion", 4, 0) end
function test_both() test.args{"rest", n = 4} said("cat", 4, 1) end
function test_assigned() test.args = {word = "dog"} said("dog", 3, 0) end
function test_with_ports() test.ports(2) test.args{n = 5} said("cat", 5, 0) test.equal(#pv.ports, 2) end
function test_none() test.args{} said("cat", 3, 0) end`)
	passes(t, script, `
test.args{word = "lion"}
function test_for_all() test.handle("") test.equal(test.log(), {"lion\t3\t0"}) end
function test_other() test.args{n = 4} test.handle("") test.equal(test.log(), {"cat\t4\t0"}) end`)
	expect(t, script, `function test_it() test.args{wrod = "x"} test.handle("") end`,
		"FAIL  test_it\n      a.lua: there is no argument --wrod; did you mean --word? (-- --help explains them)\n")
	expect(t, script, `function test_it() test.args{n = "x"} test.handle("") end`,
		"FAIL  test_it\n      a.lua:2: --n is \"x\"; expected a number (-- --help lists the script's arguments)\n")
	expect(t, script, `function test_it() test.args("x") end`,
		"FAIL  test_it\n      a_test.lua:1: test.args: got \"x\"; expected a table, {\"--word\", \"cat\"} or {word = \"cat\"}\n")
	expect(t, script, `function test_it() test.args{{}} end`,
		"FAIL  test_it\n      a_test.lua:1: test.args: an argument is a table; expected a string, a number or a boolean\n")
	expect(t, script, `function test_it() test.args{n = os.clock()} end`,
		"FAIL  test_it\n      a_test.lua:1: test.args asks for something else each time that the test is run\n")
	expect(t, script, `function test_it() for i = 1, 99 do test.args{n = i} end end`,
		"FAIL  test_it\n      a_test.lua:1: test.args was called 16 times; once per test is enough\n")
}
