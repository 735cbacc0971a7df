// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"strings"
	"testing"
	"time"

	"pvlua/state"
)

func TestCounter(t *testing.T) {
	out, err := run(t, `
		local c = pv.counter "hits"
		print(c:get(), tostring(c), c == pv.counter "hits", c == pv.counter "misses")
		c:add() c:add(5) c:add(-2) print(c:get())
		c:set(2^40) c:add() print(c:get())`)
	if err != nil || out != "0\tcounter hits\ttrue\tfalse\n4\n1099511627777" {
		t.Errorf("%s %v", out, err)
	}
}

func TestMap(t *testing.T) {
	out, err := run(t, `
		local m = pv.map{name = "flows", max = 3}
		print(m:get(1), m:len(), tostring(m), m == pv.map{name = "flows", max = 3})
		print(m:set(1, 2), m:set("1", "two"), m:get(1), m:get("1"), m:len())
		print(m:add(1), m:add(1, 0.5), m:add("new", -1), m:len())
		print(m:set(4, 4), m:add(4), m:refused(), m:set(1, "full is no hindrance"))
		print(m:delete(1), m:delete(1), m:get(1), m:set(4, 4))
		for k, v in m:each() do print(type(k), k, v) m:delete(k) end
		print(m:len())`)
	want := `nil	0	map flows with max=3	true
true	true	2	two	2
3	3.5	-1	3
false	nil	2	true
true	false	nil	true
number	4	4
string	1	two
string	new	-1
0`
	if err != nil || out != want {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestMapInsert(t *testing.T) {
	out, err := run(t, `
		local m = pv.map{name = "m", max = 2}
		print(m:insert(1, "one"), m:insert(1, "two"), m:get(1))
		print(m:insert(2, 2), m:insert(3, 3), m:insert(2, 3), m:refused())`)
	if want := "true\tfalse\tone\ntrue\tnil\tfalse\t1\n"; err != nil || out+"\n" != want {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestMapAges(t *testing.T) {
	f := load(t, `
		m = pv.map{name = "m", ttl = 1.5, max = 1}
		m:set(1, "one")
		function on_packet() print(m:get(1), m:len()) end`)
	for _, step := range []time.Duration{1400 * time.Millisecond, 1499 * time.Millisecond, 1500 * time.Millisecond} {
		f.host.now = f.host.now.Add(step)
		f.handle(make([]byte, 60))
	}
	if got := f.stdout.String(); got != "one\t1\none\t1\nnil\t0\n" {
		t.Errorf("%s", got)
	}
}

// States that share a store share what is in it; others have their own.
func TestStoreIsShared(t *testing.T) {
	const source = `
		c, m = pv.counter "c", pv.map{name = "m", max = 10, ttl = 60, key = "u16", value = "u64"}
		function on_packet() c:add() m:add(pv.worker, pv.workers) return pv.DROP end
		function on_stop() print(c:get(), m:get(1), m:get(2)) end`
	store := state.New()
	in := func(worker int, s *state.Store) *fixture {
		return load(t, source, func(c *Config) { c.Store, c.Worker, c.Workers = s, worker, 2 })
	}
	a, b, apart := in(0, store), in(1, store), in(0, nil)
	for _, f := range []*fixture{a, b, a, apart} {
		if p := f.handle(make([]byte, 60)); p.Err != nil {
			t.Fatal(p.Err)
		}
	}
	for _, f := range []*fixture{b, apart} {
		if err := f.Stop(); err != nil {
			t.Error(err)
		}
	}
	if got := b.stdout.String() + apart.stdout.String(); got != "3\t4\t2\n1\t2\tnil\n" {
		t.Errorf("%q", got)
	}
	_, err := tryLoad(t, "\npv.map{name = 'm', max = 11} function on_packet() end", func(c *Config) { c.Store = store })
	wantError(t, err, "test.lua:2: pv.map: map m is there already with max=10 ttl=60 key=u16 value=u64; it can't have max=11 as well")
}

func TestSharedErrors(t *testing.T) {
	for body, want := range map[string]string{
		`pv.counter()`:                                        `test.lua:2: pv.counter: the name is nil; expected a string`,
		`pv.counter ""`:                                       `test.lua:2: pv.counter: a counter needs a name`,
		`pv.counter"c":add(1.5)`:                              `test.lua:2: add: got 1.5; expected a whole number`,
		`pv.counter"c":add("1")`:                              `add: got "1"; expected a whole number`,
		`pv.counter"c":set()`:                                 `set: got nil; expected a whole number`,
		`hide(pv.counter"c"):ad()`:                            `a counter has no method "ad"; did you mean 'add'?`,
		`local c = pv.counter"c" c.add()`:                     `a counter is missing: got nil; methods are called with a colon, as in counter:add()`,
		`local c = hide(pv.counter"c") c.x = 1`:               `nothing can be assigned to a counter`,
		`pv.map "m"`:                                          `pv.map: got "m"; it is called with one table, as in pv.map{name = "flows", max = 1000}`,
		`pv.map{}`:                                            `pv.map: name is nil; expected a string`,
		`pv.map{name = "m", max = 0}`:                         `pv.map: max is 0; expected a whole number from 1 to 16777216`,
		`hide(pv).map{name = "m", tll = 5}`:                   `pv.map: it has no argument "tll"; did you mean 'ttl'?`,
		`pv.map{name = "m", 5}`:                               `pv.map: it has no argument 1; there are name, max, ttl, key, value`,
		`pv.map{name = "m", ttl = 0}`:                         `pv.map: ttl is 0; expected seconds, 1e-06 to 1e+09`,
		`pv.map{name = "m", key = "u31"}`:                     `pv.map: key: "u31" is no width; there are any, u8`,
		`pv.map{name = "m", key = ""}`:                        `pv.map: key: "" is no width; there are any, u8`,
		`pv.map{name = "m"}:get()`:                            `get of map m: the key is nil; expected a number or a string`,
		`pv.map{name = "m"}:set(1)`:                           `set of map m: the value is nil; expected a number or a string; m:delete(key) removes an entry`,
		`pv.map{name = "m"}:set(1, true)`:                     `set of map m: the value is true; expected a number or a string; store 1 for true`,
		`pv.map{name = "m"}:insert(1)`:                        `insert of map m: the value is nil; expected a number or a string; m:delete(key) removes an entry`,
		`pv.map{name = "m", value = "u8"}:insert(1, 256)`:     `insert of map m: the value is 256; this map takes whole numbers from 0 to 255 (u8)`,
		`pv.map{name = "m"}:set({}, 1)`:                       `set of map m: the key is a table; expected`,
		`pv.map{name = "m"}:set(0/0, 1)`:                      `set of map m: the key is not a number (NaN)`,
		`pv.map{name = "m", key = "u8"}:get(256)`:             `get of map m: the key is 256; this map takes whole numbers from 0 to 255 (u8)`,
		`pv.map{name = "m"}:add(1, "1")`:                      `add of map m: got "1" to add; expected a number`,
		`local m = pv.map{name = "m"} m:set(1, "x") m:add(1)`: `add of map m: the value of 1 is "x"; only numbers can be added to`,
		`hide(pv.map{name = "m"})[1] = 2`:                     `nothing can be assigned to a map; its entries are set by m:set(key, value)`,
		`return hide(pv.map{name = "m"})[1]`:                  `a map has no method 1; its entries are got and set by m:get(key) and m:set(key, value)`,
		`pv.map{name = "m"}.get(pv.counter "c", 1)`:           `a map is missing: got a userdata; methods are called with a colon, as in map:get()`,
	} {
		_, err := run(t, "local function hide(x) return (x) end "+body)
		if err == nil {
			t.Errorf("%s: no error", body)
			continue
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n%v; want\n%s", body, err, want)
		}
	}
}

// TestFullMapIsSaid once.
func TestFullMapIsSaid(t *testing.T) {
	f := load(t, `
		local m = pv.map{name = "m", max = 1}
		function on_packet() m:set(pv.now(), 1) m:set(1, 1) m:add(2) end`)
	for range 3 {
		f.handle(make([]byte, 60))
	}
	if got := f.log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `level=WARN msg="map m is full: new keys are refused" max=1 at=test.lua:3`) {
		t.Errorf("%s", got)
	}
}

// A map can't be gone through for ever, nor be large for free.
func TestEachSpendsQuota(t *testing.T) {
	f := load(t, `
		m = pv.map{name = "m"}
		for i = 1, 2000 do m:set(i, i) end
		function on_packet() while true do m:each() end end`, func(c *Config) { c.Quota = 100_000 })
	if p := f.handle(make([]byte, 60)); p.Err == nil || !strings.Contains(p.Err.Error(), "more than 100000 instructions") {
		t.Errorf("%v", p.Err)
	}
}

// TestSharedDoesNotAllocate is the promise for what handlers do per packet.
func TestSharedDoesNotAllocate(t *testing.T) {
	f := load(t, `
		local c, m = pv.counter "c", pv.map{name = "m", ttl = 60}
		local address = pv.ip "10.0.0.1"
		m:set(address, 7) m:set("text", 9)
		function on_packet(pkt)
			c:add() c:add(3)
			m:add("text", 1)
			m:set("text", 5)
			m:set(address, m:get(address) + m:len())
			m:set(address, 7)
			if m:get(12) or m:get("none") then return pv.TX end
			return pv.DROP
		end`)
	pkts := []Packet{{Buf: make([]byte, 60), To: 60}}
	if n := testing.AllocsPerRun(100, func() { f.Handle(pkts) }); n != 0 || pkts[0].Verdict != Drop {
		t.Errorf("%v allocations, %v %v", n, pkts[0].Verdict, pkts[0].Err)
	}
}
