// SPDX-License-Identifier: GPL-3.0-or-later

package state

import (
	"sync"
	"time"
)

// A clock turns times into nanoseconds since the first one that it was given.
// It subtracts times instead of taking their number, so that the live clock's
// monotonic reading counts and not the wall clock, which people set.
type clock struct {
	once  sync.Once
	first time.Time
}

func (c *clock) at(now time.Time) int64 {
	c.once.Do(func() { c.first = now })
	return int64(now.Sub(c.first))
}
