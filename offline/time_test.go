// SPDX-License-Identifier: GPL-3.0-or-later

package offline

import (
	"context"
	"strings"
	"testing"
	"time"
)

// clock prints what happens when, in seconds after epoch.
const clock = `
local epoch = 1795608000
local function say(...) print(string.format("%.6f", pv.now() - epoch), ...) end
`

func TestTimersFireInVirtualTime(t *testing.T) {
	r := play(t, clock+`
	say "load"
	function on_start() say "start" end
	function on_stop() say "stop" end
	pv.every(0.5, function() say "every" end)
	pv.after(0.25, function() say "after" end)
	pv.after(1, function() say "with the packet" end)
	pv.after(100, function() say "never" end)
	function on_packet(pkt)
	  say("packet", pkt.udp.dport)
	  pv.after(0, function() say "at once" end)
	  return pv.DROP
	end`, nil, port("a", file(at{0, udp(1)}, at{1, udp(2)}, at{1.75, udp(3)}))).ok(t)
	const want = `0.000000	load
0.000000	start
0.000000	packet	1
0.000000	at once
0.250000	after
0.500000	every
1.000000	every
1.000000	with the packet
1.000000	packet	2
1.000000	at once
1.500000	every
1.750000	packet	3
1.750000	at once
1.750000	stop
`
	if r.stdout != want {
		t.Errorf("got\n%swant\n%s", r.stdout, want)
	}
}

func TestWhatTimersSendHasTheirTime(t *testing.T) {
	r := play(t, `
	pv.every(0.5, function() pv.ports[1]:send(string.rep("\1", 60)) end)
	function on_start() pv.ports[1]:send(string.rep("\2", 60)) end
	function on_stop() pv.ports[1]:send(string.rep("\3", 60)) end
	function on_packet(pkt) return pv.DROP end`, nil, port("a", file(at{0, udp(1)}, at{1.2, udp(2)}))).ok(t)
	const want = `0.000000 a transmitted by a
0.000000 a received on a -> drop
0.500000 a transmitted by a
1.000000 a transmitted by a
1.200000 a received on a -> drop
1.200000 a transmitted by a
`
	if got := lines(r.entries(t)); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestTimersThatSetThemselvesAgain do not hold time up.
func TestTimersThatSetThemselvesAgain(t *testing.T) {
	r := play(t, `
	local n = 0
	local function again() n = n + 1 pv.after(0, again) end
	again()
	function on_packet(pkt) return pv.DROP end
	function on_stop() print(n) end`, nil, port("a", file(at{0, udp(1)}, at{0.001, udp(2)}))).ok(t)
	if r.stdout != "1004\n" { // by hand, beside each packet, and each microsecond between them
		t.Errorf("it ran %s times in a millisecond", r.stdout)
	}
}

// TestTimeNeverGoesBack has a capture whose packets are out of order.
func TestTimeNeverGoesBack(t *testing.T) {
	r := play(t, clock+`
	pv.every(1, function() say "tick" end)
	function on_packet(pkt) say("packet", pkt.udp.dport) return pv.TX end`, nil,
		port("a", file(at{0, udp(1)}, at{2, udp(2)}, at{1.5, udp(3)}, at{3, udp(4)}))).ok(t)
	const want = `0.000000	packet	1
1.000000	tick
2.000000	tick
2.000000	packet	2
2.000000	packet	3
3.000000	tick
3.000000	packet	4
`
	if r.stdout != want {
		t.Errorf("got\n%swant\n%s", r.stdout, want)
	}
	// Received packets keep the time that the file gives them.
	if got := lines(r.entries(t)[4:6]); got != "1.500000 a received on a -> tx\n2.000000 a transmitted by a\n" {
		t.Errorf("%s", got)
	}
}

func TestTimerErrorsAreCounted(t *testing.T) {
	r := play(t, `pv.every(0.5, function() error("late") end) function on_packet() end`, nil,
		port("a", file(at{0, udp(1)}, at{2, udp(2)}))).ok(t)
	if r.totals.TimerErrors != 4 || strings.Count(r.log, "test.lua:1: late") != 4 {
		t.Errorf("%d, %s", r.totals.TimerErrors, r.log)
	}
	var b strings.Builder
	r.totals.Write(&b)
	if b.String() != "a: rx 2 tx 0 drop 0 pass 2 error 0\ntimers: error 4\n" {
		t.Errorf("%q", b.String())
	}
}

// TestInterrupted ends between two of very many timers.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c := Config{Script: "testdata/busy.lua", Inputs: []Input{port("a", file(at{0, udp(1)}, at{1e6, udp(2)}))}}
	time.AfterFunc(50*time.Millisecond, cancel)
	began := time.Now()
	totals, err := Run(ctx, c)
	if err != nil || totals.Ports[0].Rx != 2 && totals.Ports[0].Rx != 1 || time.Since(began) > 10*time.Second {
		t.Errorf("%+v, %v after %v", totals, err, time.Since(began))
	}
}
