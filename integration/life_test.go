// SPDX-License-Identifier: GPL-3.0-or-later

package integration

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pvlua/internal/labtest"
)

func pingOK(t *testing.T, lab *labtest.Lab) bool {
	t.Helper()
	_, err := lab.A.Try(t, "ping", "-c", "1", "-W", "1", lab.B.IP.String())
	return err == nil
}

// eventually waits until ping works again.
func eventually(t *testing.T, lab *labtest.Lab, r *run) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !pingOK(t, lab); {
		if time.Now().After(deadline) {
			t.Fatalf("no answer any more; pvlua wrote:\n%s", r.Output())
		}
	}
}

// waitTimes waits until text was written n times.
func waitTimes(t *testing.T, r *run, text string, n int) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); strings.Count(r.Output(), text) < n; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%q was to be written %d times:\n%s", text, n, r.Output())
		}
	}
}

func TestLinkDownAndUp(t *testing.T) {
	need(t, "ping", "ip")
	lab := labtest.New(t, labtest.Options{})
	r := start(t, lab.B, lab.B.Link, "scripts/echo.lua")
	for range 3 {
		eventually(t, lab, r)
		lab.B.Run(t, "ip", "link", "set", lab.B.Link, "down")
		if pingOK(t, lab) {
			t.Error("answered over a link that is down")
		}
		lab.B.Run(t, "ip", "link", "set", lab.B.Link, "up")
	}
	eventually(t, lab, r)
	out := r.Output()
	if strings.Count(out, "link down port="+lab.B.Link) != 3 || strings.Count(out, "link up port="+lab.B.Link) != 3 {
		t.Errorf("down and up three times, but reported:\n%s", out)
	}
	r.stop(t)
}

func TestInterfaceDeletedAndMadeAgain(t *testing.T) {
	need(t, "ping", "ip")
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			lab := labtest.New(t, labtest.Options{})
			r := start(t, lab.B, "--mode", mode, lab.B.Link, "scripts/echo.lua")
			for i := range 3 {
				eventually(t, lab, r)
				lab.B.Run(t, "ip", "link", "del", lab.B.Link)
				waitTimes(t, r, "interface is gone", i+1)
				// Made anew from A's side, with other MAC addresses and index.
				lab.A.Run(t, "ip", "link", "add", lab.A.Link, "type", "veth", "peer", "name", lab.B.Link, "netns", lab.B.NS.Name())
				lab.A.Run(t, "ip", "addr", "add", lab.A.IP.String()+"/24", "dev", lab.A.Link)
				lab.A.Run(t, "ip", "link", "set", lab.A.Link, "up")
				lab.B.Run(t, "ip", "link", "set", lab.B.Link, "up")
				// The address comes last: the script must learn it from an event.
				lab.B.Run(t, "ip", "addr", "add", lab.B.IP.String()+"/24", "dev", lab.B.Link)
				// Until then it is the kernel that answers.
				waitTimes(t, r, "interface is back port="+lab.B.Link, i+1)
			}
			eventually(t, lab, r)
			if all := r.stop(t); all[lab.B.Link]["tx"] < 4 {
				t.Errorf("pvlua sent %d", all[lab.B.Link]["tx"])
			}
		})
	}
}

// TestKillLeavesTheInterfaceClean ends pvlua in the way it cannot handle.
func TestKillLeavesTheInterfaceClean(t *testing.T) {
	need(t, "ping", "ip")
	lab := labtest.New(t, labtest.Options{})
	r := start(t, lab.B, lab.B.Link, script(t, "local pv = require 'pv' function on_packet() return pv.DROP end"))
	if pingOK(t, lab) {
		t.Error("answered though all is dropped")
	}
	if out := lab.B.Run(t, "ip", "link", "show", lab.B.Link); !strings.Contains(out, "xdp") {
		t.Errorf("no XDP program while running: %s", out)
	}
	r.Kill()
	if out := lab.B.Run(t, "ip", "link", "show", lab.B.Link); strings.Contains(out, "xdp") {
		t.Errorf("left behind: %s", out)
	}
	eventually(t, lab, r) // the kernel answers again
	again := start(t, lab.B, lab.B.Link, "scripts/echo.lua")
	eventually(t, lab, again)
	again.stop(t)
}

// TestInterruptInTraffic stops in the middle of a flood; every frame must be
// accounted for and the end must come within a second.
func TestInterruptInTraffic(t *testing.T) {
	need(t, "ping")
	for _, sig := range []unix.Signal{unix.SIGINT, unix.SIGTERM} {
		lab := labtest.New(t, labtest.Options{})
		r := start(t, lab.B, lab.B.Link, "scripts/echo.lua")
		flood := lab.A.Start(t, "ping", "-f", "-q", "-w", "20", lab.B.IP.String())
		time.Sleep(500 * time.Millisecond)
		began := time.Now()
		r.Signal(sig)
		if err := r.Wait(t, 10*time.Second); err != nil {
			t.Errorf("%v: %v\n%s", sig, err, r.Output())
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("%v: took %v", sig, took)
		}
		if all := readTotals(t, r.Output()); all[lab.B.Link]["tx"] < 100 {
			t.Errorf("not much of a flood: %v", all)
		}
		eventually(t, lab, r) // the kernel answers
		flood.Kill()
	}
}

// TestTwoAtOnce runs two processes on two interfaces of one namespace.
func TestTwoAtOnce(t *testing.T) {
	need(t, "ping", "ip", "arping")
	lab := labtest.NewChain(t, labtest.Options{})
	lab.M.Run(t, "ip", "addr", "add", "10.0.0.7/24", "dev", lab.M.Link)
	lab.M.Run(t, "ip", "addr", "add", "10.0.0.8/24", "dev", lab.M.Link2)
	one := start(t, lab.M, lab.M.Link, "scripts/echo.lua")
	two := start(t, lab.M, lab.M.Link2, "scripts/echo.lua")
	lab.A.Run(t, "ping", "-c", "5", "-i", "0.02", "-W", "2", "10.0.0.7")
	lab.B.Run(t, "ping", "-c", "5", "-i", "0.02", "-W", "2", "10.0.0.8")
	if all := one.stop(t); all[lab.M.Link]["tx"] < 6 {
		t.Errorf("first: %v", all)
	}
	lab.B.Run(t, "ping", "-c", "5", "-i", "0.02", "-W", "2", "10.0.0.8")
	if all := two.stop(t); all[lab.M.Link2]["tx"] < 11 {
		t.Errorf("second: %v", all)
	}
}
