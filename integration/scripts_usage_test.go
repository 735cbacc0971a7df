// SPDX-License-Identifier: GPL-3.0-or-later

package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pvlua/pcap"
)

// useScript runs a script on ports that receive nothing. A port may have an
// address, "left=10.0.0.5".
func useScript(t *testing.T, script, ports string, args ...string) (status int, output string) {
	t.Helper()
	_, empty := pcap.NewClassicEncoder()
	dir := t.TempDir()
	var line []string
	for port := range strings.FieldsSeq(ports) {
		name, _, addressed := strings.Cut(port, "=")
		file := filepath.Join(dir, name+".pcap")
		if err := os.WriteFile(file, empty, 0o644); err != nil {
			t.Fatal(err)
		}
		line = append(line, "--read", file)
		if addressed {
			line = append(line, "--port-address", port)
		}
	}
	line = append(line, "scripts/"+script, "--")
	cmd := exec.Command(binary, append(line, args...)...)
	cmd.Dir = ".."
	out, _ := cmd.CombinedOutput()
	return cmd.ProcessState.ExitCode(), string(out)
}

// TestScriptsExplainThemselves asks every ready script for its help.
func TestScriptsExplainThemselves(t *testing.T) {
	scripts, err := filepath.Glob("../scripts/*.lua")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range scripts {
		name := filepath.Base(path)
		if strings.HasSuffix(name, "_test.lua") {
			continue
		}
		status, out := useScript(t, name, "port", "--help")
		head := "pvlua [flags] INTERFACE... scripts/" + name + " [-- ARGUMENTS]\n\n" + name + " "
		if status != 0 || !strings.HasPrefix(out, head) {
			t.Errorf("%s -- --help: status %d, and\n%s", name, status, out)
		}
	}
}

// TestScriptsRefuseWrongUse before they begin, in words that say what is wrong.
func TestScriptsRefuseWrongUse(t *testing.T) {
	const gen, ping, dhcp = "--to 10.0.0.4 --mac 02:00:00:00:00:04 ", "--to 10.0.0.4 ", "--first 10.0.0.9 --last 10.0.0.9 "
	for _, c := range []struct{ script, ports, args, want string }{
		{"dns.lua", "a=10.0.0.5", "printer.test", "printer.test is no name and address, such as printer.test=10.0.0.9"},
		{"dns.lua", "a=10.0.0.5", "printer.test=10.0.0", `"10.0.0" is no IPv4 address`},
		{"dns.lua", "a=10.0.0.5", strings.Repeat("a.test=10.0.0.9 ", 9), "a.test has more than 8 addresses of a kind"},
		{"dns.lua", "a=10.0.0.5", "--others drop", "--others is \"drop\"; expected nxdomain or pass"},
		{"dhcp.lua", "a=10.0.0.5", "--first 10.0.0.9", "--last is missing"},
		{"dhcp.lua", "a=10.0.0.5", "--first 10.0.0.9 --last 10.0.0.8", "from --first to --last are 0 addresses; expected 1 to 1024"},
		{"dhcp.lua", "a=10.0.0.5", "--first 10.0.0.9 --last 10.0.4.9", "from --first to --last are 1025 addresses"},
		{"dhcp.lua", "a=10.0.0.5", dhcp + "--time 0", `--time is "0"; expected a whole number from 1 to 2147483648`},
		{"dhcp.lua", "a", dhcp, "needs one interface with an IPv4 address: ip addr add, --port-address"},
		{"dhcp.lua", "a=10.0.0.5 b", dhcp, "needs one interface with an IPv4 address: ip addr add, --port-address"},
		{"gen.lua", "a=10.0.0.5", gen + "--size 41", "--size is 41; expected 42 to 1514"},
		{"gen.lua", "a=10.0.0.5", gen + "--size 1515", "--size is 1515; expected 42 to 1514"},
		{"gen.lua", "a=10.0.0.5", gen + "--flows 65537", "there are no ports above 65535"},
		{"gen.lua", "a=10.0.0.5", gen + "--from 2001:db8::1", "--from and --to are addresses of two kinds"},
		{"gen.lua", "a", gen, "a has no address of its own: say --from ADDRESS"},
		{"gen.lua", "a=10.0.0.5 b", gen, "it needs one interface, got 2"},
		{"gen.lua", "a=10.0.0.5", "--to 10.0.0.4", "--mac is missing"},
		{"ping.lua", "a=10.0.0.5", "", "--to is missing"},
		{"ping.lua", "a=10.0.0.5", ping + "--size 1473", "--size is 1473; a takes 1472 bytes"},
		{"ping.lua", "a=10.0.0.5", ping + "--count 70000", `--count is "70000"; expected a whole number from 1 to 65535`},
		{"ping.lua", "a", ping, "needs one interface with an IPv4 address: ip addr add, --port-address"},
		{"ping.lua", "a=10.0.0.5 b", ping, "needs one interface with an IPv4 address: ip addr add, --port-address"},
		{"top.lua", "a b c", "", "it takes one or two interfaces, got 3"},
		{"top.lua", "a", "--every 0", `--every is "0"; expected a number from 0.1 to 3600`},
		{"arp_watch.lua", "a", "--stations 0", `--stations is "0"; expected a whole number, 1 or more`},
	} {
		status, out := useScript(t, c.script, c.ports, strings.Fields(c.args)...)
		if status != 3 || !strings.HasPrefix(out, "pvlua: scripts/"+c.script+":") || !strings.Contains(out, c.want) {
			t.Errorf("%s %s: status %d, and\n%s want %s", c.script, c.args, status, out, c.want)
		}
	}
}
