// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import (
	"fmt"
	"slices"
)

// A Protocol is a header that is not in the table but declared at run time: a
// handler's own. It comes after the headers of the table; where, its bindings
// say. Its fields follow each other without gaps, and byte fields may have a
// length that another field gives. Once it is prepared it never changes and can
// be used by any number of goroutines.
type Protocol struct {
	Name   string           // as handlers write it
	Fields []*ProtocolField // in the order of the wire
	// Bindings say what it is found under. The first one is what a packet that
	// is built gets.
	Bindings []Binding
	// Number is its place among the Protocols that it was added to, from 0.
	Number int

	index   map[string]*ProtocolField
	size    int              // length in bytes without the counted fields
	counted []*ProtocolField // the fields whose length the packet decides, in their order
}

// A Binding is one place where a declared header is found: after header Under,
// if that says Number of what follows it. Under is UDP or TCP, whose Number is
// a port, destination or source; IP, for an IPv4 or IPv6 packet of that
// protocol; or Eth, for an ethertype.
type Binding struct {
	Under  HeaderID
	Number uint16
}

// A ProtocolField is one field of a declared header.
type ProtocolField struct {
	Protocol *Protocol // that it is a field of, by Prepare
	Name     string    // as handlers write it
	// Kind is Uint, Bool (of 1 bit), MAC (of 48 bits), IPv4 (of 32 bits) or
	// Bytes.
	Kind Kind
	// Width is the length of a number in bits, 1 to 48.
	Width int
	// LittleEndian says that the first byte is the lowest one. Such a field is
	// made of whole bytes.
	LittleEndian bool
	// Enum names values of a number, in ascending order.
	Enum []EnumName

	// The length of a field of kind Bytes is either Size bytes, or what the
	// field Count says, or all the rest of the packet.
	Size  int
	Count *ProtocolField
	Rest  bool
	// Text says that a field of kind Bytes is for people to read.
	Text bool

	// Default is the value that a header that is built has; of a field of
	// kind Bytes it is DefaultBytes.
	Default      uint64
	DefaultBytes []byte

	bit    int  // where it begins, in bits, if all counted fields before it are empty
	before int  // how many counted fields are before it
	counts bool // it is the Count of others
	shift  uint // of a number within the bytes that it lies in
}

// EnumName is a name of a value.
type EnumName struct {
	Value uint64
	Name  string
}

// Bounds of a declaration.
const (
	maxCounted = 8  // counted fields of a header
	maxWidth   = 48 // bits of a number
)

// String gives the field's full name, "myproto.ver".
func (f *ProtocolField) String() string { return f.Protocol.Name + "." + f.Name }

// Field finds a field by its name; nil if there is none.
func (p *Protocol) Field(name string) *ProtocolField { return p.index[name] }

// Varies reports whether the length of the header depends on its content.
func (p *Protocol) Varies() bool { return len(p.counted) > 0 }

// Size gives the length of the header in bytes, without fields whose length
// the packet decides.
func (p *Protocol) Size() int { return p.size }

// BitOffset is where the field begins, in bits from the start of the header,
// if Varying, the counted fields before it, were empty.
func (f *ProtocolField) BitOffset() int { return f.bit }

// Varying gives the counted fields before f, in their order.
func (f *ProtocolField) Varying() []*ProtocolField { return f.Protocol.counted[:f.before] }

// EnumName gives the name of a value, empty if it has none.
func (f *ProtocolField) EnumName(v uint64) string {
	i, ok := slices.BinarySearchFunc(f.Enum, v, func(e EnumName, v uint64) int {
		switch {
		case e.Value < v:
			return -1
		case e.Value > v:
			return 1
		}
		return 0
	})
	if !ok {
		return ""
	}
	return f.Enum[i].Name
}

// max gives the largest number that the field can have.
func (f *ProtocolField) max() uint64 { return 1<<f.Width - 1 }

// bytes gives how many bytes a number lies in.
func (f *ProtocolField) bytes() int { return (f.bit%8 + f.Width + 7) / 8 }

// Prepare works out where the fields are. It fails if the declaration is none
// of a header, with an error that says of which field and what to do; the
// protocol can't be used then.
func (p *Protocol) Prepare() error {
	p.index = make(map[string]*ProtocolField, len(p.Fields))
	p.size, p.counted = 0, nil
	if len(p.Fields) == 0 {
		return fmt.Errorf("%s has no fields; give it at least one", p.Name)
	}
	bit := 0
	for i, f := range p.Fields {
		f.Protocol, f.bit, f.before = p, bit, len(p.counted)
		if p.index[f.Name] != nil {
			return fmt.Errorf("the field '%s' is declared twice; give one of the two another name", f.Name)
		}
		if i > 0 && p.Fields[i-1].Rest {
			return fmt.Errorf("the field '%s' comes after '%s', which takes all the rest of the packet; make that one the last field", f.Name, p.Fields[i-1].Name)
		}
		p.index[f.Name] = f
		var err error
		if f.Kind == Bytes {
			err = p.prepareBytes(f)
		} else {
			err = f.prepareNumber()
		}
		if err != nil {
			return err
		}
		bit += f.Width + 8*f.Size
	}
	if bit%8 != 0 {
		return fmt.Errorf("the fields end in the middle of a byte, at bit %d; add a field of %d bits, such as {\"reserved\", %[2]d}", bit, 8-bit%8)
	}
	p.size = bit / 8
	if p.size > maxLen {
		return fmt.Errorf("%s is %d bytes long; a packet has at most %d", p.Name, p.size, maxLen)
	}
	return nil
}

// prepareBytes is Prepare for a field of kind Bytes.
func (p *Protocol) prepareBytes(f *ProtocolField) error {
	if f.bit%8 != 0 {
		return fmt.Errorf("the bytes of '%s' begin in the middle of a byte, at bit %d; add a field of %d bits before them, such as {\"reserved\", %[3]d}", f.Name, f.bit, 8-f.bit%8)
	}
	f.Width = 0
	if c := f.Count; c != nil {
		switch {
		case c.Protocol != p || p.index[c.Name] != c:
			return fmt.Errorf("the field '%s' counts the bytes of '%s' but comes after them; put it before", c.Name, f.Name)
		case c.Kind != Uint:
			return fmt.Errorf("the field '%s' can't count the bytes of '%s': it is a %s; let a number do it", c.Name, f.Name, c.Kind)
		}
		c.counts = true
	}
	if f.Count == nil && !f.Rest {
		if f.Size < 1 || f.Size > maxLen {
			return fmt.Errorf("the field '%s' has %d bytes; expected 1 to %d", f.Name, f.Size, maxLen)
		}
		return nil
	}
	f.Size = 0
	if p.counted = append(p.counted, f); len(p.counted) > maxCounted {
		return fmt.Errorf("the field '%s' is the %dth whose length the packet decides; at most %d can be", f.Name, len(p.counted), maxCounted)
	}
	return nil
}

// prepareNumber is Prepare for the others.
func (f *ProtocolField) prepareNumber() error {
	switch {
	case f.Width < 1 || f.Width > maxWidth:
		return fmt.Errorf("the field '%s' is %d bits wide; expected 1 to %d (longer ones are bytes)", f.Name, f.Width, maxWidth)
	case f.Kind == Bool && f.Width != 1:
		return fmt.Errorf("the field '%s' is %d bits wide; a boolean has 1", f.Name, f.Width)
	case f.Kind == IPv4 && f.Width != 32:
		return fmt.Errorf("the field '%s' is %d bits wide; an IPv4 address has 32", f.Name, f.Width)
	case f.Kind == MAC && f.Width != 48:
		return fmt.Errorf("the field '%s' is %d bits wide; an Ethernet address has 48", f.Name, f.Width)
	case (f.Kind == IPv4 || f.Kind == MAC) && (f.bit%8 != 0 || f.LittleEndian):
		return fmt.Errorf("the field '%s' is an address, which begins with a byte and is big-endian; make it a number or put it elsewhere", f.Name)
	case f.LittleEndian && (f.Width%8 != 0 || f.bit%8 != 0):
		return fmt.Errorf("the field '%s' is little-endian but not made of whole bytes: it begins at bit %d and is %d bits wide", f.Name, f.bit, f.Width)
	case f.Default > f.max():
		return fmt.Errorf("the default of '%s' is %d, which is not in 0 to %d", f.Name, f.Default, f.max())
	}
	for i, e := range f.Enum {
		switch {
		case e.Value > f.max():
			return fmt.Errorf("%s of '%s' is %d, which is not in 0 to %d", e.Name, f.Name, e.Value, f.max())
		case i > 0 && f.Enum[i-1].Value == e.Value:
			return fmt.Errorf("%s and %s of '%s' are both %d; give a value one name", f.Enum[i-1].Name, e.Name, f.Name, e.Value)
		case i > 0 && f.Enum[i-1].Value > e.Value:
			return fmt.Errorf("the names of the values of '%s' are not in ascending order", f.Name)
		}
	}
	if f.LittleEndian {
		return nil
	}
	f.shift = uint(8*f.bytes() - f.bit%8 - f.Width)
	return nil
}
