// SPDX-License-Identifier: GPL-3.0-or-later

package pcap

import (
	"errors"
	"fmt"
	"io"
)

// Error says why a capture could not be read on.
type Error struct {
	Packet int    // the packet that could not be read, from 1; 0: the file's header
	Offset int64  // of the record or block that is wrong, in bytes from the start of the file
	Reason string // what is wrong, and what to do about it where something can be done
	Err    error  // of the underlying reader; nil if the bytes were wrong
}

// Error gives "packet 7, at byte 1234: the file ends within it".
func (e *Error) Error() string {
	where := fmt.Sprintf("packet %d, at byte %d", e.Packet, e.Offset)
	if e.Packet == 0 {
		where = "file header"
	}
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", where, e.Reason, e.Err)
	}
	return where + ": " + e.Reason
}

// Unwrap returns the underlying reader's error, such as one of os.File.
func (e *Error) Unwrap() error { return e.Err }

// fail makes an Error about the record that begins at r.start.
func (r *Reader) fail(format string, args ...any) error {
	e := &Error{Offset: r.start, Reason: fmt.Sprintf(format, args...)}
	if r.next != nil {
		e.Packet = r.packets + 1
	}
	return e
}

// short makes an Error of what kept a read from being complete, when got of
// want bytes of something came.
func (r *Reader) short(what string, got, want int, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return r.fail("the file ends within %s: %d of %d bytes are there", what, got, want)
	}
	e := r.fail("reading").(*Error)
	e.Err = err
	return e
}
