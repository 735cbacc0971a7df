// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pvlua/internal/apidoc"
)

func TestStubs(t *testing.T) {
	dir := t.TempDir()
	stubs, settings := filepath.Join(dir, "pvlua.lua"), filepath.Join(dir, ".luarc.json")
	if status, out, errs := here("stubs", dir); status != exitOK || errs != "" || out != "wrote "+stubs+"\nwrote "+settings+"\n" {
		t.Errorf("status %d, %q, %q", status, out, errs)
	}
	for path, want := range map[string]string{stubs: apidoc.Stubs(), settings: apidoc.LuaRC()} {
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%v, or %s is not what it should be", err, path)
		}
	}

	// The definitions are renewed, the settings are the user's.
	for path, text := range map[string]string{stubs: "---@meta\nold", settings: "{}"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if status, out, errs := here("stubs", dir); status != exitOK || errs != "" || out != "wrote "+stubs+"\nleft "+settings+" as it is\n" {
		t.Errorf("again: status %d, %q, %q", status, out, errs)
	}
	if got, _ := os.ReadFile(settings); string(got) != "{}" {
		t.Errorf("the settings were overwritten: %s", got)
	}
	if got, _ := os.ReadFile(stubs); string(got) != apidoc.Stubs() {
		t.Error("the definitions are the old ones")
	}
}

func TestStubsWithoutArgument(t *testing.T) {
	t.Chdir(t.TempDir())
	if status, out, errs := here("stubs"); status != exitOK || errs != "" || out != "wrote pvlua.lua\nwrote .luarc.json\n" {
		t.Errorf("status %d, %q, %q", status, out, errs)
	}
}

func TestStubsRefuses(t *testing.T) {
	dir := t.TempDir()
	own := filepath.Join(dir, "pvlua.lua")
	if err := os.WriteFile(own, []byte("function on_packet() end"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{dir}, exitFailed, "pvlua stubs: " + own + " is there and does not begin with ---@meta"},
		{[]string{filepath.Join(dir, "none")}, exitFailed, "none/pvlua.lua: no such file or directory"},
		{[]string{dir, dir}, exitUsage, "pvlua stubs: one folder at most"},
		{[]string{"--x"}, exitUsage, "pvlua stubs: unknown flag: --x"},
	} {
		if status, out, errs := here(append([]string{"stubs"}, c.args...)...); status != c.status || out != "" || !strings.Contains(errs, c.want) {
			t.Errorf("%q: status %d, %q, %q; want %d, %q", c.args, status, out, errs, c.status, c.want)
		}
	}
	if got, _ := os.ReadFile(own); string(got) != "function on_packet() end" {
		t.Errorf("the script was overwritten: %s", got)
	}
	if _, err := os.Stat(filepath.Join(dir, ".luarc.json")); err == nil {
		t.Error("settings were written all the same")
	}
}
