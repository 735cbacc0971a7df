// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"time"

	lua "github.com/yuin/gopher-lua"
)

const (
	minRate      = 1e-3 // calls per second
	maxRate      = 1e7
	defaultBurst = 64
	// maxBacklog is how far a pacer may be behind: after a longer pause, such
	// as that of a suspended machine, the rest of it is left out.
	maxBacklog = time.Second
)

// pacer calls a function at an average rate. Call number i, from 0, is due at
// start + i / rate, so a call that comes late makes no later one late.
type pacer struct {
	period  float64 // between calls, in ns
	count   uint64  // of calls; 0 for no end
	burst   int     // most calls in one turn
	start   time.Time
	started bool   // start is set
	made    uint64 // calls
	turn    int    // calls that the turn in hand may still make
}

// at gives when call number i is due. A float64 is exact to the nanosecond for
// 104 days.
func (p *pacer) at(i uint64) time.Time {
	return p.start.Add(time.Duration(float64(i) * p.period))
}

// over reports whether all calls were made.
func (p *pacer) over() bool { return p.count > 0 && p.made >= p.count }

// pace is pv.pace{rate=, count=, burst=, f}.
func (s *State) pace(L *lua.LState) int {
	o := takeOptions(L, "pv.pace", "pv.pace{rate = 1000, function(i) ... end}", "rate", "count", "burst", "1")
	x, ok := o.t.RawGetString("rate").(lua.LNumber)
	if rate := float64(x); !ok || !(rate >= minRate) || rate > maxRate {
		o.fail("rate", "calls per second, 0.001 to 1e7")
	}
	p := &pacer{
		period: 1e9 / float64(x),
		count:  o.whole("count", 1, 1<<53, 0),
		burst:  int(o.whole("burst", 1, 1<<16, defaultBurst)),
	}
	return s.addTimer(L, &timer{due: s.cfg.Host.Now(), fn: o.function("1", true), pace: p})
}

// runPace makes those calls of a pacer that are due at now, as many as a turn
// may have, and says when the next one is. The schedule begins with the first
// of them: until then a run may take its time to begin.
func (s *State) runPace(t *timer, now time.Time) (errs []error) {
	p := t.pace
	if !p.started {
		p.start, p.started = now, true
	}
	if behind := now.Sub(p.at(p.made)); behind > maxBacklog {
		p.start = p.start.Add(behind - maxBacklog)
	}
	p.turn = p.burst
	for s.out.pacing, s.out.paceTime = t, now; s.paceDue(); {
		if err := s.guarded(s.out.pacer); err != nil {
			errs = append(errs, s.scriptError(err))
			s.repair()
		}
	}
	s.out.pacing = nil
	t.due = p.at(p.made)
	return errs
}

// paceDue reports whether the pacer in hand has a call to make.
func (s *State) paceDue() bool {
	t := s.out.pacing
	p := t.pace
	return p.turn > 0 && !p.over() && !t.stopped && !s.out.exited && !s.quota.enough() && !p.at(p.made).After(s.out.paceTime)
}

// drivePace is the Go function inside the protected call: as with packets, one
// for many calls, because it costs more than a call.
func (s *State) drivePace(L *lua.LState) int {
	for s.paceDue() {
		t := s.out.pacing
		t.pace.turn--
		t.pace.made++
		s.quota.reset()
		L.Push(t.fn)
		L.Push(s.values.number(t.pace.made))
		L.Call(1, 0)
	}
	return 0
}
