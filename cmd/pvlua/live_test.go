// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"pvlua/internal/labtest"
	"pvlua/internal/probe"
	"pvlua/xsk"
)

const echoScript = "../../scripts/echo.lua"

// startRun starts the command in a side's namespace, and waits until it receives.
func startRun(t *testing.T, side *labtest.Side, args ...string) *labtest.Process {
	t.Helper()
	p := side.StartCmd(t, pvlua(args...))
	p.WaitOutput(t, "receiving port=", 10*time.Second)
	return p
}

// ask probes B from A, and wants every answer.
func ask(t *testing.T, lab *labtest.Lab, kind probe.Kind, count int) {
	t.Helper()
	c := probe.Config{Link: lab.A.Link, To: lab.B.IP, Count: count}
	if kind.IPv6() {
		c.To = lab.B.IP6
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	lab.A.Do(t, func() error {
		r, err := probe.Run(ctx, kind, c)
		if err == nil && !r.OK() {
			err = fmt.Errorf("%v: %+v", kind, r)
		}
		return err
	})
}

// program returns the XDP program on a side's link, if there is one.
func program(t *testing.T, side *labtest.Side) (p xsk.AttachedProgram, found bool) {
	t.Helper()
	side.Do(t, func() error { p, found = xsk.FindProgram(side.Ifindex, side.Link); return nil })
	return p, found
}

func TestSignalsEndTheRun(t *testing.T) {
	lab := labtest.New(t, labtest.Options{})
	for _, signal := range []syscall.Signal{unix.SIGINT, unix.SIGTERM} {
		p := startRun(t, lab.B, lab.B.Link, echoScript)
		for _, kind := range []probe.Kind{probe.ARP, probe.ICMP, probe.UDP, probe.ND, probe.ICMP6, probe.UDP6} {
			ask(t, lab, kind, 10)
		}
		began := time.Now()
		if err := p.Signal(signal); err != nil {
			t.Fatal(err)
		}
		status, took := ended(t, p, 5*time.Second), time.Since(began)
		if status != exitOK || took > time.Second {
			t.Errorf("%v: status %d after %v", signal, status, took)
		}
		totals, err := parseTotals(p.Output(), lab.B.Link)
		if err != nil || totals.tx < 60 || totals.rx < 60 || totals.drop != 0 || totals.failed != 0 || totals.rx != totals.tx+totals.pass {
			t.Errorf("%v: totals %+v, %v; it wrote:\n%s", signal, totals, err, p.Output())
		}
		if !strings.HasSuffix(p.Output(), "\nframes: 4096 owned, 4096 accounted for\n") {
			t.Errorf("%v: no ledger at the end:\n%s", signal, p.Output())
		}
		if _, found := program(t, lab.B); found {
			t.Errorf("%v: the program is still attached", signal)
		}
		ask(t, lab, probe.ICMP, 3) // the kernel answers again
	}
}

// TestSecondSignal: at once it is the same wish, so that everything is still
// printed; later it ends what does not end.
func TestSecondSignal(t *testing.T) {
	lab := labtest.New(t, labtest.Options{})
	for _, late := range []bool{false, true} {
		turns := 3_000_000 // of a loop, some 20 ms
		if late {
			turns = 2_000_000_000
		}
		slow := script(t, fmt.Sprintf(`
			function on_packet() end
			function on_stop() print("stopping") for _ = 1, %d do end print("stopped") end`, turns))
		p := startRun(t, lab.B, "--quota", "2000000000", lab.B.Link, slow)
		p.Signal(unix.SIGINT)
		p.WaitOutput(t, "stopping", 5*time.Second)
		if late {
			time.Sleep(patience + 200*time.Millisecond)
		}
		p.Signal(unix.SIGINT)
		err := p.Wait(t, 5*time.Second)
		if stopped := strings.Contains(p.Output(), "stopped\n"); stopped == late || (err == nil) == late {
			t.Errorf("late %v: ended with %v; it wrote:\n%s", late, err, p.Output())
		}
	}
}

func TestKillLeavesTheInterfaceClean(t *testing.T) {
	lab := labtest.New(t, labtest.Options{})
	p := startRun(t, lab.B, lab.B.Link, echoScript)
	ask(t, lab, probe.ICMP, 10)
	if _, found := program(t, lab.B); !found {
		t.Fatal("no program is attached while it runs")
	}
	p.Kill()
	for deadline := time.Now().Add(2 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, found := program(t, lab.B); !found {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the program is still attached")
		}
	}
	ask(t, lab, probe.ICMP, 3)
	again := startRun(t, lab.B, lab.B.Link, echoScript)
	ask(t, lab, probe.ICMP, 3)
	again.Signal(unix.SIGINT)
	if status := ended(t, again, 5*time.Second); status != exitOK {
		t.Errorf("after a kill, the next run: status %d:\n%s", status, again.Output())
	}
}

func TestDump(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	var stdout, stderr bytes.Buffer
	cmd := pvlua(lab.B.Link, script(t, `
local pv = require "pv"
function on_packet(pkt)
  if pkt.icmp then return pv.DROP end
  if pkt.udp and pkt.udp.sport then return pkt.udp["non" .. "sense"] end
end`), "--dump")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	p := lab.B.StartCmd(t, cmd)
	waitAttached(t, lab.B)
	lab.A.Do(t, func() error {
		for _, kind := range []probe.Kind{probe.ARP, probe.ICMP, probe.UDP} {
			_, err := probe.Run(context.Background(), kind, probe.Config{Link: lab.A.Link, To: lab.B.IP, Count: 1, Timeout: 200 * time.Millisecond})
			if err != nil {
				return err
			}
		}
		return nil
	})
	p.Signal(unix.SIGINT)
	if status := ended(t, p, 5*time.Second); status != exitOK {
		t.Errorf("status %d:\n%s", status, stderr.String())
	}
	const stamp = `(?m)^\d\d:\d\d:\d\d\.\d{6} veth1 `
	for _, want := range []string{
		stamp + `ARP, Request who-has 10\.0\.0\.5 tell 10\.0\.0\.4, length 28 -> pass$`,
		stamp + `IP 10\.0\.0\.4 > 10\.0\.0\.5: ICMP echo request, id \d+, seq 0, length 64 -> drop$`,
		stamp + `IP 10\.0\.0\.4\.\d+ > 10\.0\.0\.5\.7: UDP, length 56 -> error, pass$`,
	} {
		if !regexp.MustCompile(want).MatchString(stdout.String()) {
			t.Errorf("no line matches %s in\n%s", want, stdout.String())
		}
	}
	if strings.Contains(stdout.String(), "pvlua:") || strings.Contains(stdout.String(), "frames:") {
		t.Errorf("standard output has more than packets:\n%s", stdout.String())
	}
	if !regexp.MustCompile(`(?m)^pvlua: error: \S+test\.lua:6: the udp header has no field 'nonsense' port=veth1 packet="IP 10\.0\.0\.4.*UDP, length 56" verdict=pass$`).MatchString(stderr.String()) {
		t.Errorf("the error of the handler is not told with script, line, packet and verdict:\n%s", stderr.String())
	}
}

// waitAttached waits until a program is on a side's link.
func waitAttached(t *testing.T, side *labtest.Side) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, found := program(t, side); found {
			time.Sleep(100 * time.Millisecond) // and until its sockets are open
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing was attached")
		}
	}
}

func TestStats(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	p := startRun(t, lab.B, lab.B.Link, echoScript, "--stats=200ms")
	line := regexp.MustCompile(`(?m)^veth1: rx (\d+) tx \d+ drop 0 pass \d+ error 0  \[\S+ pps \S+bit/s in, \S+ pps \S+bit/s out\]$`)
	for deadline := time.Now().Add(5 * time.Second); ; {
		ask(t, lab, probe.ICMP, 20)
		if lines := line.FindAllStringSubmatch(p.Output(), -1); len(lines) >= 3 && lines[len(lines)-1][1] != "0" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("no three lines that match %v in\n%s", line, p.Output())
		}
	}
	p.Signal(unix.SIGINT)
	if status := ended(t, p, 5*time.Second); status != exitOK {
		t.Errorf("status %d", status)
	}
}

func TestArgumentsAndOutputOfTheScript(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	var stdout bytes.Buffer
	cmd := pvlua(lab.B.Link, script(t, `
local pv = require "pv"
function on_start() print("arguments:", #pv.args, pv.args[1], pv.args[2]) end
function on_packet() end
function on_stop() pv.log("stopped") end`), "--", "--mode", "x y")
	cmd.Stdout = &stdout
	p := lab.B.StartCmd(t, cmd)
	p.WaitOutput(t, "receiving port=", 10*time.Second)
	p.Signal(unix.SIGINT)
	if status := ended(t, p, 5*time.Second); status != exitOK {
		t.Errorf("status %d", status)
	}
	if want := "arguments:\t2\t--mode\tx y\n"; stdout.String() != want {
		t.Errorf("standard output %q, want %q", stdout.String(), want)
	}
	if !strings.Contains(p.Output(), "pvlua: stopped at=") {
		t.Errorf("pv.log is not in the log:\n%s", p.Output())
	}
}

func TestTwoRunsOnTwoInterfaces(t *testing.T) {
	lab := labtest.NewChain(t, labtest.Options{NoIPv6: true})
	count := script(t, `
local pv = require "pv"
function on_packet(pkt) return pv.DROP end`)
	first := startRun(t, lab.M, lab.M.Link, count)
	second := startRun(t, lab.M, lab.M.Link2, count)
	for _, c := range []struct {
		from *labtest.Side
		to   *labtest.Side
	}{{lab.A, lab.B}, {lab.B, lab.A}} {
		c.from.Do(t, func() error {
			_, err := probe.Run(context.Background(), probe.ARP, probe.Config{Link: c.from.Link, To: c.to.IP, Count: 3, Timeout: 20 * time.Millisecond})
			return err
		})
	}
	for p, link := range map[*labtest.Process]string{first: lab.M.Link, second: lab.M.Link2} {
		p.Signal(unix.SIGINT)
		if status := ended(t, p, 5*time.Second); status != exitOK {
			t.Errorf("%s: status %d", link, status)
		}
		if totals, err := parseTotals(p.Output(), link); err != nil || totals.rx != 3 || totals.drop != 3 {
			t.Errorf("%s: %+v, %v; it wrote:\n%s", link, totals, err, p.Output())
		}
	}
}

func TestSecondRunOnTheSameInterface(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	first := startRun(t, lab.B, lab.B.Link, echoScript)
	for _, mode := range []string{"auto", "generic"} {
		status, out := inside(t, lab.B, lab.B.Link, echoScript, "--mode", mode)
		for _, want := range []string{
			"pvlua: attach redirect program on veth1: another XDP program is attached: ",
			" (pvlua_", ") is attached in native mode, by bpf_link ",
			fmt.Sprintf(" of process %d (", first.Pid()),
			fmt.Sprintf("kill %d, or: bpftool link detach id ", first.Pid()),
			"pvlua doctor veth1",
		} {
			if status != exitFailed || !strings.Contains(out, want) {
				t.Errorf("--mode %s: status %d, lacks %q:\n%s", mode, status, want, out)
			}
		}
	}
	ask(t, lab, probe.ICMP, 5) // the first one minds its business
	first.Signal(unix.SIGINT)
	if status := ended(t, first, 5*time.Second); status != exitOK {
		t.Errorf("the first: status %d:\n%s", status, first.Output())
	}
}

// TestFailures are those of the script and of the interface: the status, and the
// whole of what is said. %s stands for the path of the script.
func TestFailures(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	link := func(change func(netlink.Link) error) {
		lab.B.Do(t, func() error {
			l, err := netlink.LinkByName(lab.B.Link)
			if err != nil {
				return err
			}
			return change(l)
		})
	}
	const fine = "function on_packet() end"
	const doctor = "\n       (pvlua doctor veth1 shows all that stands in the way there)"
	for _, c := range []struct {
		name, script string
		args         []string // those after the interface and the script
		link         string   // instead of veth1
		setUp        func(netlink.Link) error
		undo         func(netlink.Link) error
		status       int
		want         string
	}{
		{name: "no such interface", link: "veth7", script: fine, status: exitFailed,
			want: "pvlua: there is no interface veth7 in this network namespace (there are: lo, veth1)"},
		{name: "no Ethernet", link: "lo", script: fine, status: exitFailed,
			want: "pvlua: lo is no Ethernet interface (loopback): pvlua handles Ethernet frames\n       (pvlua doctor lo shows all that stands in the way there)"},
		{name: "down", script: fine, setUp: netlink.LinkSetDown, undo: netlink.LinkSetUp, status: exitFailed,
			want: "pvlua: interface veth1 is down: ip link set dev veth1 up" + doctor},
		{name: "MTU beyond any chunk", script: fine, status: exitFailed,
			setUp: func(l netlink.Link) error { return netlink.LinkSetMTU(l, 9000) },
			undo:  func(l netlink.Link) error { return netlink.LinkSetMTU(l, 1500) },
			want:  "pvlua: veth1: MTU 9000: must be at most 3822 with chunks of 4096 and headroom 0" + doctor},
		{name: "MTU beyond the chosen chunk", script: fine, args: []string{"-s", "2048"}, status: exitFailed,
			setUp: func(l netlink.Link) error { return netlink.LinkSetMTU(l, 3000) },
			undo:  func(l netlink.Link) error { return netlink.LinkSetMTU(l, 1500) },
			want:  "pvlua: veth1: chunk size 2048: must be 4096 for an MTU of 3000" + doctor},
		{name: "too many queues", script: fine, args: []string{"--queues", "64"}, status: exitFailed,
			want: "pvlua: queues 64: veth1 has only 1 (ethtool -l veth1)" + doctor},
		{name: "zero-copy by force", script: fine, args: []string{"--mode", "zerocopy"}, status: exitFailed,
			want: "pvlua: open AF_XDP socket on veth1 queue 0: no zero-copy: bind: operation not supported\n       the driver has none; copy mode works with any" + doctor},
		{name: "no script", status: exitScript, want: "pvlua: script: open %s: no such file or directory"},
		{name: "syntax", script: "x = = 1", status: exitScript, want: `pvlua: %s:2: syntax error near "="`},
		{name: "end missing", script: "function on_packet()", status: exitScript, want: `pvlua: %s:2: syntax error at the end of the file: an "end" or a bracket may be missing`},
		{name: "no handler", script: "x = 1", status: exitScript, want: "pvlua: %s: the script defines no global function on_packet(pkt)"},
		{name: "misspelt handler", script: "function onpacket() end", status: exitScript,
			want: "pvlua: %s:2: the script defines no global function on_packet(pkt); did you mean on_packet? found onpacket at line 2"},
		{name: "error while loading", script: "error('no')", status: exitScript, want: "pvlua: %s:2: no"},
		{name: "error in on_start", script: "function on_start() local x = nil .. 1 end " + fine, status: exitScript, want: "pvlua: %s:2: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.setUp != nil {
				link(c.setUp)
				defer link(c.undo)
			}
			path, name := "/nonexistent/test.lua", lab.B.Link
			if c.script != "" {
				path = script(t, c.script)
			}
			if c.link != "" {
				name = c.link
			}
			status, out := inside(t, lab.B, append([]string{name, path}, c.args...)...)
			want := strings.ReplaceAll(c.want, "%s", path)
			if status != c.status || !strings.Contains(out, want) {
				t.Errorf("status %d, it wrote\n%s\nwant status %d and\n%s", status, out, c.status, want)
			}
			if _, found := program(t, lab.B); found {
				t.Error("the program is still attached")
			}
		})
	}
}

func TestAnInterfaceElsewhereIsFound(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	status, out := inside(t, lab.A, "veth1", echoScript)
	want := fmt.Sprintf("       veth1 is in namespace %s: ip netns exec %[1]s pvlua ...\n", lab.B.NS.Name())
	if status != exitFailed || !strings.Contains(out, want) {
		t.Errorf("status %d, lacks %q:\n%s", status, want, out)
	}
}

func TestMissingCapabilitiesAreNamed(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	cmd := pvlua(lab.B.Link, script(t, "function on_packet() end"))
	openToAll(t, cmd.Args[2])
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	cmd.Dir = "/"
	p := lab.B.StartCmd(t, cmd)
	status := ended(t, p, labtest.RunTimeout)
	for _, want := range []string{"operation not permitted", "CAP_NET_RAW, CAP_NET_ADMIN, CAP_BPF are missing", "sudo setcap cap_net_raw,cap_net_admin,cap_bpf+ep "} {
		if status != exitFailed || !strings.Contains(p.Output(), want) {
			t.Errorf("status %d, lacks %q:\n%s", status, want, p.Output())
		}
	}
}

func TestMemoryLimitIsExplained(t *testing.T) {
	setpriv := tool(t, "setpriv")
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	exe, args := executable(t), []string{"--bounding-set", "-ipc_lock", "--inh-caps", "-ipc_lock"}
	cmd := pvlua(append(append(args, exe), lab.B.Link, echoScript, "-c", "16384")...)
	cmd.Path, cmd.Args[0] = setpriv, setpriv
	p := lab.B.StartCmd(t, limited(cmd))
	status := ended(t, p, labtest.RunTimeout)
	for _, want := range []string{"locked-memory limit too low", "the UMEM needs 33554432 bytes of locked memory", "CAP_IPC_LOCK"} {
		if status != exitFailed || !strings.Contains(p.Output(), want) {
			t.Errorf("status %d, lacks %q:\n%s", status, want, p.Output())
		}
	}
}

func TestVerboseSaysMore(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	for _, verbose := range []bool{false, true} {
		args := []string{lab.B.Link, echoScript, "--mode", "copy"}
		if verbose {
			args = append(args, "--verbose")
		}
		p := startRun(t, lab.B, args...)
		p.Signal(unix.SIGINT)
		if status := ended(t, p, 5*time.Second); status != exitOK || strings.Contains(p.Output(), "pvlua: debug: ") != verbose {
			t.Errorf("verbose %v: status %d:\n%s", verbose, status, p.Output())
		}
	}
}

// TestPassKeepsTheKernelReachable has a TCP service of the kernel's behind a script
// that leaves everything alone, in both modes of attachment.
func TestPassKeepsTheKernelReachable(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	for _, mode := range []string{"native", "generic"} {
		p := startRun(t, lab.B, lab.B.Link, script(t, "function on_packet() end"), "--mode", mode)
		var ln net.Listener
		lab.B.Do(t, func() (err error) { ln, err = net.Listen("tcp", lab.B.IP.String()+":0"); return err })
		go serveEcho(ln)
		lab.A.Do(t, func() error {
			return echoOnce(context.Background(), &net.Dialer{Timeout: 2 * time.Second}, ln.Addr().String())
		})
		ln.Close()
		p.Signal(unix.SIGINT)
		if status := ended(t, p, 5*time.Second); status != exitOK {
			t.Errorf("%s: status %d:\n%s", mode, status, p.Output())
		}
		if totals, err := parseTotals(p.Output(), lab.B.Link); err != nil || totals.pass < 5 || totals.pass != totals.rx {
			t.Errorf("%s: %+v, %v", mode, totals, err)
		}
	}
}
