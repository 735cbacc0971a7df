// SPDX-License-Identifier: GPL-3.0-or-later

package state

import (
	"fmt"
	"strings"
	"time"
)

// MaxEntries is the greatest Shape.Max.
const MaxEntries = 1 << 24

// A Shape says what a map can hold.
type Shape struct {
	// Max is how many entries it has at most, from 1 to MaxEntries.
	Max int
	// TTL is for how long an entry stays that nobody touches; 0 is for ever.
	TTL time.Duration
	// Key and Value are what keys and values are; zero is Any.
	Key, Value Width
}

// Check says what is wrong with a shape.
func (s Shape) Check() error {
	switch {
	case s.Max < 1 || s.Max > MaxEntries:
		return fmt.Errorf("max is %d; expected 1 to %d", s.Max, MaxEntries)
	case s.TTL < 0:
		return fmt.Errorf("ttl is %v; expected more than 0", s.TTL)
	case int(s.Key) >= len(widths) || int(s.Value) >= len(widths):
		return fmt.Errorf("no such width: %d, %d", s.Key, s.Value)
	}
	return nil
}

// String writes a shape as it is declared: "max=100 ttl=2.5 key=u32".
func (s Shape) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "max=%d", s.Max)
	if s.TTL != 0 {
		fmt.Fprintf(&b, " ttl=%g", s.TTL.Seconds())
	}
	if s.Key != Any {
		fmt.Fprintf(&b, " key=%v", s.Key)
	}
	if s.Value != Any {
		fmt.Fprintf(&b, " value=%v", s.Value)
	}
	return b.String()
}

// A Width is what the keys or the values of a map are.
type Width uint8

// The widths. A number of a script has 53 bits, which bounds U64.
const (
	Any Width = iota // numbers and strings
	U8               // whole numbers of 8 bits, and so on
	U16
	U32
	U64
	Float // numbers of any sort
	IP6   // strings of 16 bytes
	Text  // strings
)

// widths has what each Width is called and what it takes.
var widths = [...]struct {
	name, takes  string
	number, text bool
	limit        float64 // of whole numbers from 0 on; 0 for any number
	length       int     // of strings; 0 for any length
}{
	Any:   {name: "any", takes: "numbers and strings", number: true, text: true},
	U8:    {name: "u8", takes: "whole numbers from 0 to 255 (u8)", number: true, limit: 1<<8 - 1},
	U16:   {name: "u16", takes: "whole numbers from 0 to 65535 (u16)", number: true, limit: 1<<16 - 1},
	U32:   {name: "u32", takes: "whole numbers from 0 to 4294967295 (u32)", number: true, limit: 1<<32 - 1},
	U64:   {name: "u64", takes: "whole numbers from 0 to 2^53 (u64)", number: true, limit: 1 << 53},
	Float: {name: "number", takes: "numbers", number: true},
	IP6:   {name: "ip6", takes: "IPv6 addresses, strings of 16 bytes (ip6)", text: true, length: 16},
	Text:  {name: "string", takes: "strings", text: true},
}

// String gives the name by which a width is declared.
func (w Width) String() string { return widths[w].name }

// ParseWidth finds a width by its name.
func ParseWidth(name string) (Width, error) {
	var names []string
	for i, w := range widths {
		if w.name == name {
			return Width(i), nil
		}
		names = append(names, w.name)
	}
	return Any, fmt.Errorf("%q is no width; there are %s", name, strings.Join(names, ", "))
}
