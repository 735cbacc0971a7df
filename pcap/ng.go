// SPDX-License-Identifier: GPL-3.0-or-later

package pcap

import (
	"encoding/binary"
	"time"
)

// Types of pcapng blocks (draft-ietf-opsawg-pcapng §11.1).
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockPacket    = 2 // obsolete, appendix A
	blockSimple    = 3
	blockEnhanced  = 6
)

const (
	orderMagic uint32 = 0x1a2b3c4d
	// blockFrame is what surrounds a block's body: type, length, and the length
	// again.
	blockFrame = 12
	// maxBlock bounds the blocks that are taken, as libpcap does.
	maxBlock = 16 << 20
)

// section is what is known of the pcapng section in hand.
type section struct {
	interfaces []ngInterface
	last       time.Time // of the packet before: simple packets have none of their own
}

// openNG reads the first section header.
func (r *Reader) openNG() error {
	typ, body, err := r.block()
	if err != nil {
		return err
	}
	if typ != blockSection {
		return r.fail("it does not begin with a section header")
	}
	r.ng.last = time.Unix(0, 0).UTC()
	if err := r.openSection(body); err != nil {
		return err
	}
	r.next = r.nextNG
	return nil
}

// nextNG reads blocks up to the next packet.
func (r *Reader) nextNG() (Packet, error) {
	for {
		typ, body, err := r.block()
		if err != nil {
			return Packet{}, err
		}
		switch typ {
		case blockSection:
			err = r.openSection(body)
		case blockInterface:
			err = r.addInterface(body)
		case blockEnhanced, blockPacket, blockSimple:
			return r.packet(typ, body)
		}
		if err != nil {
			return Packet{}, err
		}
	}
}

// block reads the next block, whatever it is. The body lasts until the next
// read. It returns io.EOF at the end of the file.
func (r *Reader) block() (typ uint32, body []byte, err error) {
	r.start = r.off
	b, err := r.read("the header of a block", 8)
	if err != nil {
		return 0, nil, err
	}
	head := [8]byte(b)
	// The type of a section header is a palindrome, so that it can be told
	// before the byte order, which may be another one from here on (§4.1).
	section := binary.LittleEndian.Uint32(head[:]) == blockSection
	if section {
		magic, err := r.r.Peek(4)
		if len(magic) < 4 {
			return 0, nil, r.short("a section header", 8+len(magic), 28, err)
		}
		switch orderMagic {
		case binary.LittleEndian.Uint32(magic):
			r.order = binary.LittleEndian
		case binary.BigEndian.Uint32(magic):
			r.order = binary.BigEndian
		default:
			return 0, nil, r.fail("the byte order of its section header is corrupt: % x", magic)
		}
	}
	typ, length := r.order.Uint32(head[:]), r.order.Uint32(head[4:])
	if length < blockFrame || length%4 != 0 || length > maxBlock {
		return 0, nil, r.fail("the length of a block of type %#x is corrupt: %d bytes", typ, length)
	}
	b, err = r.read("a block", int(length)-8)
	if err != nil {
		return 0, nil, err
	}
	body = b[: len(b)-4 : len(b)-4]
	if again := r.order.Uint32(b[len(b)-4:]); again != length {
		return 0, nil, r.fail("a block of type %#x begins with the length %d and ends with %d", typ, length, again)
	}
	return typ, body, nil
}

// openSection begins a new section (§4.1): interfaces are numbered anew.
func (r *Reader) openSection(body []byte) error {
	if len(body) < 16 {
		return r.fail("a section header is too short: %d bytes", len(body)+blockFrame)
	}
	// 1.2 was given out by mistake and means 1.0.
	major, minor := r.order.Uint16(body[4:]), r.order.Uint16(body[6:])
	if major != 1 || minor != 0 && minor != 2 {
		return r.fail("it is of version %d.%d; only 1.0 is known", major, minor)
	}
	r.ng.interfaces = r.ng.interfaces[:0]
	return nil
}

// packet takes a packet block apart (§4.3, §4.4, appendix A).
func (r *Reader) packet(typ uint32, body []byte) (Packet, error) {
	at := func(i int) uint32 { return r.order.Uint32(body[i:]) }
	fixed := 20
	if typ == blockSimple {
		fixed = 4
	}
	if len(body) < fixed {
		return Packet{}, r.fail("its block is too short: %d bytes", len(body)+blockFrame)
	}
	number := uint32(0)
	switch typ {
	case blockEnhanced:
		number = at(0)
	case blockPacket:
		number = uint32(r.order.Uint16(body))
	}
	if uint64(number) >= uint64(len(r.ng.interfaces)) {
		return Packet{}, r.fail("it is of interface %d, but %d are described before it", number, len(r.ng.interfaces))
	}
	in := &r.ng.interfaces[number]
	if err := r.checkLink(in.link); err != nil {
		return Packet{}, err
	}
	when := r.ng.last
	var captured, wire uint32
	if typ == blockSimple {
		wire = at(0)
		captured = wire
		if in.snaplen > 0 {
			captured = min(captured, in.snaplen)
		}
	} else {
		var ok bool
		if when, ok = in.time(uint64(at(4))<<32 | uint64(at(8))); !ok {
			return Packet{}, r.fail("its time is corrupt: it is not between 1970 and 2106")
		}
		captured, wire = at(12), at(16)
	}
	if err := r.checkLengths(captured, wire); err != nil {
		return Packet{}, err
	}
	if room := len(body) - fixed; int(captured) > room {
		return Packet{}, r.fail("its lengths are corrupt: %d bytes captured in a block that has room for %d", captured, room)
	}
	r.ng.last = when
	end := fixed + int(captured)
	return Packet{Data: body[fixed:end:end], Time: when}, nil
}
