// SPDX-License-Identifier: GPL-3.0-or-later

package docs_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pvlua/scripttest"
)

// In the tables of coming-from.md the last column is what one writes in pvlua.
// Each piece of code there is a command, or Lua: statements or an expression of
// on_packet, or something of the top of a script.

// A snippet is a piece of code in a table.
type snippet struct {
	line int // in the page, from 1
	code string
}

var (
	cell = regexp.MustCompile(`^\|.*\|(.*)\|$`) // with the last column of a row
	span = regexp.MustCompile("`([^`]+)`")
	// top is what stands outside of on_packet.
	top = regexp.MustCompile(`^(function on_|pv\.proto|pv\.arg|pv\.udp_socket|local \w+ = pv\.proto)`)
	// words are no code by themselves.
	words = []string{"on_packet", "test_*", "fields", "udp = 4242", "tcp =", "ip =", "eth ="}
	// flag is a flag of a command line.
	flag = regexp.MustCompile(`(^|\s)(--?[a-z][a-z-]*)`)
)

// snippets gives the code of the last columns.
func snippets(t *testing.T) (lua, commands []snippet) {
	page, err := os.ReadFile("coming-from.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(page), "\n") {
		m := cell.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		for _, code := range span.FindAllStringSubmatch(m[1], -1) {
			s := snippet{i + 1, code[1]}
			switch {
			case strings.HasPrefix(s.code, "pvlua "):
				commands = append(commands, s)
			case !slices.Contains(words, s.code):
				lua = append(lua, s)
			}
		}
	}
	return lua, commands
}

// harness gives the script a packet.
const harness = `local pv = require "pv"
test.ports(2)
function test_runs()
  test.handle(pv.build{ip = {src = 1}, HEADER, payload = "hello"})
  test.advance(1)
end`

// header is the header of the packet that a piece of Lua is run on.
func (s snippet) header() string {
	if strings.Contains(s.code, "tcp") {
		return "tcp = {syn = true, mss = 1460}"
	}
	return "udp = {dport = 53}"
}

// Each piece of Lua runs.
func TestComingFromLua(t *testing.T) {
	lua, _ := snippets(t)
	if len(lua) < 60 {
		t.Errorf("%d pieces of Lua, want 60", len(lua))
	}
	folder := t.TempDir()
	script := filepath.Join(folder, "snippet.lua")
	for _, s := range lua {
		write(t, folder, "snippet_test.lua", strings.Replace(harness, "HEADER", s.header(), 1))
		const open, end = "function on_packet(pkt) local ip, udp, tcp, p = pkt.ip, pkt.udp, pkt.tcp, pkt:clone() ", " end"
		forms := []string{open + s.code + end, open + "return nil, " + s.code + end}
		if top.MatchString(s.code) {
			forms = []string{s.code}
			if !strings.HasPrefix(s.code, "function on_packet") {
				forms[0] += " function on_packet() end"
			}
		}
		var out bytes.Buffer
		if !slices.ContainsFunc(forms, func(text string) bool {
			write(t, folder, "snippet.lua", "local pv = require \"pv\"\n"+text)
			r := scripttest.Run(scripttest.Config{Scripts: []string{script}, Out: &out})
			return r.Passed == 1
		}) {
			t.Errorf("docs/coming-from.md:%d: %s\n%s", s.line, s.code, out.String())
		}
	}
}

// The flags and sub-commands of the command lines are there.
func TestComingFromCommands(t *testing.T) {
	_, commands := snippets(t)
	if len(commands) < 8 {
		t.Errorf("%d commands, want 8", len(commands))
	}
	folder, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	var help strings.Builder
	for _, topic := range []string{"", "offline", "capture", "frames", "lab", "test"} {
		out, err := exec.Command(filepath.Join(folder, "pvlua"), strings.Fields("help "+topic)...).Output()
		if err != nil {
			t.Fatalf("pvlua help %s: %v", topic, err)
		}
		help.Write(out)
	}
	for _, s := range commands {
		for _, m := range flag.FindAllStringSubmatch(s.code, -1) {
			if !regexp.MustCompile(`(?m)(^|\s)` + m[2] + `\b`).MatchString(help.String()) {
				t.Errorf("docs/coming-from.md:%d: %s: the help knows no %s", s.line, s.code, m[2])
			}
		}
		word := strings.Fields(s.code)[1]
		if slices.Contains([]string{"lab", "test", "dissector"}, word) && !strings.Contains(help.String(), "pvlua "+word+" ") {
			t.Errorf("docs/coming-from.md:%d: %s: the help knows no pvlua %s", s.line, s.code, word)
		}
	}
}
