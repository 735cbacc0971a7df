// SPDX-License-Identifier: GPL-3.0-or-later

package state

import "errors"

// A Place holds the entries of a map outside of it, as the kernel does for its
// own programs. The methods are those of Map, with keys and values that have
// been checked; time is the place's own, and Items are in any order. All may be
// called from any number of goroutines at once.
type Place interface {
	Get(key Value) (v Value, ok bool, err error)
	Set(key, v Value) (ok bool, err error)
	Insert(key, v Value) (Outcome, error)
	Add(key Value, n float64) (sum float64, ok bool, err error)
	Delete(key Value) (ok bool, err error)
	Len() int
	Items() []Item
	Refused() uint64 // since it was made
}

// Move takes all entries to a place, which from then on is their only one. On
// an error they stay where they are. Entries that have a TTL begin it anew.
func (m *Map) Move(to Place) error {
	for i := range m.shards {
		m.shards[i].mu.Lock()
		defer m.shards[i].mu.Unlock()
	}
	if m.place != nil {
		return errors.New("the entries of map " + m.name + " have moved already")
	}
	for i := range m.shards {
		s := &m.shards[i]
		for j := s.oldest; j != none; j = s.entries[j].newer {
			if _, err := to.Set(s.entries[j].key, s.entries[j].value); err != nil {
				return err
			}
		}
	}
	m.place = to
	for i := range m.shards {
		s := &m.shards[i]
		s.moved, s.numbers, s.strings, s.entries = true, nil, nil, nil
	}
	m.used.Store(0)
	return nil
}

// Place gives where the entries have moved, nil if they have not.
func (m *Map) Place() Place { return m.moved() }

// moved is Place.
func (m *Map) moved() Place {
	s := &m.shards[0]
	s.mu.Lock()
	defer s.mu.Unlock()
	return m.place
}

// lock locks the shard that has a key and returns it; nil if the entries have
// moved to m.place.
func (m *Map) lock(key Value) *shard {
	s := m.shard(key)
	s.mu.Lock()
	if s.moved {
		s.mu.Unlock()
		return nil
	}
	return s
}

// CheckValue says why v can't be a value of a map of this shape. what names it
// in the error: "value", "sum".
func (s Shape) CheckValue(v Value, what string) error { return v.check(s.Value, what) }
