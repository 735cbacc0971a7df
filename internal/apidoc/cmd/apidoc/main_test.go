// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const begin, end = "<!-- fields:begin -->", "<!-- fields:end -->"

func TestRun(t *testing.T) {
	dir := t.TempDir()
	doc := filepath.Join(dir, "api.md")
	bare := filepath.Join(dir, "bare.md")
	stubs := filepath.Join(dir, "stubs.lua")
	for file, text := range map[string]string{doc: "# API\n" + begin + "\nold\n" + end + "\nend\n", bare: "# API\n", stubs: "old"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args        []string
		code        int
		out, errors string
	}{
		{nil, 0, "### `pkt.eth`", ""},
		{[]string{"-check", doc}, 1, "", "apidoc: " + doc + " is out of date; run go run ./internal/apidoc/cmd/apidoc -w " + doc + "\n"},
		{[]string{"-w", doc}, 0, "", ""},
		{[]string{"-check", doc}, 0, "", ""},
		{[]string{"-w", doc}, 0, "", ""},
		{[]string{"-w", bare}, 2, "", "apidoc: " + bare + ": no line " + begin + " or the like\n"},
		{[]string{"-check", filepath.Join(dir, "none.md")}, 2, "", "apidoc: " + filepath.Join(dir, "none.md") + ": no such file or directory\n"},
		{[]string{"-w", doc, "-check", doc}, 2, "", "apidoc: takes -w FILE or -check FILE and nothing else\n"},
		{[]string{"-check", stubs}, 1, "", "apidoc: " + stubs + " is out of date; run go run ./internal/apidoc/cmd/apidoc -w " + stubs + "\n"},
		{[]string{"-w", stubs}, 0, "", ""},
		{[]string{"-check", stubs}, 0, "", ""},
		{[]string{"-check", filepath.Join(dir, "none.lua")}, 1, "", "apidoc: " + filepath.Join(dir, "none.lua") + " is out of date"},
		{[]string{doc}, 2, "", "apidoc: takes -w FILE or -check FILE and nothing else\n"},
		{[]string{"-x"}, 2, "", "flag provided but not defined: -x"},
		{[]string{"-h"}, 0, "", "Usage of apidoc"},
	} {
		var out, errs bytes.Buffer
		if code := run(c.args, &out, &errs); code != c.code {
			t.Errorf("apidoc %q exits with %d, want %d: %s", c.args, code, c.code, &errs)
		}
		if !strings.HasPrefix(out.String(), c.out) || c.out == "" && out.Len() > 0 {
			t.Errorf("apidoc %q writes %q", c.args, &out)
		}
		if !strings.HasPrefix(errs.String(), c.errors) || c.errors == "" && errs.Len() > 0 {
			t.Errorf("apidoc %q says %q, want %q", c.args, &errs, c.errors)
		}
	}
	b, err := os.ReadFile(doc)
	if err != nil || !strings.HasPrefix(string(b), "# API\n"+begin+"\n### `pkt.eth`") || !strings.HasSuffix(string(b), end+"\nend\n") {
		t.Errorf("%v: %s", err, b)
	}
}
