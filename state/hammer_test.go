// SPDX-License-Identifier: GPL-3.0-or-later

package state

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// workers and rounds of the tests with many goroutines; small enough for the
// race detector on two cores.
const workers, rounds = 8, 3000

func TestAddIsAtomic(t *testing.T) {
	s := New()
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			c, _ := s.Counter("c")
			m, _ := s.Map("m", Shape{Max: 10})
			for i := range rounds {
				c.Add(1)
				if _, ok, err := m.Add(Number(float64(i%3)), 1, time.Time{}); !ok || err != nil {
					t.Error(ok, err)
					return
				}
			}
		})
	}
	all.Wait()
	c, _ := s.Counter("c")
	if n := c.Get(); n != workers*rounds {
		t.Errorf("counted %d of %d", n, workers*rounds)
	}
	m, _ := s.Map("m", Shape{Max: 10})
	sum := 0.0
	for _, item := range m.Items(time.Time{}) {
		n, _ := item.Value.Number()
		sum += n
	}
	if sum != workers*rounds {
		t.Errorf("added up to %v of %d", sum, workers*rounds)
	}
}

// TestInsertHasOneWinner for each key, in a map that is never full and in one
// that is.
func TestInsertHasOneWinner(t *testing.T) {
	for _, max := range []int{rounds, rounds / 3} {
		m := newTestMap(t, Shape{Max: max, TTL: time.Hour})
		var wins [workers]int
		var all sync.WaitGroup
		for w := range workers {
			all.Go(func() {
				for i := range rounds {
					outcome, err := m.Insert(Number(float64(i)), Number(float64(w)), time.Time{})
					if err != nil {
						t.Error(err)
					}
					if outcome == Inserted {
						wins[w]++
					}
				}
			})
		}
		all.Wait()
		sum, won := 0, [workers]int{}
		for _, item := range m.Items(time.Time{}) {
			w, _ := item.Value.Number()
			won[int(w)]++
			sum++
		}
		if sum != max || won != wins {
			t.Errorf("%d of %d keys are there, by %v; told that they were inserted: %v", sum, max, won, wins)
		}
	}
}

// TestHammer lets many goroutines do everything to one small map with a TTL:
// it must never hold more than it may, and be consistent at the end.
func TestHammer(t *testing.T) {
	for _, ttl := range []time.Duration{0, 20 * time.Microsecond} {
		t.Run(fmt.Sprint(ttl), func(t *testing.T) {
			m, err := New().Map("m", Shape{Max: 50, TTL: ttl})
			if err != nil {
				t.Fatal(err)
			}
			var all sync.WaitGroup
			for w := range workers {
				all.Go(func() {
					r := rand.New(rand.NewPCG(uint64(w), 1))
					for range rounds {
						key := Number(float64(r.IntN(100)))
						if r.IntN(2) == 0 {
							key = String(key.String())
						}
						now := time.Now()
						switch r.IntN(20) {
						case 0:
							m.Items(now)
						case 1:
							if n := m.Len(now); n > 50 {
								t.Errorf("%d entries of 50", n)
							}
						case 2, 3, 4, 5, 6, 7:
							m.Set(key, Number(1), now)
						case 8, 9, 10:
							m.Add(key, 1, now)
						case 11, 12:
							m.Delete(key, now)
						default:
							m.Get(key, now)
						}
					}
				})
			}
			all.Wait()
			checkLists(t, m)
			if ttl == 0 && m.Refused() == 0 {
				t.Error("it was never full: this tests nothing")
			}
			if ttl > 0 {
				if n := m.Len(time.Now().Add(time.Second)); n != 0 {
					t.Errorf("%d entries do not age out", n)
				}
			}
		})
	}
}

func TestStoreIsOne(t *testing.T) {
	s := New()
	var all sync.WaitGroup
	maps := make([]*Map, workers)
	for i := range workers {
		all.Go(func() { maps[i], _ = s.Map("m", Shape{Max: 1}) })
	}
	all.Wait()
	for _, m := range maps {
		if m == nil || m != maps[0] {
			t.Fatalf("different maps: %p and %p", m, maps[0])
		}
	}
}
