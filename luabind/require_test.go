// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// folder makes a folder of scripts and gives its path.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// loadFile loads main.lua of a folder.
func loadFile(t *testing.T, dir string) (*fixture, error) {
	return tryLoad(t, "", func(c *Config) { c.Script, c.Source = filepath.Join(dir, "main.lua"), nil })
}

func TestRequire(t *testing.T) {
	dir := folder(t, map[string]string{
		"main.lua": `#!/usr/bin/env pvlua
			local a, b, c, d = require "a", require "sub.b", require("sub"), require "with-dash_1"
			print(a.name, b, c, d, require "a" == a, require "string" == string, require "bit32" == bit32)
			function on_packet(pkt) return a.handle(pkt) end`,
		"a.lua":           `print("loading", ...) local pv = require "pv" return {name = ..., handle = function(pkt) return pkt.eth and pv.DROP end}`,
		"sub/b.lua":       `return require("a").name .. "b"`,
		"sub/init.lua":    `return "init"`,
		"with-dash_1.lua": `count = (count or 0) + 1`,
	})
	f, err := loadFile(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := f.stdout.String(), "loading\ta\na\tab\tinit\ttrue\ttrue\ttrue\ttrue\n"; got != want {
		t.Errorf("printed %q; want %q", got, want)
	}
	if p := f.handle(make([]byte, 60)); p.Verdict != Drop {
		t.Errorf("verdict %s, error %v", p.Verdict, p.Err)
	}
}

func TestRequireErrors(t *testing.T) {
	dir := folder(t, map[string]string{
		"x.lua":         `require "y"`,
		"y.lua":         `require "z"`,
		"z.lua":         `require "x"`,
		"self.lua":      `require "self"`,
		"syntax.lua":    "local a\n= = 1",
		"fails.lua":     "\n\nerror 'on purpose'",
		"unclosed.lua":  "function f()\n",
		"folder.lua/a":  "",
		"noread.lua":    "return 1",
		"again.lua":     "tries = (tries or 0) + 1 error 'again'",
		"late/late.lua": "return 1",
	})
	outside := folder(t, map[string]string{"secret.lua": `return "secret"`})
	if err := os.Symlink(filepath.Join(outside, "secret.lua"), filepath.Join(dir, "link.lua")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "linked")); err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	for body, want := range map[string]string{
		`require "nothing"`:         `main.lua:1: module "nothing" not found; looked for ` + in("nothing.lua") + " and " + in("nothing/init.lua"),
		`require "x"`:               `modules require each other in a circle: x -> y -> z -> x`,
		`require "self"`:            `modules require each other in a circle: self -> self`,
		`require "syntax"`:          in("syntax.lua") + `:2: syntax error near "="`,
		`require "unclosed"`:        in("unclosed.lua") + `:1: syntax error at the end of the file`,
		`require "fails"`:           in("fails.lua") + ":3: on purpose",
		`require "../secret"`:       `"../secret" is no name of a module`,
		`require ".secret"`:         `is no name of a module`,
		`require "a..b"`:            `is no name of a module`,
		`require ""`:                `is no name of a module`,
		`require "a/b"`:             `is no name of a module`,
		`require "a\0b"`:            `is no name of a module`,
		`require "ü"`:               `is no name of a module`,
		`require "` + outside + `"`: `is no name of a module`,
		`require()`:                 `string expected`,
		`require "link"`:            `module "link": ` + in("link.lua"),
		`require "linked.secret"`:   `module "linked.secret": `,
		`require "folder"`:          `not a regular file`,
		`pcall(require, "again") pcall(require, "again") error(tries, 0)`: "2",
	} {
		if err := os.WriteFile(in("main.lua"), []byte(body+"\nfunction on_packet() end"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := loadFile(t, dir)
		wantError(t, err, want)
		var e *ScriptError
		if !errors.As(err, &e) {
			t.Errorf("%s: a %T", body, err)
		}
		if err != nil && strings.Contains(err.Error(), `"secret"`) && !strings.Contains(body, "secret") {
			t.Errorf("%s: %v", body, err)
		}
	}
	_, err := loadFile(t, t.TempDir())
	wantError(t, err, "main.lua: no such file or directory")
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v is not os.ErrNotExist", err)
	}
}

// A module may be required in a callback; it then gets no packet.
func TestRequireInACallback(t *testing.T) {
	dir := folder(t, map[string]string{
		"main.lua": `function on_packet(pkt) return require "late" end`,
		"late.lua": `local x = ... print(x) return 1`,
	})
	f, err := loadFile(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if p := f.handle(make([]byte, 60)); p.Verdict != Drop || p.Err != nil {
			t.Errorf("verdict %s, error %v", p.Verdict, p.Err)
		}
	}
	if f.stdout.String() != "late\n" {
		t.Errorf("printed %q", f.stdout)
	}
}
