// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"runtime"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

// heapRing is a ring on heap memory whose indices start at start.
func heapRing[T entry](size, start uint32) ring[T] {
	r := ring[T]{
		producer: new(atomic.Uint32), consumer: new(atomic.Uint32), flags: new(atomic.Uint32),
		entries: make([]T, size), size: size, mask: size - 1,
	}
	r.producer.Store(start)
	r.consumer.Store(start)
	return r
}

// TestRingModel lets a producer and a consumer do whatever they like on both
// ends of a ring, and compares with a queue.
func TestRingModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.SampledFrom([]uint32{1, 2, 4, 8, 64}).Draw(t, "size")
		// Mostly just below the wrap.
		start := rapid.OneOf(rapid.Uint32Range(^uint32(0)-2*size, ^uint32(0)), rapid.Uint32()).Draw(t, "start")
		r := heapRing[uint64](size, start)
		p, c := newProducerRing(r), newConsumerRing(r)
		var written, published, read []uint64 // what is on its way: not yet published; published; read but not released
		next := uint64(1)
		t.Repeat(map[string]func(*rapid.T){
			"write": func(t *rapid.T) {
				want := rapid.Uint32Range(0, 2*size).Draw(t, "want")
				used := uint32(len(written) + len(published) + len(read))
				got := p.room(want)
				if got != min(want, size-used) {
					t.Fatalf("room(%d) = %d with %d of %d used", want, got, used, size)
				}
				for range got {
					p.write(next)
					written = append(written, next)
					next++
				}
			},
			"publish": func(*rapid.T) {
				p.publish()
				published = append(published, written...)
				written = nil
			},
			"read": func(t *rapid.T) {
				want := rapid.Uint32Range(0, 2*size).Draw(t, "want")
				got := c.available(want)
				if got != min(want, uint32(len(published))) {
					t.Fatalf("available(%d) = %d with %d published", want, got, len(published))
				}
				for range got {
					v := c.read()
					if v != published[0] {
						t.Fatalf("read %d, want %d", v, published[0])
					}
					published, read = published[1:], append(read, v)
				}
			},
			"release": func(*rapid.T) {
				c.release()
				read = nil
			},
			"pending": func(t *rapid.T) {
				if got, want := p.pending(), uint32(len(written)+len(published)+len(read)); got != want {
					t.Fatalf("pending = %d, want %d", got, want)
				}
			},
		})
	})
}

// TestRingHammer has two goroutines at a ring: every entry arrives, once, in
// order. On heap memory the race detector sees accesses that the protocol does
// not order.
func TestRingHammer(t *testing.T) {
	for _, size := range []uint32{1, 2, 256} {
		r := heapRing[Desc](size, ^uint32(0)-1000)
		const total = 20_000
		go func() {
			p := newProducerRing(r)
			for sent := uint32(0); sent < total; {
				n := p.room(min(7, total-sent))
				if n == 0 {
					runtime.Gosched()
				}
				for range n {
					p.write(Desc{Addr: uint64(sent), Len: ^sent})
					sent++
				}
				p.publish()
			}
		}()
		c := newConsumerRing(r)
		for got := uint32(0); got < total; {
			n := c.available(5)
			if n == 0 {
				runtime.Gosched()
			}
			for range n {
				if d := c.read(); d.Addr != uint64(got) || d.Len != ^got {
					t.Fatalf("size %d: entry %d is %+v", size, got, d)
				}
				got++
			}
			c.release()
		}
	}
}

func TestRingNeedWakeup(t *testing.T) {
	r := heapRing[uint64](2, 0)
	if r.needWakeup() {
		t.Error("wanted without the flag")
	}
	r.flags.Store(ringNeedWakeup | 0x80)
	if !r.needWakeup() {
		t.Error("not wanted with the flag")
	}
}

func BenchmarkRing(b *testing.B) {
	r := heapRing[Desc](2048, 0)
	p, c := newProducerRing(r), newConsumerRing(r)
	b.ReportAllocs()
	for b.Loop() {
		for range p.room(64) {
			p.write(Desc{Addr: 4096, Len: 60})
		}
		p.publish()
		for range c.available(64) {
			c.read()
		}
		c.release()
	}
}
