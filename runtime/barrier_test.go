// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestBarrierOpensWhenAllHaveArrived(t *testing.T) {
	const workers = 8
	b := newBarrier(workers)
	var arrived atomic.Int32
	var wg sync.WaitGroup
	for i := range workers {
		p := b.place()
		wg.Go(func() {
			time.Sleep(time.Duration(i) * time.Millisecond)
			arrived.Add(1)
			p.arrive()
			p.arrive() // counts once
			p.wait(10 * time.Second)
			if n := arrived.Load(); n != workers {
				t.Errorf("went on when %d of %d had arrived", n, workers)
			}
		})
	}
	wg.Wait()
}

func TestBarrierDoesNotWaitForEver(t *testing.T) {
	b := newBarrier(2)
	p := b.place()
	p.arrive()
	p.wait(time.Millisecond)
	p.wait(-time.Second)
	place{}.wait(time.Hour) // no barrier
	place{}.arrive()
}
