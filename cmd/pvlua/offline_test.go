// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pvlua/internal/capturetest"
	"pvlua/internal/pkttest"
	"pvlua/luabind"
	"pvlua/offline"
	"pvlua/pcap"
	"pvlua/runtime"
)

// captureFile writes a capture, one packet a second, and returns its path.
func captureFile(t *testing.T, name string, packets ...[]byte) string {
	t.Helper()
	e, b := pcap.NewEncoder("test", "eth0")
	for i, p := range packets {
		r := pcap.Record{Time: time.Unix(1_700_000_000+int64(i), 0), Data: p}
		b = e.Append(b, &r)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

var (
	ping    = pkttest.ICMPEcho(pkttest.Options{})
	ask6    = pkttest.UDP6(pkttest.Options{})
	whoHas  = pkttest.ARPRequest(pkttest.Options{})
	echoing = []string{"--port-address", "in=10.0.0.5,2001:db8::2,02:00:00:00:00:02"}
)

func TestOfflineEcho(t *testing.T) {
	in := captureFile(t, "in.pcapng", whoHas, ping, ask6, pkttest.TCPSyn(pkttest.Options{}))
	out := filepath.Join(t.TempDir(), "out.pcapng")
	status, stdout, stderr := here(append([]string{"--read", in, "--write", out, "--dump", echoScript}, echoing...)...)
	const dump = `22:13:20.000000 in ARP, Request who-has 10.0.0.5 tell 10.0.0.4, length 28 -> tx
22:13:21.000000 in IP 10.0.0.4 > 10.0.0.5: ICMP echo request, id 77, seq 1, length 12 -> tx
22:13:22.000000 in IP6 2001:db8::1.1234 > 2001:db8::2.7: UDP, length 4 -> tx
22:13:23.000000 in IP 10.0.0.4.1234 > 10.0.0.5.7: Flags [S], seq 1000, win 64240, options [mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7], length 0 -> pass
`
	if status != exitOK || stdout != dump || stderr != "in: rx 4 tx 3 drop 0 pass 1 error 0\n" {
		t.Errorf("status %d, stdout\n%s\nstderr\n%s", status, stdout, stderr)
	}
	file, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(capturetest.Read(t, file)); n != 7 {
		t.Errorf("%d packets in the output", n)
	}
}

// TestOfflinePipes goes through standard input and output.
func TestOfflinePipes(t *testing.T) {
	in, err := os.Open(captureFile(t, "in.pcapng", ping, whoHas))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	cmd := pvlua("--read", "-", "--write", "-", "--port-address", "stdin=10.0.0.5,02:00:00:00:00:02", "--dump", echoScript)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	if got, want := capturetest.Comments(capturetest.Read(t, stdout.Bytes())), strings.Repeat("received on stdin -> tx\ntransmitted by stdin\n", 2); got != want {
		t.Errorf("wrote\n%s", got)
	}
	if !strings.Contains(stderr.String(), "ICMP echo request, id 77, seq 1, length 12 -> tx\n") || !strings.HasSuffix(stderr.String(), "stdin: rx 2 tx 2 drop 0 pass 0 error 0\n") {
		t.Errorf("stderr: %s", stderr.String())
	}
}

func TestOfflineClassicOutput(t *testing.T) {
	in, out := captureFile(t, "in.pcapng", ping, whoHas), filepath.Join(t.TempDir(), "out.pcap")
	if status, _, stderr := here(append([]string{"--read", in, "--write", out, echoScript}, echoing...)...); status != exitOK {
		t.Fatal(stderr)
	}
	f, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := pcap.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, ethertype := range []string{"\x08\x00", "\x08\x06"} {
		p, err := r.Next()
		if err != nil || len(p.Data) < 14 || string(p.Data[12:14]) != ethertype || p.Data[5] != 1 {
			t.Errorf("%v, % x", err, p.Data)
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("more than the two answers: %v", err)
	}
}

// TestOfflineTotalsAreLikeThoseOfALiveRun compares the two lines.
func TestOfflineTotalsAreLikeThoseOfALiveRun(t *testing.T) {
	off := offline.PortTotals{Name: "a", Rx: 1, Tx: 2, Drop: 3, Pass: 4, Error: 5, TxFull: 6}
	live := runtime.PortTotals{Name: "a", Counters: runtime.Counters{Rx: 1, Tx: 2, Drop: 3, Pass: 4, Error: 5, TxFull: 6}}
	if off.String() != live.String() {
		t.Errorf("%q and %q", off, live)
	}
}

// TestOfflineFailures holds what is said, and the exit status.
func TestOfflineFailures(t *testing.T) {
	in := captureFile(t, "in.pcapng", ping, ping)
	whole, err := os.ReadFile(in)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cut, text := file("cut.pcapng", whole[:len(whole)-3]), file("text", []byte("no packets in here"))
	bad := file("bad.lua", []byte("function on_packet(pkt)\n  retrun\nend\n"))
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"--read", cut, echoScript}, exitFailed, "cut: rx 1 tx 0 drop 0 pass 1 error 0\npvlua: " + cut + ": packet 2, at byte 160: the file ends within a block: 77 of 80 bytes are there\n"},
		{[]string{"--read", text, echoScript}, exitFailed, "text: rx 0 tx 0 drop 0 pass 0 error 0\npvlua: " + text + ": file header: it is no capture: it begins with the bytes 6e 6f 20 70, neither pcap nor pcapng\n"},
		{[]string{"--read", dir + "/none.pcap", echoScript}, exitFailed, "pvlua: open " + dir + "/none.pcap: no such file or directory\n"},
		{[]string{"--read", in, "--write", dir + "/no/out.pcap", echoScript}, exitFailed, "pvlua: open " + dir + "/no/out.pcap: no such file or directory\n"},
		{[]string{"--read", in, "--write", in, echoScript}, exitFailed, "pvlua: " + in + " is read and cannot be written at the same time: write to another file\n"},
		{[]string{"--read", in, dir + "/none.lua"}, exitScript, "pvlua: script: open " + dir + "/none.lua: no such file or directory\n"},
		{[]string{"--read", in, bad}, exitScript, "pvlua: " + bad + ":"},
	} {
		status, stdout, stderr := here(c.args...)
		if status != c.status || stdout != "" || stderr != c.want && !(strings.HasSuffix(c.want, ":") && strings.HasPrefix(stderr, c.want)) {
			t.Errorf("%q: status %d, stderr\n%swant\n%s", c.args, status, stderr, c.want)
		}
	}
	if now, err := os.ReadFile(in); err != nil || !bytes.Equal(now, whole) {
		t.Errorf("the input was changed: %v", err)
	}
}

func TestOfflineCommandLine(t *testing.T) {
	const mac = 0x020000000001
	for _, c := range []struct {
		args []string
		want offlineRun
	}{
		{[]string{"--read", "a/in.pcap", "x.lua"}, offlineRun{read: []string{"a/in.pcap"}, config: offline.Config{Script: "x.lua", OnError: luabind.Pass,
			Inputs: []offline.Input{{Source: "a/in.pcap", Port: luabind.Port{Name: "in", MAC: mac, MTU: 1500}}}}}},
		{[]string{"x.lua", "--read=-", "--write=-", "--dump", "--verbose", "--on-error=drop", "--quota=5", "--mtu=9000", "--", "--mode", "y"},
			offlineRun{read: []string{"-"}, write: "-", dump: true, verbose: true, config: offline.Config{Script: "x.lua", Args: []string{"--mode", "y"}, OnError: luabind.Drop, Quota: 5,
				Inputs: []offline.Input{{Source: "standard input", Port: luabind.Port{Name: "stdin", MAC: mac, MTU: 9000}}}}}},
		{[]string{"--read", "b.c.pcapng", "--read", ".pcap", "--port-address", ".pcap=10.0.0.5,2001:db8::2,02:00:00:00:00:0a", "--port-address", "b.c=10.0.0.6", "--port-address", "b.c=fe80::1", "x.lua"},
			offlineRun{read: []string{"b.c.pcapng", ".pcap"}, config: offline.Config{Script: "x.lua", OnError: luabind.Pass, Inputs: []offline.Input{
				{Source: "b.c.pcapng", Port: luabind.Port{Name: "b.c", MAC: mac, MTU: 1500, IP: []uint32{0x0a000006}, IP6: [][16]byte{{0xfe, 0x80, 15: 1}}}},
				{Source: ".pcap", Port: luabind.Port{Name: ".pcap", MAC: 0x02000000000a, MTU: 1500, IP: []uint32{0x0a000005}, IP6: [][16]byte{{0x20, 1, 0xd, 0xb8, 15: 2}}}},
			}}}},
	} {
		if !isOffline(c.args) {
			t.Errorf("%q is taken for a live run", c.args)
		}
		got, err := parseOffline(c.args)
		if err != nil {
			t.Errorf("%q: %v", c.args, err)
		}
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(offlineRun{})); diff != "" {
			t.Errorf("%q: want -, got +\n%s", c.args, diff)
		}
	}
	if isOffline([]string{"veth1", "x.lua", "--", "--read", "y"}) {
		t.Error("an argument of the script is taken for a flag")
	}
}

func TestOfflineMisuse(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--read", "a.pcap"}, `give a script`},
		{[]string{"--read", "a.pcap", "--", "x.lua"}, `give a script`},
		{[]string{"--write", "a.pcap", "x.lua"}, `give a capture to read: --read FILE`},
		{[]string{"--read", "a.pcap", "--write=", "x.lua"}, `--write needs the name of a file`},
		{[]string{"--read", "a.pcap", "veth1", "x.lua"}, `give one script, and no interface: with --read the ports are files; there is "veth1" "x.lua"`},
		{[]string{"--read", "a.pcap", "x.lua", "--queues", "2"}, `--queues is for interfaces: with --read there are none`},
		{[]string{"--read", "a.pcap", "x.lua", "--watch"}, `--watch is for interfaces: with --read there are none`},
		{[]string{"--read", "a.pcap", "x.lua", "-s", "2048"}, `--chunk-size is for interfaces: with --read there are none`},
		{[]string{"--read", "a.pcap", "x.lua", "--capture", "c"}, `--capture is for interfaces: with --read there are none`},
		{[]string{"--read", "a.pcap", "x.lua", "--fast"}, `unknown flag: --fast`},
		{[]string{"--read", "a.pcap", "--read", "a.pcap", "x.lua"}, `--read a.pcap is given twice`},
		{[]string{"--read", "-", "--read", "-", "x.lua"}, `--read - is given twice`},
		{[]string{"--read", "a/in.pcap", "--read", "b/in.pcap", "x.lua"}, `--read b/in.pcap: a/in.pcap is called port in already: rename one of the files`},
		{[]string{"--read", "a.pcap", "x.lua", "--mtu", "20"}, `--mtu 20: must be from 68 to 65535`},
		{[]string{"--read", "a.pcap", "x.lua", "--on-error", "tx"}, `--on-error tx: must be pass or drop`},
		{[]string{"--read", "a.pcap", "x.lua", "--quota", "0"}, `--quota 0: must be more than zero`},
		{[]string{"--read", "a.pcap", "x.lua", "--port-address", "10.0.0.1"}, `--port-address 10.0.0.1: must be PORT=ADDRESS,... such as in=10.0.0.5,2001:db8::2`},
		{[]string{"--read", "a.pcap", "x.lua", "--port-address", "b=10.0.0.1"}, `--port-address b=10.0.0.1: there is no port b; the files read are ports a`},
		{[]string{"--read", "a.pcap", "x.lua", "--port-address", "a=10.0.0.1/24"}, `--port-address a=10.0.0.1/24: give the address without the length of its prefix: 10.0.0.1`},
		{[]string{"--read", "a.pcap", "x.lua", "--port-address", "a=10.0.0"}, `--port-address a=10.0.0: "10.0.0" is no IPv4, IPv6 or MAC address`},
		{[]string{"--read", "a.pcap", "x.lua", "--port-address", "a=fe80::1%eth0"}, `--port-address a=fe80::1%eth0: "fe80::1%eth0" is no IPv4, IPv6 or MAC address`},

		{[]string{"veth1", "x.lua", "--capture-size", "1M"}, `--capture-size needs --capture FILE`},
		{[]string{"veth1", "x.lua", "--capture-filter", "f"}, `--capture-filter needs --capture FILE`},
		{[]string{"veth1", "x.lua", "--capture="}, `--capture needs a value`},
		{[]string{"veth1", "x.lua", "--capture", "-"}, `--capture -: must be a file, or a pipe made by mkfifo`},
		{[]string{"veth1", "x.lua", "--capture", "a", "--capture-size", "1T"}, `--capture-size 1T: must be a number of bytes such as 500000, 100k, 20M or 1G`},
		{[]string{"veth1", "x.lua", "--capture", "a", "--capture-size", "0"}, `--capture-size 0: must be a number of bytes such as 500000, 100k, 20M or 1G`},
		{[]string{"veth1", "x.lua", "--capture", "a", "--capture-size", "9999999999999G"}, `--capture-size 9999999999999G: must be a number of bytes such as 500000, 100k, 20M or 1G`},
	} {
		want := "pvlua: " + c.want + "\n(pvlua --help shows the usage)\n"
		if status, stdout, stderr := here(c.args...); status != exitUsage || stdout != "" || stderr != want {
			t.Errorf("%q: status %d, stdout %q, stderr\n%s\nwant\n%s", c.args, status, stdout, stderr, want)
		}
	}
}

func TestCaptureFlags(t *testing.T) {
	config, _, err := parseLive([]string{"veth1", "x.lua", "--capture", "out.pcapng", "--capture-filter=wanted", "--capture-size", "20M"})
	if want := (runtime.Capture{File: "out.pcapng", Filter: "wanted", Size: 20 << 20}); err != nil || config.Capture != want {
		t.Errorf("%+v, %v", config.Capture, err)
	}
	for text, want := range map[string]int64{"1": 1, "100k": 102400, "1G": 1 << 30} {
		if n, err := parseSize(text); n != want || err != nil {
			t.Errorf("%s: %d, %v", text, n, err)
		}
	}
}

// TestOfflineStatusIsTheScripts to choose.
func TestOfflineStatusIsTheScripts(t *testing.T) {
	in := captureFile(t, "in.pcapng", ping, ping)
	path := script(t, `
local pv = require "pv"
local status = pv.arg{name = "status", default = 7, help = "The exit status."}
function on_packet(pkt) pv.exit(status) return pv.TX end`)
	for _, c := range []struct {
		args   []string
		status int
		stdout string
		stderr string
	}{
		{nil, 7, "", "in: rx 1 tx 1 drop 0 pass 0 error 0\n"},
		{[]string{"--", "--status", "9"}, 9, "", "in: rx 1 tx 1 drop 0 pass 0 error 0\n"},
		{[]string{"--", "--help"}, 0, "--status", ""},
	} {
		status, stdout, stderr := here(append([]string{"--read", in, path}, c.args...)...)
		if status != c.status || !strings.Contains(stdout, c.stdout) || stderr != c.stderr {
			t.Errorf("%q: status %d, stdout %s, stderr %s", c.args, status, stdout, stderr)
		}
	}
}
