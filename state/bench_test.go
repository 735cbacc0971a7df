// SPDX-License-Identifier: GPL-3.0-or-later

package state

import (
	"testing"
	"time"
)

func BenchmarkCounterAdd(b *testing.B) {
	c := new(Counter)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			c.Add(1)
		}
	})
}

func BenchmarkMapGet(b *testing.B) {
	m := newTestMap(b, Shape{Max: 1 << 16, TTL: time.Minute})
	now := time.Now()
	for i := range 1 << 16 {
		m.Set(Number(float64(i)), Number(1), now)
	}
	b.RunParallel(func(p *testing.PB) {
		for i := 0; p.Next(); i++ {
			m.Get(Number(float64(i*7919%(1<<16))), now)
		}
	})
}

func BenchmarkMapRefuses(b *testing.B) {
	m := newTestMap(b, Shape{Max: 1 << 10, TTL: time.Minute})
	now := time.Now()
	for i := range 1 << 10 {
		m.Set(Number(float64(i)), Number(1), now)
	}
	b.RunParallel(func(p *testing.PB) {
		for i := 1 << 10; p.Next(); i++ {
			m.Set(Number(float64(i)), Number(1), now)
		}
	})
}
