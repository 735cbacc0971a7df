// SPDX-License-Identifier: GPL-3.0-or-later

package scripttest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// write makes files in a new folder, and returns the folder.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// took is what a report says about time.
var took = regexp.MustCompile(` +\d+\.\d ms`)

// play runs the tests of script a.lua in a folder. The report is without times
// and folders.
func play(t *testing.T, dir string, change ...func(*Config)) (Result, string) {
	t.Helper()
	var out strings.Builder
	c := Config{Scripts: []string{filepath.Join(dir, "a.lua")}, Out: &out}
	for _, f := range change {
		f(&c)
	}
	r := Run(c)
	return r, strings.ReplaceAll(took.ReplaceAllString(out.String(), ""), dir+"/", "")
}

// expect runs tests and compares the report, but for its last line.
func expect(t *testing.T, script, tests, want string) {
	t.Helper()
	_, got := play(t, write(t, map[string]string{"a.lua": script, "a_test.lua": tests}))
	lines := strings.SplitAfter(got, "\n")
	if got = strings.Join(lines[:max(len(lines)-2, 0)], ""); got != want {
		t.Errorf("the report is\n%s\nwant\n%s\nof\n%s", got, want, tests)
	}
}

// passes runs tests that must pass.
func passes(t *testing.T, script, tests string) {
	t.Helper()
	r, report := play(t, write(t, map[string]string{"a.lua": script, "a_test.lua": tests}))
	if r.Failed > 0 || r.Passed == 0 || len(r.Untested) > 0 {
		t.Errorf("%+v\n%s\nof\n%s", r, report, tests)
	}
}
