// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pvlua/internal/labtest"
	"pvlua/luabind"
)

// TestReloadKeepsStateAndSockets asks a script's socket questions, one after the
// other, over many reloads: each has its answer, and what was counted stays.
func TestReloadKeepsStateAndSockets(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true, Queues: 2})
	source := func(version int) string {
		return fmt.Sprintf(`
			local pv = require "pv"
			local n, last = pv.counter "questions", pv.map{name = "last", max = 10}
			local s
			s = pv.udp_socket{bind = "10.0.0.5:5000", on_receive = function(data, address, port)
				n:add()
				local before = last:get "question"
				last:set("question", data)
				assert(s:send(string.format("%%d %%d %%s %%s", %d, n:get(), before or "none", data), address, port))
			end}
			function on_packet() end`, version)
	}
	l := goLive(t, lab.B, source(1), nil)
	var conn *net.UDPConn
	lab.A.Do(t, func() (err error) {
		conn, err = net.DialUDP("udp", nil, &net.UDPAddr{IP: lab.B.IP.AsSlice(), Port: 5000})
		return err
	})
	defer conn.Close()
	asked := 0
	ask := func() (version int) {
		t.Helper()
		asked++
		fmt.Fprintf(conn, "q%d", asked)
		buf := make([]byte, 100)
		conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatalf("question %d: %v\n%s", asked, err, l.log)
		}
		before := "none"
		if asked > 1 {
			before = fmt.Sprintf("q%d", asked-1)
		}
		if _, err := fmt.Sscanf(string(buf[:n]), fmt.Sprintf("%%d %d %s q%d", asked, before, asked), &version); err != nil {
			t.Fatalf("question %d answered %q: %v", asked, buf[:n], err)
		}
		return version
	}
	if v := ask(); v != 1 {
		t.Errorf("version %d answers", v)
	}
	files := openFiles(t)
	for version := 2; version < 30; version++ {
		l.write("main.lua", source(version))
		done := make(chan error)
		go func() { done <- l.Reload() }()
		for reloading := true; reloading; {
			select {
			case err := <-done:
				if err != nil {
					t.Fatal(err)
				}
				reloading = false
			default:
				if v := ask(); v != version && v != version-1 {
					t.Errorf("version %d answers, %d is being loaded", v, version)
				}
			}
		}
		if v := ask(); v != version {
			t.Errorf("version %d answers, %d was loaded", v, version)
		}
	}
	// A script that wants the socket no more closes it.
	l.write("main.lua", "function on_packet() end")
	if err := l.Reload(); err != nil {
		t.Fatal(err)
	}
	if n := openFiles(t); n != files-1 {
		t.Errorf("%d files are open, want %d", n, files-1)
	}
	// And one whose map has another shape is refused.
	l.write("main.lua", `
		pv.udp_socket{bind = "10.0.0.5:5000"}
		pv.map{name = "last", max = 11}
		function on_packet() end`)
	if err := l.Reload(); err == nil || !strings.HasSuffix(err.Error(), "main.lua:3: pv.map: map last is there already with max=10; it can't have max=11 as well") {
		t.Errorf("%v", err)
	}
	if n := openFiles(t); n != files-1 {
		t.Errorf("%d files are open after a failed reload, want %d", n, files-1)
	}
	l.stop(0)
	t.Logf("%d questions", asked)
}

// TestScriptEndsTheRun by itself, with the first status that it says.
func TestScriptEndsTheRun(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true, Queues: 2})
	l := goLive(t, lab.B, `
		local after = 0
		pv.every(0.001, function() after = after + 1 pv.exit(after > 1 and 9 or 5) end)
		function on_packet() end
		function on_stop() print("timers ran " .. after) end`, nil)
	select {
	case err := <-l.ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("Run does not end")
	}
	if status := l.ExitStatus(); status != 5 || l.print.String() != "timers ran 1\ntimers ran 1\n" {
		t.Errorf("status %d; %s", status, l.print)
	}
	if !l.Totals().FramesOK() {
		t.Errorf("%v", l.Totals().Frames)
	}
}

// TestExitAtLoad gives an error that says so, and leaves nothing behind.
func TestExitAtLoad(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	path := filepath.Join(t.TempDir(), "test.lua")
	if err := os.WriteFile(path, []byte(`pv.udp_socket{bind = ":5000"} pv.exit(6)`), 0o666); err != nil {
		t.Fatal(err)
	}
	before := openFiles(t)
	lab.B.Do(t, func() error {
		r, err := New(Config{Interfaces: []string{lab.B.Link}, Script: path})
		var early *luabind.EarlyExit
		if !errors.As(err, &early) || early.Status != 6 {
			t.Errorf("%v", err)
		}
		if r != nil {
			r.Run(context.Background())
		}
		return nil
	})
	if n := openFiles(t); n != before {
		t.Errorf("%d files are open, %d were before", n, before)
	}
}
