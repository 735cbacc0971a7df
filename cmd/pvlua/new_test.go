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
		if status, out, errs := here(args...); status != exitOK || errs != "" || out != "wrote "+path+".lua and "+path+"_test.lua\n" {
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

// standIn gives the tests of a template what pvlua test gives them, in Lua. A
// packet that was built has no port, so that one is put before it.
const standIn = `
local PORT
test = {ports = function(n) assert(n <= #pv.ports) end}
function test.handle(pkt, port)
  local front = setmetatable({}, {
    __index = function(_, name)
      if name == "port" then return port or pv.ports[1] end
      local value = pkt[name]
      if type(value) ~= "function" then return value end
      return function(_, ...) return value(pkt, ...) end
    end,
    __newindex = function(_, name, value) pkt[name] = value end,
  })
  local verdict = on_packet(front)
  if verdict == nil then verdict = pv.PASS end
  return verdict, pkt
end
function test.equal(got, want, what)
  if got ~= want then error(what .. ": " .. tostring(got) .. ", want " .. tostring(want), 2) end
end
function on_start()
  local n = 0
  for name, f in pairs(_G) do
    if tostring(name):sub(1, 5) == "test_" then f() n = n + 1 end
  end
  print(n .. " tests")
end
`

type nowhere struct{}

func (nowhere) Send(int, []byte) bool { return false }
func (nowhere) Now() time.Time        { return time.Unix(1_700_000_000, 0) }

// Each template loads without a warning and passes its test; with another
// handler the test fails.
func TestTemplatesPassTheirTests(t *testing.T) {
	load := func(text string) (*luabind.State, string, error) {
		var out, log bytes.Buffer
		s, err := luabind.Load(luabind.Config{
			Script: "new.lua", Source: []byte(text), Host: nowhere{}, Stdout: &out, Log: slog.New(slog.NewTextHandler(&log, nil)),
			Ports: []*luabind.Port{{Name: "left", MAC: 0x02_00_00_00_00_01, MTU: 1500}, {Index: 1, Name: "right", MAC: 0x02_00_00_00_00_02, MTU: 1500}},
		})
		if err != nil {
			return nil, "", err
		}
		t.Cleanup(s.Close)
		if log.Len() > 0 {
			t.Errorf("warnings:\n%s", &log)
		}
		err = s.Start()
		return s, out.String(), err
	}
	for _, template := range templateNames {
		script, test := fromTemplate(template+".lua", "new"), fromTemplate(template+"_test.lua", "new")
		if _, _, err := load(script); err != nil {
			t.Errorf("%s: %v", template, err)
		}
		_, out, err := load(script + "\n" + test + "\n" + standIn)
		if err != nil || !strings.HasSuffix(out, " tests\n") || strings.HasPrefix(out, "0") {
			t.Errorf("%s: %v, it printed %q", template, err, out)
		}
		if _, _, err := load("function on_packet(pkt) return pv.DROP end\n" + test + "\n" + standIn); err == nil {
			t.Errorf("%s: the test passes with any handler", template)
		}
	}
}
