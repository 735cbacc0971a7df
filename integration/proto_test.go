// SPDX-License-Identifier: GPL-3.0-or-later

package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pvlua/internal/labtest"
)

// notes gives the example of docs/api.md, a handler of a protocol that keeps
// notes.
func notes(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "\n## Headers of your own\n")
	_, text, ok := strings.Cut(text, "```lua\n")
	text, _, end := strings.Cut(text, "```")
	if !ok || !end {
		t.Fatal("docs/api.md has no such example")
	}
	return text
}

// TestDeclaredProtocol has a client of the kernel talk to a protocol that a
// script declares, on interfaces and, from what was recorded there, on captures,
// and has Wireshark decode both.
func TestDeclaredProtocol(t *testing.T) {
	need(t, "nc", "tshark")
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			path, dir := script(t, notes(t)), t.TempDir()
			recorded, replayed, lua := filepath.Join(dir, "live.pcapng"), filepath.Join(dir, "offline.pcapng"), filepath.Join(dir, "dissector.lua")
			lab := labtest.New(t, labtest.Options{})
			r := start(t, lab.B, "--mode", mode, "--dump", "--capture", recorded, lab.B.Link, path)
			ip, ip6 := lab.B.IP.String(), lab.B.IP6.String()
			for _, talk := range []struct{ to, port, say, hear string }{
				{ip, "7000", "\x11\x04\x07\x00milktwo bottles", "\x13\x04\x07\x00milk"},
				{ip, "7001", "\x12\x04\x08\x00milk", "\x13\x04\x08\x00milktwo bottles"},
				{ip, "7000", "\x12\x05\x09\x00bread", "\x14\x05\x09\x00bread"},
			} {
				if got := netcat(t, lab.A, talk.say, "-u", "-W", "1", "-w", "3", talk.to, talk.port); got != talk.hear {
					t.Errorf("asked %q, answered %q, want %q", talk.say, got, talk.hear)
				}
			}
			// What is cut short is none of the script's: the kernel refuses it.
			netcat(t, lab.A, "\x12\x09\x01\x00short", "-u", "-q", "0", ip, "7000")
			r.WaitOutput(t, "UDP, length 9 [|note] -> pass", labtest.RunTimeout)
			// Nor is IPv6, of which the script says nothing.
			netcat(t, lab.A, "\x12\x04\x01\x00milk", "-u", "-q", "0", ip6, "7000")
			r.WaitOutput(t, `NOTE ver=1 type=GET len=4 id=1 name="milk" text="" -> pass`, labtest.RunTimeout)
			r.stop(t).lossless(t)
			for _, line := range []string{
				`UDP, length 19 NOTE ver=1 type=PUT len=4 id=7 name="milk" text="two bottles" -> tx`,
				`UDP, length 8 NOTE ver=1 type=GET len=4 id=8 name="milk" text="" -> tx`,
			} {
				if !strings.Contains(r.Output(), line) {
					t.Errorf("no %q in\n%s", line, r.Output())
				}
			}

			// The capture, received packets and answers in their order, is a
			// conversation with the script again.
			lab.A.Run(t, binary, "dissector", path, "-o", lua)
			lab.A.Run(t, binary, "--read", recorded, "--write", replayed, "--port-address", "live="+ip, path)
			want := "1\t4\t7\tmilk\ttwo bottles\n3\t4\t7\tmilk\t\n2\t4\t8\tmilk\t\n3\t4\t8\tmilk\ttwo bottles\n2\t5\t9\tbread\t\n4\t5\t9\tbread\t\n"
			if got := decoded(t, lua, recorded, "ip"); got != want {
				t.Errorf("live, tshark shows\n%s\nwant\n%s", got, want)
			}
			if got := decoded(t, lua, replayed, `ip && frame.comment contains "-> tx" || frame.comment contains "transmitted"`); got != want {
				t.Errorf("offline, tshark shows\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// decoded gives what tshark shows of the notes in a capture.
func decoded(t *testing.T, lua, capture, filter string) string {
	t.Helper()
	args := []string{"-X", "lua_script:" + lua, "-r", capture, "-Y", "note && " + filter, "-T", "fields"}
	for _, f := range []string{"type", "len", "id", "name", "text"} {
		args = append(args, "-e", "note."+f)
	}
	out, err := exec.Command("tshark", args...).Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	return string(out)
}

// TestDeclarationReloaded changes what a script declares while it runs. One
// that is wrong leaves the old one in place.
func TestDeclarationReloaded(t *testing.T) {
	need(t, "nc")
	old := notes(t)
	path := script(t, old)
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	r := start(t, lab.B, "--dump", lab.B.Link, path)
	ip := lab.B.IP.String()
	ask := func(port, say, hear string) {
		t.Helper()
		if got := netcat(t, lab.A, say, "-u", "-W", "1", "-w", "3", ip, port); got != hear {
			t.Errorf("asked %q, answered %q, want %q; pvlua wrote\n%s", say, got, hear, r.Output())
		}
	}
	change := func(from, to, want string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(strings.Replace(old, from, to, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := r.Signal(unix.SIGHUP); err != nil {
			t.Fatal(err)
		}
		r.WaitOutput(t, want, labtest.RunTimeout)
	}
	ask("7000", "\x11\x04\x07\x00milktwo", "\x13\x04\x07\x00milk")
	change(`{"len", 8}`, `{"len", 7}`, "test.lua:3: pv.proto note: the field 'id' is little-endian but not made of whole bytes")
	ask("7001", "\x12\x04\x08\x00milk", "\x13\x04\x08\x00milktwo")
	change(`{"len", 8},`, `{"len", 16},`, "pvlua: reloaded") // the notes are kept
	ask("7000", "\x12\x00\x04\x09\x00milk", "\x13\x00\x04\x09\x00milktwo")
	r.WaitOutput(t, `NOTE ver=1 type=GET len=4 id=9 name="milk" text="" -> tx`, labtest.RunTimeout)
	r.stop(t).lossless(t)
}
