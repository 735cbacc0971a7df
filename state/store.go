// SPDX-License-Identifier: GPL-3.0-or-later

package state

import (
	"errors"
	"fmt"
	stdmaps "maps"
	"slices"
	"sync"
)

const (
	// MaxName is the greatest length of a name in bytes.
	MaxName = 64
	// maxNames bounds how many counters, and how many maps, a Store has, so
	// that a handler that makes one for each packet is found out.
	maxNames = 1 << 16
)

// A Store has counters and maps by name. The zero value is no Store; New makes
// one.
type Store struct {
	clock clock

	mu       sync.Mutex
	counters map[string]*Counter
	maps     map[string]*Map
}

// New makes an empty Store.
func New() *Store {
	return &Store{counters: make(map[string]*Counter), maps: make(map[string]*Map)}
}

// Counter gives the counter of a name. It is made, at 0, when the name is new.
func (s *Store) Counter(name string) (*Counter, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.counters[name]; c != nil {
		return c, nil
	}
	if err := checkName(name, len(s.counters), "counter"); err != nil {
		return nil, err
	}
	c := new(Counter)
	s.counters[name] = c
	return c, nil
}

// Map gives the map of a name. It is made, empty, when the name is new. When it
// is not, the shape must be the one that it was made with; the error names
// both.
func (s *Store) Map(name string, shape Shape) (*Map, error) {
	if err := shape.Check(); err != nil {
		return nil, fmt.Errorf("map %s: %w", name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.maps[name]; m != nil {
		if m.shape != shape {
			return nil, fmt.Errorf("map %s is there already with %v; it can't have %v as well", name, m.shape, shape)
		}
		return m, nil
	}
	if err := checkName(name, len(s.maps), "map"); err != nil {
		return nil, err
	}
	m := newMap(name, shape, &s.clock)
	s.maps[name] = m
	return m, nil
}

// Lookup gives the map of a name, false if there is none.
func (s *Store) Lookup(name string) (*Map, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.maps[name]
	return m, ok
}

// Names gives the names of the counters and of the maps, in ascending order.
func (s *Store) Names() (counters, maps []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(stdmaps.Keys(s.counters)), slices.Sorted(stdmaps.Keys(s.maps))
}

// checkName refuses a name that can't be given to one more thing of a sort of
// which there are n.
func checkName(name string, n int, sort string) error {
	switch {
	case name == "":
		return errors.New("a " + sort + " needs a name")
	case len(name) > MaxName:
		return fmt.Errorf("the name of a %s has %d bytes; %d are allowed", sort, len(name), MaxName)
	case n >= maxNames:
		return fmt.Errorf("there are %d %ss already; use a map where names come from packets", n, sort)
	}
	return nil
}
