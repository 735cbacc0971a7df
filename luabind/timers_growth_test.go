// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkTimers is a turn of the loop with one timer due of so many.
func BenchmarkTimers(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			f := load(b, fmt.Sprintf(`
				for i = 1, %d do
					pv.after(i / 1000, function() pv.every(%[1]d / 1000, function() end) end)
				end
				function on_packet() end`, n))
			turn := func() {
				f.host.now = f.host.now.Add(time.Millisecond)
				if at, ok := f.NextTimer(); ok && !at.After(f.host.now) {
					if errs := f.RunTimers(f.host.now); errs != nil {
						b.Fatal(errs)
					}
				}
			}
			for range 2 * n {
				turn()
			}
			for b.Loop() {
				turn()
			}
		})
	}
}
