// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import (
	"errors"
	"fmt"
)

// Reasons why an assignment fails; a *FieldError wraps one of them.
var (
	ErrAbsent   = errors.New("the packet does not have it")
	ErrReadOnly = errors.New("it is read-only")
	ErrRange    = errors.New("out of range")
	ErrKind     = errors.New("not a value of its kind")
)

// FieldError says which assignment failed and why.
type FieldError struct {
	Field  *Field
	Reason error  // ErrAbsent, ErrReadOnly, ErrRange or ErrKind
	Detail string // what would do
}

// Error gives "ip.ttl: out of range: 256 is not in 0 to 255".
func (e *FieldError) Error() string {
	s := e.Field.String() + ": " + e.Reason.Error()
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// Unwrap gives the reason.
func (e *FieldError) Unwrap() error { return e.Reason }

// String gives the field's full name, "ip.ttl".
func (f *Field) String() string { return f.Header.String() + "." + f.Name }

// refuse makes the error of an assignment to f.
func (f *Field) refuse(reason error, format string, args ...any) error {
	return &FieldError{f, reason, fmt.Sprintf(format, args...)}
}

// absent makes the error of an assignment to a field that b does not have.
func (f *Field) absent(b []byte, l *Layout) error {
	switch {
	case !l.Present(f.Header):
		return f.refuse(ErrAbsent, "it has no %s header", f.Header)
	case f.Locate == Advert:
		return f.refuse(ErrAbsent, "it is no neighbor advertisement")
	case f.Locate == Target && !hasTarget(b[min(int(l.Off[ICMP6]), len(b)):]):
		return f.refuse(ErrAbsent, "it is no neighbor solicitation, advertisement or redirect")
	case f.Locate == NDOption:
		return f.refuse(ErrAbsent, "it has no link-layer address option")
	case f.Locate == TCPOption:
		return f.refuse(ErrAbsent, "it has no such TCP option")
	case f.Locate == Fragment:
		return f.refuse(ErrAbsent, "it has no IPv6 Fragment header")
	}
	return f.refuse(ErrAbsent, "it is cut short")
}
