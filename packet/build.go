// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import (
	"errors"
	"fmt"
)

// A Recipe says what a packet is to be made of: headers, values of their
// fields, and a payload. What it does not say Build works out. The zero value
// is an Ethernet header without payload. A Recipe belongs to one goroutine and
// can be built from any number of times.
type Recipe struct {
	// Payload is what follows the last header, a declared one included. Build
	// copies it.
	Payload []byte

	has    uint16           // the headers asked for
	values map[*Field]value // the fields that were given

	above       *Protocol // a declared header asked for
	aboveValues map[*ProtocolField]value
}

// value is what a field is given: a number or bytes.
type value struct {
	n     uint64
	bytes []byte
}

// Add asks for a header, with the values that Build gives its fields. Giving a
// field a value asks for its header as well.
func (r *Recipe) Add(h HeaderID) { r.has |= 1 << h }

// SetUint gives a field of at most 48 bits a value. Every field can have one,
// lengths, types and checksums included: it is then used in the place of the
// right one. tcp.sack_ok says whether the option is there, and ip6.proto is
// the upper-layer protocol after a Fragment header. The error, a *FieldError,
// says that the value is out of range or not of the field's kind.
func (r *Recipe) SetUint(f *Field, v uint64) error {
	switch {
	case f.max == 0:
		return f.refuse(ErrKind, "it takes bytes")
	case v > f.max:
		return f.refuse(ErrRange, "%d is not in 0 to %d", v, f.max)
	}
	r.give(f, value{n: v})
	return nil
}

// maxOptions is the room for options in the headers of IPv4 and TCP, whose
// length is at most 15 units of 4 bytes, in bytes.
const maxOptions = 40

// SetBytes gives a field of kind IPv6 its 16 bytes, or ip.options and
// tcp.options theirs, which Build fills up with zeros to a multiple of 4. It
// keeps a copy. The error is a *FieldError.
func (r *Recipe) SetBytes(f *Field, p []byte) error {
	switch {
	case f.Kind != IPv6 && f.Kind != Bytes:
		return f.refuse(ErrKind, "it takes a number")
	case f.Kind == IPv6 && len(p) != 16:
		return f.refuse(ErrRange, "%d bytes, it takes 16", len(p))
	case len(p) > maxOptions:
		return f.refuse(ErrRange, "%d bytes, it takes at most %d", len(p), maxOptions)
	}
	r.give(f, value{bytes: append([]byte{}, p...)})
	return nil
}

// give notes a value.
func (r *Recipe) give(f *Field, v value) {
	if r.values == nil {
		r.values = make(map[*Field]value)
	}
	r.values[f] = v
	r.Add(f.Header)
}

// given gives the value of a field in the recipe.
func (r *Recipe) given(f *Field) (value, bool) {
	v, ok := r.values[f]
	return v, ok
}

// number gives the value of a field in the recipe, or else d.
func (r *Recipe) number(f *Field, d uint64) uint64 {
	if v, ok := r.values[f]; ok {
		return v.n
	}
	return d
}

// ErrTooLong says that a packet would be longer than 65535 bytes.
var ErrTooLong = errors.New("too long for a packet")

// Build makes the packet. Headers that the others need are added: eth always,
// vlan below vlan2, ip below tcp, udp and icmp, ip6 below icmp6, and what a
// declared header is bound to below that. Fields without
// a value are zero but for those of the table of defaults: versions, types,
// protocols, lengths, ttl and the like; and checksums are right. A given value
// takes the place of any of these, even where the packet is then malformed; the
// lengths and checksums that were not given are those of the packet as a
// receiver sees it. Checksums above IP in a fragment are zero unless given, for
// they cover the whole datagram.
//
// It fails when headers don't go together, with a *FieldError when a field has
// no place in the packet, and with ErrTooLong.
func (r *Recipe) Build() ([]byte, error) {
	if r.above != nil {
		low, err := r.lowered()
		if err != nil {
			return nil, err
		}
		r = low
	}
	p := plan{r: r}
	if err := p.chooseHeaders(); err != nil {
		return nil, err
	}
	if err := p.measure(); err != nil {
		return nil, err
	}
	b := make([]byte, p.total)
	p.writeDefaults(b)
	p.writeOptions(b)
	copy(b[p.total-len(r.Payload):], r.Payload)
	p.layout.Walk(b)
	if err := p.writeGiven(b); err != nil {
		return nil, err
	}
	p.writeChecksums(b)
	return b, nil
}

// plan is a packet under construction.
type plan struct {
	r        *Recipe
	has      uint16 // its headers
	net      HeaderID
	upper    HeaderID // NumHeaders if there is none, as for net
	off      [NumHeaders]int
	size     [NumHeaders]int // with options
	fragment int             // offset of the Fragment header, 0 if there is none
	options  []byte          // of tcp, or of icmp6 as in neighbour discovery
	total    int
	layout   Layout // of the packet with the defaults alone
}

// is reports whether the packet has header h.
func (p *plan) is(h HeaderID) bool { return p.has>>h&1 != 0 }

// among gives the one header of a list that the packet has, NumHeaders if it
// has none, and an error if it has two.
func (p *plan) among(list ...HeaderID) (HeaderID, error) {
	found := HeaderID(NumHeaders)
	for _, h := range list {
		if !p.is(h) {
			continue
		}
		if found != NumHeaders {
			return 0, fmt.Errorf("a packet has either %s or %s, not both", found, h)
		}
		found = h
	}
	return found, nil
}

// chooseHeaders adds the headers that the others need.
func (p *plan) chooseHeaders() (err error) {
	p.has = p.r.has | 1<<Eth
	if p.is(VLAN2) {
		p.has |= 1 << VLAN
	}
	if p.upper, err = p.among(ICMP, ICMP6, TCP, UDP); err != nil {
		return err
	}
	if p.net, err = p.among(ARP, IP, IP6); err != nil {
		return err
	}
	if p.upper == NumHeaders {
		return nil
	}
	want := HeaderID(IP)
	if p.upper == ICMP6 {
		want = IP6
	}
	switch {
	case p.net == NumHeaders:
		p.net, p.has = want, p.has|1<<want
	case p.net == ARP:
		return fmt.Errorf("a packet has either arp or %s, not both", p.upper)
	case p.net == IP && p.upper == ICMP6:
		return errors.New("icmp6 goes over ip6; over ip it is icmp")
	case p.net == IP6 && p.upper == ICMP:
		return errors.New("icmp goes over ip; over ip6 it is icmp6")
	}
	return nil
}

// measure works out where the headers are.
func (p *plan) measure() error {
	p.options = p.r.upperOptions(p.upper)
	for h := range HeaderID(NumHeaders) {
		if !p.is(h) {
			continue
		}
		p.off[h] = p.total
		p.size[h] = fixedLen[h]
		switch h {
		case IP:
			v, _ := p.r.given(ipOptions)
			p.size[IP] += len(padded(v.bytes))
		case IP6:
			if p.r.wantsFragment() {
				p.fragment = p.total + ip6Len
				p.size[IP6] += fragmentLen
			}
		case ICMP6:
			p.size[ICMP6] += p.r.ndBody()
		}
		if h == p.upper {
			p.size[h] += len(p.options)
		}
		p.total += p.size[h]
	}
	p.total += len(p.r.Payload)
	if p.total > maxLen {
		return fmt.Errorf("%w: %d bytes; at most %d are allowed", ErrTooLong, p.total, maxLen)
	}
	return nil
}

// fixedLen are the lengths of the headers without options.
var fixedLen = [NumHeaders]int{
	Eth: ethLen, VLAN: vlanLen, VLAN2: vlanLen, ARP: arpLen, IP: ipLen, IP6: ip6Len,
	ICMP: icmpLen, ICMP6: icmpLen, TCP: tcpLen, UDP: udpLen,
}

// fragmentLen is the length of the IPv6 Fragment header (RFC 8200 §4.5).
const fragmentLen = 8

// padded gives b filled up with zeros to a multiple of 4 bytes.
func padded(b []byte) []byte {
	return append(b[:len(b):len(b)], make([]byte, -len(b)&3)...)
}
