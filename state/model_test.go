// SPDX-License-Identifier: GPL-3.0-or-later

package state

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// model is a map as one would write it down: no shards, no lists.
type model struct {
	shape   Shape
	entries map[Value]modelEntry
	refused uint64
}

type modelEntry struct {
	value   Value
	touched time.Time
}

// age drops what is too old.
func (m *model) age(now time.Time) {
	for k, e := range m.entries {
		if m.shape.TTL > 0 && now.Sub(e.touched) >= m.shape.TTL {
			delete(m.entries, k)
		}
	}
}

// store keeps a value if there is room.
func (m *model) store(k, v Value, now time.Time) bool {
	if _, ok := m.entries[k]; !ok && len(m.entries) >= m.shape.Max {
		m.refused++
		return false
	}
	m.entries[k] = modelEntry{v, now}
	return true
}

// values draws keys and values: few different ones, so that they meet, and
// such that are easily taken for each other.
var values = rapid.Custom(func(t *rapid.T) Value {
	return rapid.SampledFrom([]Value{
		Number(0), Number(1), Number(2), Number(-1), Number(0.5), Number(1e300), Number(math.Inf(1)), Number(1 << 32),
		String(""), String("0"), String("1"), String("a"), String("\x00"), String("abcdefghijklmnop"),
	}).Draw(t, "value")
})

// TestMapIsItsModel does the same to a map and to its model.
func TestMapIsItsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shape := Shape{
			Max: rapid.IntRange(1, 8).Draw(t, "max"),
			TTL: rapid.SampledFrom([]time.Duration{0, 1, 5, time.Second}).Draw(t, "ttl"),
		}
		m, err := New().Map("m", shape)
		if err != nil {
			t.Fatal(err)
		}
		want := &model{shape: shape, entries: make(map[Value]modelEntry)}
		now := time.Unix(1000, 0)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(rapid.SampledFrom([]time.Duration{0, 0, 1, 3, time.Second / 2}).Draw(t, "wait"))
			want.age(now)
			k := values.Draw(t, "key")
			old, there := want.entries[k]
			switch what := rapid.SampledFrom([]string{"get", "set", "insert", "add", "delete"}).Draw(t, "what"); what {
			case "get":
				v, ok, err := m.Get(k, now)
				if err != nil || ok != there || v != old.value {
					t.Fatalf("get %v: %v %v %v; want %v %v", k, v, ok, err, old.value, there)
				}
				if there {
					want.entries[k] = modelEntry{old.value, now}
				}
			case "set":
				v := values.Draw(t, "new")
				ok, err := m.Set(k, v, now)
				if wanted := want.store(k, v, now); err != nil || ok != wanted {
					t.Fatalf("set %v: %v %v; want %v", k, ok, err, wanted)
				}
			case "insert":
				v := values.Draw(t, "new")
				outcome, err := m.Insert(k, v, now)
				wanted := Taken // and not touched
				if !there {
					wanted = Inserted
					if !want.store(k, v, now) {
						wanted = Full
					}
				}
				if err != nil || outcome != wanted {
					t.Fatalf("insert %v: %v %v; want %v", k, outcome, err, wanted)
				}
			case "add":
				n := rapid.SampledFrom([]float64{1, -1, 0.25}).Draw(t, "n")
				sum, ok, err := m.Add(k, n, now)
				x, isNumber := old.value.Number()
				if !isNumber {
					if err == nil {
						t.Fatalf("add to %v: %v %v", old.value, sum, ok)
					}
					want.entries[k] = modelEntry{old.value, now}
					break
				}
				wanted := want.store(k, Number(x+n), now)
				if err != nil || ok != wanted || ok && sum != x+n {
					t.Fatalf("add %v to %v: %v %v %v; want %v", n, old.value, sum, ok, err, wanted)
				}
			case "delete":
				ok, err := m.Delete(k, now)
				if err != nil || ok != there {
					t.Fatalf("delete %v: %v %v; want %v", k, ok, err, there)
				}
				delete(want.entries, k)
			}
			check(t, m, want, now)
		}
	})
}

// check compares all that can be seen of a map, and its lists.
func check(t *rapid.T, m *Map, want *model, now time.Time) {
	items := []Item{}
	for k, e := range want.entries {
		items = append(items, Item{k, e.value})
	}
	slices.SortFunc(items, func(a, b Item) int { return compare(a.Key, b.Key) })
	if diff := cmp.Diff(items, m.Items(now), cmp.AllowUnexported(Value{})); diff != "" {
		t.Fatalf("items (-model +map):\n%s", diff)
	}
	if rapid.Bool().Draw(t, "len") { // which removes what has aged out
		if n := m.Len(now); n != len(items) {
			t.Fatalf("%d entries; want %d", n, len(items))
		}
	}
	if m.Refused() != want.refused {
		t.Fatalf("%d refused; want %d", m.Refused(), want.refused)
	}
	checkLists(t, m)
}

// checkLists proves that each place of each shard is in exactly one list, and
// that the map's count is that of the entries.
func checkLists(t interface{ Fatalf(string, ...any) }, m *Map) {
	total := 0
	for i := range m.shards {
		s := &m.shards[i]
		listed, free, before := 0, 0, none
		for j := s.oldest; j != none; j = s.entries[j].newer {
			if s.entries[j].older != before {
				t.Fatalf("shard %d: entry %d is after %d, but says %d", i, j, before, s.entries[j].older)
			}
			if s.index(s.entries[j].key) != j {
				t.Fatalf("shard %d: %v is not where it is", i, s.entries[j].key)
			}
			before = j
			listed++
		}
		for j := s.free; j != none; j = s.entries[j].newer {
			free++
		}
		if before != s.newest || listed+free != len(s.entries) || listed != len(s.numbers)+len(s.strings) {
			t.Fatalf("shard %d: %d listed, %d free, of %d; %d keys", i, listed, free, len(s.entries), len(s.numbers)+len(s.strings))
		}
		total += listed
	}
	if int64(total) != m.used.Load() {
		t.Fatalf("%d entries, counted %d", total, m.used.Load())
	}
}
