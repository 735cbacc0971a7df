// SPDX-License-Identifier: GPL-3.0-or-later

package state

import (
	"sync"
	"testing"
	"time"
)

// elsewhere is a Place made of another map.
type elsewhere struct{ m *Map }

func (e elsewhere) Get(k Value) (Value, bool, error)              { return e.m.Get(k, time.Time{}) }
func (e elsewhere) Set(k, v Value) (bool, error)                  { return e.m.Set(k, v, time.Time{}) }
func (e elsewhere) Insert(k, v Value) (Outcome, error)            { return e.m.Insert(k, v, time.Time{}) }
func (e elsewhere) Add(k Value, n float64) (float64, bool, error) { return e.m.Add(k, n, time.Time{}) }
func (e elsewhere) Delete(k Value) (bool, error)                  { return e.m.Delete(k, time.Time{}) }
func (e elsewhere) Len() int                                      { return e.m.Len(time.Time{}) }
func (e elsewhere) Items() []Item                                 { return e.m.Items(time.Time{}) }
func (e elsewhere) Refused() uint64                               { return e.m.Refused() }

// TestMoveLosesNothing while others go on adding to the map.
func TestMoveLosesNothing(t *testing.T) {
	for _, limit := range []int{100, 7} {
		m, there := newTestMap(t, Shape{Max: limit}), newTestMap(t, Shape{Max: limit})
		var all sync.WaitGroup
		for range workers {
			all.Go(func() {
				for i := range rounds {
					if _, _, err := m.Add(Number(float64(i%10)), 1, time.Time{}); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		all.Go(func() {
			if err := m.Move(elsewhere{there}); err != nil {
				t.Error(err)
			}
		})
		all.Wait()
		sum := float64(m.Refused())
		for _, item := range m.Items(time.Time{}) {
			n, _ := item.Value.Number()
			sum += n
		}
		if sum != workers*rounds {
			t.Errorf("max %d: added up to %v of %d", limit, sum, workers*rounds)
		}
		if m.Len(time.Time{}) != min(limit, 10) || m.Len(time.Time{}) != there.Len(time.Time{}) {
			t.Errorf("max %d: %d entries, %d there", limit, m.Len(time.Time{}), there.Len(time.Time{}))
		}
		if err := m.Move(elsewhere{there}); err == nil {
			t.Error("moved twice")
		}
	}
}

// TestAllMethodsFollow: after a move every method works at the new place.
func TestAllMethodsFollow(t *testing.T) {
	m, there := newTestMap(t, Shape{Max: 3, Value: U8}), newTestMap(t, Shape{Max: 3, Value: U8})
	m.Set(Number(1), Number(10), time.Time{})
	if err := m.Move(elsewhere{there}); err != nil {
		t.Fatal(err)
	}
	if v, ok, _ := m.Get(Number(1), time.Time{}); !ok || v != Number(10) {
		t.Error("the entry has not moved:", v, ok)
	}
	if out, _ := m.Insert(Number(1), Number(2), time.Time{}); out != Taken {
		t.Error("insert:", out)
	}
	if out, _ := m.Insert(Number(2), Number(2), time.Time{}); out != Inserted {
		t.Error("insert:", out)
	}
	if ok, _ := m.Set(Number(3), Number(3), time.Time{}); !ok {
		t.Error("set")
	}
	if sum, ok, err := m.Add(Number(3), 4, time.Time{}); sum != 7 || !ok || err != nil {
		t.Error("add:", sum, ok, err)
	}
	if ok, _ := m.Set(Number(4), Number(4), time.Time{}); ok || m.Refused() != 1 {
		t.Error("a fourth entry; refused:", m.Refused())
	}
	if ok, _ := m.Delete(Number(2), time.Time{}); !ok || there.Len(time.Time{}) != 2 {
		t.Error("delete")
	}
	if _, err := m.Set(Number(1), Number(256), time.Time{}); err == nil {
		t.Error("a value too wide got through")
	}
}

func TestCounterCountsElsewhereToo(t *testing.T) {
	var c Counter
	other := int64(5)
	c.Add(2)
	c.Share(func() int64 { return other })
	if c.Get() != 7 {
		t.Error("got", c.Get())
	}
	c.Set(1)
	other++
	if c.Get() != 2 {
		t.Error("after setting 1 and counting 1 elsewhere:", c.Get())
	}
	c.Share(func() int64 { return 0 })
	if c.Get() != 2 {
		t.Error("what was counted elsewhere is lost:", c.Get())
	}
}
