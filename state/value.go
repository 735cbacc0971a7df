// SPDX-License-Identifier: GPL-3.0-or-later

package state

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
)

const (
	// MaxKey is the greatest length of a string that is a key, in bytes: as
	// long as a key of a map of the kernel's can be (MAX_BPF_STACK,
	// kernel/bpf/hashtab.c).
	MaxKey = 512
	// MaxValue is the greatest length of a string that is a value, in bytes.
	MaxValue = 4096
)

// A Value is a number or a string: a key of a map or what it holds. The zero
// value is the number 0.
type Value struct {
	num float64
	str string
	is  bool // a string
}

// Number makes a Value of a number.
func Number(x float64) Value { return Value{num: x} }

// String makes a Value of a string.
func String(s string) Value { return Value{str: s, is: true} }

// Number gives the number, false if v is a string.
func (v Value) Number() (float64, bool) { return v.num, !v.is }

// Text gives the string, false if v is a number.
func (v Value) Text() (string, bool) { return v.str, v.is }

// String writes v as a script would.
func (v Value) String() string {
	switch {
	case v.is && len(v.str) > 40:
		return "a string of " + strconv.Itoa(len(v.str)) + " bytes"
	case v.is:
		return strconv.Quote(v.str)
	}
	return strconv.FormatFloat(v.num, 'g', -1, 64)
}

// own gives v with a copy of its string: that of a caller may be a small piece
// of a large one, which would be kept alive.
func (v Value) own() Value {
	v.str = strings.Clone(v.str)
	return v
}

// compare orders numbers before strings.
func compare(a, b Value) int {
	switch {
	case a.is != b.is && a.is:
		return 1
	case a.is != b.is:
		return -1
	case a.is:
		return cmp.Compare(a.str, b.str)
	}
	return cmp.Compare(a.num, b.num)
}

// check says why v can't be a key or a value ("key", "value") of a width. NaN
// is none: it differs from itself and could not be found.
func (v Value) check(w Width, what string) error {
	limit := MaxValue
	if what == "key" {
		limit = MaxKey
	}
	switch {
	case v.is && len(v.str) > limit:
		return fmt.Errorf("the %s is a string of %d bytes; %d are allowed", what, len(v.str), limit)
	case !v.is && math.IsNaN(v.num):
		return fmt.Errorf("the %s is not a number (NaN)", what)
	}
	r := widths[w]
	ok := true
	switch {
	case v.is:
		ok = r.text && (r.length == 0 || len(v.str) == r.length)
	default:
		ok = r.number && (r.limit == 0 || v.num >= 0 && v.num <= r.limit && v.num == math.Trunc(v.num))
	}
	if !ok {
		return fmt.Errorf("the %s is %v; this map takes %s", what, v, r.takes)
	}
	return nil
}
