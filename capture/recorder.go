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
	records []pcap.Record
	buf     []byte // their data and comments
}

// Add appends a record, which is copied. It allocates only to grow the batch.
func (b *Batch) Add(r *pcap.Record) {
	own := *r
	own.Data, own.Comment = b.keep(r.Data), b.keep(r.Comment)
	b.records = append(b.records, own)
}

// keep copies bytes. When buf grows, older copies stay where they are.
func (b *Batch) keep(data []byte) []byte {
	from := len(b.buf)
	b.buf = append(b.buf, data...)
	return b.buf[from:]
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
	err     error // why it is broken; read after done

	// The goroutine's.
	encoder *pcap.Encoder
	buf     []byte
	size    int64 // of the file

	close    sync.Once
	closeErr error
}

// NewRecorder begins a capture in file, which it closes at the end; name is
// what it is called in the log. interfaces are what the records' Interface
// counts; there must be one. The file will not be longer than limit bytes, if that is not 0.
func NewRecorder(file io.WriteCloser, name string, interfaces []string, limit int64, log *slog.Logger) (*Recorder, error) {
	r := &Recorder{file: file, name: name, limit: limit, log: log,
		free: make(chan *Batch, queueLength), queue: make(chan *Batch, queueLength), done: make(chan struct{})}
	var head []byte
	r.encoder, head = pcap.NewEncoder("pvlua", interfaces...)
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
		clear(b.records)
		b.records, b.buf = b.records[:0], b.buf[:0]
		r.free <- b
	}
}

// write writes the records of a batch that have room.
func (r *Recorder) write(b *Batch) {
	if r.stopped.Load() {
		if r.err != nil {
			r.Lose(len(b.records))
		}
		return
	}
	r.buf = r.buf[:0]
	n := 0
	for ; n < len(b.records); n++ {
		longer := r.encoder.Append(r.buf, &b.records[n])
		if r.limit > 0 && r.size+int64(len(longer)) > r.limit {
			break
		}
		r.buf = longer
	}
	if n > 0 {
		if _, err := r.file.Write(r.buf); err != nil {
			r.err = fmt.Errorf("capture: %w", err)
			r.stopped.Store(true)
			r.Lose(len(b.records))
			r.log.Error("the capture is broken off", "file", r.name, "reason", cause(err))
			return
		}
		r.size += int64(len(r.buf))
		r.written.Add(uint64(n))
	}
	if n < len(b.records) {
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
