// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// advance runs the timers of f in virtual time, each at its own, up to d from
// now.
func (f *fixture) advance(d time.Duration) (errs []error) {
	until := f.host.now.Add(d)
	for {
		at, ok := f.NextTimer()
		if !ok || at.After(until) {
			f.host.now = until
			return errs
		}
		if at.After(f.host.now) {
			f.host.now = at
		}
		errs = append(errs, f.RunTimers(f.host.now)...)
	}
}

// globalNumber gives a global variable.
func globalNumber(f *fixture, name string) float64 {
	return float64(f.L.GetGlobal(name).(lua.LNumber))
}

func TestPaceIsExactInVirtualTime(t *testing.T) {
	f := load(t, `
		local start = pv.now()
		pv.pace{rate = 4, count = 3, function(i) print(i, pv.now() - start) end}
		function on_packet() end`)
	if errs := f.advance(time.Minute); errs != nil {
		t.Error(errs)
	}
	if got := f.stdout.String(); got != "1\t0\n2\t0.25\n3\t0.5\n" {
		t.Errorf("%s", got)
	}
	if at, ok := f.NextTimer(); ok {
		t.Errorf("one more call at %v", at)
	}
}

// TestPaceHoldsItsRate turns like a loop that is late by an amount that varies.
func TestPaceHoldsItsRate(t *testing.T) {
	for _, rate := range []float64{1, 3, 1000, 12345.678, 500_000} {
		f := load(t, fmt.Sprintf(`
			n = 0
			pv.pace{rate = %g, function(i) n = i end}
			function on_packet() end`, rate))
		start := f.host.now
		seconds := math.Max(2, 10/rate)
		for i := 0; f.host.now.Sub(start).Seconds() < seconds; i++ {
			if at, ok := f.NextTimer(); !ok {
				t.Fatal("the pace has ended")
			} else if at.After(f.host.now) {
				f.host.now = at
			}
			f.RunTimers(f.host.now)
			f.host.now = f.host.now.Add(time.Duration(i%7) * 17 * time.Microsecond)
		}
		n := globalNumber(f, "n")
		want := rate * f.host.now.Sub(start).Seconds()
		if math.Abs(n-want) > 1+defaultBurst {
			t.Errorf("rate %v: %v calls, want %v", rate, n, want)
		}
	}
}

func TestPaceBurst(t *testing.T) {
	f := load(t, `
		n = 0
		pv.pace{rate = 1000, burst = 5, function() n = n + 1 end}
		function on_packet() end`)
	f.RunTimers(f.host.now)
	if n := globalNumber(f, "n"); n != 1 {
		t.Fatalf("%v calls at once", n)
	}
	f.host.now = f.host.now.Add(12 * time.Millisecond)
	for _, want := range []float64{6, 11, 13, 13} {
		f.RunTimers(f.host.now)
		if n := globalNumber(f, "n"); n != want {
			t.Errorf("%v calls; want %v", n, want)
		}
	}
	// Held up for an hour, it makes up for a second.
	f.host.now = f.host.now.Add(time.Hour)
	for range 1000 {
		f.RunTimers(f.host.now)
	}
	if n := globalNumber(f, "n"); n < 1013 || n > 1015 {
		t.Errorf("%v calls after a pause", n)
	}
}

// TestPaceStartsWithTheRun: what passes before the first turn is not made up for.
func TestPaceStartsWithTheRun(t *testing.T) {
	f := load(t, `
		n = 0
		pv.pace{rate = 1000, function() n = n + 1 end}
		function on_packet() end`)
	f.host.now = f.host.now.Add(500 * time.Millisecond)
	f.RunTimers(f.host.now)
	if n := globalNumber(f, "n"); n != 1 {
		t.Errorf("%v calls at once", n)
	}
}

func TestPaceGoesOnAfterErrors(t *testing.T) {
	f := load(t, `
		n = 0
		pv.pace{rate = 1000, count = 10, function(i)
			n = n + 1
			if i % 3 == 0 then error("call " .. i) end
			if i == 5 then while true do end end
		end}
		function on_packet() end`, func(c *Config) { c.Quota = 1000 })
	errs := f.advance(time.Second)
	var texts []string
	for _, err := range errs {
		texts = append(texts, err.Error())
	}
	got := strings.Join(texts, "\n")
	if want := "test.lua:5: call 3\ntest.lua:6: handler stopped: more than 1000 instructions in one call (an endless loop?)\ntest.lua:5: call 6\ntest.lua:5: call 9"; got != want {
		t.Errorf("%s", got)
	}
	if n := globalNumber(f, "n"); n != 10 {
		t.Errorf("%v calls", n)
	}
}

func TestPaceStops(t *testing.T) {
	f := load(t, `
		n, m = 0, 0
		local p
		p = pv.pace{rate = 1000, function(i) n = n + 1 if i == 5 then p:stop() end end}
		q = pv.pace{rate = 1000, function() m = m + 1 end}
		pv.after(0.0105, function() q:stop() q:stop() end)
		function on_packet() end`)
	f.RunTimers(f.host.now)
	f.host.now = f.host.now.Add(20 * time.Millisecond) // all are due in the same turn
	f.RunTimers(f.host.now)
	f.advance(time.Second)
	if n, m := globalNumber(f, "n"), globalNumber(f, "m"); n != 5 || m > 22 {
		t.Errorf("%v and %v calls", n, m)
	}
	if _, ok := f.NextTimer(); ok {
		t.Error("not all have stopped")
	}
}

// TestStoppedTimerOfTheSameTurn: a timer that is set and stopped by others that
// are due with it must not run.
func TestStoppedTimerOfTheSameTurn(t *testing.T) {
	f := load(t, `
		local a
		pv.after(1, function() a = pv.after(0, function() print "a" end) end)
		pv.after(2, function() a:stop() end)
		function on_packet() end`)
	f.host.now = f.host.now.Add(3 * time.Second)
	f.RunTimers(f.host.now)
	f.advance(time.Second)
	if got := f.stdout.String(); got != "" {
		t.Errorf("%s ran", got)
	}
}

func TestPaceMistakes(t *testing.T) {
	for body, want := range map[string]string{
		`pv.pace{rate = 1}`:                               `test.lua:2: pv.pace: the function to call is nil; expected a function, the last thing in the table`,
		`pv.pace{function() end}`:                         `pv.pace: rate is nil; expected calls per second, 0.001 to 1e7`,
		`pv.pace{rate = 1e8, print}`:                      `pv.pace: rate is 100000000; expected calls per second`,
		`pv.pace{rate = 0/0, print}`:                      `expected calls per second`,
		`pv.pace{rate = 1, count = 0, print}`:             `pv.pace: count is 0; expected a whole number from 1`,
		`pv.pace{rate = 1, burst = 1.5, print}`:           `pv.pace: burst is 1.5; expected a whole number from 1 to 65536`,
		`select(1, pv).pace{rte = 1, print}`:              `pv.pace: it has no argument "rte"; did you mean 'rate'?`,
		`pv.pace(5)`:                                      `pv.pace: got 5; it is called with one table, as in pv.pace{rate = 1000, function(i) ... end}`,
		`for i = 1, 1e6 do pv.pace{rate = 1, print} end`:  `more than 65536 timers at once`,
		`select(1, pv).pace{rate = 1, print, fn = print}`: `pv.pace: it has no argument "fn"; there are rate, count, burst`,
	} {
		if _, err := run(t, body); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n%v; want\n%s", body, err, want)
		}
	}
}

func BenchmarkPace(b *testing.B) {
	f := load(b, `
		local frame = string.rep("x", 60)
		local port = pv.ports[1]
		pv.pace{rate = 1e6, function(i) port:send(frame) end}
		function on_packet() end`)
	f.host.full = true
	f.RunTimers(f.host.now)
	for b.Loop() {
		f.host.now = f.host.now.Add(time.Microsecond)
		if errs := f.RunTimers(f.host.now); errs != nil {
			b.Fatal(errs)
		}
	}
}
