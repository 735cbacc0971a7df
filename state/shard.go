// SPDX-License-Identifier: GPL-3.0-or-later

package state

import "sync"

// A shard is a part of a map. Its entries are in a list from the one that was
// not touched for longest to the one touched last; free places in another one.
type shard struct {
	mu             sync.Mutex
	numbers        map[uint64]int32 // places in entries, by bitsOf
	strings        map[string]int32
	entries        []entry
	oldest, newest int32
	free           int32    // the first free place
	moved          bool     // the entries are at Map.place
	_              [64]byte // so that two shards do not share a cache line
}

// An entry is a key with its value.
type entry struct {
	key, value   Value
	touched      int64 // when, in ns
	older, newer int32 // its neighbours in the list; newer is the next free place of one that is free
}

// none is the place of no entry.
const none int32 = -1

func (s *shard) init() {
	s.numbers, s.strings = make(map[uint64]int32), make(map[string]int32)
	s.oldest, s.newest, s.free = none, none, none
}

// index gives the place of a key, none if it has none. It does not allocate.
func (s *shard) index(key Value) int32 {
	var i int32
	var ok bool
	if key.is {
		i, ok = s.strings[key.str]
	} else {
		i, ok = s.numbers[bitsOf(key.num)]
	}
	if !ok {
		return none
	}
	return i
}

// aged reports whether an entry is too old to be there.
func (m *Map) aged(e *entry, at int64) bool { return m.ttl > 0 && at-e.touched >= m.ttl }

// look gives the place of a key's entry, none if there is none. s is locked,
// here and below.
func (m *Map) look(s *shard, key Value, at int64) int32 {
	i := s.index(key)
	if i != none && m.aged(&s.entries[i], at) {
		m.remove(s, i)
		return none
	}
	return i
}

// find gives the entry of a key, which it touches; nil if there is none.
func (m *Map) find(s *shard, key Value, at int64) *entry {
	i := m.look(s, key, at)
	if i == none {
		return nil
	}
	e := &s.entries[i]
	if m.ttl > 0 {
		// The clocks of two workers may be read in one order and get here in
		// the other.
		e.touched = max(e.touched, at)
		if s.newest != i {
			s.unlink(i)
			s.link(i)
		}
	}
	return e
}

// enter gives the entry of a key, a new one with the value 0 if there was none;
// nil if the map is full. It locks the shard of the key, which it returns; nil
// if the entries have moved.
func (m *Map) enter(key Value, at int64) (*shard, *entry) {
	for retry := true; ; retry = false {
		s := m.lock(key)
		if s == nil {
			return nil, nil
		}
		if e := m.find(s, key, at); e != nil {
			return s, e
		}
		if e := m.make(s, key, at, retry); e != nil || !retry {
			return s, e
		}
	}
}

// make makes an entry for a key that has none. It gives nil if the map is full:
// for good, which it counts, unless retry is set; with it s is unlocked now and
// what is too old has gone, so that another attempt is worth it.
func (m *Map) make(s *shard, key Value, at int64, retry bool) *entry {
	if m.reserve() {
		return s.insert(key.own(), at)
	}
	if !retry {
		m.refused.Add(1)
		return nil
	}
	s.mu.Unlock() // aging locks the shards one by one
	m.age(at)
	return nil
}

// reserve makes room for one more entry, if there is some.
func (m *Map) reserve() bool {
	for {
		n := m.used.Load()
		if n >= int64(m.shape.Max) {
			return false
		}
		if m.used.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// age removes all entries that are too old. While none can be it costs
// nothing, so that a flood of new keys does not make a full map slow.
func (m *Map) age(at int64) {
	if m.ttl == 0 || at < m.nextAge.Load() {
		return
	}
	next := at + m.ttl
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		for s.oldest != none && m.aged(&s.entries[s.oldest], at) {
			m.remove(s, s.oldest)
		}
		if s.oldest != none {
			next = min(next, s.entries[s.oldest].touched+m.ttl)
		}
		s.mu.Unlock()
	}
	m.nextAge.Store(next)
}

// insert makes an entry, for which there is room, with the value 0.
func (s *shard) insert(key Value, at int64) *entry {
	i := s.free
	if i != none {
		s.free = s.entries[i].newer
	} else {
		i = int32(len(s.entries))
		s.entries = append(s.entries, entry{})
	}
	e := &s.entries[i]
	e.key, e.touched = key, at
	s.link(i)
	if key.is {
		s.strings[key.str] = i
	} else {
		s.numbers[bitsOf(key.num)] = i
	}
	return e
}

// remove frees an entry.
func (m *Map) remove(s *shard, i int32) {
	s.unlink(i)
	e := &s.entries[i]
	if e.key.is {
		delete(s.strings, e.key.str)
	} else {
		delete(s.numbers, bitsOf(e.key.num))
	}
	*e = entry{newer: s.free}
	s.free = i
	m.used.Add(-1)
}

// link puts an entry at the end of the list, as the one touched last.
func (s *shard) link(i int32) {
	e := &s.entries[i]
	e.older, e.newer = s.newest, none
	if s.newest != none {
		s.entries[s.newest].newer = i
	} else {
		s.oldest = i
	}
	s.newest = i
}

// unlink takes an entry out of the list.
func (s *shard) unlink(i int32) {
	e := &s.entries[i]
	if e.older != none {
		s.entries[e.older].newer = e.newer
	} else {
		s.oldest = e.newer
	}
	if e.newer != none {
		s.entries[e.newer].older = e.older
	} else {
		s.newest = e.older
	}
}
