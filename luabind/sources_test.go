// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// stillHost is a Host in which nothing happens.
type stillHost struct{ Host }

func (stillHost) Now() time.Time { return time.Time{} }

// TestSourcesGiveAllStatesTheSameText changes script and modules between two
// loads and while a state runs.
func TestSourcesGiveAllStatesTheSameText(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("main.lua", `
		local m = require "m"
		function on_packet() return m end`)
	write("m/init.lua", `return 1`)
	script := filepath.Join(dir, "main.lua")
	verdict := func(sources *Sources) Verdict {
		t.Helper()
		s, err := Load(Config{Script: script, Host: stillHost{}, Sources: sources})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		p := []Packet{{Buf: make([]byte, 60), To: 60}}
		s.Handle(p)
		if p[0].Err != nil {
			t.Fatal(p[0].Err)
		}
		return p[0].Verdict
	}
	sources := NewSources()
	if got := verdict(sources); got != Drop {
		t.Fatalf("verdict %v", got)
	}
	in := func(names ...string) (paths []string) {
		for _, n := range names {
			paths = append(paths, filepath.Join(dir, n))
		}
		return paths
	}
	if diff := cmp.Diff(in("m.lua", "m/init.lua", "main.lua"), sources.Paths()); diff != "" {
		t.Errorf("paths: want -, got +\n%s", diff)
	}
	changed := func(want ...string) {
		t.Helper()
		if diff := cmp.Diff(in(want...), sources.Changed()); diff != "" {
			t.Errorf("changed: want -, got +\n%s", diff)
		}
	}
	changed()
	write("m/init.lua", `return 2`)
	changed("m/init.lua")
	write("m.lua", `return 3`) // was not there, and comes first
	changed("m.lua", "m/init.lua")
	if got := verdict(sources); got != Drop {
		t.Errorf("the second state has other text: %v", got)
	}
	if got := verdict(NewSources()); got != TX {
		t.Errorf("new sources give old text: %v", got)
	}
	if got := verdict(nil); got != TX {
		t.Errorf("no sources: %v", got)
	}
	os.Remove(filepath.Join(dir, "m.lua"))
	write("m/init.lua", `return 1`)
	changed()
	os.Remove(script)
	changed("main.lua")
}
