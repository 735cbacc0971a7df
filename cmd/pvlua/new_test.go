// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pvlua/luabind"
)

func TestNew(t *testing.T) {
	for _, template := range templateNames {
		dir := t.TempDir()
		path := filepath.Join(dir, "my-proto")
		args := []string{"new", path + ".lua", "--template", template}
		if status, out, errs := here(args...); status != exitOK || errs != "" || out != "wrote "+path+".lua and "+path+"_test.lua; try: pvlua test "+path+".lua\n" {
			t.Errorf("%s: status %d, %q, %q", template, status, out, errs)
		}
		for _, file := range []string{path + ".lua", path + "_test.lua"} {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "NAME") || strings.Contains(string(text), "SPDX") || !strings.Contains(string(text), "pvlua test my-proto.lua") || !strings.HasPrefix(string(text), "-- ") {
				t.Errorf("%s:\n%s", file, text)
			}
			for line := range strings.Lines(string(text)) {
				if len(line) > 121 {
					t.Errorf("%s: a line of %d columns: %s", file, len(line), line)
				}
			}
		}
		// Nothing is overwritten, and no half is left.
		for _, gone := range []string{"", ".lua", "_test.lua"} {
			if gone != "" {
				if err := os.Remove(path + gone); err != nil {
					t.Fatal(err)
				}
			}
			if status, out, errs := here(args...); status != exitFailed || out != "" || !strings.Contains(errs, "is there already; choose another name") {
				t.Errorf("again: status %d, %q, %q", status, out, errs)
			}
			if _, err := os.Stat(path + gone); gone != "" && err == nil {
				t.Errorf("%s%s was written although the other is there", path, gone)
			}
			if gone != "" {
				if err := os.WriteFile(path+gone, nil, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func TestNewRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{nil, exitUsage, "pvlua new: give one name"},
		{[]string{"a", "b"}, exitUsage, "pvlua new: give one name"},
		{[]string{"a b"}, exitUsage, `pvlua new: "a b" can't be the name of a script`},
		{[]string{""}, exitUsage, `can't be the name of a script`},
		{[]string{"a/"}, exitUsage, `can't be the name of a script`},
		{[]string{"a_test.lua"}, exitUsage, `"a_test.lua" is the name of a test`},
		{[]string{"a", "--template", "fliter"}, exitUsage, "pvlua new: --template fliter: must be echo, filter, protocol; did you mean filter?"},
		{[]string{filepath.Join(dir, "none", "a")}, exitFailed, "make the folder first (mkdir -p " + filepath.Join(dir, "none") + ")"},
	} {
		if status, out, errs := here(append([]string{"new"}, c.args...)...); status != c.status || out != "" || !strings.Contains(errs, c.want) {
			t.Errorf("%q: status %d, %q, %q; want %d, %q", c.args, status, out, errs, c.status, c.want)
		}
	}
}

// Each template passes its test; with another handler the test fails.
func TestTemplatesPassTheirTests(t *testing.T) {
	for _, template := range templateNames {
		path := filepath.Join(t.TempDir(), "new")
		if status, _, errs := here("new", path, "--template", template); status != exitOK {
			t.Fatal(errs)
		}
		status, out, errs := here("test", path+".lua")
		if status != exitOK || !strings.Contains(out, " passed, 0 failed") || strings.Contains(out, "\n0 passed") || errs != "" {
			t.Errorf("%s: status %d, %s%s", template, status, out, errs)
		}
		if err := os.WriteFile(path+".lua", []byte("function on_packet(pkt) return pv.DROP end\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if status, out, _ := here("test", path+".lua"); status != exitFailed {
			t.Errorf("%s: the test passes with any handler: status %d, %s", template, status, out)
		}
	}
}

// No template makes a warning when it is loaded.
func TestTemplatesLoadWithoutWarnings(t *testing.T) {
	for _, template := range templateNames {
		var log bytes.Buffer
		s, err := luabind.Load(luabind.Config{
			Script: template + ".lua", Source: []byte(fromTemplate(template+".lua", template)), Host: nowhere{},
			Log: slog.New(slog.NewTextHandler(&log, nil)), Ports: []*luabind.Port{{Name: "left"}, {Index: 1, Name: "right"}},
		})
		if err != nil {
			t.Errorf("%s: %v", template, err)
			continue
		}
		if err := s.Start(); err != nil || log.Len() > 0 {
			t.Errorf("%s: %v, it logged %s", template, err, &log)
		}
		s.Close()
	}
}

// nowhere is a Host where nothing can be sent and no time passes.
type nowhere struct{}

func (nowhere) Send(int, []byte) bool { return false }
func (nowhere) Now() time.Time        { return time.Unix(1_700_000_000, 0) }
