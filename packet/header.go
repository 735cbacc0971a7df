// SPDX-License-Identifier: GPL-3.0-or-later

package packet

// HeaderID names a header that the walk knows. It is an index into Headers and
// Layout.Off and a bit number of Layout.Has.
type HeaderID uint8

// The headers, outermost first.
const (
	Eth   HeaderID = iota // Ethernet II
	VLAN                  // outermost 802.1Q or 802.1ad tag
	VLAN2                 // the tag after it
	ARP                   // ARP for IPv4 over Ethernet
	IP                    // IPv4
	IP6                   // IPv6
	ICMP                  // ICMP over IPv4
	ICMP6                 // ICMPv6 over IPv6, neighbour discovery included
	TCP                   // TCP over IPv4 or IPv6
	UDP                   // UDP over IPv4 or IPv6

	NumHeaders = 10 // how many there are
)

// String gives the name that handlers use: "eth", "ip6", ...
func (h HeaderID) String() string {
	if int(h) >= len(Headers) {
		return "header?"
	}
	return Headers[h].Name
}

// Header is one header of the table.
type Header struct {
	ID     HeaderID
	Name   string   // as handlers write it
	Doc    string   // what it is, with its RFC, and when a packet has it
	Fields []*Field // in the order of the wire
}

// Kind says what a field's value is.
type Kind uint8

// The kinds of value.
const (
	Uint  Kind = iota // a number in host order
	Bool              // one bit; a boolean to handlers, 0 or 1 to Uint and SetUint
	MAC               // an Ethernet address as a 48-bit number, first byte highest
	IPv4              // an IPv4 address as a 32-bit number, first byte highest
	IPv6              // 16 bytes, read with Bytes and assigned with SetBytes
	Bytes             // a range of bytes whose length the packet decides; read only
)

// String names the kind as the reference pages do.
func (k Kind) String() string {
	switch k {
	case Uint:
		return "number"
	case Bool:
		return "boolean"
	case MAC:
		return "MAC number"
	case IPv4:
		return "IPv4 number"
	case IPv6:
		return "16-byte string"
	case Bytes:
		return "string"
	}
	return "kind?"
}

// Locator says where a field is to be looked for.
type Locator uint8

// The places where fields are.
const (
	Fixed     Locator = iota // at BitOffset from the start of its header
	Advert                   // likewise, but in neighbour advertisements only
	Target                   // likewise, but in neighbour solicitations, advertisements and redirects only
	Trailing                 // from BitOffset to the end of the header, which says its own length
	NDOption                 // at BitOffset from the start of the first ND option of type Option
	TCPOption                // at BitOffset from the start of the first TCP option of kind Option
	Fragment                 // at BitOffset from the start of the IPv6 Fragment header
	Derived                  // nowhere: the walk worked it out
)

// Sum is a set of checksums.
type Sum uint8

// The checksums that may cover a field.
const (
	SumNone   Sum = 0
	SumIP     Sum = 1 << 0 // IPv4 header checksum
	SumL4     Sum = 1 << 1 // checksum of the TCP, UDP, ICMP or ICMPv6 header that the field is in
	SumPseudo Sum = 1 << 2 // checksum of the TCP, UDP or ICMPv6 header above, through its pseudo-header
)

// Field is one field of one header. The table owns it; it never changes.
type Field struct {
	Header HeaderID
	Name   string // as handlers write it
	Kind   Kind
	// BitOffset is where the field begins, in bits from the start of what
	// Locate names; Width is its length in bits, 0 when the packet decides.
	BitOffset, Width uint16
	Locate           Locator
	Option           uint8 // the ND option type or TCP option kind it is in
	Sum              Sum   // the checksums that cover it
	// Structural says that an assignment may move, add or remove headers or
	// move the payload's end; it walks the layout again.
	Structural bool
	ReadOnly   bool
	Doc        string // one sentence with its source

	access // worked out from the above
}

// access is what a read or a write needs, worked out once from a table row.
// The field lies in one load of 1, 2, 4 or 6 bytes; loads of more than a byte
// begin at an even offset from the header, so that they hold whole words of
// the checksum.
type access struct {
	mask     uint64 // the field's bits, shifted down
	ones     uint64 // all bits of the load, of at least a checksum word
	max      uint64 // the largest value that can be assigned; 0 for no number at all
	byteOff  uint16 // of the load, from the header
	size     uint8  // bytes of the load; 0 when the fast path does not apply
	shift    uint8  // of the field within the load
	sumShift uint8  // brings a one-byte load into its place in a checksum word
	slow     bool   // an assignment needs more than a store and a checksum update
	except   Facts  // with any of these the pseudo-header does not hold the field
}

// prepare fills the access of f.
func (f *Field) prepare() {
	a := &f.access
	a.byteOff = f.BitOffset / 8
	if f.Width == 0 || f.Width > 48 {
		return
	}
	a.mask = 1<<f.Width - 1
	a.max = a.mask
	first, last := f.BitOffset/8, (f.BitOffset+f.Width-1)/8
	if last > first {
		first &^= 1
	}
	size := last - first + 1 // 1, 2, 4 or 6 for all fields there are
	a.byteOff, a.size = first, uint8(size)
	a.shift = uint8(8*(first+size) - f.BitOffset - f.Width)
	a.ones = 1<<(8*max(size, 2)) - 1
	if size == 1 && first&1 == 0 {
		a.sumShift = 8
	}
	a.slow = f.Structural || f.ReadOnly || f.Locate != Fixed
}

// index finds fields by name.
var index [NumHeaders]map[string]*Field

// Lookup finds a field by its header and name; nil if there is none.
func Lookup(h HeaderID, name string) *Field {
	// It is Headers that fills index; naming it has Go initialize it before
	// any variable that looks up a field.
	if int(h) >= len(Headers) {
		return nil
	}
	return index[h][name]
}
