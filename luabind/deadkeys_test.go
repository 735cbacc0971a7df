// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"fmt"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// A table that flows are put into and taken out of stays as small as it is.
func TestDeadKeysAreBuried(t *testing.T) {
	for name, body := range map[string]string{
		"number":   "flows[n + 100000] = true flows[n + 100000] = nil",
		"string":   "flows['f' .. n] = true flows['f' .. n] = nil",
		"field":    "flows[n / 7] = {} flows[(n / 7)] = nil",
		"property": "flows = {port = 1} flows.port = nil live.port = 1 live.port = nil flows[-n] = 1 flows[-n] = nil",
		"rawset":   "rawset(flows, -n, 1) rawset(flows, -n, nil)",
		"call":     "local function key() return -n, 1 end flows[key()] = true flows[key()] = nil",
	} {
		for _, config := range []func(*Config){plain, func(*Config) {}} {
			f := load(t, "local n = 0 flows, live = {}, {} for i = 1, 500 do live[-i] = i end function on_packet() n = n + 1 "+body+" end", config)
			for range 10_000 {
				if p := f.handle(make([]byte, 60)); p.Err != nil {
					t.Fatal(p.Err)
				}
			}
			flows := f.L.GetGlobal("flows").(*lua.LTable)
			if n := len(keysOf(flows).keys); n > 2*maxDead || len(keysOf(flows).k2i) != n {
				t.Errorf("%s: the table has %d keys", name, n)
			}
		}
	}
}

// Going through a table while elements are removed works, in one callback and
// over many, and the living stay in their order.
func TestDeadKeysAndNext(t *testing.T) {
	f := load(t, `local t, at, seen = {}, nil, 0
		for i = 1, 5000 do t["k" .. i] = i end
		function on_start()
		  local n = 0
		  for k, v in pairs(t) do
		    n = n + 1
		    if v % 5 > 0 then t[k] = nil end
		    if v % 5 > 1 then t["k" .. v - 1] = nil end
		  end
		  print(n)
		end
		function on_packet()
		  for _ = 1, 7 do
		    local k, v = next(t, at)
		    if not k then print(seen, next(t)) return pv.DROP end
		    if v < (at and 5000 or 1) then t[k] = nil seen = seen + 1 end
		    at = k
		  end
		end`)
	if err := f.Start(); err != nil {
		t.Fatal(err)
	}
	for i := 0; ; i++ {
		p := f.handle(make([]byte, 60))
		if p.Err != nil || i > 1000 {
			t.Fatal(i, p.Err)
		}
		if p.Verdict == Drop {
			break
		}
	}
	if got, want := f.stdout.String(), fmt.Sprintf("5000\n%d\tk5\t5\n", 998); got != want {
		t.Errorf("printed %q; want %q", got, want)
	}
}

// Removing from what is no table, or with a metatable, is as it was.
func TestRemoveMeansTheSame(t *testing.T) {
	for _, c := range []struct{ body, want, err string }{
		{body: "local t t.x = nil", err: "2: attempt to index a nil value"},
		{body: "local t t[1] = nil", err: "2: attempt to index a nil value"},
		{body: "local t = 5 t[1] = nil", err: "2: attempt to index a number value"},
		{body: "local t = {} t[nil] = nil", err: "2: "},
		{body: "local t = setmetatable({}, {__newindex = function(_, k, v) print(k, v) end}) t.x = nil t[7] = nil", want: "x\tnil\n7\tnil"},
		{body: "local t = {5, 6} t[2] = nil print(#t, t[1])", want: "1\t5"},
		{body: "pv.x = nil", err: "read-only"},
	} {
		got, err := run(t, c.body)
		if c.err != "" {
			wantError(t, err, c.err)
		} else if err != nil || got != c.want {
			t.Errorf("%s: printed %q, error %v", c.body, got, err)
		}
	}
}
