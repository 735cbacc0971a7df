// SPDX-License-Identifier: GPL-3.0-or-later

package state

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// wantError fails the test unless err says text.
func wantError(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || err.Error() != text {
		t.Errorf("error: %v\nwant:  %s", err, text)
	}
}

func TestDeclaring(t *testing.T) {
	s := New()
	shape := Shape{Max: 10, TTL: 2500 * time.Millisecond, Key: U32, Value: U64}
	a, err := s.Map("flows", shape)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := s.Map("flows", shape); b != a || err != nil {
		t.Errorf("the same name gives %p and %p, %v", a, b, err)
	}
	if b, err := s.Map("other", shape); b == a || err != nil {
		t.Errorf("another name gives the same map, %v", err)
	}
	_, err = s.Map("flows", Shape{Max: 20})
	wantError(t, err, "map flows is there already with max=10 ttl=2.5 key=u32 value=u64; it can't have max=20 as well")
	_, err = s.Map("x", Shape{})
	wantError(t, err, "map x: max is 0; expected 1 to 16777216")
	_, err = s.Map("x", Shape{Max: MaxEntries + 1})
	wantError(t, err, "map x: max is 16777217; expected 1 to 16777216")
	_, err = s.Map("x", Shape{Max: 1, TTL: -1})
	wantError(t, err, "map x: ttl is -1ns; expected more than 0")
	_, err = s.Map("", Shape{Max: 1})
	wantError(t, err, "a map needs a name")
	_, err = s.Counter("")
	wantError(t, err, "a counter needs a name")
	_, err = s.Counter(strings.Repeat("x", 65))
	wantError(t, err, "the name of a counter has 65 bytes; 64 are allowed")
	_, err = ParseWidth("u31")
	wantError(t, err, `"u31" is no width; there are any, u8, u16, u32, u64, number, ip6, string`)
	for i := range widths {
		if w, err := ParseWidth(Width(i).String()); w != Width(i) || err != nil {
			t.Errorf("%v is read as %v, %v", Width(i), w, err)
		}
	}
}

func TestNamesAreBounded(t *testing.T) {
	s := New()
	for i := range maxNames {
		if _, err := s.Counter(strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.Counter("one more")
	wantError(t, err, "there are 65536 counters already; use a map where names come from packets")
	if _, err := s.Counter("7"); err != nil {
		t.Error(err)
	}
}

func TestWidths(t *testing.T) {
	nan := Number(math.NaN())
	for _, c := range []struct {
		w    Width
		v    Value
		fits bool
	}{
		{Any, Number(-1.5), true}, {Any, String("x"), true}, {Any, nan, false}, {Any, String(strings.Repeat("x", MaxKey+1)), false},
		{U8, Number(255), true}, {U8, Number(256), false}, {U8, Number(-1), false}, {U8, Number(0.5), false}, {U8, String("1"), false}, {U8, nan, false},
		{U16, Number(65535), true}, {U16, Number(65536), false},
		{U32, Number(1<<32 - 1), true}, {U32, Number(1 << 32), false}, {U32, Number(math.Inf(1)), false},
		{U64, Number(1 << 53), true}, {U64, Number(1 << 60), false}, {U64, Number(-1), false},
		{Float, Number(-1.5), true}, {Float, Number(math.Inf(-1)), true}, {Float, String("1"), false}, {Float, nan, false},
		{IP6, String("0123456789abcdef"), true}, {IP6, String("::1"), false}, {IP6, Number(1), false},
		{Text, String(""), true}, {Text, Number(1), false},
	} {
		m := newTestMap(t, Shape{Max: 1, Key: c.w})
		if ok, err := m.Set(c.v, Number(1), time.Time{}); ok != c.fits || (err == nil) != c.fits {
			t.Errorf("key %v in %v: %v %v", c.v, c.w, ok, err)
		}
		_, _, getErr := m.Get(c.v, time.Time{})
		_, deleteErr := m.Delete(c.v, time.Time{})
		if (getErr == nil) != c.fits || (deleteErr == nil) != c.fits {
			t.Errorf("key %v in %v: get %v, delete %v", c.v, c.w, getErr, deleteErr)
		}
		if text, isText := c.v.Text(); isText && len(text) > MaxKey {
			continue // values may be longer
		}
		m = newTestMap(t, Shape{Max: 1, Value: c.w})
		if ok, err := m.Set(Number(1), c.v, time.Time{}); ok != c.fits || (err == nil) != c.fits {
			t.Errorf("value %v in %v: %v %v", c.v, c.w, ok, err)
		}
	}
}

func TestMessages(t *testing.T) {
	m := newTestMap(t, Shape{Max: 2, Key: U16, Value: U8})
	now := time.Time{}
	_, err := m.Set(Number(-1), Number(1), now)
	wantError(t, err, "the key is -1; this map takes whole numbers from 0 to 65535 (u16)")
	_, err = m.Set(Number(1), String("x"), now)
	wantError(t, err, `the value is "x"; this map takes whole numbers from 0 to 255 (u8)`)
	_, _, err = m.Add(Number(1), -1, now)
	wantError(t, err, "the sum is -1; this map takes whole numbers from 0 to 255 (u8)")
	if n := m.Len(now); n != 0 {
		t.Errorf("a sum that does not fit made %d entries", n)
	}
	m.Set(Number(1), Number(255), now)
	_, _, err = m.Add(Number(1), 1, now)
	wantError(t, err, "the sum is 256; this map takes whole numbers from 0 to 255 (u8)")
	if v, _, _ := m.Get(Number(1), now); v != Number(255) {
		t.Errorf("a sum that does not fit left %v", v)
	}
	m = newTestMap(t, Shape{Max: 1})
	_, err = m.Set(String(strings.Repeat("k", 513)), Number(1), now)
	wantError(t, err, "the key is a string of 513 bytes; 512 are allowed")
	_, err = m.Set(Number(1), String(strings.Repeat("v", 4097)), now)
	wantError(t, err, "the value is a string of 4097 bytes; 4096 are allowed")
	_, err = m.Set(Number(math.NaN()), Number(1), now)
	wantError(t, err, "the key is not a number (NaN)")
	m.Set(String("k"), String("v"), now)
	_, _, err = m.Add(String("k"), 1, now)
	wantError(t, err, `the value of "k" is "v"; only numbers can be added to`)
}

func TestNames(t *testing.T) {
	s := New()
	for _, name := range []string{"b", "a"} {
		if _, err := s.Counter(name); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Map("m"+name, Shape{Max: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if counters, maps := s.Names(); !slices.Equal(counters, []string{"a", "b"}) || !slices.Equal(maps, []string{"ma", "mb"}) {
		t.Errorf("the names are %q and %q", counters, maps)
	}
}
