// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	goruntime "runtime"
	"testing"
	"time"
)

// TestSpinningAdapts: a worker looks for the next packet only where the last ones
// came close to each other, and only for so long.
func TestSpinningAdapts(t *testing.T) {
	const spin = 2 * time.Millisecond
	type step struct {
		at    time.Duration
		turns int // with packets, before
		want  bool
	}
	for name, steps := range map[string][]step{
		"nothing ever":       {{at: 0}, {at: spin}},
		"the first packet":   {{at: time.Hour, turns: 1}},
		"a burst":            {{at: time.Hour, turns: 2, want: true}, {at: time.Hour + spin, want: true}, {at: time.Hour + spin + 1}},
		"a close second one": {{at: 0, turns: 1}, {at: spin, turns: 1, want: true}, {at: 2 * spin, want: true}, {at: 2*spin + 1}},
		"far from each other": {
			{at: 0, turns: 1}, {at: 10 * spin, turns: 1}, {at: 10*spin + 1}, {at: 20 * spin, turns: 1},
			{at: 21 * spin, turns: 1, want: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Now()
			r := rest{spin: spin}
			for i, s := range steps {
				for range s.turns {
					r.packets()
				}
				if got := r.spins(r.since(begin.Add(s.at))); got != s.want {
					t.Errorf("step %d, after %v: spins %v, want %v", i, s.at, got, s.want)
				}
			}
		})
	}
	r := rest{}
	r.packets()
	r.packets()
	if r.spins(r.since(time.Now())) {
		t.Error("it spins without being told to")
	}
}

// TestDozeEnds: by what is waited for, by the time that is given, and for the
// garbage collector, which has to stop all that does not sleep as Go sees it.
func TestDozeEnds(t *testing.T) {
	m, err := newMailbox()
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	var p poller
	p.set(m.fd, nil, nil)
	n := 1.0
	for try := 0; n != 0 && try < 5; try++ { // others that still end allocate, too
		n = testing.AllocsPerRun(10, func() { p.doze(time.Microsecond); p.wait(time.Microsecond) })
	}
	if n != 0 {
		t.Errorf("%v allocations", n)
	}

	// Were it not interrupted, each collection would take as long as the doze.
	const long, collections = 2 * time.Second, 10
	ended := make(chan struct{})
	go func() {
		goruntime.LockOSThread()
		for !m.posted.Load() {
			p.doze(long)
		}
		close(ended)
	}()
	began := time.Now()
	for range collections {
		goruntime.GC()
	}
	if took := time.Since(began); took > long*collections/4 {
		t.Errorf("%d garbage collections took %v beside a worker that dozes", collections, took)
	}
	m.post(func() {})
	select {
	case <-ended:
	case <-time.After(long * 3 / 4):
		t.Error("a letter does not end the doze")
	}
}

// TestWorkersGetProcessors: beside workers that keep theirs there are as many as
// before, and they are given back.
func TestWorkersGetProcessors(t *testing.T) {
	before := goruntime.GOMAXPROCS(0)
	addProcessors(3)
	if n := goruntime.GOMAXPROCS(0); n != before+3 {
		t.Errorf("%d processors, want %d", n, before+3)
	}
	addProcessors(-3)
	if n := goruntime.GOMAXPROCS(0); n != before {
		t.Errorf("%d processors, want %d", n, before)
	}
}
