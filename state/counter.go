// SPDX-License-Identifier: GPL-3.0-or-later

package state

import "sync/atomic"

// A Counter is a whole number, at first 0, that any worker can change. It
// wraps around beyond 63 bits, as the kernel's do.
type Counter struct {
	n atomic.Int64
	_ [56]byte // so that two counters do not share a cache line
}

// Add adds n. It does not allocate.
func (c *Counter) Add(n int64) { c.n.Add(n) }

// Get gives the number. It does not allocate.
func (c *Counter) Get() int64 { return c.n.Load() }

// Set replaces the number. It does not allocate.
func (c *Counter) Set(n int64) { c.n.Store(n) }
