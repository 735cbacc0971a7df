// SPDX-License-Identifier: GPL-3.0-or-later

package integration

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"pvlua/internal/labtest"
)

// status gives the exit status that a run ends with.
func (r *run) status(t *testing.T) int {
	t.Helper()
	err := r.Wait(t, 10*time.Second)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil {
		t.Fatalf("ended with %v; it wrote:\n%s", err, r.Output())
	}
	return 0
}

// TestUDPSocketTalksToNetcat has a script serve and use sockets of the kernel,
// beside the packets of the port, which it passes.
func TestUDPSocketTalksToNetcat(t *testing.T) {
	need(t, "nc")
	for _, queues := range []int{1, 2} {
		t.Run(fmt.Sprint(queues), func(t *testing.T) {
			lab := labtest.New(t, labtest.Options{Queues: queues})
			r := start(t, lab.B, lab.B.Link, script(t, `
				local pv = require "pv"
				local said = pv.counter "said"
				local function serve(bind)
					local s
					s = pv.udp_socket{bind = bind, on_receive = function(data, address, port)
						said:add()
						if data == "fail\n" then error "as you wish" end
						assert(s:send("worker " .. pv.worker .. ": " .. data, address, port))
					end}
				end
				serve "10.0.0.5:5000"
				serve "[2001:db8::2]:5000"
				serve ":5001"
				function on_packet() end
				function on_stop() if pv.worker == 1 then print("said " .. said:get()) end end`))
			for _, to := range []struct{ address, port string }{
				{lab.B.IP.String(), "5000"}, {lab.B.IP6.String(), "5000"}, {lab.B.IP.String(), "5001"}, {lab.B.IP6.String(), "5001"},
			} {
				if out := netcat(t, lab.A, "hello\n", "-u", "-W", "1", "-w", "3", to.address, to.port); out != "worker 1: hello\n" {
					t.Errorf("nc %s %s: %q", to.address, to.port, out)
				}
			}
			netcat(t, lab.A, "fail\n", "-u", "-w", "1", lab.B.IP.String(), "5000")
			r.stop(t)
			for _, want := range []string{"test.lua:8: as you wish", "said 5\n", "sockets: error 1\n"} {
				if !strings.Contains(r.Output(), want) {
					t.Errorf("no %q in:\n%s", want, r.Output())
				}
			}
		})
	}
}

// TestUDPSocketCarriesPackets sends what a port receives over a socket, in
// bursts that no datagram may be lost of.
func TestUDPSocketCarriesPackets(t *testing.T) {
	need(t)
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	r := start(t, lab.B, lab.B.Link, script(t, `
		local pv = require "pv"
		local out = pv.udp_socket{connect = "127.0.0.1:6000"}
		local back = pv.udp_socket{bind = "127.0.0.1:6000", on_receive = function(data) pv.ports[1]:send(data) end}
		function on_packet(pkt)
			local udp = pkt.udp
			if not udp or udp.dport ~= 7 then return end
			pkt:reply()
			assert(out:send(pkt:bytes(0, #pkt)))
			return pv.DROP
		end`))
	lab.B.Run(t, "ip", "link", "set", "lo", "up")
	var conn *net.UDPConn
	lab.A.Do(t, func() (err error) {
		conn, err = net.DialUDP("udp", nil, &net.UDPAddr{IP: lab.B.IP.AsSlice(), Port: 7})
		return err
	})
	defer conn.Close()
	buf := make([]byte, 2000)
	for burst := range 100 {
		const n = 32
		for i := range n {
			fmt.Fprintf(conn, "%d/%d %s", burst, i, strings.Repeat("x", 1300))
		}
		for i := range n {
			conn.SetReadDeadline(time.Now().Add(3 * time.Second))
			size, err := conn.Read(buf)
			if want := fmt.Sprintf("%d/%d ", burst, i); err != nil || !strings.HasPrefix(string(buf[:size]), want) {
				t.Fatalf("%.10q, %v; want %s", buf[:size], err, want)
			}
		}
	}
	r.stop(t)
}

// TestScriptEndsTheRun in order, with its own status.
func TestScriptEndsTheRun(t *testing.T) {
	need(t, "ping")
	for _, c := range []struct {
		name, source string
		status       int
	}{
		{"packet", "function on_packet() pv.exit(7) return pv.DROP end", 7},
		{"zero", "function on_packet() pv.exit() return pv.DROP end", 0},
		{"timer", "pv.after(0.05, function() pv.exit(8) end) function on_packet() return pv.DROP end", 8},
		{"on_start", "function on_start() if pv.worker == 2 then pv.exit(9) end end function on_packet() return pv.DROP end", 9},
		{"error at the end", "function on_packet() pv.exit(7) return pv.DROP end function on_stop() error 'no' end", 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			lab := labtest.New(t, labtest.Options{Queues: 2})
			source := c.source
			if !strings.Contains(source, "on_stop") {
				source += " function on_stop() print 'stopped' end"
			}
			r := start(t, lab.B, lab.B.Link, script(t, "local pv = require 'pv' "+source))
			lab.A.Try(t, "ping", "-c", "3", "-i", "0.05", "-W", "1", lab.B.IP.String())
			if status := r.status(t); status != c.status {
				t.Errorf("status %d, want %d; it wrote:\n%s", status, c.status, r.Output())
			}
			readTotals(t, r.Output())
			if c.status != 3 && strings.Count(r.Output(), "stopped\n") != 2 {
				t.Errorf("on_stop did not run in both workers:\n%s", r.Output())
			}
		})
	}
}

// TestScriptArguments on the command line of the whole command, without
// privilege: help and mistakes are told before anything is opened.
func TestScriptArguments(t *testing.T) {
	path := script(t, `
-- Answers everything.
local port = pv.arg{name = "port", default = 7, help = "where"}
if port == 13 then pv.exit(21) end
function on_packet() end`)
	for _, c := range []struct {
		args           []string
		status         int
		stdout, stderr string // what they contain; an empty one must be empty
	}{
		{[]string{"nosuchlink", path, "--", "--help"}, 0, "Answers everything.\n\n  --port NUMBER  where (7)\n", ""},
		{[]string{"--read", "/nonexistent.pcap", path, "--", "--help"}, 0, "--port NUMBER", ""},
		{[]string{"lo", path + "x", "--", "--help"}, 3, "", "no such file"},
	} {
		cmd := exec.Command(binary, c.args...)
		var stdout, stderr strings.Builder
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		cmd.Run()
		for text, want := range map[string]string{stdout.String(): c.stdout, stderr.String(): c.stderr} {
			if !strings.Contains(text, want) || want == "" && text != "" {
				t.Errorf("%q wrote %q; want %q", c.args, text, want)
			}
		}
		if status := cmd.ProcessState.ExitCode(); status != c.status {
			t.Errorf("%q: status %d, want %d", c.args, status, c.status)
		}
	}
	need(t)
	lab := labtest.New(t, labtest.Options{})
	for args, want := range map[string]string{
		"--prot 9":    "3 pvlua: " + path + ": there is no argument --prot; did you mean --port? (-- --help explains them)\n",
		"--port nine": "3 pvlua: " + path + `:3: --port is "nine"; expected a number (-- --help lists the script's arguments)` + "\n",
		"--port 13":   "21 ",
	} {
		r := &run{lab.B.Start(t, binary, append([]string{lab.B.Link, path, "--"}, strings.Fields(args)...)...)}
		status := r.status(t)
		if got := fmt.Sprintf("%d %s", status, r.Output()); got != want {
			t.Errorf("%s:\n%s want\n%s", args, got, want)
		}
	}
}

// TestWorkersShareCounterAndMap sends flows that two queues part between them.
func TestWorkersShareCounterAndMap(t *testing.T) {
	need(t, "ip")
	// A full link holds its sender back (P4), and the rings hold everything.
	lab := labtest.New(t, labtest.Options{Queues: 2, NoIPv6: true, PFIFO: 1000})
	r := start(t, lab.B, "-c", "16384", "-r", "8192", "-f", "8192", lab.B.Link, script(t, `
		local pv = require "pv"
		local all = pv.counter "all"
		local flows = pv.map{name = "flows", max = 64, key = "u16", value = "u64"}
		local workers = pv.map{name = "workers", max = pv.workers}
		function on_packet(pkt)
			local udp = pkt.udp
			if not udp or udp.dport ~= 7 then return end
			all:add()
			workers:add(pv.worker)
			flows:add(udp.sport)
			return pv.DROP
		end
		function on_stop()
			local sum, n = 0, 0
			for _, packets in flows:each() do sum, n = sum + packets, n + 1 end
			local both = workers:get(1) + workers:get(2)
			print(string.format("worker %d: %d packets, %d by workers, %d by %d flows, %d refused", pv.worker, all:get(), both, sum, n, flows:refused()))
		end`))
	lab.A.Run(t, "ip", "neigh", "add", lab.B.IP.String(), "lladdr", lab.B.MAC.String(), "dev", lab.A.Link)
	const flows, packets = 80, 50
	for i := range flows {
		var conn *net.UDPConn
		lab.A.Do(t, func() (err error) {
			conn, err = net.DialUDP("udp", &net.UDPAddr{Port: 20000 + i}, &net.UDPAddr{IP: lab.B.IP.AsSlice(), Port: 7})
			return err
		})
		defer conn.Close()
		for range packets {
			conn.Write([]byte("x"))
		}
	}
	all := waitRx(t, lab, r, flows*packets)
	all.lossless(t)
	for worker := 1; worker <= 2; worker++ {
		want := fmt.Sprintf("worker %d: %d packets, %[2]d by workers, %d by 64 flows, %d refused\n", worker, flows*packets, 64*packets, 16*packets)
		if !strings.Contains(r.Output(), want) {
			t.Errorf("no %q in:\n%s", want, r.Output())
		}
	}
	if n := strings.Count(r.Output(), "map flows is full: new keys are refused max=64 at="); n != 1 {
		t.Errorf("said %d times that the map is full:\n%s", n, r.Output())
	}
}

// waitRx stops r when what was sent has had time to arrive.
func waitRx(t *testing.T, lab *labtest.Lab, r *run, sent int) totals {
	t.Helper()
	time.Sleep(200 * time.Millisecond)
	all := r.stop(t)
	if rx := all[lab.B.Link]["rx"]; rx < sent {
		t.Errorf("received %d of %d", rx, sent)
	}
	return all
}
