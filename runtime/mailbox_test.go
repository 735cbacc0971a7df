// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestMailboxDeliversEachLetterOnceInOrder(t *testing.T) {
	m, err := newMailbox()
	if err != nil {
		t.Fatal(err)
	}
	const writers, letters = 4, 1000
	var got [writers][]int
	var sent sync.WaitGroup
	for w := range writers {
		sent.Go(func() {
			for i := range letters {
				if !m.post(func() { got[w] = append(got[w], i) }) {
					t.Error("refused")
				}
			}
		})
	}
	stop := make(chan struct{})
	go func() { sent.Wait(); close(stop) }()
	for done := false; !done; {
		select {
		case <-stop:
			done = true
		default:
		}
		m.deliver()
	}
	for w := range writers {
		if len(got[w]) != letters {
			t.Fatalf("writer %d: %d letters", w, len(got[w]))
		}
		for i, v := range got[w] {
			if i != v {
				t.Fatalf("writer %d: letter %d came as number %d", w, v, i)
			}
		}
	}
	m.close()
}

func TestMailboxWakesThePoller(t *testing.T) {
	m, err := newMailbox()
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	var p poller
	p.set(m.fd, nil, nil)
	time.AfterFunc(20*time.Millisecond, func() { m.post(func() {}) })
	began := time.Now()
	// A signal may end one wait early.
	for !m.posted.Load() && time.Since(began) < 10*time.Second {
		p.wait(10 * time.Second)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("woke after %v", took)
	}
	m.deliver()
	began = time.Now()
	p.wait(30 * time.Millisecond)
	if !m.posted.Load() && time.Since(began) > 5*time.Second {
		t.Error("did not wake by the timeout")
	}
}

func TestCallAfterTheEnd(t *testing.T) {
	m, err := newMailbox()
	if err != nil {
		t.Fatal(err)
	}
	var ran atomic.Int32
	m.post(func() { ran.Add(1) })
	m.close() // delivers what was posted
	m.close()
	if m.call(func() { ran.Add(1) }) {
		t.Error("a closed mailbox took a letter")
	}
	if ran.Load() != 1 {
		t.Errorf("%d letters ran", ran.Load())
	}
}
