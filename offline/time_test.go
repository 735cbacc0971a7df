// SPDX-License-Identifier: GPL-3.0-or-later

package offline

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"pvlua/luabind"
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

// TestPacedCalls are due at their own times.
func TestPacedCalls(t *testing.T) {
	r := play(t, clock+`
	pv.pace{rate = 4, count = 6, function(i) say(i) end}
	function on_packet(pkt) say "packet" return pv.DROP end`, nil, port("a", file(at{0, udp(1)}, at{1, udp(2)}, at{5, udp(3)}))).ok(t)
	const want = `0.000000	1
0.000000	packet
0.250000	2
0.500000	3
0.750000	4
1.000000	5
1.000000	packet
1.250000	6
5.000000	packet
`
	if r.stdout != want {
		t.Errorf("got\n%swant\n%s", r.stdout, want)
	}
}

// TestMapsAgeInVirtualTime forgets what is too old by the packets' clock.
func TestMapsAgeInVirtualTime(t *testing.T) {
	r := play(t, `
	local m = pv.map{name = "m", max = 10, ttl = 2}
	function on_packet(pkt)
	  print(m:add(pkt.udp.dport, 1), m:len())
	  return pv.DROP
	end`, nil, port("a", file(at{0, udp(1)}, at{1, udp(1)}, at{2.5, udp(2)}, at{3.5, udp(1)}))).ok(t)
	if r.stdout != "1\t1\n2\t1\n1\t2\n1\t2\n" {
		t.Errorf("got\n%s", r.stdout)
	}
}

// TestExit ends the run with what was done before.
func TestExit(t *testing.T) {
	const stop = ` function on_stop() print "stopped" end`
	for _, c := range []struct {
		source string
		status int
		rx     uint64
	}{
		{`function on_packet(pkt) if pkt.udp.dport == 2 then pv.exit(7) end return pv.TX end`, 7, 2},
		{`function on_packet(pkt) return pv.TX end pv.after(1.5, function() pv.exit() end)`, 0, 2},
		{`function on_packet(pkt) return pv.TX end function on_start() pv.exit(3) pv.exit(4) end`, 3, 0},
	} {
		r := play(t, c.source+stop, nil, port("a", file(at{0, udp(1)}, at{1, udp(2)}, at{2, udp(3)}))).ok(t)
		if r.totals.Status != c.status || r.totals.Ports[0].Rx != c.rx || r.totals.Ports[0].Tx != c.rx || r.stdout != "stopped\n" || len(r.entries(t)) != 2*int(c.rx) {
			t.Errorf("%s: %+v, %s", c.source, r.totals, r.stdout)
		}
	}
	r := play(t, `pv.exit(5)`, nil, port("a", file(at{0, udp(1)})))
	var early *luabind.EarlyExit
	if !errors.As(r.err, &early) || early.Status != 5 {
		t.Errorf("%v", r.err)
	}
}

// TestNoSockets are there.
func TestNoSockets(t *testing.T) {
	r := play(t, `pv.udp_socket{bind = "127.0.0.1:0", on_receive = function() end} function on_packet() end`, nil, port("a", file()))
	if r.err == nil || !strings.HasSuffix(r.err.Error(), "test.lua:1: pv.udp_socket: there are no sockets here: they need live interfaces, not capture files") {
		t.Errorf("%v", r.err)
	}
}
