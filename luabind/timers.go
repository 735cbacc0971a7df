// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"container/heap"
	"math"
	"time"

	lua "github.com/yuin/gopher-lua"
)

const (
	// maxInterval is the longest time that a timer can be set to, in
	// seconds: about 31 years.
	maxInterval = 1e9
	// minInterval is the shortest interval of pv.every, in seconds.
	minInterval = 1e-6
	// maxTimers bounds the timers of one state, so that a handler that sets
	// one for each packet is found out.
	maxTimers = 1 << 16
)

// timer is one timer of a script.
type timer struct {
	due      time.Time
	interval time.Duration // 0 for one that runs once
	fn       *lua.LFunction
	order    uint64 // of making, which decides among those due at the same time
	place    int    // in the heap; -1 when it is not running
	stopped  bool   // it must not run again
	pace     *pacer // instead of an interval
}

// timers is a heap of timers, the next one first.
type timers struct {
	heap  []*timer
	order uint64
}

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (t *timers) Len() int { return len(t.heap) }
func (t *timers) Less(i, j int) bool {
	a, b := t.heap[i], t.heap[j]
	if !a.due.Equal(b.due) {
		return a.due.Before(b.due)
	}
	return a.order < b.order
}
func (t *timers) Swap(i, j int) {
	t.heap[i], t.heap[j] = t.heap[j], t.heap[i]
	t.heap[i].place, t.heap[j].place = i, j
}
func (t *timers) Push(x any) {
	n := x.(*timer)
	n.place = len(t.heap)
	t.heap = append(t.heap, n)
}
func (t *timers) Pop() any {
	last := len(t.heap) - 1
	n := t.heap[last]
	t.heap[last] = nil
	t.heap = t.heap[:last]
	n.place = -1
	return n
}

// add sets a timer.
func (t *timers) add(n *timer) {
	t.order++
	n.order = t.order
	heap.Push(t, n)
}

// stop removes a timer; one that is not running stays so.
func (t *timers) stop(n *timer) {
	n.stopped = true
	if n.place >= 0 {
		heap.Remove(t, n.place)
	}
}

// clear removes all.
func (t *timers) clear() {
	for _, n := range t.heap {
		n.place = -1
	}
	t.heap = nil
}

// NextTimer gives the time at which the next timer is due, false if there is
// none.
func (s *State) NextTimer() (time.Time, bool) {
	if len(s.timers.heap) == 0 || s.out.exited {
		return time.Time{}, false
	}
	return s.timers.heap[0].due, true
}

// RunTimers calls the functions of all timers that are due at now, each once,
// in the order of their times. A repeated timer whose time has passed more
// than once, because the program was held up, runs once and goes on at the
// next multiple of its interval. The errors are *ScriptErrors; a timer whose
// function fails goes on. A pacer makes all its calls that are due, up to its
// burst. Those that are due are left for the next call once the others have
// taken as much as the quota of one. After pv.exit none runs.
func (s *State) RunTimers(now time.Time) (errs []error) {
	// Timers that these functions set wait for the next call, so that one
	// that sets another of no delay does not go on for ever.
	last := s.timers.order
	s.quota.begin()
	var later []*timer
	for len(s.timers.heap) > 0 && !s.timers.heap[0].due.After(now) && !s.out.exited && !s.quota.enough() {
		t := heap.Pop(&s.timers).(*timer)
		if t.order > last {
			later = append(later, t)
			continue
		}
		if t.pace != nil {
			errs = append(errs, s.runPace(t, now)...)
			if !t.pace.over() {
				later = append(later, t)
			}
			continue
		}
		if t.interval > 0 {
			t.due = t.due.Add((now.Sub(t.due)/t.interval + 1) * t.interval)
			heap.Push(&s.timers, t)
		}
		if err := s.protectedCall(t.fn); err != nil {
			errs = append(errs, err)
		}
	}
	for _, t := range later {
		if !t.stopped {
			heap.Push(&s.timers, t)
		}
	}
	return errs
}

// every is pv.every(seconds, f).
func (s *State) every(L *lua.LState) int {
	d := checkInterval(L, "pv.every", minInterval)
	return s.setTimer(L, d, d)
}

// after is pv.after(seconds, f).
func (s *State) after(L *lua.LState) int {
	return s.setTimer(L, checkInterval(L, "pv.after", 0), 0)
}

// checkInterval gives argument 1 as a duration.
func checkInterval(L *lua.LState, fn string, least float64) time.Duration {
	x, ok := L.Get(1).(lua.LNumber)
	if seconds := float64(x); !ok || !(seconds >= least) || seconds > maxInterval {
		L.RaiseError("%s: the interval is %s; expected seconds, %g to %g", fn, describe(L.Get(1)), least, float64(maxInterval))
	}
	return time.Duration(math.Round(float64(x) * 1e9))
}

// setTimer sets a timer that calls argument 2.
func (s *State) setTimer(L *lua.LState, d, interval time.Duration) int {
	fn, ok := L.Get(2).(*lua.LFunction)
	if !ok {
		L.RaiseError("a timer calls %s; expected a function", describe(L.Get(2)))
	}
	return s.addTimer(L, &timer{due: s.cfg.Host.Now().Add(d), interval: interval, fn: fn})
}

// addTimer starts a timer and pushes its object.
func (s *State) addTimer(L *lua.LState, t *timer) int {
	if len(s.timers.heap) >= maxTimers {
		L.RaiseError("more than %d timers at once", maxTimers)
	}
	s.timers.add(t)
	L.Push(s.newObject(&object{kind: kindTimer, timer: t}))
	return 1
}

// timerEntries are the methods of a timer.
func timerEntries() []Entry {
	return []Entry{{Kind: Method, Of: "timer", Name: "stop", Signature: "timer:stop()",
		Doc: "Stops the timer. One that has stopped already stays so.", make: method((*State).timerStop)}}
}

// timerStop is timer:stop().
func (s *State) timerStop(L *lua.LState) int {
	o := objectOf(L.Get(1))
	if o == nil || o.kind != kindTimer {
		L.RaiseError("a timer is missing: got %s; methods are called with a colon, as in timer:stop()", describe(L.Get(1)))
	}
	s.timers.stop(o.timer)
	return 0
}
