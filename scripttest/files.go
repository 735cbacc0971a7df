// SPDX-License-Identifier: GPL-3.0-or-later

package scripttest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// suffix is what the name of a file of tests ends with.
const suffix = "_test.lua"

// TestFile gives the file that has the tests of a script: scripts/echo_test.lua
// for scripts/echo.lua.
func TestFile(script string) string {
	return strings.TrimSuffix(script, filepath.Ext(script)) + suffix
}

// Scripts gives the scripts that arguments name, each once. An argument may be
// a script or the file of its tests, so that *.lua may name both.
func Scripts(args []string) []string {
	var scripts []string
	for _, a := range args {
		if base, ok := strings.CutSuffix(a, suffix); ok {
			a = base + ".lua"
		}
		a = filepath.Clean(a)
		if !slices.Contains(scripts, a) {
			scripts = append(scripts, a)
		}
	}
	return scripts
}

// readTests reads the tests of a script. The error says what to do if there are
// none.
func readTests(script string) (file string, source []byte, err error) {
	if _, err := os.Stat(script); err != nil {
		return "", nil, err
	}
	file = TestFile(script)
	source, err = os.ReadFile(file)
	if os.IsNotExist(err) {
		return file, nil, fmt.Errorf("%s has no tests: make %s, with functions named test_*", script, file)
	}
	return file, source, err
}
