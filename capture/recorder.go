// SPDX-License-Identifier: GPL-3.0-or-later

package capture

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"pvlua/pcap"
)

const (
	// queueLength is how many batches may wait to be written. One has what
	// came in at once on one queue, 64 packets by default, and what left
	// because of it: some 200 kilobytes when packets are long.
	queueLength = 128
	// closeTime bounds how long the end of a run waits for the file.
	closeTime = 5 * time.Second
)

// A Batch is a number of records on their way to the file. It belongs to one
// worker from Take to Submit.
type Batch struct {
	buf  []byte
	ends []int // where each record ends in buf
}

// Add appends a record, which is copied.
func (b *Batch) Add(r *pcap.Record) {
	b.buf = r.Append(b.buf)
	b.ends = append(b.ends, len(b.buf))
}

// Counts say what became of the records.
type Counts struct {
	Written uint64 // into the file
	Lost    uint64 // because the file did not take them fast enough, or not at all
}

// String is the line that stands for a capture in the totals.
func (c Counts) String() string {
	s := fmt.Sprintf("capture: written %d", c.Written)
	if c.Lost > 0 {
		s += fmt.Sprintf(" lost %d", c.Lost)
	}
	return s
}

// A Recorder writes records to a file, on a goroutine of its own. Take, Submit
// and Lose can be called by several workers at once; none of them ever waits
// for the file.
type Recorder struct {
	file  io.WriteCloser
	name  string
	limit int64 // bytes; 0: none
	log   *slog.Logger

	free  chan *Batch
	queue chan *Batch
	done  chan struct{} // closed when the queue is closed and written

	stopped atomic.Bool // nothing more is recorded: the file is full or broken
	written atomic.Uint64
	lost    atomic.Uint64
	size    int64 // of the file; the goroutine's
	err     error // why it is broken; read after done

	close    sync.Once
	closeErr error
}

// NewRecorder begins a capture in file, which it closes at the end; name is
// what it is called in the log. interfaces are what the records' Interface
// counts. The file will not be longer than limit bytes, if that is not 0.
func NewRecorder(file io.WriteCloser, name string, interfaces []string, limit int64, log *slog.Logger) (*Recorder, error) {
	r := &Recorder{file: file, name: name, limit: limit, log: log,
		free: make(chan *Batch, queueLength), queue: make(chan *Batch, queueLength), done: make(chan struct{})}
	head := pcap.AppendHeader(nil, "pvlua", interfaces)
	if limit > 0 && int64(len(head)) > limit {
		file.Close()
		return nil, fmt.Errorf("capture %s: %d bytes are too few, its header alone has %d", name, limit, len(head))
	}
	if _, err := file.Write(head); err != nil {
		file.Close()
		return nil, fmt.Errorf("capture: %w", err)
	}
	r.size = int64(len(head))
	for range queueLength {
		r.free <- new(Batch)
	}
	go r.writeAll()
	return r, nil
}

// Stopped reports whether records are no longer wanted.
func (r *Recorder) Stopped() bool { return r.stopped.Load() }

// Take returns an empty batch, or nil if all are waiting to be written.
func (r *Recorder) Take() *Batch {
	select {
	case b := <-r.free:
		return b
	default:
		return nil
	}
}

// Submit hands a batch over to be written.
func (r *Recorder) Submit(b *Batch) { r.queue <- b } // has room for all that there are

// Lose counts records for which there was no batch.
func (r *Recorder) Lose(n int) { r.lost.Add(uint64(n)) }

// Counts returns the counters as they are now.
func (r *Recorder) Counts() Counts { return Counts{r.written.Load(), r.lost.Load()} }

// Close writes what waits and closes the file. No worker may use the Recorder
// from then on. It returns why the capture is not whole, unless the only
// reason is that it was lossy or full; a second Close returns the same.
func (r *Recorder) Close() error {
	r.close.Do(func() {
		close(r.queue)
		select {
		case <-r.done:
			r.closeErr = r.err
			if err := r.file.Close(); r.err == nil && err != nil {
				r.closeErr = fmt.Errorf("capture: %w", err)
			}
		case <-time.After(closeTime):
			r.closeErr = fmt.Errorf("capture %s: after %v it has not taken everything yet; the end is missing", r.name, closeTime)
		}
	})
	return r.closeErr
}

// writeAll is the goroutine.
func (r *Recorder) writeAll() {
	defer close(r.done)
	for b := range r.queue {
		r.write(b)
		b.buf, b.ends = b.buf[:0], b.ends[:0]
		r.free <- b
	}
}

// write writes the records of a batch that have room.
func (r *Recorder) write(b *Batch) {
	if r.stopped.Load() {
		if r.err != nil {
			r.Lose(len(b.ends))
		}
		return
	}
	n := len(b.ends)
	if r.limit > 0 {
		for n > 0 && r.size+int64(b.ends[n-1]) > r.limit {
			n--
		}
	}
	if n > 0 {
		end := b.ends[n-1]
		if _, err := r.file.Write(b.buf[:end]); err != nil {
			r.err = fmt.Errorf("capture: %w", err)
			r.stopped.Store(true)
			r.Lose(len(b.ends))
			r.log.Error("the capture is broken off", "file", r.name, "reason", cause(err))
			return
		}
		r.size += int64(end)
		r.written.Add(uint64(n))
	}
	if n < len(b.ends) {
		r.stopped.Store(true)
		r.log.Info("the capture is full, nothing more is recorded", "file", r.name, "bytes", r.size, "packets", r.written.Load())
	}
}

// cause is the innermost reason of an error: without the file's name, which
// stands beside it.
func cause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
