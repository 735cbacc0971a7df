// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// withTests writes a script and its tests, and returns the script's path.
func withTests(t *testing.T, source, tests string) string {
	t.Helper()
	path := script(t, source)
	if err := os.WriteFile(strings.TrimSuffix(path, ".lua")+"_test.lua", []byte(tests), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTest(t *testing.T) {
	const idle = "function on_packet() end"
	good := withTests(t, idle, "function test_good() print 'said' end function test_other() end")
	bad := withTests(t, idle, "function test_good() end\nfunction test_bad() test.equal(test.handle(''), pv.TX) end")
	none := script(t, idle)
	endless := withTests(t, "function on_packet() while true do end end", "function test_endless() test.handle('') end")
	golden := withTests(t, idle, "function test_golden() test.golden('x.pcap', 'packet of a few bytes') end")
	for _, c := range []struct {
		args           []string
		status         int
		stdout, stderr string
	}{
		{[]string{good}, exitOK, "ok    test_good\nok    test_other\n2 passed, 0 failed\n", ""},
		{[]string{good, "--verbose", "--run", "good"}, exitOK, "ok    test_good\n      it said:\n        said\n1 passed, 0 failed\n", ""},
		{[]string{bad}, exitFailed, "ok    test_good\nFAIL  test_bad\n      BAD:2: got 2 (pv.PASS), want 3 (pv.TX)\n1 passed, 1 failed\n", ""},
		{[]string{none}, exitUsage, "", "pvlua test: NONE.lua has no tests: make NONE_test.lua, with functions named test_*\n"},
		{[]string{endless, "--quota", "1000"}, exitFailed, "FAIL  test_endless\n      ENDLESS:2: handler stopped: more than 1000 instructions in one call (an endless loop?)\n        called from ENDLESS:1\n0 passed, 1 failed\n", ""},
		{[]string{golden}, exitFailed, "FAIL  test_golden\n      GOLDEN:1: test.golden: x.pcap is not there; pvlua test --update makes it\n0 passed, 1 failed\n", ""},
		{[]string{golden, "--update"}, exitOK, "ok    test_golden\nwrote x.pcap\n1 passed, 0 failed\n", ""},
		{[]string{golden}, exitOK, "ok    test_golden\n1 passed, 0 failed\n", ""},
		{[]string{good, "--run", "nothing"}, exitUsage, "0 passed, 0 failed\n", "pvlua test: no test has a name that matches --run nothing\n"},
		{nil, exitUsage, "", "pvlua test: give a script, such as: pvlua test scripts/echo.lua\n(pvlua test --help shows the usage)\n"},
		{[]string{good, "--quota", "0"}, exitUsage, "", "pvlua test: --quota 0: must be more than zero\n(pvlua test --help shows the usage)\n"},
		{[]string{good, "--run", "("}, exitUsage, "", "pvlua test: --run (: error parsing regexp: missing closing ): `(`\n(pvlua test --help shows the usage)\n"},
		{[]string{good, "--what"}, exitUsage, "", "pvlua test: unknown flag: --what\n(pvlua test --help shows the usage)\n"},
		{[]string{"--help"}, exitOK, testHelp, ""},
	} {
		status, stdout, stderr := here(append([]string{"test"}, c.args...)...)
		stdout = regexp.MustCompile(` +\d+\.\d ms`).ReplaceAllString(stdout, "")
		for name, path := range map[string]string{"BAD": bad, "ENDLESS": endless, "GOLDEN": golden, "NONE": none} {
			for _, s := range []*string{&stdout, &stderr} {
				*s = strings.ReplaceAll(*s, filepath.Dir(path)+"/x.pcap", "x.pcap")
				*s = strings.ReplaceAll(*s, strings.TrimSuffix(path, ".lua")+"_test.lua:", name+":")
				*s = strings.ReplaceAll(*s, path+":", name+":")
				*s = strings.ReplaceAll(*s, strings.TrimSuffix(path, ".lua"), name)
			}
		}
		if status != c.status || stdout != c.stdout || stderr != c.stderr {
			t.Errorf("%q: status %d, stdout\n%s\nstderr\n%s\nwant %d\n%s\n%s", c.args, status, stdout, stderr, c.status, c.stdout, c.stderr)
		}
	}
}
