// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckCommand(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(`local pv = require "pv"`+"\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	drop := "function on_packet(pkt) if pkt.udp then return pv.DROP end "
	whole := write("whole.lua", drop+"end")
	single := write("single.lua", `if #pv.ports ~= 1 then error("one interface, please", 0) end `+drop+"end")
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{whole}, exitOK, "whole.lua: the kernel runs all of the handler; "},
		{[]string{write("rare.lua", drop+"if pkt:u8(20) == 1 then return pv.DROP end end")}, exitFailed, "but for rare packets at 1 line; "},
		{[]string{write("part.lua", drop+"\nprint(pkt) end")}, exitFailed, "part.lua: the kernel runs the handler, but for 1 line; "},
		{[]string{write("none.lua", "n = 0 function on_packet(pkt) n = n + 1 "+"if pkt.udp then return pv.DROP end end")}, exitFailed,
			"none.lua: user space runs the handler: every packet would leave the kernel before anything is decided\n"},
		// What is rare at line 4 makes every packet leave at line 3.
		{[]string{write("moved.lua", `local m = pv.map{name = "m", key = "u32", value = "u32"} `+drop+`
			local n = m:add(pkt.ip and pkt.ip.src or 1, 1)
			if n > 5 then return pv.DROP end end`)}, exitFailed, "moved.lua: the kernel runs the handler, but for 1 line; "},
		{[]string{single}, exitScript, "one interface, please"},
		{[]string{"--ports", "1", single}, exitOK, "the kernel runs all of the handler"},
		{[]string{"--ports", "0", single}, exitUsage, "pvlua check: --ports 0: give 1 to 64\n"},
		{[]string{write("tunnel.lua", `local s = pv.udp_socket{bind = ":7"} print(s:address()) print(s:send("x", pv.ip"192.0.2.1", 7)) s:close() `+drop+"end")}, exitOK,
			"the kernel runs all of the handler"},
		{nil, exitUsage, "give one script"},
		{[]string{write("bad.lua", "x = = 1")}, exitScript, "bad.lua:2: "},
		{[]string{"--help"}, exitOK, "pvlua check [--ports N] SCRIPT"},
	} {
		status, stdout, stderr := here(append([]string{"check"}, c.args...)...)
		if status != c.status || !strings.Contains(stdout+stderr, c.want) {
			t.Errorf("%q: status %d, want %d and %q; it says\n%s%s", c.args, status, c.status, c.want, stdout, stderr)
		}
	}
}
