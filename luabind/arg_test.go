// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"errors"
	"strings"
	"testing"
)

// declares is a script with arguments of every sort.
const declares = `#!/usr/bin/env pvlua
-- SPDX-License-Identifier: GPL-3.0-or-later

-- echo.lua answers
-- everything.
--
-- More is not shown.

local pv = require "pv"
local port = pv.arg{name = "port", default = 7, help = "UDP port to answer on"}
local word = pv.arg{name = "word", default = "it", help = "what to look for"}
local loud = pv.arg{name = "loud", default = false, help = "say more"}
local fast = pv.arg{name = "fast", default = true, help = "leave out checks"}
local side = pv.arg{name = "side", choices = {"left", "right"}}
local size = pv.arg{name = "size", type = "number"}
print(port, word, loud, fast, side, size, table.concat(pv.args, " "), #pv.args)
function on_packet() end
`

func withArgs(args ...string) func(*Config) { return func(c *Config) { c.Args = args } }

func TestArguments(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"", "7 it false true nil nil  0"},
		{"--port 9 --word that --loud --no-fast --side left --size 0x10", "9 that true false left 16  0"},
		{"--port=9 --word=a=b --loud=false --fast=false --size=-1.5", "9 a=b false false nil -1.5  0"},
		{"--word= --port 1e3", "1000  false true nil nil  0"},
		{"--no-loud --fast=true", "7 it false true nil nil  0"},
		{"a --port 9 b -5 - --loud c", "9 it true true nil nil a b -5 - c 5"},
		{"--port 9 -- --port 10 --other --help", "9 it false true nil nil --port 10 --other --help 4"},
		{"--word -x", "7 -x false true nil nil  0"},
	} {
		f, err := tryLoad(t, declares, withArgs(strings.Split(c.args, " ")...))
		if c.args == "" {
			f, err = tryLoad(t, declares)
		}
		if err != nil {
			t.Errorf("%s: %v", c.args, err)
			continue
		}
		if got := strings.ReplaceAll(strings.TrimSuffix(f.stdout.String(), "\n"), "\t", " "); got != c.want {
			t.Errorf("%s: %s; want %s", c.args, got, c.want)
		}
	}
}

// TestAddressArguments has addresses come as they are in packets.
func TestAddressArguments(t *testing.T) {
	const source = `
local ip = pv.arg{name = "ip", type = "ip", default = "10.0.0.1", help = "where"}
local ip6 = pv.arg{name = "ip6", type = "ip6"}
local any = pv.arg{name = "any", type = "address", required = true}
local mac = pv.arg{name = "mac", type = "mac"}
print(pv.ip_str(ip), ip6 and pv.ip6_str(ip6), type(any) == "number" and pv.ip_str(any) or pv.ip6_str(any), mac and pv.mac_str(mac))
function on_packet() end`
	const hint = " (-- --help lists the script's arguments)"
	for _, c := range []struct{ args, want string }{
		{"--any ::1", "10.0.0.1\tnil\t::1\tnil\n"},
		{"--any 10.0.0.3 --ip 10.0.0.2 --ip6 2001:db8::1 --mac 02:00:00:00:00:0a", "10.0.0.2\t2001:db8::1\t10.0.0.3\t02:00:00:00:00:0a\n"},
		{"--any ::1 --ip ::1", `test.lua:2: --ip is "::1"; expected an IPv4 address such as 10.0.0.1` + hint},
		{"--any ::1 --ip6 10.0.0.1", `test.lua:3: --ip6 is "10.0.0.1"; expected an IPv6 address such as 2001:db8::1` + hint},
		{"--any host", `test.lua:4: --any is "host"; expected an IPv4 or IPv6 address such as 10.0.0.1 or 2001:db8::1` + hint},
		{"--any ::1 --mac 02", `test.lua:5: --mac is "02"; expected an Ethernet address such as 02:00:00:00:00:01` + hint},
		{"--ip 10.0.0.1", `test.lua:4: --any is missing; it must be given as in -- --any ADDRESS` + hint},
	} {
		f, err := tryLoad(t, source, withArgs(strings.Split(c.args, " ")...))
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = f.stdout.String()
		}
		if got != c.want {
			t.Errorf("%s: %q; want %q", c.args, got, c.want)
		}
	}
	var early *EarlyExit
	_, err := tryLoad(t, source, withArgs("--help"))
	want := "\n  --ip ADDRESS   where (10.0.0.1)\n  --ip6 ADDRESS  \n  --any ADDRESS  (required)\n  --mac MAC      \n"
	if !errors.As(err, &early) || !strings.HasSuffix(early.Output, want) {
		t.Errorf("help: %v, %q; want %q", err, early.Output, want)
	}
}

// TestBoundedArguments are numbers of which not every one will do.
func TestBoundedArguments(t *testing.T) {
	const source = `
local port = pv.arg{name = "port", type = "integer", default = 7, min = 1, max = 65535, help = "where"}
local rate = pv.arg{name = "rate", type = "number", min = 0.5}
local loss = pv.arg{name = "loss", default = -1, max = 100}
local step = pv.arg{name = "step", type = "integer", choices = {1, 2, 4}}
print(port, rate, loss, step)
function on_packet() end`
	const hint = " (-- --help lists the script's arguments)"
	for _, c := range []struct{ args, want string }{
		{"--port 1", "1\tnil\t-1\tnil\n"},
		{"--port 65535 --rate 0.5 --loss 100 --step 2", "65535\t0.5\t100\t2\n"},
		{"--port 1e3 --rate 1e9 --loss -1e9", "1000\t1000000000\t-1000000000\tnil\n"},
		{"--port 0", `test.lua:2: --port is "0"; expected a whole number from 1 to 65535` + hint},
		{"--port 65536", `test.lua:2: --port is "65536"; expected a whole number from 1 to 65535` + hint},
		{"--port 1.5", `test.lua:2: --port is "1.5"; expected a whole number from 1 to 65535` + hint},
		{"--port nan", `test.lua:2: --port is "nan"; expected a whole number from 1 to 65535` + hint},
		{"--rate 0.4", `test.lua:3: --rate is "0.4"; expected a number, 0.5 or more` + hint},
		{"--rate 1e999", `test.lua:3: --rate is "1e999"; expected a number, 0.5 or more` + hint},
		{"--loss 100.5", `test.lua:4: --loss is "100.5"; expected a number, 100 or less` + hint},
		{"--step 3", `test.lua:5: --step is 3; expected 1, 2 or 4` + hint},
		{"--step 1.5", `test.lua:5: --step is "1.5"; expected a whole number` + hint},
		{"--step 1e17", `test.lua:5: --step is "1e17"; expected a whole number` + hint},
	} {
		f, err := tryLoad(t, source, withArgs(strings.Split(c.args, " ")...))
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = f.stdout.String()
		}
		if got != c.want {
			t.Errorf("%s: %q; want %q", c.args, got, c.want)
		}
	}
	var early *EarlyExit
	_, err := tryLoad(t, source, withArgs("--help"))
	want := "\n  --port NUMBER  where [1 to 65535] (7)\n  --rate NUMBER  [0.5 or more]\n  --loss NUMBER  [100 or less] (-1)\n  --step NUMBER  [1, 2 or 4]\n"
	if !errors.As(err, &early) || !strings.HasSuffix(early.Output, want) {
		t.Errorf("help: %v, %q; want %q", err, early.Output, want)
	}
}

// TestArgumentsWithoutDeclarations leaves everything to the script.
func TestArgumentsWithoutDeclarations(t *testing.T) {
	f := load(t, `print(#pv.args, table.concat(pv.args, " ")) function on_packet() end`, withArgs("--port", "9", "-x", "--", "a"))
	if got := f.stdout.String(); got != "5\t--port 9 -x -- a\n" {
		t.Errorf("%s", got)
	}
}

func TestArgumentErrors(t *testing.T) {
	const hint = " (-- --help lists the script's arguments)"
	for args, want := range map[string]string{
		"--port ninety":     `test.lua:10: --port is "ninety"; expected a number` + hint,
		"--port 1e999":      `test.lua:10: --port is "1e999"; expected a number` + hint,
		"--port":            `test.lua:10: --port needs a value, as in --port NUMBER or --port=NUMBER` + hint,
		"--word --loud":     `test.lua:11: --word needs a value, as in --word TEXT or --word=TEXT` + hint,
		"--port 1 --port 2": `test.lua:10: --port is given twice` + hint,
		"--loud=yes":        `test.lua:12: --loud is "yes"; expected true or false` + hint,
		"--side up":         `test.lua:14: --side is "up"; expected left or right` + hint,
		"--prot 9":          `test.lua: there is no argument --prot; did you mean --port? (-- --help explains them)`,
		"--prot=9":          `test.lua: there is no argument --prot; did you mean --port? (-- --help explains them)`,
		"--x":               `test.lua: there is no argument --x; there are --port, --word, --loud, --fast, --side, --size (-- --help explains them)`,
		"-p 9":              `test.lua: there is no argument -p; there are --port, --word, --loud, --fast, --side, --size (-- --help explains them)`,
		"--no-word":         `test.lua: there is no argument --no-word; did you mean --word? (-- --help explains them)`,
	} {
		_, err := tryLoad(t, declares, withArgs(strings.Split(args, " ")...))
		var script *ScriptError
		if !errors.As(err, &script) || err.Error() != want {
			t.Errorf("%s:\n%v; want\n%s", args, err, want)
		}
	}
}

func TestArgumentMistakes(t *testing.T) {
	for body, want := range map[string]string{
		`pv.arg{}`:                                             `test.lua:1: pv.arg: name is nil; expected a string`,
		`pv.arg{name = "--port"}`:                              `pv.arg: name is "--port"; expected letters, digits, - and _, without dashes in front, and not "help"`,
		`pv.arg{name = "help"}`:                                `pv.arg: name is "help"; expected`,
		`pv.arg{name = "a b"}`:                                 `pv.arg: name is "a b"; expected`,
		`pv.arg{name = "a", defualt = 1}`:                      `pv.arg: it has no argument "defualt"; did you mean 'default'?`,
		`pv.arg{name = "a", default = {}}`:                     `pv.arg: --a is of the type "table"; expected "number", "integer", "string", "boolean", "ip", "ip6", "address" or "mac"`,
		`pv.arg{name = "a", type = "int"}`:                     `pv.arg: --a is of the type "int"; expected "number", "integer", "string", "boolean", "ip", "ip6", "address" or "mac"`,
		`pv.arg{name = "a", default = 1, type = "ip"}`:         `pv.arg: the default of --a is 1; expected the text of an IPv4 address such as 10.0.0.1`,
		`pv.arg{name = "a", default = "b", type = "mac"}`:      `pv.arg: the default of --a is "b"; expected the text of an Ethernet address such as 02:00:00:00:00:01`,
		`pv.arg{name = "a", choices = {"b"}, type = "ip6"}`:    `pv.arg: --a is an address and can't have choices`,
		`pv.arg{name = "a", default = 1.5, type = "integer"}`:  `pv.arg: the default of --a is 1.5; by its type, min and max it must be a whole number`,
		`pv.arg{name = "a", default = 1, min = 2}`:             `pv.arg: the default of --a is 1; by its type, min and max it must be a number, 2 or more`,
		`pv.arg{name = "a", default = 1, min = 2, max = 1}`:    `pv.arg: of --a min is greater than max`,
		`pv.arg{name = "a", default = 1, max = "b"}`:           `pv.arg: max is "b"; expected a number`,
		`pv.arg{name = "a", default = "b", max = 1}`:           `pv.arg: --a is a string and can't have max`,
		`pv.arg{name = "a", type = "ip", min = 1}`:             `pv.arg: --a is a ip and can't have min`,
		`pv.arg{name = "a", default = "b", type = "integer"}`:  `pv.arg: --a is "b", which is no integer; its default, choices and type must agree`,
		`pv.arg{name = "a", default = 1, type = "string"}`:     `pv.arg: --a is 1, which is no string; its default, choices and type must agree`,
		`pv.arg{name = "a", choices = {1, "b"}}`:               `pv.arg: --a is "b", which is no number; its default, choices and type must agree`,
		`pv.arg{name = "a", choices = {}}`:                     `pv.arg: choices is a table; expected a list, such as {"left", "right"}`,
		`pv.arg{name = "a", default = 3, choices = {1, 2}}`:    `pv.arg: the default of --a is 3, which is none of its choices`,
		`pv.arg{name = "a", default = 3, required = true}`:     `pv.arg: --a has a default and is required; leave out one`,
		`pv.arg{name = "a", type = "number", required = true}`: `test.lua:1: --a is missing; it must be given as in -- --a NUMBER`,
		`pv.arg{name = "a"} pv.arg{name = "a"}`:                `pv.arg: --a is declared twice`,
		`pv.arg("port", 7)`:                                    `pv.arg: got "port"; it is called with one table, as in pv.arg{name = "port", default = 7`,
	} {
		if _, err := tryLoad(t, body+" function on_packet() end"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n%v; want\n%s", body, err, want)
		}
	}
	_, err := run(t, `pv.arg{name = "late"}`)
	wantError(t, err, "test.lua:2: pv.arg: arguments are declared while the script is loaded")
}

func TestScriptHelp(t *testing.T) {
	for _, c := range []struct{ name, source, want string }{
		{"all", declares, `pvlua [flags] INTERFACE... test.lua [-- ARGUMENTS]

echo.lua answers
everything.

  --port NUMBER  UDP port to answer on (7)
  --word TEXT    what to look for (it)
  --loud         say more
  --no-fast      not: leave out checks
  --side TEXT    [left or right]
  --size NUMBER
`},
		{"none", "function on_packet() end", `pvlua [flags] INTERFACE... test.lua [-- ARGUMENTS]

The script declares no arguments.
`},
		// A script that can't go on without its arguments still says them.
		{"failing", `local a = pv.arg{name = "a", required = true, help = "an address"} pv.ip(a) function on_packet() end`,
			`pvlua [flags] INTERFACE... test.lua [-- ARGUMENTS]

  --a TEXT  an address (required)
`},
		// And opens nothing.
		{"socket", `local s = pv.udp_socket{bind = "10.0.0.1:7"} s:send("x", 1, 1) local a, p = s:address() s:close() pv.arg{name = "a"} function on_packet() end`,
			`pvlua [flags] INTERFACE... test.lua [-- ARGUMENTS]

  --a TEXT
`},
	} {
		// Other arguments do not matter, even if they are wrong.
		_, err := tryLoad(t, c.source, withArgs("--port", "x", "--help", "--nothing"))
		var early *EarlyExit
		if !errors.As(err, &early) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var b strings.Builder
		for line := range strings.Lines(early.Output) {
			b.WriteString(strings.TrimRight(line, " \n") + "\n")
		}
		if got := b.String(); got != c.want || early.Status != 0 {
			t.Errorf("%s: status %d\n%s", c.name, early.Status, got)
		}
	}
}

// TestHelpNeedsNothing: no host, and no more of ports than their names.
func TestHelpNeedsNothing(t *testing.T) {
	c := Config{Script: "test.lua", Source: []byte(`
		local port = pv.arg{name = "port", default = 7}
		pv.ports.veth1:send(string.rep("x", 60))
		pv.every(1, function() end)
		function on_packet() end`), Ports: []*Port{{Name: "veth1"}}}
	text, err := Help(c)
	if err != nil || !strings.Contains(text, "--port NUMBER") {
		t.Errorf("%q %v", text, err)
	}
	c.Source = []byte("x =")
	if _, err := Help(c); err == nil || !strings.Contains(err.Error(), "test.lua:1: ") {
		t.Errorf("a script that can't be read: %v", err)
	}
	for args, want := range map[string]bool{"": false, "--help": true, "a --help b": true, "-- --help": false, "--helper": false} {
		if got := AsksHelp(strings.Fields(args)); got != want {
			t.Errorf("%q: %v", args, got)
		}
	}
}
