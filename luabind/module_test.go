// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pvlua/internal/pkttest"
)

func TestModule(t *testing.T) {
	f := load(t, `
		local pv2 = require "pv"
		print(pv2 == pv, pv.PASS, pv.DROP, pv.TX, type(pv.ports), #pv.ports, #pv.args, pv.args[1], pv.args[2])
		print(pv.ip"10.0.0.1", pv.ip_str(0xffffffff), pv.mac"02:00:00:00:00:0a", pv.mac_str(1), pv.ip6_str(pv.ip6"2001:DB8:0::1"), #pv.ip6"::1")
		print(pv.ports[1].name, pv.ports.veth2.index, pv.ports[3], pv.ports.nothing, tostring(pv.ports[1]))
		for i, p in ipairs(pv.ports) do print(i, p.name) end
		local n = 0 for k, v in pairs(pv.ports) do n = n + 1 end print(n)
		local names = {} for k in pairs(pv) do names[#names + 1] = k end table.sort(names) print(table.concat(names, " "))
		print(next(pv.ports) == 1, rawget(pv.ports, 2).name, (unpack(pv.ports)).name, getmetatable(pv), getmetatable(pv.ports[1]))
		print(pv.now(), os.time(), os.date("!%Y-%m-%d %H:%M:%S"), type(os.clock()), os.getenv, os.exit, io, debug, package, load, dofile, collectgarbage)
		function on_packet() end`, func(c *Config) { c.Args = []string{"a", "b c"} })
	want := `true	2	1	3	table	2	2	a	b c
167772161	255.255.255.255	2199023255562	00:00:00:00:00:01	2001:db8::1	16
veth1	2	nil	nil	port veth1
1	veth1
2	veth2
4
DROP PASS TX after arg args build counter every exit ip ip6 ip6_str ip_str log mac mac_str map now pace packet ports proto udp_socket worker workers
true	veth2	veth1	pv	port
1000000	1000000	1970-01-12 13:46:40	number	nil	nil	nil	nil	nil	nil	nil	nil
`
	if got := f.stdout.String(); got != want {
		t.Errorf("printed\n%s; want\n%s", got, want)
	}
}

func TestModuleErrors(t *testing.T) {
	for body, want := range map[string]string{
		`pv.ip"10.0.0"`:                            `test.lua:2: pv.ip: `,
		`pv.ip(5, 6)`:                              `test.lua:2: pv.ip: `,
		`pv.ip(nil)`:                               `pv.ip: got nil; expected the text of an IPv4 address`,
		`pv.mac{}`:                                 `pv.mac: got a table; expected the text of an Ethernet address`,
		`pv.ip6"x"`:                                `test.lua:2: pv.ip6: `,
		`pv.mac"02:00"`:                            `test.lua:2: pv.mac: `,
		`pv.ip_str(2^32)`:                          `test.lua:2: pv.ip_str: got 4294967296; expected the number of an IPv4 address`,
		`pv.ip_str"x"`:                             `pv.ip_str: got "x"; expected`,
		`pv.mac_str(-1)`:                           `pv.mac_str: got -1; expected the number of an Ethernet address`,
		`pv.ip6_str"short"`:                        `pv.ip6_str: got "short"; expected the 16 bytes of an IPv6 address`,
		`pv.foo = 1`:                               `pv is read-only: "foo" can't be assigned`,
		`local p = pv p["x"] = 1`:                  `pv is read-only: "x" can't be assigned`,
		`rawset(pv, "x", 1)`:                       `the table is read-only`,
		`pv.ports[1] = nil`:                        `pv.ports is read-only: 1 can't be assigned`,
		`table.insert(pv.ports, 1)`:                `the table is read-only`,
		`table.sort(pv.ports)`:                     `the table is read-only`,
		`setmetatable(pv, {})`:                     `cannot change a protected metatable`,
		`setmetatable(pv.ports[1], {})`:            `table expected`,
		`return select(1, pv).lgo`:                 `pv has no member "lgo"; did you mean 'log'?`,
		`pv.every(0, print)`:                       `pv.every: the interval is 0; expected seconds, 1e-06 to 1e+09`,
		`pv.every(-1, print)`:                      `the interval is -1`,
		`pv.every(0/0, print)`:                     `the interval is NaN`,
		`pv.every(math.huge, print)`:               `the interval is`,
		`pv.after(-0.1, print)`:                    `pv.after: the interval is -0.1; expected seconds, 0 to 1e+09`,
		`pv.after("1", print)`:                     `the interval is "1"`,
		`pv.after(1)`:                              `a timer calls nil; expected a function`,
		`pv.after(1, {})`:                          `a timer calls a table; expected a function`,
		`pv.ports[1]:send("short")`:                `send: a frame of 5 bytes is too short: it needs an Ethernet header, 14 bytes`,
		`pv.ports[1]:send(("x"):rep(1519))`:        `send: a frame of 1519 bytes is too long for veth1: its MTU of 1500 allows 1518`,
		`pv.ports[1]:send(5)`:                      `send: got 5; expected a packet or a string with the bytes of a frame`,
		`pv.ports[1].send("x")`:                    `a port is missing: got "x"; methods are called with a colon`,
		`pv.ports[1]:owns()`:                       `owns: the address is nil`,
		`pv.ports[1]:owns{}`:                       `owns: the address is a table; expected a number (IPv4) or a string of 16 bytes (IPv6)`,
		`pv.after(1, print).stop()`:                `a timer is missing: got nil; methods are called with a colon`,
		`return select(1, pv.after(1, print)).due`: `a timer has no property 'due'`,
		`return select(1, pv.ports[1]).nme`:        `a port has no property 'nme'; did you mean 'name'?`,
		`pritn("x")`:                               `test.lua:2: attempt to call 'pritn', which is not a function`,
		`local t t.x = 1`:                          `attempt to index a nil value with key 'x'`,
		`return ("x").foo.bar`:                     `attempt to index a nil value with key 'bar'`,
		`return nil .. "x"`:                        `attempt to concatenate nil`,
		`return {} .. "x"`:                         `attempt to concatenate a table`,
		`return #5`:                                `attempt to get the length of 5`,
		`coroutine.yield()`:                        `test.lua:2: attempt to yield from outside a coroutine`,
		`coroutine.wrap(function() pcall(coroutine.yield) error("no") end)()`:               `test.lua:2: no`,
		`coroutine.wrap(function() local ok, e = pcall(coroutine.yield) error(e, 0) end)()`: `attempt to yield across a function of the library`,
		`coroutine.wrap(function() table.sort({2, 1}, coroutine.yield) end)()`:              `attempt to yield across a function of the library`,
		`string.format("%d", "x")`:                  `number expected`,
		`string.format("%y", 1)`:                    `invalid conversion '%y' to 'format'`,
		`string.format("%")`:                        `invalid conversion '%' to 'format'`,
		`string.format("%s")`:                       `value expected`,
		`string.char(256)`:                          `value out of range`,
		`("x"):rep(1e100)`:                          `longer than 16777216 bytes`,
		`("x"):find("[a")`:                          `malformed pattern (missing ']')`,
		`("x"):find("%")`:                           `malformed pattern (ends with '%')`,
		`("x"):find("(x")`:                          `unfinished capture`,
		`("x"):match("x)")`:                         `invalid pattern capture`,
		`("x"):find("%1")`:                          `invalid capture index`,
		`("x"):find("%f")`:                          `missing '[' after '%f' in pattern`,
		`("x"):find("%b")`:                          `unbalanced pattern`,
		`("x"):gsub("x", "%2")`:                     `invalid capture index`,
		`("x"):gsub("x", true)`:                     `string/function/table expected`,
		`("x"):gsub("x", function() return {} end)`: `invalid replacement value (a table)`,
		`table.concat({1, {}, 3})`:                  `invalid value (table) at index 2 in table for 'concat'`,
		`table.insert({}, 5, 1)`:                    `position out of bounds`,
		`table.insert({}, 1, 2, 3)`:                 `wrong number of arguments to 'insert'`,
		`math.random(0)`:                            `interval is empty`,
		`tonumber("1", 99)`:                         `base out of range`,
	} {
		_, err := run(t, body)
		wantError(t, err, want)
	}
}

func TestPrintAndLog(t *testing.T) {
	f := load(t, `
		print() print(1, nil, "x", true, 1.5, 2^40) print("a\0b")
		pv.log("plain", 1, nil, {} ~= nil)
		pv.log("warn", "careful")
		pv.log("error")
		pv.log("debug", "details")
		pv.log("error", "bad", 7)
		function on_packet(pkt) pv.log(pkt, pkt.udp) end`)
	if got, want := f.stdout.String(), "\n1\tnil\tx\ttrue\t1.5\t1099511627776\na\x00b\n"; got != want {
		t.Errorf("printed %q; want %q", got, want)
	}
	f.handle(pkttest.UDP(pkttest.Options{}))
	var lines []string
	for line := range strings.Lines(f.log.String()) {
		_, line, _ = strings.Cut(line, " ") // the time
		lines = append(lines, strings.TrimSpace(line))
	}
	want := []string{
		`level=INFO msg="plain 1 nil true" at=test.lua:3`,
		`level=WARN msg=careful at=test.lua:4`,
		`level=INFO msg=error at=test.lua:5`,
		`level=DEBUG msg=details at=test.lua:6`,
		`level=ERROR msg="bad 7" at=test.lua:7`,
		`level=INFO msg="IP 10.0.0.4.1234 > 10.0.0.5.7: UDP, length 4 udp header of IP 10.0.0.4.1234 > 10.0.0.5.7: UDP, length 4" at=test.lua:8`,
	}
	for i := range max(len(want), len(lines)) {
		if i >= len(want) || i >= len(lines) || lines[i] != want[i] {
			t.Fatalf("logged\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
		}
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestPrintToABrokenPipe(t *testing.T) {
	_, err := tryLoad(t, "function on_packet() end print(1)", func(c *Config) { c.Stdout = brokenWriter{} })
	wantError(t, err, "test.lua:1: print: broken pipe")
}

func TestSend(t *testing.T) {
	f := load(t, `
		function on_packet(pkt)
		  pkt.udp.dport = 9
		  print(pkt.port:send(pkt), pv.ports[2]:send(pkt:bytes(0, 14)), pv.ports.veth2:send(("x"):rep(9018)))
		  pkt.udp.dport = 10
		  return pv.DROP
		end`)
	p := f.handle(pkttest.UDP(pkttest.Options{}))
	if p.Err != nil || f.stdout.String() != "true\ttrue\ttrue\n" {
		t.Fatalf("error %v, printed %s", p.Err, f.stdout)
	}
	want := [][]byte{pkttest.UDP(pkttest.Options{DstPort: 9}), pkttest.UDP(pkttest.Options{})[:14], []byte(strings.Repeat("x", 9018))}
	for i, s := range f.host.sent {
		if s.port != min(i, 1) || string(s.frame) != string(want[i]) {
			t.Errorf("frame %d went to port %d: %x", i, s.port, s.frame)
		}
	}
	f.host.full = true
	f.handle(pkttest.UDP(pkttest.Options{}))
	if !strings.HasSuffix(f.stdout.String(), "false\tfalse\tfalse\n") {
		t.Errorf("printed %s", f.stdout)
	}
}

func TestSetPort(t *testing.T) {
	f := load(t, `local port = pv.ports[2]
		function on_packet(pkt) print(port == pkt.port, port.name, port.ip, port.mac, port.mtu, port.up, port:owns(7), port:owns(pv.ip6"::1")) end`)
	p := []Packet{{Buf: make([]byte, 60), To: 60, Port: 1}}
	f.Handle(p)
	f.SetPort(Port{Index: 1, Name: "renamed", IP: []uint32{7}, IP6: [][16]byte{{15: 1}}, MAC: 5, MTU: 1400, Up: true})
	f.Handle(p)
	want := "true\tveth2\tnil\t2199023255555\t9000\tfalse\tfalse\tfalse\ntrue\tveth2\t7\t5\t1400\ttrue\ttrue\ttrue\n"
	if got := f.stdout.String(); got != want {
		t.Errorf("printed\n%s; want\n%s", got, want)
	}
	defer func() {
		if recover() == nil {
			t.Error("a port that does not exist was set")
		}
	}()
	f.SetPort(Port{Index: 2})
}

func TestLifeCycle(t *testing.T) {
	f := load(t, `print "main" function on_start() print "start" end function on_stop() print "stop" end function on_packet() end`)
	if f.Start() != nil || f.Stop() != nil || f.stdout.String() != "main\nstart\nstop\n" {
		t.Errorf("printed %s", f.stdout)
	}
	f = load(t, `function on_packet() end`)
	if f.Start() != nil || f.Stop() != nil {
		t.Error("a script without on_start and on_stop fails")
	}
	f = load(t, "function on_packet() end on_start = 5 on_stop = {}")
	wantError(t, f.Start(), "test.lua: on_start is 5; expected a function")
	wantError(t, f.Stop(), "test.lua: on_stop is a table; expected a function")
	f = load(t, "function on_packet() end\nfunction on_start() error('x') end")
	wantError(t, f.Start(), "test.lua:2: x")
}

func TestTimers(t *testing.T) {
	f := load(t, `
		function on_packet() end
		local function say(s) return function() print(s, pv.now() % 100) end end
		pv.after(2, say "after 2")
		pv.every(1, say "every 1")
		pv.every(0.25, say "every .25"):stop()
		local t; t = pv.every(3, function() print "stopping"; t:stop() t:stop() end)
		pv.after(0, function() print "now"; pv.after(0, say "later") end)
		pv.every(2, function() error("broken") end)`)
	at := func(seconds float64) []string {
		t.Helper()
		f.stdout.Reset()
		f.host.now = time.Unix(1_000_000, 0).Add(time.Duration(seconds * 1e9))
		for _, err := range f.RunTimers(f.host.now) {
			f.stdout.WriteString(err.Error() + "\n")
		}
		return strings.Split(strings.TrimSpace(strings.ReplaceAll(f.stdout.String(), "\t", " ")), "\n")
	}
	check := func(got []string, want ...string) {
		t.Helper()
		if strings.Join(got, "; ") != strings.Join(want, "; ") {
			t.Errorf("ran %q; want %q", got, want)
		}
	}
	check(at(0), "now")
	check(at(0), "later 0")
	check(at(0.99), "")
	if next, ok := f.NextTimer(); !ok || !next.Equal(time.Unix(1_000_001, 0)) {
		t.Errorf("the next timer is at %v", next)
	}
	check(at(1), "every 1 1")
	check(at(2.5), "after 2 2.5", "every 1 2.5", "test.lua:9: broken")
	check(at(3), "every 1 3", "stopping")
	// After a stall each runs once and keeps its phase.
	check(at(50.5), "every 1 50.5", "test.lua:9: broken")
	if next, _ := f.NextTimer(); !next.Equal(time.Unix(1_000_051, 0)) {
		t.Errorf("the next timer is at %v", next)
	}
	check(at(51), "every 1 51")
	check(at(52), "every 1 52", "test.lua:9: broken")
}

func TestTimersAreBounded(t *testing.T) {
	f := load(t, "function on_packet() end function on_start() for i = 1, 70000 do pv.after(1, print) end end")
	wantError(t, f.Start(), "more than 65536 timers at once")
	f.Close()
	if _, ok := f.NextTimer(); ok {
		t.Error("a closed state has a timer")
	}
}

func TestTimersInOrder(t *testing.T) {
	f := load(t, `function on_packet() end
		for i = 20, 1, -1 do pv.after(i / 10, function() io = (io or "") .. i .. " " end) end
		for i = 1, 3 do pv.after(1, function() io = io .. "x" .. i .. " " end) end
		function on_stop() print(io) end`)
	if errs := f.RunTimers(f.host.now.Add(time.Minute)); errs != nil {
		t.Fatal(errs)
	}
	if _, ok := f.NextTimer(); ok {
		t.Error("there is a timer left")
	}
	f.Stop()
	if got, want := f.stdout.String(), "1 2 3 4 5 6 7 8 9 10 x1 x2 x3 11 12 13 14 15 16 17 18 19 20 \n"; got != want {
		t.Errorf("ran in the order %s; want %s", got, want)
	}
}
