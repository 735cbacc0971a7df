// SPDX-License-Identifier: GPL-3.0-or-later

package capture

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"pvlua/internal/capturetest"
	"pvlua/internal/pkttest"
	"pvlua/pcap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A disk is a file whose writes can be held up and made to fail.
type disk struct {
	mu     sync.Mutex
	buf    bytes.Buffer
	gate   chan struct{} // not nil: a write waits for it
	room   int           // not 0: no more bytes than that
	closed bool
}

func (d *disk) Write(b []byte) (int, error) {
	d.mu.Lock()
	gate := d.gate
	d.mu.Unlock()
	if gate != nil {
		<-gate
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.room > 0 && d.buf.Len()+len(b) > d.room {
		return 0, errors.New("no space left on device")
	}
	return d.buf.Write(b)
}

func (d *disk) Close() error { d.closed = true; return nil }

func (d *disk) bytes() []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return bytes.Clone(d.buf.Bytes())
}

// batch submits n packets as a worker does, or loses them.
func batch(r *Recorder, n int) (taken bool) {
	b := r.Take()
	if b == nil {
		r.Lose(n)
		return false
	}
	for range n {
		b.Add(&pcap.Record{Time: time.Unix(1, 0), Data: pkttest.UDP(pkttest.Options{}), Direction: pcap.Inbound, Comment: []byte("received on a -> tx")})
	}
	r.Submit(b)
	return true
}

func TestRecorderWritesEverything(t *testing.T) {
	d := &disk{}
	r, err := NewRecorder(d, "x.pcapng", []string{"a"}, 0, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for range 500 {
				for !batch(r, 3) {
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
	workers.Wait()
	for range 2 {
		if err := r.Close(); err != nil || !d.closed {
			t.Errorf("%v, closed %v", err, d.closed)
		}
	}
	all := capturetest.Read(t, d.bytes())
	if c := r.Counts(); c.Written != 6000 || len(all) != 6000 {
		t.Errorf("%v, %d in the file", c, len(all))
	}
}

// TestSlowWriterNeverBlocks holds the file up: workers lose what has no room,
// at once, and everything else arrives.
func TestSlowWriterNeverBlocks(t *testing.T) {
	d := &disk{}
	r, err := NewRecorder(d, "x.pcapng", []string{"a"}, 0, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	gate := make(chan struct{})
	d.mu.Lock()
	d.gate = gate
	d.mu.Unlock()
	const batches = 1000
	began := time.Now()
	taken := 0
	for range batches {
		if batch(r, 2) {
			taken++
		}
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("a worker was held up for %v", took)
	}
	if taken != queueLength {
		t.Errorf("%d batches were taken, there are %d", taken, queueLength)
	}
	close(gate)
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	want := Counts{Written: 2 * queueLength, Lost: 2 * (batches - queueLength)}
	if c := r.Counts(); c != want || len(capturetest.Read(t, d.bytes())) != 2*queueLength {
		t.Errorf("%v, want %v", c, want)
	}
	if s := want.String(); s != "capture: written 256 lost 1744" {
		t.Error(s)
	}
}

// TestAddDoesNotAllocate adds to a batch that has grown as long as it gets.
func TestAddDoesNotAllocate(t *testing.T) {
	var b Batch
	r := pcap.Record{Time: time.Unix(1, 0), Data: pkttest.UDP(pkttest.Options{}), Direction: pcap.Inbound, Comment: []byte("received on a -> tx")}
	add := func() {
		b.records, b.buf = b.records[:0], b.buf[:0]
		for range 64 {
			b.Add(&r)
		}
	}
	add()
	if n := testing.AllocsPerRun(100, add); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestLimit(t *testing.T) {
	d := &disk{}
	e, header := pcap.NewEncoder("pvlua", "a")
	head := len(header)
	one := len(e.Append(nil, &pcap.Record{Time: time.Unix(1, 0), Data: pkttest.UDP(pkttest.Options{}), Direction: pcap.Inbound, Comment: []byte("received on a -> tx")}))
	for _, c := range []struct{ limit, packets int }{{head, 0}, {head + one - 1, 0}, {head + one, 1}, {head + 7*one, 7}, {head + 8*one - 1, 7}} {
		var log bytes.Buffer
		*d = disk{}
		r, err := NewRecorder(d, "x.pcapng", []string{"a"}, int64(c.limit), slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			batch(r, 2)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if got := len(capturetest.Read(t, d.bytes())); got != c.packets || d.buf.Len() > c.limit || r.Counts() != (Counts{Written: uint64(c.packets)}) {
			t.Errorf("limit %d: %d packets in %d bytes, %v", c.limit, got, d.buf.Len(), r.Counts())
		}
		if strings.Count(log.String(), "the capture is full, nothing more is recorded") != 1 || !r.Stopped() {
			t.Errorf("limit %d: log %s", c.limit, log.String())
		}
	}
	if _, err := NewRecorder(d, "x.pcapng", []string{"a"}, 10, slog.New(slog.DiscardHandler)); err == nil || err.Error() != "capture x.pcapng: 10 bytes are too few, its header alone has 84" {
		t.Errorf("%v", err)
	}
}

func TestFullDisk(t *testing.T) {
	var log bytes.Buffer
	d := &disk{room: 1000}
	r, err := NewRecorder(d, "x.pcapng", []string{"a"}, 0, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		batch(r, 1)
	}
	if err := r.Close(); err == nil || err.Error() != "capture: no space left on device" {
		t.Errorf("%v", err)
	}
	c := r.Counts()
	if got := len(capturetest.Read(t, d.bytes())); uint64(got) != c.Written || c.Written == 0 || c.Written+c.Lost != 50 {
		t.Errorf("%d packets, %v", got, c)
	}
	if strings.Count(log.String(), "the capture is broken off") != 1 {
		t.Errorf("log: %s", log.String())
	}
	if _, err := NewRecorder(&disk{room: 10}, "x.pcapng", []string{"a"}, 0, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a header that has no room is no error")
	}
}
