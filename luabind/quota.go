// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"fmt"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// quota bounds what one callback may do. guardLoop has instructions counted,
// exactly, and so in the same way on every machine; what takes long in Go
// functions spends some as well.
//
// It is the context of the Lua state too, for gopher-lua's own loop, which runs
// the Go functions that are called from Go: as long as there is something left the
// channel that Done gives is nil.
//
// Once used up, a quota stays used up until reset, so that a script can't go
// on by catching the error.
type quota struct {
	left   int // instructions
	limit  int
	spent  int    // by callbacks before the last one, since begin
	what   string // what is limited, for the error; "" is a handler
	closed chan struct{}
}

func newQuota(limit int) *quota {
	q := &quota{limit: limit, left: limit, closed: make(chan struct{})}
	close(q.closed)
	return q
}

// begin comes before a number of callbacks that are done in one go.
func (q *quota) begin() { q.left, q.spent = q.limit, 0 }

// reset begins a new callback.
func (q *quota) reset() {
	q.spent += q.limit - q.left
	q.left = q.limit
}

// enough reports whether the callbacks since begin have taken as much together
// as one may, which is a good part of a second: others have waited long enough.
func (q *quota) enough() bool { return q.spent+q.limit-q.left >= q.limit }

// Done implements context.Context and counts.
func (q *quota) Done() <-chan struct{} {
	q.left--
	if q.left < 0 {
		return q.closed
	}
	return nil
}

// Err implements context.Context.
func (q *quota) Err() error {
	if q.left >= 0 {
		return nil
	}
	return quotaError{q.what, q.limit}
}

// Deadline implements context.Context.
func (q *quota) Deadline() (time.Time, bool) { return time.Time{}, false }

// Value implements context.Context.
func (q *quota) Value(any) any { return nil }

// spend takes n instructions for work that a Go function does for the script.
// It raises the error if they are more than are left.
func (q *quota) spend(L *lua.LState, n int) {
	if q.left -= n; q.left < 0 {
		q.stop(L)
	}
}

// stop raises the error of a quota that is used up.
func (q *quota) stop(L *lua.LState) { L.RaiseError("%s", q.Err().Error()) }

// quotaError is the error of a quota that is used up.
type quotaError struct {
	what  string
	limit int
}

func (e quotaError) Error() string {
	what := e.what
	if what == "" {
		what = "handler"
	}
	return fmt.Sprintf("%s stopped: more than %d instructions in one call (an endless loop?)", what, e.limit)
}

// bytesPerStep is how many bytes a Go function copies or compares for the price
// of one instruction, which is about what it takes.
const bytesPerStep = 64

// maxString is the length in bytes that no string may exceed.
const maxString = 16 << 20

// spendBytes is spend for work on n bytes.
func (q *quota) spendBytes(L *lua.LState, n int) { q.spend(L, n/bytesPerStep) }

// checkString raises an error if a string of n bytes would be too long, and
// spends what it costs to make it.
func (q *quota) checkString(L *lua.LState, n int) {
	if n > maxString {
		L.RaiseError("a string of %d bytes would be too long; %d are allowed", n, maxString)
	}
	q.spendBytes(L, n)
}
