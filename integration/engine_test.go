// SPDX-License-Identifier: GPL-3.0-or-later

package integration

import (
	le "encoding/binary"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pvlua/internal/labtest"
)

// mixed is an echo service. Datagrams whose first byte is odd need Lua.
const mixed = `
local pv = require "pv"
local answered = pv.counter "answered"
local last = 0
function on_packet(pkt)
  local eth, ip, udp, me = pkt.eth, pkt.ip, pkt.udp, pkt.port
  if not udp or udp.dport ~= 7 or not me:owns(ip.dst) then return end
  if pkt:u8(42) % 2 == 1 then last = pkt.payload end
  answered:add(1)
  eth.dst, eth.src = eth.src, me.mac
  ip.dst, ip.src = ip.src, ip.dst
  udp.dport, udp.sport = udp.sport, udp.dport
  return pv.TX
end
function on_stop() print("answered " .. answered:get()) end
`

// converse sends numbered datagrams from A to the echo service of B, a few at a
// time, and returns how many were answered. between is called after each round.
func converse(t *testing.T, lab *labtest.Lab, rounds int, between func(round int)) (answers int) {
	t.Helper()
	var conn net.Conn
	lab.A.Do(t, func() (err error) {
		conn, err = net.Dial("udp", net.JoinHostPort(lab.B.IP.String(), "7"))
		return err
	})
	defer conn.Close()
	const atOnce = 8
	buf := make([]byte, 64)
	for round := range rounds {
		for i := range atOnce {
			le.LittleEndian.PutUint32(buf, uint32(round*atOnce+i))
			if _, err := conn.Write(buf[:20]); err != nil {
				t.Fatal(err)
			}
		}
		conn.SetReadDeadline(time.Now().Add(2 * time.Second))
		for range atOnce {
			if _, err := conn.Read(buf); err != nil {
				break
			}
			answers++
		}
		if between != nil {
			between(round)
		}
	}
	return answers
}

// TestEngineMixesExits: some packets of a flow are answered in the kernel, others
// leave it for Lua; none is lost, and the counter counts them all.
func TestEngineMixesExits(t *testing.T) {
	need(t)
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			lab := newLab(t, labtest.Options{NoIPv6: true, PFIFO: 1000})
			r := start(t, lab.B, "--mode", mode, lab.B.Link, script(t, mixed))
			const rounds = 250
			if n := converse(t, lab, rounds, nil); n != 8*rounds {
				t.Errorf("%d of %d answers", n, 8*rounds)
			}
			all := r.stop(t)
			all.lossless(t)
			port := all[lab.B.Link]
			if port["tx"] != 8*rounds || port["in-kernel"] < 4*rounds || port["in-kernel"] > 4*rounds+20 {
				t.Errorf("%v; want half of %d answers from the kernel", port, 8*rounds)
			}
			for _, want := range []string{"answered 2000", "packets left the kernel at", "test.lua:8: "} {
				if !strings.Contains(r.Output(), want) {
					t.Errorf("it does not say %q:\n%s", want, r.Output())
				}
			}
		})
	}
}

// TestEngineReloads a script whose handler is in the kernel: no packet is lost,
// and the counter goes on, on whichever side the handler runs.
func TestEngineReloads(t *testing.T) {
	need(t)
	lab := newLab(t, labtest.Options{NoIPv6: true, PFIFO: 1000})
	whole := strings.Replace(mixed, "last = pkt.payload", "return pv.DROP", 1)
	whole = strings.Replace(whole, "% 2 == 1", "== 256", 1)
	path := script(t, whole)
	r := start(t, lab.B, lab.B.Link, path)
	const rounds = 300
	answers := converse(t, lab, rounds, func(round int) {
		if round%30 != 0 {
			return
		}
		text := whole
		if round%60 == 0 {
			text = mixed
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := r.Signal(unix.SIGHUP); err != nil {
			t.Fatal(err)
		}
	})
	if answers != 8*rounds {
		t.Errorf("%d of %d answers", answers, 8*rounds)
	}
	all := r.stop(t)
	all.lossless(t)
	if port := all[lab.B.Link]; port["in-kernel"] < 8*rounds/4 {
		t.Errorf("the kernel answered few: %v", port)
	}
	if !strings.Contains(r.Output(), "answered 2400") {
		t.Errorf("the counter did not go on:\n%s", r.Output())
	}
}

// TestEngineFollowsThePeer: when the far end of a veth takes no redirected frames
// any more, user space sends them, and when it does again, the kernel.
func TestEngineFollowsThePeer(t *testing.T) {
	need(t, "ethtool")
	lab := newLab(t, labtest.Options{NoIPv6: true, PFIFO: 1000})
	r := start(t, lab.B, lab.B.Link, script(t, mixed))
	for _, gro := range []string{"off", "on"} {
		lab.A.Run(t, "ethtool", "-K", lab.A.Link, "gro", gro)
		// What is under way while the far end changes is its loss.
		deadline := time.Now().Add(5 * time.Second)
		for converse(t, lab, 1, nil) != 8 {
			if time.Now().After(deadline) {
				t.Fatalf("with gro %s nothing is answered:\n%s", gro, r.Output())
			}
		}
		if n := converse(t, lab, 50, nil); n != 400 {
			t.Errorf("with gro %s %d of 400 answers", gro, n)
		}
	}
	r.stop(t)
	if !strings.Contains(r.Output(), "takes no frames from there") {
		t.Errorf("it did not say that it saw the change:\n%s", r.Output())
	}
}

// TestEngineBouncesToXDP: where the far end has an XDP program of its own, the
// kernel's part answers by XDP_TX, and by redirects once that program has gone.
func TestEngineBouncesToXDP(t *testing.T) {
	need(t)
	lab := newLab(t, labtest.Options{NoIPv6: true, PFIFO: 1000})
	r := start(t, lab.B, lab.B.Link, script(t, mixed))
	pass := start(t, lab.A, "--mode", "native", lab.A.Link, script(t, passAll))
	for _, what := range []string{"with", "without"} {
		deadline := time.Now().Add(5 * time.Second)
		for converse(t, lab, 1, nil) != 8 {
			if time.Now().After(deadline) {
				t.Fatalf("%s a program at the far end nothing is answered:\n%s", what, r.Output())
			}
		}
		if n := converse(t, lab, 50, nil); n != 400 {
			t.Errorf("%s a program at the far end %d of 400 answers", what, n)
		}
		if what == "with" {
			pass.stop(t)
		}
	}
	if port := r.stop(t)[lab.B.Link]; port["in-kernel"] < 400 {
		t.Errorf("the kernel answered few: %v", port)
	}
}

// TestEngineKernelRefuses scripts of which a part needs Lua, by name of the line,
// and runs those that do not.
func TestEngineKernelRefuses(t *testing.T) {
	need(t)
	lab := newLab(t, labtest.Options{NoIPv6: true})
	path := script(t, mixed)
	cmd := exec.Command(binary, "--engine", "kernel", lab.B.Link, path)
	p := lab.B.StartCmd(t, cmd)
	if err := p.Wait(t, 10*time.Second); err == nil {
		t.Error("it ran")
	}
	for _, want := range []string{"the engine kernel can't run all of the handler", "test.lua:8: ", "pvlua check"} {
		if !strings.Contains(p.Output(), want) {
			t.Errorf("it does not say %q:\n%s", want, p.Output())
		}
	}
	whole := strings.Replace(mixed, "  if pkt:u8(42) % 2 == 1 then last = pkt.payload end\n", "", 1)
	r := start(t, lab.B, "--engine", "kernel", lab.B.Link, script(t, whole))
	r.WaitOutput(t, "the handler runs in the kernel", 10*time.Second)
	if n := converse(t, lab, 20, nil); n != 160 {
		t.Errorf("%d of 160 answers", n)
	}
	if port := r.stop(t)[lab.B.Link]; port["in-kernel"] < 160 {
		t.Errorf("%v", port)
	}
}

// TestEngineLeavesChecksumsToUserSpace that nobody has computed yet: with its
// offload on, a client's datagrams come unfinished.
func TestEngineLeavesChecksumsToUserSpace(t *testing.T) {
	need(t, "ethtool")
	lab := newLab(t, labtest.Options{NoIPv6: true})
	lab.A.Run(t, "ethtool", "-K", lab.A.Link, "tx", "on")
	whole := strings.Replace(mixed, "  if pkt:u8(42) % 2 == 1 then last = pkt.payload end\n", "", 1)
	r := start(t, lab.B, lab.B.Link, script(t, whole))
	if n := converse(t, lab, 20, nil); n != 160 {
		t.Errorf("%d of 160 answers", n)
	}
	r.stop(t)
	if !strings.Contains(r.Output(), "left the checksum to a network card") {
		t.Errorf("no packet came unfinished:\n%s", r.Output())
	}
}
