// SPDX-License-Identifier: GPL-3.0-or-later

package docs_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"pvlua/scripttest"
)

// In cookbook.md each lua block is a whole script, and the comment test: after it
// has its tests, in the form of pvlua test. The comment prelude: is put before
// each of them.

// Each recipe of the cookbook does what its tests say, and they can tell.
func TestCookbook(t *testing.T) {
	var prelude, section string
	recipes := 0
	for _, b := range readPage(t, "cookbook.md") {
		switch b.kind {
		case "prelude:":
			prelude = b.text
		case "lua":
			if section == b.section {
				t.Fatalf("%s: two scripts under one heading", b.at("cookbook.md"))
			}
			section = b.section
			recipes++
			checkLength(t, b)
			t.Run(section, func(t *testing.T) { checkRecipe(t, b, prelude) })
		}
	}
	if recipes < 20 {
		t.Errorf("%d recipes, want 20", recipes)
	}
}

// checkLength keeps recipes short.
func checkLength(t *testing.T, b block) {
	n := 0
	for line := range strings.SplitSeq(b.text, "\n") {
		if strings.TrimSpace(line) != "" && !strings.Contains(line, `require "pv"`) {
			n++
		}
	}
	if n > 15 {
		t.Errorf("%s: %d lines, more than 15", b.at("cookbook.md"), n)
	}
}

// checkRecipe runs the tests of a recipe, and then with a handler that does
// nothing, with which they must not pass.
func checkRecipe(t *testing.T, recipe block, prelude string) {
	var tests string
	for _, b := range readPage(t, "cookbook.md") {
		if b.kind == "test:" && b.section == recipe.section {
			tests += b.text
		}
	}
	if tests == "" {
		t.Fatalf("%s: no comment <!-- test: --> follows", recipe.at("cookbook.md"))
	}
	folder := t.TempDir()
	script := filepath.Join(folder, "recipe.lua")
	run := func(text string) (scripttest.Result, string) {
		write(t, folder, "recipe.lua", text)
		write(t, folder, "recipe_test.lua", prelude+tests)
		var out bytes.Buffer
		return scripttest.Run(scripttest.Config{Scripts: []string{script}, Out: &out}), out.String()
	}
	if r, out := run(recipe.text); r.Failed > 0 || r.Passed == 0 || len(r.Untested) > 0 || strings.Contains(out, "warning:") {
		t.Errorf("%s: %v\n%s", recipe.at("cookbook.md"), r.Untested, out)
	}
	if r, out := run("function on_packet() end"); r.Failed == 0 {
		t.Errorf("%s: its tests pass with any handler\n%s", recipe.at("cookbook.md"), out)
	}
}
