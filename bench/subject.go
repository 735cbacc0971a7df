// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"os"
	"runtime"
	"time"

	"pvlua/luabind"
	"pvlua/state"
)

// A subject is a script with packets to handle, whose verdicts are known.
type subject struct {
	what    string
	script  []string // a path below the root of the source tree
	args    []string
	ports   []*luabind.Port
	packets []pathPacket // a multiple of handlerBatch
	timers  bool         // whether timers run between batches
	// compiled has the packets handled by what the script compiles to for user
	// space, and by Lua where that leaves them to it.
	compiled bool
	goal     goal
}

// load starts the script. handle then handles all packets once, freshly copied,
// in batches, and says how many that were; end ends the script. It fails unless
// the script gives each packet its verdict: an error path would be measured
// otherwise.
func (s *subject) load(at places) (handle func() int, end func(), err error) {
	clock, store := &world{now: time.Unix(0, 0)}, state.New()
	state, err := luabind.Load(luabind.Config{Script: at.script(s.script...), Args: s.args, Ports: s.ports, Host: clock, Store: store})
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", s.what, err)
	}
	err = state.Start()
	if err == nil && s.compiled {
		err = compileFor(state, s.ports, store, clock.Now)
	}
	if err == nil {
		err = s.check(state)
	}
	if err != nil {
		state.Close()
		return nil, nil, fmt.Errorf("%s: %w", s.what, err)
	}
	const room = 2048 // as in a UMEM frame
	memory := make([]byte, handlerBatch*room)
	pkts := make([]luabind.Packet, handlerBatch)
	return func() int {
		for first := 0; first < len(s.packets); first += handlerBatch {
			for i := range pkts {
				p := &s.packets[first+i]
				buf := memory[i*room : (i+1)*room : (i+1)*room]
				pkts[i] = luabind.Packet{Buf: buf, To: copy(buf, p.frame), Port: p.port}
			}
			state.Handle(pkts)
			if clock.now = clock.now.Add(turn); s.timers {
				state.RunTimers(clock.now)
			}
		}
		return len(s.packets)
	}, state.Close, nil
}

func (s *subject) check(state *luabind.State) error {
	for i, want := range s.packets {
		frame := append([]byte(nil), want.frame...)
		pkts := []luabind.Packet{{Buf: frame, To: len(frame), Port: want.port}}
		state.Handle(pkts)
		if got := pkts[0]; got.Err != nil || got.Verdict != want.verdict {
			return fmt.Errorf("packet %d: verdict %v, error %v; want %v", i, got.Verdict, got.Err, want.verdict)
		}
	}
	return nil
}

// A world takes every frame and throws it away. In it a turn's time passes with
// each batch.
type world struct{ now time.Time }

const turn = time.Millisecond

func (*world) Send(int, []byte) bool { return true }
func (w *world) Now() time.Time      { return w.now }

// measureCost repeats f for span and gives the nanoseconds and allocations of
// each of the packets or calls that f says it made. The time is the processor
// time of the process, garbage collection included.
func measureCost(span time.Duration, f func() int) ([]float64, error) {
	f() // warm up
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began, err := processorTime(os.Getpid(), wholeProcess)
	if err != nil {
		return nil, err
	}
	n := 0
	for begin := time.Now(); time.Since(begin) < span; {
		n += f()
	}
	ended, err := processorTime(os.Getpid(), wholeProcess)
	runtime.ReadMemStats(&after)
	return []float64{float64(ended-began) / float64(n), float64(after.Mallocs-before.Mallocs) / float64(n)}, err
}
