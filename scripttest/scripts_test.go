// SPDX-License-Identifier: GPL-3.0-or-later

package scripttest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every ready script has tests, and they pass.
func TestReadyScripts(t *testing.T) {
	files, err := filepath.Glob("../scripts/*.lua")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, script := range Scripts(files) {
		t.Run(filepath.Base(script), func(t *testing.T) {
			r, report := play(t, t.TempDir(), func(c *Config) { c.Scripts = []string{script} })
			for _, err := range r.Untested {
				t.Error(err)
			}
			if r.Failed > 0 {
				t.Error(report)
			}
		})
	}
}

// The first example of each page is a test of echo.lua that passes.
func TestExamplesInPages(t *testing.T) {
	script, err := os.ReadFile("../scripts/echo.lua")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{"../README.md", "../docs/testing.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		example := ""
		for _, block := range strings.Split(string(text), "```lua\n")[1:] {
			if block, _, _ = strings.Cut(block, "```"); example == "" && strings.Contains(block, "function test_") {
				example = block
			}
		}
		if example == "" {
			t.Fatalf("%s has no test", page)
		}
		passes(t, string(script), example)
	}
}
