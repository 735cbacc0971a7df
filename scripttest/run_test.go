// SPDX-License-Identifier: GPL-3.0-or-later

package scripttest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	idle = "function on_packet() end\n"
	two  = "function test_b() end\nfunction test_a() print('x') end\n"
)

// Tests run in the order of the file, those only whose names match.
func TestOrderAndPattern(t *testing.T) {
	dir := write(t, map[string]string{"a.lua": idle + "function test_of_the_script() end", "a_test.lua": two + "test_x = 1 function tset_c() end"})
	if r, got := play(t, dir); r.Passed != 2 || got != "ok    test_b\nok    test_a\n2 passed, 0 failed\n" {
		t.Errorf("%+v\n%s", r, got)
	}
	if r, got := play(t, dir, func(c *Config) { c.Run = regexp.MustCompile("_a$"); c.Verbose = true }); r.Passed != 1 || got != "ok    test_a\n      it said:\n        x\n1 passed, 0 failed\n" {
		t.Errorf("%+v\n%s", r, got)
	}
}

func TestFilesThatCannotRun(t *testing.T) {
	const cannot = "FAIL  a_test.lua can't be run\n      "
	for _, c := range []struct{ script, tests, want string }{
		{idle, "function test_a(", cannot + "a_test.lua:1: syntax error at the end of the file: an \"end\" or a bracket may be missing\n"},
		{"function on_packet(", "x.y = 1", cannot + "a.lua:1: syntax error at the end of the file: an \"end\" or a bracket may be missing\n"},
		{idle, "local x = nil\nx.y = 1", cannot + "a_test.lua:2: attempt to index a nil value with key 'y'\n"},
		{idle, "local function test_a() end", cannot + "a_test.lua:1: test_a is local, so it would not be run: leave out \"local\"\n"},
		{idle, "local test_a = function() end", cannot + "a_test.lua:1: test_a is local, so it would not be run: leave out \"local\"\n"},
		{idle, "function test_a() end\n\nfunction test_a() end", cannot + "a_test.lua:3: there is a test_a already, at line 1, which would not be run: give one of them another name\n"},
		{idle, "while true do end", cannot + "a_test.lua:1: test stopped: more than 200000000 instructions in one call (an endless loop?)\n"},
		{"test = 1 " + idle, two, cannot + "a.lua: the global 'test' of the script has the name of the table that tests use; rename it, or make it local\n"},
		{"", two, "FAIL  test_b\n      a.lua: the script defines no global function on_packet(pkt)\nFAIL  test_a\n      a.lua: the script defines no global function on_packet(pkt)\n      it said:\n        x\n"},
	} {
		expect(t, c.script, c.tests, c.want)
	}
}

func TestUntested(t *testing.T) {
	dir := write(t, map[string]string{"a.lua": idle, "b.lua": idle, "b_test.lua": "function tset_it() end"})
	for script, want := range map[string]string{
		"a.lua": "a.lua has no tests: make a_test.lua, with functions named test_*",
		"b.lua": "b_test.lua has no tests: no global function there is named test_*",
		"c.lua": "c.lua: no such file or directory",
	} {
		r, got := play(t, dir, func(c *Config) { c.Scripts = []string{filepath.Join(dir, script)} })
		if len(r.Untested) != 1 || !strings.HasSuffix(strings.ReplaceAll(r.Untested[0].Error(), dir+"/", ""), want) || got != "" || r.Passed+r.Failed > 0 {
			t.Errorf("%s: %+v, %q", script, r, got)
		}
	}
}

// Several scripts are told apart, and none is in the way of another.
func TestSeveralScripts(t *testing.T) {
	dir := write(t, map[string]string{"a.lua": idle, "a_test.lua": two, "b.lua": "function", "b_test.lua": two, "c.lua": idle, "d.lua": idle + "function f() x = 1 end", "d_test.lua": "function test_d() end"})
	var all []string
	for _, name := range []string{"a", "b", "c", "d"} {
		all = append(all, filepath.Join(dir, name+".lua"))
	}
	r, got := play(t, dir, func(c *Config) { c.Scripts = all })
	got = regexp.MustCompile(` +(\n|$)`).ReplaceAllString(got, "$1")
	if r.Passed != 3 || len(r.Untested) != 1 || r.Failed != 2 {
		t.Errorf("%+v", r)
	}
	for _, want := range []string{"a.lua\nok    test_b\nok    test_a\nb.lua\n", "b.lua:1: ", "d.lua\nwarning: d.lua:2: assignment to the global 'x' inside a function", "\nok    test_d\n3 passed, 2 failed\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestScripts(t *testing.T) {
	got := Scripts([]string{"scripts/echo.lua", "scripts/echo_test.lua", "./x_test.lua", "x.lua", "y.lua"})
	if want := []string{"scripts/echo.lua", "x.lua", "y.lua"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := TestFile("scripts/echo.lua"); got != "scripts/echo_test.lua" {
		t.Error(got)
	}
}

func TestGolden(t *testing.T) {
	const tests = `
local function p(n) return pv.build{udp = {dport = n}} end
function test_golden() test.golden("two.pcap", {p(1), p(N)}) end
function test_single() test.golden("one.pcap", p(3)) end`
	version := func(n string) string { return strings.ReplaceAll(tests, "N)", n+")") }
	dir := write(t, map[string]string{"a.lua": idle, "a_test.lua": version("2")})
	if r, got := play(t, dir); r.Failed != 2 || !strings.Contains(got, "a_test.lua:3: test.golden: two.pcap is not there; pvlua test --update makes it\n") {
		t.Errorf("%+v\n%s", r, got)
	}
	update := func(c *Config) { c.Update = true }
	if r, got := play(t, dir, update); r.Passed != 2 || !strings.Contains(got, "wrote two.pcap\nwrote one.pcap\n") {
		t.Errorf("%+v\n%s", r, got)
	}
	first, err := os.ReadFile(filepath.Join(dir, "two.pcap"))
	if err != nil {
		t.Fatal(err)
	}
	play(t, dir, update)
	if again, _ := os.ReadFile(filepath.Join(dir, "two.pcap")); string(again) != string(first) {
		t.Error("written again, the file differs")
	}
	if r, got := play(t, dir); r.Passed != 2 {
		t.Errorf("%+v\n%s", r, got)
	}
	for change, want := range map[string][]string{
		version("9"): {"test.golden: packet 2 differs from that of two.pcap\n", "> udp.dport     9                  2\n"},
		strings.Replace(version("2"), "p(1), ", "", 1):              {"test.golden: packet 1 differs"},
		strings.Replace(version("2"), ", p(2)", "", 1):              {"test.golden: got 1 packets, two.pcap has 2; the first that is missing: IP 0.0.0.0.0 > 0.0.0.0.2: UDP, length 0"},
		strings.Replace(version("2"), "p(2)", "p(2), p(4)", 1):      {"test.golden: got 3 packets, two.pcap has 2; the first that is too many: IP 0.0.0.0.0 > 0.0.0.0.4: UDP, length 0"},
		strings.Replace(version("2"), "two.pcap", "../two.pcap", 1): {"test.golden: openat ../two.pcap: path escapes from parent"},
		strings.Replace(version("2"), "two.pcap", "a.lua", 1):       {"test.golden: a.lua: "},
		strings.Replace(version("2"), "p(1), ", "1, ", 1):           {"test.golden: element 1 is 1; expected a packet or a string with its bytes"},
		strings.Replace(version("2"), "p(3)", "nil", 1):             {"test.golden: got nil; expected an array of packets, such as test.sent() gives"},
	} {
		if err := os.WriteFile(filepath.Join(dir, "a_test.lua"), []byte(change), 0o600); err != nil {
			t.Fatal(err)
		}
		r, got := play(t, dir)
		for _, w := range want {
			if r.Failed != 1 || !strings.Contains(got, w) {
				t.Errorf("%+v\n%s\nwant\n%s", r, got, w)
			}
		}
	}
	twice := strings.ReplaceAll(version("2"), "one.pcap", "two.pcap")
	if err := os.WriteFile(filepath.Join(dir, "a_test.lua"), []byte(twice), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, got := play(t, dir, update); r.Failed != 1 || !strings.Contains(got, "two.pcap is used twice: give each comparison a file of its own") {
		t.Errorf("%+v\n%s", r, got)
	}
}
