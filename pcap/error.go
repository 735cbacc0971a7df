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
	Err    error  // what pcapgo or the underlying reader said; nil if Reason says it all
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

// because makes an Error of err, which came after got of want bytes of
// something.
func (r *Reader) because(err error, what string, got, want int) error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return r.fail("the file ends within %s: %d of %d bytes are there", what, got, want)
	}
	e = r.fail("reading").(*Error)
	e.Err = err
	return e
}
