// SPDX-License-Identifier: GPL-3.0-or-later

package state

import (
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"sync/atomic"
	"time"
)

// A Map has values by keys. An entry is touched when it is made, got, set or
// added to. Where a method takes the time, it matters only if the map has a TTL.
type Map struct {
	name    string
	shape   Shape
	clock   *clock
	ttl     int64 // in ns; 0 is for ever
	seed    maphash.Seed
	used    atomic.Int64 // entries, those included that have aged out and are still there
	nextAge atomic.Int64 // no entry ages out before this time
	refused atomic.Uint64
	told    atomic.Bool
	place   Place // where the entries are, once they have moved
	shards  [shardCount]shard
}

// shardCount is in how many parts with a lock each a map is divided, a power
// of two: several for each worker there may be, so that two rarely meet.
const (
	shardBits  = 5
	shardCount = 1 << shardBits
)

func newMap(name string, shape Shape, c *clock) *Map {
	m := &Map{name: name, shape: shape, clock: c, ttl: int64(shape.TTL), seed: maphash.MakeSeed()}
	for i := range m.shards {
		m.shards[i].init()
	}
	return m
}

// Name gives the name under which the map is in its Store.
func (m *Map) Name() string { return m.name }

// Shape gives what it was declared with.
func (m *Map) Shape() Shape { return m.shape }

// Get gives the value of a key, false if there is none. It does not allocate.
func (m *Map) Get(key Value, now time.Time) (v Value, ok bool, err error) {
	if err := key.check(m.shape.Key, "key"); err != nil {
		return Value{}, false, err
	}
	at := m.at(now)
	s := m.lock(key)
	if s == nil {
		return m.place.Get(key)
	}
	if e := m.find(s, key, at); e != nil {
		v, ok = e.value, true
	}
	s.mu.Unlock()
	return v, ok, nil
}

// Set gives a key a value. It reports false, and counts it, when the key is new
// and the map is full.
func (m *Map) Set(key, v Value, now time.Time) (ok bool, err error) {
	if err := key.check(m.shape.Key, "key"); err != nil {
		return false, err
	}
	if err := v.check(m.shape.Value, "value"); err != nil {
		return false, err
	}
	s, e := m.enter(key, m.at(now))
	if s == nil {
		return m.place.Set(key, v)
	}
	if e != nil {
		e.value = v.own()
	}
	s.mu.Unlock()
	return e != nil, nil
}

// Outcome is what became of an Insert.
type Outcome uint8

// The outcomes.
const (
	Inserted Outcome = iota // the key was new and has the value
	Taken                   // the key had a value, which it keeps; it was not touched
	Full                    // the key is new and there is no room; counted as refused
)

// Insert gives a key a value if it has none: of several that do so at the same
// time one succeeds.
func (m *Map) Insert(key, v Value, now time.Time) (Outcome, error) {
	if err := key.check(m.shape.Key, "key"); err != nil {
		return 0, err
	}
	if err := v.check(m.shape.Value, "value"); err != nil {
		return 0, err
	}
	at := m.at(now)
	for retry := true; ; retry = false {
		s := m.lock(key)
		if s == nil {
			return m.place.Insert(key, v)
		}
		outcome := Full
		if m.look(s, key, at) != none {
			outcome = Taken
		} else if e := m.make(s, key, at, retry); e != nil {
			e.value, outcome = v.own(), Inserted
		} else if retry {
			continue // make has unlocked s
		}
		s.mu.Unlock()
		return outcome, nil
	}
}

// Add adds n to the number that a key has, 0 if it has none, and gives the
// sum. It reports false, and counts it, when the key is new and the map is
// full. A sum that the map can't hold is an error and changes nothing.
func (m *Map) Add(key Value, n float64, now time.Time) (sum float64, ok bool, err error) {
	if err := key.check(m.shape.Key, "key"); err != nil {
		return 0, false, err
	}
	at := m.at(now)
	s := m.lock(key)
	if s == nil {
		return m.place.Add(key, n)
	}
	e := m.find(s, key, at)
	if e == nil {
		// What is wrong with a first value is found out before it is stored.
		if err := Number(n).check(m.shape.Value, "sum"); err != nil {
			s.mu.Unlock()
			return 0, false, err
		}
		s.mu.Unlock()
		s, e = m.enter(key, at) // which another worker may have made meanwhile
		if s == nil {
			return m.place.Add(key, n)
		}
	}
	defer s.mu.Unlock()
	if e == nil {
		return 0, false, nil
	}
	old, isNumber := e.value.Number()
	if !isNumber {
		return 0, false, fmt.Errorf("the value of %v is %v; only numbers can be added to", key, e.value)
	}
	if err := Number(old+n).check(m.shape.Value, "sum"); err != nil {
		return 0, false, err
	}
	e.value = Number(old + n)
	return old + n, true, nil
}

// Delete removes a key and reports whether it was there.
func (m *Map) Delete(key Value, now time.Time) (ok bool, err error) {
	if err := key.check(m.shape.Key, "key"); err != nil {
		return false, err
	}
	at := m.at(now)
	s := m.lock(key)
	if s == nil {
		return m.place.Delete(key)
	}
	defer s.mu.Unlock()
	if m.find(s, key, at) == nil {
		return false, nil
	}
	m.remove(s, s.index(key))
	return true, nil
}

// Len counts the entries.
func (m *Map) Len(now time.Time) int {
	if p := m.moved(); p != nil {
		return p.Len()
	}
	m.age(m.at(now))
	return int(m.used.Load())
}

// Refused counts the new keys that found the map full.
func (m *Map) Refused() uint64 {
	n := m.refused.Load()
	if p := m.moved(); p != nil {
		n += p.Refused()
	}
	return n
}

// Tell reports true to the first caller only, of all that share the map: to the
// one that says that it is full.
func (m *Map) Tell() bool { return m.told.CompareAndSwap(false, true) }

// An Item is an entry of a map as it was at some time.
type Item struct{ Key, Value Value }

// Items gives all entries, numbers before strings, in ascending order of their
// keys. Entries that other goroutines change meanwhile are there as they were
// before or after. It touches none.
func (m *Map) Items(now time.Time) []Item {
	if p := m.moved(); p != nil {
		items := p.Items()
		slices.SortFunc(items, func(a, b Item) int { return compare(a.Key, b.Key) })
		return items
	}
	at := m.at(now)
	items := make([]Item, 0, m.used.Load())
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		for j := s.oldest; j != none; j = s.entries[j].newer {
			if e := &s.entries[j]; !m.aged(e, at) {
				items = append(items, Item{e.key, e.value})
			}
		}
		s.mu.Unlock()
	}
	slices.SortFunc(items, func(a, b Item) int { return compare(a.Key, b.Key) })
	return items
}

// at gives a time in ns, 0 if this map has no use for it.
func (m *Map) at(now time.Time) int64 {
	if m.ttl == 0 {
		return 0
	}
	return m.clock.at(now)
}

// shard gives the one that has a key. Numbers are spread by multiplication
// (Knuth, TAOCP volume 3, section 6.4); that somebody who chooses them can
// make all meet in one shard costs him its lock, for within it they are
// hashed with a secret of Go's.
func (m *Map) shard(key Value) *shard {
	if key.is {
		return &m.shards[maphash.String(m.seed, key.str)%shardCount]
	}
	return &m.shards[bitsOf(key.num)*0x9E3779B97F4A7C15>>(64-shardBits)]
}

// bitsOf gives a number's bits, those of 0 for -0, which equals it.
func bitsOf(x float64) uint64 { return math.Float64bits(x + 0) }
