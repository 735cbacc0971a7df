// SPDX-License-Identifier: GPL-3.0-or-later

package pcap

import (
	"encoding/binary"
	"io"

	"github.com/gopacket/gopacket/pcapgo"
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
	// maxBlock bounds the blocks that are taken, in bytes, as libpcap does.
	maxBlock = 16 << 20
	// maxInterfaces bounds what is kept of a section.
	maxInterfaces = 4096
	optTSResol    = 9 // of an interface description (§4.2)
)

// fixed is how long the blocks that pcapgo is given are without their options,
// in bytes; it gets no others.
var fixed = map[uint32]int{blockSection: 16, blockInterface: 8, blockPacket: 20, blockSimple: 4, blockEnhanced: 20}

// blocks stands between a pcapng file and pcapgo, which believes every length
// that it reads and, after a wrong one, searches the rest of the file for a way
// to go on. It gives pcapgo whole blocks whose lengths agree, one at a time, so
// that the block in hand is the one that any error is about.
type blocks struct {
	*Reader
	file  *pcapgo.NgReader
	order binary.ByteOrder
	typ   uint32
	buf   []byte // the block in hand
	rest  []byte // what pcapgo has not read of it
}

// Read is pcapgo's.
func (b *blocks) Read(to []byte) (int, error) {
	for len(b.rest) == 0 {
		if err := b.block(); err != nil {
			return 0, err
		}
		if n, ok := fixed[b.typ]; ok {
			if err := b.check(b.buf[8:len(b.buf)-4], n); err != nil {
				return 0, err
			}
			b.rest = b.buf
		}
	}
	n := copy(to, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// block reads the next block, whatever it is. It returns io.EOF at the end of
// the file.
func (b *blocks) block() error {
	b.start = b.offset()
	head, err := b.r.Peek(12)
	if len(head) == 0 && err == io.EOF {
		return err
	}
	if len(head) < 12 {
		return b.because(err, "a block", len(head), 12)
	}
	// The type of a section header is a palindrome, so that it can be told
	// before the byte order, which may be another one from here on (§4.1).
	if binary.LittleEndian.Uint32(head) == blockSection {
		switch orderMagic {
		case binary.LittleEndian.Uint32(head[8:]):
			b.order = binary.LittleEndian
		case binary.BigEndian.Uint32(head[8:]):
			b.order = binary.BigEndian
		default:
			return b.fail("the byte order of its section header is corrupt: % x", head[8:])
		}
	}
	b.typ = b.order.Uint32(head)
	length := int(b.order.Uint32(head[4:]))
	if length < 12 || length%4 != 0 || length > maxBlock {
		return b.fail("the length of a block of type %#x is corrupt: %d bytes", b.typ, length)
	}
	if cap(b.buf) < length {
		b.buf = make([]byte, max(length, 2*cap(b.buf)))
	}
	b.buf = b.buf[:length]
	if n, err := io.ReadFull(b.r, b.buf); err != nil {
		return b.because(err, "a block", n, length)
	}
	if again := int(b.order.Uint32(b.buf[length-4:])); again != length {
		return b.fail("a block of type %#x begins with the length %d and ends with %d", b.typ, length, again)
	}
	return nil
}

// check finds whether the lengths in a block agree with its own.
func (b *blocks) check(body []byte, fixed int) error {
	if len(body) < fixed {
		return b.fail("a block of type %#x is too short: %d bytes", b.typ, len(b.buf))
	}
	options := body[fixed:]
	captured := 0
	switch b.typ {
	case blockSection:
		if minor := body[6:8]; b.order.Uint16(minor) == 2 {
			b.order.PutUint16(minor, 0) // 1.2 was given out by mistake and means 1.0
		}
	case blockInterface:
		if b.file.NInterfaces() == maxInterfaces {
			return b.fail("it has more than %d interfaces", maxInterfaces)
		}
	case blockSimple:
		captured = int(b.order.Uint32(body))
		if in, err := b.file.Interface(0); err == nil && in.SnapLength > 0 {
			captured = min(captured, int(in.SnapLength))
		}
	case blockPacket, blockEnhanced:
		captured = int(b.order.Uint32(body[12:]))
	}
	if captured > len(options) {
		return b.fail("its lengths are corrupt: %d bytes captured in a block that has room for %d", captured, len(options))
	}
	return b.checkOptions(options[(captured+3)&^3:])
}

// checkOptions does the same for the options of a block.
func (b *blocks) checkOptions(options []byte) error {
	for len(options) >= 4 {
		code, n := b.order.Uint16(options), int(b.order.Uint16(options[2:]))
		end := 4 + (n+3)&^3
		switch {
		case code == 0:
			return nil
		case end > len(options):
			return b.fail("option %d of a block of type %#x is longer than the block", code, b.typ)
		case b.typ == blockInterface && code == optTSResol && n > 0:
			if resol := options[4]; resol == 0 {
				options[4] = 0x80 // seconds, as a power of 2: pcapgo takes 0 for a missing option
			} else if resol > 19 && resol < 0x80 {
				return b.fail("the time resolution of an interface is too fine: 10^-%d", resol)
			}
		}
		options = options[end:]
	}
	return nil
}
