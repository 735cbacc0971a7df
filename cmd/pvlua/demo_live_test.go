// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pvlua/internal/labtest"
	"pvlua/netns"
)

// startDemo starts a demo in a namespace that stands for the machine's own.
func startDemo(t *testing.T, host *labtest.Side, args ...string) *labtest.Process {
	t.Helper()
	cmd := pvlua(append([]string{"demo"}, args...)...)
	cmd.Env = append(cmd.Env, "TMPDIR="+t.TempDir())
	p := host.StartCmd(t, cmd)
	t.Cleanup(func() { nothingLeft(t, host, p) })
	return p
}

// nothingLeft fails the test if anything of a demo that has ended is there.
func nothingLeft(t *testing.T, host *labtest.Side, p *labtest.Process) {
	t.Helper()
	if names, _ := netns.Names(); slices.Contains(names, fmt.Sprintf("%s%d", stagePrefix, p.Pid())) {
		t.Errorf("the namespace of the demo %d is left", p.Pid())
	}
	host.Do(t, func() error {
		if _, err := net.InterfaceByName(fmt.Sprintf("pvd%da", p.Pid())); err == nil {
			t.Errorf("the link of the demo %d is left", p.Pid())
		}
		return nil
	})
}

// emptyFolder fails the test if a demo's folder for temporary files has any.
func emptyFolder(t *testing.T, folder string) {
	t.Helper()
	if entries, err := os.ReadDir(folder); err != nil || len(entries) > 0 {
		t.Errorf("%s: %v, %v", folder, entries, err)
	}
}

func TestDemo(t *testing.T) {
	host := demoHost(t)
	folder := t.TempDir()
	cmd := pvlua("demo", "--count", "20")
	cmd.Env = append(cmd.Env, "TMPDIR="+folder)
	began := time.Now()
	p := host.StartCmd(t, cmd)
	status, out := ended(t, p, 30*time.Second), ""
	if out = p.Output(); status != exitOK {
		t.Fatalf("status %d:\n%s", status, out)
	}
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("it took %v", took)
	}
	for _, row := range []string{"ARP", "ICMP echo", "UDP port 7", "ND solicitation", "ICMPv6 echo", "UDP over IPv6", "TCP, by PASS"} {
		if !regexp.MustCompile(`(?m)^` + row + ` +20 +20 +\d+\.\d µs +\d+\.\d µs$`).MatchString(out) {
			t.Errorf("no row for %s with 20 of 20:\n%s", row, out)
		}
	}
	for _, want := range []string{
		"\nall 140 probes answered\n",
		fmt.Sprintf("\nRunning: pvlua pvd%db echo.lua, in that namespace\n         pvlua: ", p.Pid()),
		fmt.Sprintf("\n         pvd%db: rx ", p.Pid()),
		"\n         frames: 4096 owned, 4096 accounted for\n",
		"\nProof:   echo.lua answered 120 probes; pvlua sent ",
		"\n         The kernel behind it answered none: it counts 0 echo requests.\n",
		"\nRemoved: all of it, after ",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %q:\n%s", want, out)
		}
	}
	nothingLeft(t, host, p)
	emptyFolder(t, folder)
}

// demoHost is a namespace that demos are run in, with nothing of theirs.
func demoHost(t *testing.T) *labtest.Side {
	t.Helper()
	return labtest.New(t, labtest.Options{}).A
}

func TestTwoDemosSideBySide(t *testing.T) {
	host := demoHost(t)
	first, second := startDemo(t, host, "--count", "10"), startDemo(t, host, "--count", "10")
	for _, p := range []*labtest.Process{first, second} {
		if status := ended(t, p, 30*time.Second); status != exitOK || !strings.Contains(p.Output(), "all 70 probes answered") {
			t.Errorf("status %d:\n%s", status, p.Output())
		}
	}
}

func TestDemoKeepsUntilInterrupted(t *testing.T) {
	host := demoHost(t)
	p := startDemo(t, host, "--count", "3", "--keep")
	p.WaitOutput(t, "Ctrl-C ends it.", 20*time.Second)
	target := regexp.MustCompile(`(?m)^  ping ([\d.]+)$`).FindStringSubmatch(p.Output())
	if target == nil {
		t.Fatalf("it names no address to try:\n%s", p.Output())
	}
	tool(t, "ping")
	host.Run(t, "ping", "-c", "2", "-i", "0.2", "-W", "2", target[1])
	p.Signal(unix.SIGINT)
	if status := ended(t, p, 5*time.Second); status != exitOK || !strings.Contains(p.Output(), "Removed: all of it") {
		t.Errorf("status %d:\n%s", status, p.Output())
	}
}

func TestDemoInterrupted(t *testing.T) {
	host := demoHost(t)
	for _, c := range []struct {
		after  string
		signal syscall.Signal
	}{{"Running:", unix.SIGTERM}, {"Probing:", unix.SIGINT}, {"Probing:", unix.SIGHUP}} {
		p := startDemo(t, host, "--count", "10000")
		p.WaitOutput(t, c.after, 20*time.Second)
		p.Signal(c.signal)
		if status := ended(t, p, 5*time.Second); status != exitFailed || !strings.HasSuffix(p.Output(), "pvlua: interrupted\n") {
			t.Errorf("%v after %q: status %d:\n%s", c.signal, c.after, status, p.Output())
		}
		nothingLeft(t, host, p)
	}
}

func TestDemoThatFailsRemovesEverything(t *testing.T) {
	host := demoHost(t)
	p := startDemo(t, host, "--count", "10000")
	p.WaitOutput(t, "Probing:", 20*time.Second)
	tool(t, "ip")
	host.Run(t, "ip", "link", "set", "dev", fmt.Sprintf("pvd%da", p.Pid()), "down")
	if status := ended(t, p, 30*time.Second); status != exitFailed || !strings.Contains(p.Output(), "pvlua: probe: ") {
		t.Errorf("status %d:\n%s", status, p.Output())
	}
}

func TestDemoRemovesWhatAKilledOneLeft(t *testing.T) {
	host := demoHost(t)
	killed := startDemo(t, host, "--count", "3", "--keep")
	killed.WaitOutput(t, "Ctrl-C ends it.", 20*time.Second)
	name := fmt.Sprintf("%s%d", stagePrefix, killed.Pid())
	syscall.Kill(killed.Pid(), unix.SIGKILL) // it alone, not its group: pvlua ends by itself
	<-killed.Done()
	if names, _ := netns.Names(); !slices.Contains(names, name) {
		t.Fatalf("the killed demo left nothing, so there is nothing to prove")
	}
	next := startDemo(t, host, "--count", "3")
	if status := ended(t, next, 30*time.Second); status != exitOK {
		t.Errorf("status %d:\n%s", status, next.Output())
	}
	nothingLeft(t, host, killed)
	commands, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range commands {
		words, _ := os.ReadFile(path)
		if bytes.Contains(words, fmt.Appendf(nil, "\x00pvd%db\x00echo.lua\x00", killed.Pid())) {
			t.Errorf("pvlua outlived the demo: %s", path)
		}
	}
}

// TestDemoTellsHowItsRunFailed has a script that does not load on a demo's stage.
func TestDemoTellsHowItsRunFailed(t *testing.T) {
	host := demoHost(t)
	t.Setenv("TMPDIR", t.TempDir())
	name, value, _ := strings.Cut(asCommand, "=")
	t.Setenv(name, value) // for the child
	host.Do(t, func() error {
		s, err := raiseStage()
		if err != nil {
			return err
		}
		defer func() {
			if err := s.strike(); err != nil {
				t.Error(err)
			}
		}()
		if err := os.WriteFile(filepath.Join(s.folder, "echo.lua"), []byte("x = = 1"), 0o644); err != nil {
			return err
		}
		var said bytes.Buffer
		_, err = s.start(context.Background(), &said)
		if err == nil || err.Error() != "pvlua ended before it received anything; it says why above\nexit status 3" {
			t.Errorf("%v", err)
		}
		if want := "pvlua: echo.lua:1: syntax error near \"=\"\n"; said.String() != want {
			t.Errorf("it said %q, want %q", said.String(), want)
		}
		return nil
	})
}

func TestDemoWithoutPrivilege(t *testing.T) {
	if os.Geteuid() == 0 {
		demoHost(t) // so that /run/netns is there
	}
	cmd := pvlua("demo")
	cmd.Dir = "/"
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	out, _ := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != exitFailed || !strings.Contains(string(out), "run it with sudo") {
		t.Errorf("status %d:\n%s", cmd.ProcessState.ExitCode(), out)
	}
}
