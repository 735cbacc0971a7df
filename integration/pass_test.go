// SPDX-License-Identifier: GPL-3.0-or-later

package integration

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pvlua/internal/labtest"
)

// script writes a script of the test's own and returns its path.
func script(t *testing.T, source string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.lua")
	if err := os.WriteFile(path, []byte(source), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

const passAll = "function on_packet(pkt) end"

// TestPassedPacketsReachTheKernel runs clients against the kernel's own stack
// while a script that wants nothing sees every packet.
func TestPassedPacketsReachTheKernel(t *testing.T) {
	need(t, "ping", "2ping", "arping")
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			lab := labtest.New(t, labtest.Options{})
			r := start(t, lab.B, "--mode", mode, lab.B.Link, script(t, passAll))
			ip, ip6 := lab.B.IP.String(), lab.B.IP6.String()
			lab.A.Run(t, "arping", "-c", "2", "-I", lab.A.Link, ip)
			lab.A.Run(t, "ping", "-c", "5", "-i", "0.02", "-W", "2", "-s", "1472", ip)
			lab.A.Run(t, "ping", "-6", "-c", "5", "-i", "0.02", "-W", "2", ip6)
			listener := lab.B.Start(t, "2ping", "--listen")
			time.Sleep(500 * time.Millisecond) // it does not say when it is ready
			lab.A.Run(t, "2ping", "-c", "3", "-i", "0.1", ip)
			listener.Kill()
			transfer(t, lab.A, lab.B, 1<<20)
			all := r.stop(t)
			all.lossless(t)
			if port := all[lab.B.Link]; port["pass"] != port["rx"] || port["rx"] < 50 {
				t.Errorf("passed %d of %d", port["pass"], port["rx"])
			}
		})
	}
}

// transfer sends bytes over TCP from one side to the other and back.
func transfer(t *testing.T, from, to *labtest.Side, size int) {
	t.Helper()
	var listener net.Listener
	to.Do(t, func() (err error) {
		listener, err = net.Listen("tcp", net.JoinHostPort(to.IP.String(), "0"))
		return err
	})
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		io.Copy(conn, conn)
	}()
	from.Do(t, func() error {
		conn, err := net.DialTimeout("tcp", listener.Addr().String(), 5*time.Second)
		if err != nil {
			return err
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(30 * time.Second))
		sent := bytes.Repeat([]byte("0123456789abcdef"), size/16)
		go func() {
			conn.Write(sent)
			conn.(*net.TCPConn).CloseWrite()
		}()
		back, err := io.ReadAll(conn)
		if err == nil && !bytes.Equal(back, sent) {
			err = fmt.Errorf("%d bytes came back of %d, or others", len(back), len(sent))
		}
		return err
	})
}

// TestOtherQueuesStayWithTheKernel serves one of two queues.
func TestOtherQueuesStayWithTheKernel(t *testing.T) {
	need(t, "ping")
	lab := labtest.New(t, labtest.Options{Queues: 2})
	r := start(t, lab.B, "--queues", "1", lab.B.Link, script(t, passAll))
	transfer(t, lab.A, lab.B, 1<<16)
	transfer(t, lab.A, lab.B, 1<<16)
	r.stop(t).lossless(t)
}

// TestEveryQueueHasAWorker spreads flows over two queues.
func TestEveryQueueHasAWorker(t *testing.T) {
	need(t)
	lab := labtest.New(t, labtest.Options{Queues: 2})
	r := start(t, lab.B, lab.B.Link, script(t, `
		local pv = require "pv"
		local n = 0
		function on_packet(pkt) n = n + 1 end
		function on_stop() print("worker saw " .. n) end`))
	for range 16 {
		transfer(t, lab.A, lab.B, 1<<12)
	}
	all := r.stop(t)
	all.lossless(t)
	out := r.Output()
	if n := bytes.Count([]byte(out), []byte("worker saw ")); n != 2 {
		t.Errorf("%d workers, want 2:\n%s", n, out)
	}
	if bytes.Contains([]byte(out), []byte("worker saw 0\n")) {
		t.Errorf("all flows met in one worker:\n%s", out)
	}
}
