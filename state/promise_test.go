// SPDX-License-Identifier: GPL-3.0-or-later

package state

import (
	"math"
	"runtime"
	"strings"
	"testing"
	"time"
)

func newTestMap(t testing.TB, shape Shape) *Map {
	t.Helper()
	m, err := New().Map("m", shape)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestDoesNotAllocate is the promise for what a handler does per packet.
func TestDoesNotAllocate(t *testing.T) {
	m := newTestMap(t, Shape{Max: 1000, TTL: time.Hour})
	now := time.Now()
	c := new(Counter)
	number, text := Number(0x0a000001), String("10.0.0.1")
	m.Set(number, Number(1), now)
	m.Set(text, Number(1), now)
	full := newTestMap(t, Shape{Max: 1, TTL: time.Hour})
	full.Set(number, Number(1), now)
	for name, f := range map[string]func(){
		"counter":        func() { c.Add(2); c.Set(c.Get()) },
		"get number":     func() { m.Get(number, now) },
		"get string":     func() { m.Get(text, now) },
		"get nothing":    func() { m.Get(Number(3), now) },
		"set number":     func() { m.Set(number, Number(2), now) },
		"add":            func() { m.Add(text, 1, now) },
		"add number":     func() { m.Add(number, 1, now) },
		"len":            func() { m.Len(now) },
		"set in a full":  func() { full.Set(Number(7), Number(7), now) },
		"insert taken":   func() { m.Insert(text, Number(7), now) },
		"insert in full": func() { full.Insert(Number(7), Number(7), now) },
		"insert":         func() { m.Insert(Number(5), Number(2), now); m.Delete(Number(5), now) },
		"set and delete": func() { m.Set(Number(5), Number(2), now); m.Delete(Number(5), now) },
	} {
		f()
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// TestHostileKeysDoNotGrowIt floods a map with keys of the greatest length.
func TestHostileKeysDoNotGrowIt(t *testing.T) {
	m := newTestMap(t, Shape{Max: 100, TTL: time.Second})
	now := time.Unix(0, 0)
	long := strings.Repeat("x", MaxKey-8)
	heap := func() uint64 {
		runtime.GC()
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return s.HeapAlloc
	}
	flood := func() {
		for i := range 20_000 {
			now = now.Add(time.Millisecond)
			var tail [8]byte
			for j := range tail {
				tail[j] = byte(i >> (8 * j))
			}
			if _, err := m.Set(String(long+string(tail[:])), String(long), now); err != nil {
				t.Fatal(err)
			}
			m.Add(Number(float64(i)), 1, now)
		}
	}
	flood()
	before := heap()
	flood()
	if after := heap(); after > before+200*MaxKey {
		t.Errorf("grew from %d to %d bytes", before, after)
	}
	if n := m.Len(now); n > 100 {
		t.Errorf("%d entries", n)
	}
	if m.Refused() == 0 {
		t.Error("nothing was refused")
	}
	runtime.KeepAlive(m)
}

// TestFullMapUnderFloodIsCheap: looking for aged entries costs nothing while
// there can be none.
func TestFullMapUnderFloodIsCheap(t *testing.T) {
	m := newTestMap(t, Shape{Max: 1, TTL: time.Hour})
	start := time.Unix(0, 0)
	m.Set(Number(0), Number(0), start)
	m.Set(Number(1), Number(0), start)
	if next := m.nextAge.Load(); next != int64(time.Hour) {
		t.Errorf("looks again at %v", time.Duration(next))
	}
	if ok, _ := m.Set(Number(1), Number(0), start.Add(time.Hour-1)); ok {
		t.Error("found room before the time")
	}
	if ok, _ := m.Set(Number(1), Number(0), start.Add(time.Hour)); !ok {
		t.Error("found no room when it was time")
	}
}

// TestKeepsNoForeignMemory: a string may be a piece of a packet's payload.
func TestKeepsNoForeignMemory(t *testing.T) {
	m := newTestMap(t, Shape{Max: 100})
	big := func() string { return strings.Repeat("x", 1<<20) }
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range 50 {
		s := big()
		m.Set(String(s[:i]), String(s[i:i+5]), time.Time{})
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 1<<20 {
		t.Errorf("%d bytes are kept alive", grown)
	}
	runtime.KeepAlive(m)
}

// TestMonotonic: what counts is the monotonic reading, not the wall clock.
func TestMonotonic(t *testing.T) {
	m := newTestMap(t, Shape{Max: 1, TTL: time.Minute})
	now := time.Now()
	m.Set(Number(1), Number(1), now)
	if _, ok, _ := m.Get(Number(1), now.Add(59*time.Second)); !ok {
		t.Error("aged out too early")
	}
	if _, ok, _ := m.Get(Number(1), now.Add(118*time.Second)); !ok {
		t.Error("a get did not touch it")
	}
	if _, ok, _ := m.Get(Number(1), now.Add(178*time.Second)); ok {
		t.Error("did not age out")
	}
}

func TestNegativeZeroIsZero(t *testing.T) {
	m := newTestMap(t, Shape{Max: 2})
	m.Set(Number(math.Copysign(0, -1)), Number(7), time.Time{})
	if v, ok, _ := m.Get(Number(0), time.Time{}); !ok || v != Number(7) {
		t.Error(v, ok)
	}
}
