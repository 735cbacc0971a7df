// SPDX-License-Identifier: GPL-3.0-or-later

package integration

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"pvlua/internal/capturetest"
	"pvlua/internal/labtest"
)

// TestCaptureIsReadByTcpdump records echo.lua as it answers real clients.
func TestCaptureIsReadByTcpdump(t *testing.T) {
	need(t, "ping", "nc", "tcpdump")
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			lab := labtest.New(t, labtest.Options{})
			out := filepath.Join(t.TempDir(), "out.pcapng")
			r := start(t, lab.B, "--mode", mode, "--capture", out, lab.B.Link, "scripts/echo.lua")
			lab.A.Run(t, "ping", "-c", "5", "-i", "0.02", "-W", "2", lab.B.IP.String())
			if got := netcat(t, lab.A, "marco\n", "-u", "-W", "1", "-w", "3", lab.B.IP6.String(), "7"); got != "marco\n" {
				t.Errorf("nc: %q", got)
			}
			all := r.stop(t)
			all.lossless(t)

			file, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			link := lab.B.Link
			count := map[string]int{}
			var before capturetest.Entry
			for _, e := range capturetest.Read(t, file) {
				count[e.Comment]++
				if e.Outbound && !bytes.Equal(e.Data[0:6], before.Data[6:12]) {
					t.Errorf("an answer to % x follows a packet from % x", e.Data[:6], before.Data[6:12])
				}
				before = e
			}
			rx, tx := all[link]["rx"], all[link]["tx"]
			if n := count["received on "+link+" -> tx"] + count["received on "+link+" -> pass"]; n != rx {
				t.Errorf("%d packets received, %v recorded", rx, count)
			}
			if count["received on "+link+" -> tx"] != tx || count["transmitted by "+link] != tx || len(count) > 3 {
				t.Errorf("%d packets transmitted, %v recorded", tx, count)
			}
			if want := fmt.Sprintf("capture: written %d\n", rx+tx); !strings.Contains(r.Output(), want) {
				t.Errorf("no %q in:\n%s", want, r.Output())
			}

			text := lab.A.Run(t, "tcpdump", "-nr", out)
			for _, want := range []string{
				`IP 10\.\S+ > 10\.\S+: ICMP echo request, id \d+, seq 5, length 64`,
				`IP 10\.\S+ > 10\.\S+: ICMP echo reply, id \d+, seq 5, length 64`,
				`IP6 \S+\.\d+ > \S+\.7: UDP, length 6`,
				`IP6 \S+\.7 > \S+\.\d+: UDP, length 6`,
			} {
				if !regexp.MustCompile(want).MatchString(text) {
					t.Errorf("tcpdump does not show %s:\n%s", want, text)
				}
			}
		})
	}
}

// TestCaptureSaysScriptAndLine of an error.
func TestCaptureSaysScriptAndLine(t *testing.T) {
	need(t, "ping")
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	dir := t.TempDir()
	script, out := filepath.Join(dir, "mine.lua"), filepath.Join(dir, "out.pcapng")
	text := `local pv = require "pv"
function pings(pkt) return pkt.icmp end
function on_packet(pkt)
  return pkt.udp.dport
end
`
	if err := os.WriteFile(script, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	r := start(t, lab.B, "--capture", out, "--capture-filter", "pings", "--capture-size", "1M", lab.B.Link, script)
	lab.A.Run(t, "ping", "-c", "2", "-i", "0.1", "-W", "2", lab.B.IP.String()) // the kernel answers
	r.stop(t)
	file, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	all := capturetest.Read(t, file)
	if len(all) != 2 {
		t.Fatalf("%d packets recorded:\n%s", len(all), capturetest.Comments(all))
	}
	for _, e := range all {
		if want := "received on " + lab.B.Link + " -> error, pass: " + script + ":4: "; !strings.HasPrefix(e.Comment, want) {
			t.Errorf("%s, want %s", e.Comment, want)
		}
	}
}

// TestCaptureFilterThatIsNotThere is an error of the script, before anything
// is attached.
func TestCaptureFilterThatIsNotThere(t *testing.T) {
	need(t)
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	out := filepath.Join(t.TempDir(), "out.pcapng")
	cmd := exec.Command(binary, "--capture", out, "--capture-filter", "on_packt", lab.B.Link, "scripts/echo.lua")
	cmd.Dir = ".."
	p := lab.B.StartCmd(t, cmd)
	err := p.Wait(t, 10*time.Second)
	const want = "scripts/echo.lua: the script defines no global function on_packt(pkt) for the capture's filter; did you mean on_packet?"
	if cmd.ProcessState.ExitCode() != 3 || !strings.Contains(p.Output(), want) {
		t.Errorf("%v: %s", err, p.Output())
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a file was made all the same")
	}
}

// TestTcpdumpPipe has tcpdump capture, pvlua answer in a file of its own, and
// tcpdump read that, while the packets come.
func TestTcpdumpPipe(t *testing.T) {
	need(t, "ping", "tcpdump", "sh")
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	mac := lab.B.MAC.String()
	cmd := exec.Command("sh", "-c", fmt.Sprintf(
		`tcpdump -U -c 3 -i %s -w - 'icmp[0] == 8' | %s --read - --write - --port-address stdin=%s,%s scripts/echo.lua | tcpdump -nr -`,
		lab.B.Link, binary, lab.B.IP, mac))
	cmd.Dir = ".."
	p := lab.B.StartCmd(t, cmd)
	p.WaitOutput(t, "listening on "+lab.B.Link, 10*time.Second)
	lab.A.Run(t, "ping", "-c", "3", "-i", "0.05", "-W", "2", lab.B.IP.String())
	if err := p.Wait(t, 10*time.Second); err != nil {
		t.Errorf("%v", err)
	}
	out := p.Output()
	if strings.Count(out, "ICMP echo request") != 3 || strings.Count(out, "ICMP echo reply") != 3 || !strings.Contains(out, "stdin: rx 3 tx 3 drop 0 pass 0 error 0\n") {
		t.Errorf("it wrote:\n%s", out)
	}
}
