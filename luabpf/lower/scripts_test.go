// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pvlua/luabind"
	"pvlua/luabpf/ir"
)

// scripts are handlers from elsewhere in the tree, their arguments, and the
// lines at which they need Lua, however the packet is, on either of two ports.
var scripts = []struct{ name, args, exits string }{
	{"scripts/echo.lua", "", ""},
	{"scripts/forward.lua", "", ""},
	{"scripts/vlan.lua", "--mode push --tag 100", ""},
	{"scripts/vlan.lua", "--mode pop --tag 100", ""},
	{"scripts/vlan.lua", "--mode rewrite --tag 100 --to 5", ""},
	{"scripts/filter.lua", "", "42"},       // the payload, of the port that is watched
	{"scripts/change_word.lua", "", "39"},  // the payload of UDP
	{"scripts/firewall.lua", "", "67"},     // a table of the script's, for packets that no address blocks
	{"scripts/nat.lua", "", "23 39 62 63"}, // strings as keys, for packets to forward
	{"bench/lua/drop.lua", "", ""},
	{"bench/lua/ports.lua", "", ""},
	{"bench/lua/firewall.lua", "", ""},
	{"bench/lua/work.lua", "", ""},
	{"bench/lua/handlers/*.lua", "", ""},
}

func TestScripts(t *testing.T) {
	for _, s := range scripts {
		files, err := filepath.Glob(filepath.Join("..", "..", s.name))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v %v", s.name, files, err)
		}
		for _, file := range files {
			t.Run(filepath.Base(file)+" "+s.args, func(t *testing.T) {
				source, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				var exits []int
				for port := range 2 {
					e := startEngines(t, string(source), port, func(c *luabind.Config) { c.Args = strings.Fields(s.args) })
					e.fuzz(500)
					for _, s := range e.result.Func.Sites {
						if !s.Rare && !slices.Contains(exits, s.Line) {
							exits = append(exits, s.Line)
						}
					}
				}
				slices.Sort(exits)
				if got := strings.Trim(fmt.Sprint(exits), "[]"); got != s.exits {
					t.Errorf("it exits at lines %q; want %q", got, s.exits)
				}
			})
		}
	}
}

// lowered loads a script, and lowers it.
func lowered(t *testing.T, source string, o Options) (*Result, error) {
	t.Helper()
	c := luabind.Config{Script: "test.lua", Source: []byte(source), Host: clock{}}
	for i := range testPorts {
		p := testPorts[i]
		p.Index = i
		c.Ports = append(c.Ports, &p)
	}
	s, err := luabind.Load(c)
	if err != nil {
		t.Fatalf("%v\n%s", err, source)
	}
	t.Cleanup(s.Close)
	p, err := s.Program()
	if err != nil {
		t.Fatal(err)
	}
	o.Ports = testPorts
	return Lower(p, o)
}

func TestLines(t *testing.T) {
	r, err := lowered(t, `local pv = require "pv"
local function helper(ip)
  return ip.ttl
end
function on_packet(pkt)
  local ip = pkt.ip
  if not ip then
    print "x"
  elseif helper(ip) > 3 then
    return pv.DROP
  end
end`, Options{CanSend: []bool{true, true}})
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, l := range r.Lines {
		got += fmt.Sprintf(" %d", l.Line)
		for _, s := range l.Sites {
			got += ": " + s.Reason
		}
	}
	if want := " 3 6 7 8: print writes to the outside; pv.counter counts in the kernel 9 10"; got != want {
		t.Errorf("lines%s; want%s", got, want)
	}
}

// What frames can't be sent from leaves for Lua.
func TestCanSend(t *testing.T) {
	const source = "function on_packet(pkt) if not pkt.eth then return pv.ports[2] elseif pkt.ip then return pv.TX elseif pkt.arp then return pv.DROP end end"
	for _, c := range []struct {
		can  []bool
		want string
	}{
		{nil, "packets can't go out of %[1]s from the kernel | packets can't go out of %[2]s from the kernel"},
		{[]bool{true}, "packets can't go out of %[2]s from the kernel"},
		{[]bool{false, true}, "packets can't go out of %[1]s from the kernel"},
		{[]bool{true, true}, ""},
	} {
		r, err := lowered(t, source, Options{CanSend: c.can})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range r.Func.Sites {
			got = append(got, s.Reason)
		}
		want := c.want
		if want != "" {
			want = fmt.Sprintf(c.want+"%.0[1]s%.0[2]s", testPorts[0].Name, testPorts[1].Name)
		}
		if got := strings.Join(got, " | "); got != want {
			t.Errorf("%v: %s; want %s", c.can, got, want)
		}
	}
}

// Some scripts stay in user space as a whole.
func TestWholeScripts(t *testing.T) {
	for source, want := range map[string]string{
		"function on_packet(pkt) end\nfunction on_start() function on_packet(pkt) return pv.DROP end end": "line 2 gives on_packet another value while the script runs",
		huge(): "on_packet becomes too large for the kernel at line 1",
	} {
		if _, err := lowered(t, source, Options{}); err == nil || err.Error() != want {
			t.Errorf("error %v; want %s", err, want)
		}
	}
}

// What a module may have changed is no constant.
func TestModules(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "module.lua"), []byte("return {x = 1, f = function() end}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]string{
		"return list[1]":       "table list may be changed by the module of line 1; put it into the script itself",
		"return known":         `the global "known" is read, which the module of line 1 may change; make it a local variable of the script`,
		"return module.f()":    "table module may be changed by the module of line 1; put it into the script itself",
		"return math.max(own)": "",
	} {
		source := `local module = require "module" local list, own = {1}, 2 known = 1 function on_packet(pkt) ` + body + " end"
		path := filepath.Join(dir, "test.lua")
		s, err := luabind.Load(luabind.Config{Script: path, Source: []byte(source), Host: clock{}})
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.Program()
		if err != nil {
			t.Fatal(err)
		}
		r, err := Lower(p, Options{Ports: testPorts, CanSend: []bool{true}})
		s.Close()
		switch {
		case err != nil:
			t.Errorf("%s: %v", body, err)
		case want == "" && len(r.Func.Sites) > 0, want != "" && (len(r.Func.Sites) != 1 || r.Func.Sites[0].Reason != want):
			t.Errorf("%s: exits %v; want %q", body, r.Func.Sites, want)
		}
	}
}

// huge is a handler whose variables have too many kinds for its paths to join.
func huge() string {
	b := new(strings.Builder)
	b.WriteString("function on_packet(pkt) if #pkt < 60 then return end local n = 0 ")
	for i := range 12 {
		fmt.Fprintf(b, "local v%[1]d if pkt:u8(%[2]d) > 9 then v%[1]d = 1 elseif pkt:u8(%[2]d) > 5 then v%[1]d = true end ", i, 14+i)
	}
	for i := range 12 {
		fmt.Fprintf(b, "if v%[1]d and v%[1]d ~= true then n = n + v%[1]d end ", i)
	}
	b.WriteString("if n == 7 then return pv.DROP end end")
	return b.String()
}

// Headers that are asked for in vain are not looked for.
func TestUseless(t *testing.T) {
	r, err := lowered(t, "function on_packet(pkt) local udp = pkt.udp if not pkt.ip then return pv.PASS end end", Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range r.Func.Blocks {
		if b.Term.Kind != ir.Jump && b.Term.Kind != ir.Return || len(b.Instrs) > 0 {
			t.Errorf("something is left of it:\n%s", r.Func)
			break
		}
	}
}
