// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// What a caller may want to tell apart, with errors.Is. The errno that the
// kernel gave, os.ErrPermission, os.ErrClosed and, for ErrNoInterface,
// os.ErrNotExist are found in the same way.
var (
	ErrNoInterface    = fmt.Errorf("no such interface%w", silent{os.ErrNotExist})
	ErrLinkDown       = errors.New("link is down")
	ErrGone           = errors.New("interface is gone")
	ErrNoZeroCopy     = errors.New("no zero-copy")
	ErrInUse          = errors.New("queue is in use")
	ErrForeignProgram = errors.New("another XDP program is attached")
	ErrMemlock        = errors.New("locked-memory limit too low")
	ErrQueueRange     = errors.New("no such queue")
	ErrMapMemory      = errors.New("the kernel does not take frames in a BPF map")
)

// silent is an error that adds nothing to a text.
type silent struct{ error }

func (silent) Error() string   { return "" }
func (s silent) Unwrap() error { return s.error }

// Error says which operation failed, on what, why, and, in Hint, what the cure
// is.
type Error struct {
	Op        string // such as "open AF_XDP socket"; empty where nothing but looking was done
	Interface string // empty where none is concerned
	Queue     int    // negative where none is concerned
	Err       error  // usually an *os.SyscallError
	Hint      string // may be empty

	kind error // one of the sentinels above, or nil
}

// noQueue is Error.Queue where no queue is concerned.
const noQueue = -1

// Error gives it all in one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Op != "" && e.Interface != "" {
		b.WriteString(" on ")
	}
	b.WriteString(e.Interface)
	if e.Queue >= 0 {
		fmt.Fprintf(&b, " queue %d", e.Queue)
	}
	b.WriteString(": ")
	if e.kind != nil {
		b.WriteString(e.kind.Error())
		if e.Err != nil {
			b.WriteString(": ")
		}
	}
	if e.Err != nil {
		b.WriteString(e.Err.Error())
	}
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Unwrap lets errors.Is and errors.As find both the kind and the cause.
func (e *Error) Unwrap() []error {
	errs := make([]error, 0, 2)
	if e.kind != nil {
		errs = append(errs, e.kind)
	}
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	return errs
}

// opError makes an *Error of err; it returns nil for nil. Every error of this
// package about an operation is made here.
func opError(op, iface string, queue int, kind, err error, hint string) error {
	if err == nil {
		return nil
	}
	return &Error{Op: op, Interface: iface, Queue: queue, Err: err, Hint: hint, kind: kind}
}

// withClosing adds to err what went wrong while cleaning up after it, if
// anything did.
func withClosing(err, closing error) error {
	if closing == nil {
		return err
	}
	return errors.Join(err, closing)
}

// sysError makes an *os.SyscallError of an errno, and nil of 0.
func sysError(call string, errno unix.Errno) error {
	if errno == 0 {
		return nil
	}
	return os.NewSyscallError(call, errno)
}

// errnoOf returns the errno within err, or 0.
func errnoOf(err error) unix.Errno {
	var errno unix.Errno
	errors.As(err, &errno)
	return errno
}
