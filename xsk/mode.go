// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"fmt"
	"strings"
)

// Mode is what a user asks for with --mode: which steps of the ladder "native
// zero-copy, native copy, generic" may be taken. The zero value is ModeAuto. It
// implements encoding.TextMarshaler and TextUnmarshaler, so that flag packages
// can parse it.
type Mode uint8

const (
	ModeAuto     Mode = iota // the whole ladder: the first step that works
	ModeNative               // the driver's own XDP, zero-copy if it can, else copy; never generic
	ModeZeroCopy             // native, and zero-copy or nothing
	ModeCopy                 // native, and copy even where zero-copy would work
	ModeGeneric              // the kernel's own XDP, after an skb was made: works on every driver
)

var modeNames = [...]string{"auto", "native", "zerocopy", "copy", "generic"}

// String returns the name that ParseMode reads.
func (m Mode) String() string {
	if int(m) < len(modeNames) {
		return modeNames[m]
	}
	return fmt.Sprintf("Mode(%d)", uint8(m))
}

// ParseMode reads auto, native, zerocopy, copy or generic.
func ParseMode(s string) (Mode, error) {
	for i, name := range modeNames {
		if s == name {
			return Mode(i), nil
		}
	}
	return ModeAuto, fmt.Errorf("unknown mode %q: use one of %s", s, strings.Join(modeNames[:], ", "))
}

// MarshalText returns the mode's name.
func (m Mode) MarshalText() ([]byte, error) {
	if int(m) >= len(modeNames) {
		return nil, fmt.Errorf("no mode has number %d", uint8(m))
	}
	return []byte(m.String()), nil
}

// UnmarshalText is ParseMode.
func (m *Mode) UnmarshalText(text []byte) error {
	v, err := ParseMode(string(text))
	if err == nil {
		*m = v
	}
	return err
}

// attachLadder returns where a program may be attached, best first.
func (m Mode) attachLadder() []AttachMode {
	switch m {
	case ModeGeneric:
		return []AttachMode{Generic}
	case ModeNative, ModeZeroCopy, ModeCopy:
		return []AttachMode{Native}
	}
	return []AttachMode{Native, Generic}
}

// BindLadder returns how sockets may be bound on an interface whose program was
// attached as a, best first. A UMEM that is shared by several sockets is bound
// in one way for all (P29), so a caller with several sockets tries each step
// for all of them and goes on to the next when one fails with ErrNoZeroCopy.
func (m Mode) BindLadder(a AttachMode) []BindMode {
	switch {
	case a == Generic || m == ModeCopy || m == ModeGeneric:
		// A driver that can do zero-copy would do it under a generic program
		// too, and then no packet reached the socket.
		return []BindMode{BindCopy}
	case m == ModeZeroCopy:
		return []BindMode{BindZeroCopy}
	}
	return []BindMode{BindZeroCopy, BindCopy}
}

// AttachMode is where on the receive path the redirect program runs.
type AttachMode uint8

const (
	Native  AttachMode = iota // in the driver, before an skb is made (XDP_FLAGS_DRV_MODE)
	Generic                   // in the kernel's common receive path, on an skb (XDP_FLAGS_SKB_MODE)
)

// String returns "native" or "generic".
func (a AttachMode) String() string {
	if a == Generic {
		return "generic"
	}
	return "native"
}

// BindMode says who moves the packet's bytes between device and UMEM.
type BindMode uint8

const (
	BindAuto     BindMode = iota // zero-copy if the driver can, else copy; Socket.ZeroCopy tells which it was (P25)
	BindZeroCopy                 // zero-copy, or Open fails with ErrNoZeroCopy
	BindCopy                     // copy, on any driver
)

// String returns "auto", "zero-copy" or "copy".
func (b BindMode) String() string {
	switch b {
	case BindZeroCopy:
		return "zero-copy"
	case BindCopy:
		return "copy"
	}
	return "auto"
}
