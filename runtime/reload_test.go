// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pvlua/internal/labtest"
	"pvlua/xsk"
)

// TestHundredReloadsUnderTraffic accounts for every packet: each question has
// its answer, in order, and none comes from a script that was replaced.
func TestHundredReloadsUnderTraffic(t *testing.T) {
	for _, mode := range []xsk.Mode{xsk.ModeNative, xsk.ModeGeneric} {
		t.Run(mode.String(), func(t *testing.T) {
			lab := labtest.New(t, labtest.Options{NoIPv6: true, Queues: 2})
			const first, reloads = 1000, 100
			source := func(version int) string {
				return answering(version) + fmt.Sprintf(`
					local live = true
					pv.every(0.001, function() assert(live, "the timer of an old script runs") end)
					function on_start() print("start %d") end
					function on_stop() live = false print("stop %[1]d") end`, version)
			}
			l := goLive(t, lab.B, source(first), func(c *Config) { c.Mode = mode })
			flows, end := startFlows(t, lab, 6)
			for v := first + 1; v <= first+reloads; v++ {
				l.write("main.lua", source(v))
				if err := l.Reload(); err != nil {
					t.Fatal(err)
				}
				for _, f := range flows {
					f.await(t, v)
				}
			}
			sent := end()
			totals := l.stop(0)
			if p := totals.Ports[0]; p.Tx != uint64(sent) || sent < 6*reloads {
				t.Errorf("%d questions; %v", sent, p)
			}
			if totals.TimerErrors != 0 {
				t.Errorf("%d timers failed:\n%s", totals.TimerErrors, l.log)
			}
			workers := len(l.workers)
			for v := first; v <= first+reloads; v++ {
				for _, event := range []string{"start", "stop"} {
					if n := strings.Count(l.print.String(), fmt.Sprintf("%s %d\n", event, v)); n != workers {
						t.Errorf("%s %d: %d times for %d workers", event, v, n, workers)
					}
				}
			}
			t.Logf("%d questions answered by %d workers over %d reloads", sent, workers, reloads)
		})
	}
}

// TestReloadThatFailsChangesNothing tries every way for a script not to load,
// each followed by one that does.
func TestReloadThatFailsChangesNothing(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true, Queues: 2})
	l := goLive(t, lab.B, answering(1000), nil)
	flows, end := startFlows(t, lab, 2)
	version := 1000
	for _, c := range []struct {
		name, source, module string
		want                 string // the error, without the script's folder
	}{
		{name: "syntax", source: "\nx = = 1", want: `main.lua:2: syntax error near "="`},
		{name: "main chunk", source: "\n\nlocal x = nil .. 1", want: "main.lua:3: "},
		{name: "endless main chunk", source: "\nwhile true do end", want: "main.lua:2: handler stopped: more than "},
		{name: "no on_packet", source: "x = 1", want: "main.lua: the script defines no global function on_packet(pkt)"},
		{name: "misspelt", source: "\nfunction on_paket() end", want: "main.lua:2: the script defines no global function on_packet(pkt); did you mean"},
		{name: "on_start", source: "function on_packet() end\nfunction on_start() error('not today') end", want: "main.lua:2: not today"},
		{name: "endless on_start", source: "function on_packet() end\nfunction on_start()\nwhile true do end end", want: "main.lua:3: handler stopped: more than "},
		{name: "no module", source: "require 'm'\nfunction on_packet() end", want: "main.lua:1: module \"m\" not found"},
		{name: "broken module", source: "require 'm'\nfunction on_packet() end", module: "\n\n\nreturn }", want: "m.lua:4: "},
		{name: "failing module", source: "require 'm'\nfunction on_packet() end", module: "\nerror 'in the module'", want: "m.lua:2: in the module"},
	} {
		l.write("main.lua", c.source)
		if c.module != "" {
			l.write("m.lua", c.module)
		}
		err := l.Reload()
		if err == nil || !strings.Contains(err.Error(), l.path("")+"/"+c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
			continue
		}
		shown := strings.Split(strings.TrimSpace(l.log.String()), "\n")
		if line := shown[len(shown)-1]; !strings.Contains(line, "level=ERROR") || !strings.Contains(line, strings.ReplaceAll(c.want, `"`, `\"`)) ||
			!strings.Contains(line, ": not reloaded, the script goes on as it was") {
			t.Errorf("%s: the log says %s", c.name, line)
		}
		version++
		l.write("main.lua", answering(version))
		if err := l.Reload(); err != nil {
			t.Errorf("after %s: %v", c.name, err)
		}
		for _, f := range flows {
			f.await(t, version)
		}
	}
	os.Remove(l.path("main.lua"))
	if err := l.Reload(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	end()
	l.stop(0)
}

// TestPacketsGoOnWhileAScriptLoads has a script take its time to load.
func TestPacketsGoOnWhileAScriptLoads(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	l := goLive(t, lab.B, answering(1000), nil)
	flows, end := startFlows(t, lab, 1)
	flows[0].await(t, 1000)
	l.write("main.lua", "for i = 1, 2000000 do end"+answering(1001)+"function on_start() for i = 1, 2000000 do end end")
	before := l.Totals().Ports[0].Tx
	began := time.Now()
	if err := l.Reload(); err != nil {
		t.Fatal(err)
	}
	took, answered := time.Since(began), l.Totals().Ports[0].Tx-before
	// In that time a worker that had to load it would have answered what it found before and after.
	if answered < 10*ahead {
		t.Errorf("%d answers while it loaded for %v", answered, took)
	}
	t.Logf("%d answers while it loaded for %v", answered, took)
	end()
	l.stop(0)
}

// TestWhatAReloadSends looks at the frames that scripts send while they are not
// in place: none may be sent that a failed reload left, and none be lost.
func TestWhatAReloadSends(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	script := func(n int, more string) string {
		return fmt.Sprintf(`
			local pv = require "pv"
			local function send() assert(pv.ports[1]:send(string.rep("\255", 59) .. string.char(%d))) end
			function on_start() send() send() %s end
			function on_stop() send() end
			function on_packet() end`, n, more)
	}
	l := goLive(t, lab.B, script(1, ""), nil)
	sent := func() uint64 { return l.Totals().Ports[0].Tx }
	if n := sent(); n != 2 {
		t.Errorf("the first on_start sent %d", n)
	}
	l.write("main.lua", script(2, "error('no')"))
	if l.Reload() == nil || sent() != 2 {
		t.Errorf("a failed reload sent %d", sent()-2)
	}
	l.write("main.lua", script(3, ""))
	if err := l.Reload(); err != nil || sent() != 5 {
		t.Errorf("on_start and the old on_stop sent %d, %v", sent()-2, err)
	}
	l.write("main.lua", `
		local pv = require "pv"
		function on_start()
			local n = 0
			while pv.ports[1]:send(string.rep("\255", 60)) do n = n + 1 end
			print("room for " .. n)
		end
		function on_packet() end`)
	if err := l.Reload(); err != nil {
		t.Error(err)
	}
	l.print.wait(t, fmt.Sprintf("room for %d\n", maxWaiting))
	// A refused one is counted, like any other for which there was no room.
	p := l.Totals().Ports[0]
	if all := p.Tx + p.TxFull; all != 6+maxWaiting+1 || p.TxFull == 0 {
		t.Errorf("sent %d, no room for %d", p.Tx, p.TxFull)
	}
	l.cancel()
	if err := <-l.ended; err != nil || !l.Totals().FramesOK() {
		t.Errorf("%v; %v", err, l.Totals().Frames)
	}
}

// TestCountersAndMapsOutliveTheScript counts every question by all workers of all
// scripts.
func TestCountersAndMapsOutliveTheScript(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true, Queues: 2})
	const reloads = 10
	source := func(version int) string {
		return answering(version) + fmt.Sprintf(`
			local answer, questions, seen = on_packet, pv.counter("questions"), pv.map{name="by flow", max=100}
			function on_packet(pkt)
				local udp = pkt.udp
				if udp and udp.dport == 7 then
					questions:add()
					seen:add(udp.sport, 1)
				end
				return answer(pkt)
			end
			function on_stop()
				local sum, flows = 0, 0
				for _, n in seen:each() do sum, flows = sum + n, flows + 1 end
				print(("%d: %%d questions, %%d of %%d flows"):format(questions:get(), sum, flows))
			end`, version)
	}
	l := goLive(t, lab.B, source(1000), nil)
	flows, end := startFlows(t, lab, 8)
	for v := 1001; v <= 1000+reloads; v++ {
		l.write("main.lua", source(v))
		if err := l.Reload(); err != nil {
			t.Fatal(err)
		}
		for _, f := range flows {
			f.await(t, v)
		}
	}
	sent := end()
	l.stop(0)
	if want := fmt.Sprintf("%d: %d questions, %[2]d of 8 flows\n", 1000+reloads, sent); strings.Count(l.print.String(), want) != len(l.workers) {
		t.Errorf("want %q of each worker at the end:\n%s", want, l.print)
	}
}

// TestReloadWhileTheInterfaceIsGone replaces the script and then the interface.
func TestReloadWhileTheInterfaceIsGone(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	l := goLive(t, lab.B, answering(1000), nil)
	lab.B.Run(t, "ip", "link", "del", lab.B.Link)
	l.log.wait(t, "interface is gone")
	for up := true; up; { // until the worker knows
		l.workers[0].mail.call(func() { up = l.workers[0].ports[0].facts.Up })
	}
	l.write("main.lua", answering(1001)+`
		function on_start()
			assert(not pv.ports[1].up and pv.ports[1]:send(("\255"):rep(60)))
		end
		pv.every(0.01, function() if pv.ports[1].up then print(pv.mac_str(pv.ports[1].mac)) end end)`)
	if err := l.Reload(); err != nil {
		t.Fatal(err)
	}
	const mac = "02:00:00:12:34:56"
	lab.A.Run(t, "ip", "link", "add", lab.A.Link, "type", "veth", "peer", "name", lab.B.Link, "address", mac, "netns", lab.B.NS.Name())
	lab.A.Run(t, "ip", "addr", "add", lab.A.IP.String()+"/24", "dev", lab.A.Link)
	lab.A.Run(t, "ip", "link", "set", lab.A.Link, "up")
	lab.A.Run(t, "ip", "neigh", "add", lab.B.IP.String(), "lladdr", mac, "dev", lab.A.Link)
	lab.B.Run(t, "ip", "link", "set", lab.B.Link, "up")
	l.log.wait(t, "interface is back")
	l.print.wait(t, mac)
	awaitCarrier(t, lab)
	flows, end := startFlows(t, lab, 1)
	flows[0].await(t, 1001)
	end()
	totals := l.Totals()
	if p := totals.Ports[0]; p.TxDown != 1 {
		t.Errorf("the frame sent while the interface was gone: %v", p)
	}
	l.cancel()
	if err := <-l.ended; err != nil || !l.Totals().FramesOK() {
		t.Errorf("%v; %v", err, l.Totals().Frames)
	}
}

// TestReloadsWhileTheRunEnds has several goroutines reload without pause when
// the end comes, at any moment of a reload.
func TestReloadsWhileTheRunEnds(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true, Queues: 2})
	for round := range 10 {
		l := goLive(t, lab.B, answering(1000), nil)
		var reloading sync.WaitGroup
		for range 3 {
			reloading.Go(func() {
				for {
					if err := l.Reload(); errors.Is(err, errNotRunning) {
						return
					} else if err != nil {
						t.Error(err)
					}
				}
			})
		}
		time.Sleep(time.Duration(round) * 3 * time.Millisecond)
		began := time.Now()
		l.stop(0)
		if took := time.Since(began); took > time.Second {
			t.Errorf("took %v to end", took)
		}
		reloading.Wait()
	}
}

// TestTheEndDoesNotWaitForAScriptThatLoads has one that never would by itself.
func TestTheEndDoesNotWaitForAScriptThatLoads(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	const quota = 1 << 30 // minutes
	l := goLive(t, lab.B, answering(1000), func(c *Config) { c.Quota = quota })
	l.write("main.lua", `print "loading" while os.time() < `+fmt.Sprint(time.Now().Unix()+3)+` do end error "late"`)
	reloaded := make(chan error)
	go func() { reloaded <- l.Reload() }()
	l.print.wait(t, "loading")
	began := time.Now()
	l.stop(0)
	if took := time.Since(began); took > time.Second {
		t.Errorf("took %v to end", took)
	}
	if err := <-reloaded; !errors.Is(err, errNotRunning) {
		t.Errorf("the reload: %v", err)
	}
}

// TestReloadBeforeAndAfterARun reloads when nothing runs yet, and any more.
func TestReloadBeforeAndAfterARun(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	make := func() (r *Runtime) {
		path := filepath.Join(t.TempDir(), "main.lua")
		if err := os.WriteFile(path, []byte("function on_packet() end"), 0o666); err != nil {
			t.Fatal(err)
		}
		lab.B.Do(t, func() (err error) {
			r, err = New(Config{Interfaces: []string{lab.B.Link}, Script: path, Log: slog.New(slog.DiscardHandler)})
			return err
		})
		return r
	}
	r := make()
	early := reloadAside(r)
	ctx, cancel := context.WithCancel(context.Background())
	ended := goRun(ctx, r)
	if err := <-early; err != nil {
		t.Errorf("before Run: %v", err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := r.Reload(); !errors.Is(err, errNotRunning) {
		t.Errorf("after Run: %v", err)
	}
	r = make()
	early = reloadAside(r)
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := <-early; !errors.Is(err, errNotRunning) {
		t.Errorf("after Close: %v", err)
	}
}

func reloadAside(r *Runtime) <-chan error {
	result := make(chan error, 1)
	go func() { result <- r.Reload() }()
	return result
}

func goRun(ctx context.Context, r *Runtime) <-chan error {
	result := make(chan error, 1)
	go func() { result <- r.Run(ctx) }()
	return result
}

// TestOnStopOpensSockets has the script that is replaced say goodbye from an
// address that there is in the namespace of the interfaces alone.
func TestOnStopOpensSockets(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	l := goLive(t, lab.B, fmt.Sprintf(`
		local pv = require "pv"
		function on_packet() end
		function on_stop()
			local s = pv.udp_socket{bind = "%s:5000"}
			print("goodbye")
			s:close()
		end`, lab.B.IP), nil)
	l.write("main.lua", "function on_packet() end")
	if err := l.Reload(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(l.print.String(), "goodbye") {
		t.Errorf("%s", l.log)
	}
	l.stop(0)
}
