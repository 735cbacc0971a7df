// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const declared = `
local pv = require "pv"
local port = pv.arg{name = "port", default = 7000}
pv.proto{name = "greeting", fields = {{"type", 8, enum = {HELLO = 1}}, {"who", bytes = "rest"}}, udp = port}
`

func TestDissectorCommand(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	script := write("greet.lua", declared+`local sock = pv.udp_socket{bind = "0.0.0.0:7"} print(pv.ip_str(pv.ports[1].ip), pv.ports[2].name)`)
	out := filepath.Join(dir, "out.lua")
	status, text, errs := here("dissector", script)
	if status != exitOK || errs != "" || !strings.Contains(text, "what greet.lua declares") || !strings.Contains(text, `("udp.port"):add(7000, proto)`) {
		t.Errorf("status %d, %q\n%s", status, errs, text)
	}
	if status, stdout, errs := here("dissector", script, "-o", out); status != exitOK || stdout != "" || errs != "" {
		t.Errorf("status %d, %q, %q", status, stdout, errs)
	}
	if file, err := os.ReadFile(out); err != nil || string(file) != text {
		t.Errorf("%v, or the file is not what standard output is:\n%s", err, file)
	}
	if status, text, errs := here("dissector", script, "--", "--port", "9"); status != exitOK || errs != "" || !strings.Contains(text, "add(9, proto)") {
		t.Errorf("status %d, %q\n%s", status, errs, text)
	}
	if status, text, _ := here("dissector", write("exit.lua", declared+"pv.exit(0)")); status != exitOK || !strings.Contains(text, "greeting") {
		t.Errorf("status %d\n%s", status, text)
	}
	if status, text, _ := here("dissector", script, "--", "--help"); status != exitOK || !strings.Contains(text, "--port") {
		t.Errorf("status %d\n%s", status, text)
	}

	bad, none := write("bad.lua", "local x = = 1"), write("none.lua", "function on_packet() end")
	odd := write("odd.lua", `pv.proto{name = "p", fields = {{"a", 4}}, udp = 9}`)
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{}, exitUsage, "pvlua dissector: give one script, such as: pvlua dissector myproto.lua -o myproto_dissector.lua\n"},
		{[]string{script, out}, exitUsage, "give one script"},
		{[]string{script, "--nothing"}, exitUsage, "unknown flag: --nothing"},
		{[]string{script, "-o", filepath.Join(dir, "no", "out.lua")}, exitFailed, "no such file or directory"},
		{[]string{filepath.Join(dir, "away.lua")}, exitScript, "pvlua dissector: script: open "},
		{[]string{bad}, exitScript, "pvlua dissector: " + bad + ":1: syntax error"},
		{[]string{none}, exitScript, "pvlua dissector: " + none + " declares no protocol; pv.proto{...} does that, see pvlua help pv.proto\n"},
		{[]string{odd}, exitScript, odd + `:1: pv.proto p: the fields end in the middle of a byte, at bit 4`},
	} {
		status, stdout, errs := here(append([]string{"dissector"}, c.args...)...)
		if status != c.status || stdout != "" || !strings.Contains(errs, c.want) {
			t.Errorf("%v: status %d, %q, want %d, %q", c.args, status, errs, c.status, c.want)
		}
	}
}
