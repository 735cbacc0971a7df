// SPDX-License-Identifier: GPL-3.0-or-later

package state

import "sync/atomic"

// A Counter is a whole number, at first 0, that any worker can change. It
// wraps around beyond 63 bits, as the kernel's do.
type Counter struct {
	n     atomic.Int64
	other atomic.Pointer[func() int64]
	_     [48]byte // so that two counters do not share a cache line
}

// Add adds n. It does not allocate.
func (c *Counter) Add(n int64) { c.n.Add(n) }

// Get gives the number. It does not allocate.
func (c *Counter) Get() int64 { return c.n.Load() + c.elsewhere() }

// Set replaces the number. What is counted elsewhere at the same time may come
// before or after. It does not allocate.
func (c *Counter) Set(n int64) { c.n.Store(n - c.elsewhere()) }

// Share has Get add what is counted elsewhere, as in the kernel. A function
// given before is asked once more, and then no longer.
func (c *Counter) Share(elsewhere func() int64) {
	if old := c.other.Swap(&elsewhere); old != nil {
		c.n.Add((*old)())
	}
}

func (c *Counter) elsewhere() int64 {
	if f := c.other.Load(); f != nil {
		return (*f)()
	}
	return 0
}
