// SPDX-License-Identifier: GPL-3.0-or-later

package pcap

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"time"
)

// MaxPacket is the longest packet that is taken, in bytes: what the length
// fields of IP can describe.
const MaxPacket = 65535

// Packet is one packet of a capture.
type Packet struct {
	// Data is the whole packet, from the Ethernet header on. It belongs to the
	// Reader and lasts until the next call of Next.
	Data []byte
	// Time is when it was captured, from 1970 to 2106.
	Time time.Time
}

// A Reader reads the packets of one capture, one after the other.
type Reader struct {
	r       *bufio.Reader
	off     int64                  // bytes taken from r
	start   int64                  // where the record in hand begins
	packets int                    // returned so far
	next    func() (Packet, error) // of the format; nil until it is known
	err     error                  // ends the capture
	order   binary.ByteOrder
	buf     []byte
	classic classic
	ng      section
}

// NewReader reads the beginning of a capture and finds out its format. An
// error about what it read is an *Error.
func NewReader(r io.Reader) (*Reader, error) {
	p := &Reader{r: bufio.NewReaderSize(r, 1<<16)}
	magic, err := p.r.Peek(4)
	if len(magic) < 4 {
		if len(magic) == 0 && errors.Is(err, io.EOF) {
			return nil, p.fail("it is empty: there is not even a header")
		}
		return nil, p.short("its header", len(magic), 4, err)
	}
	switch {
	case binary.LittleEndian.Uint32(magic) == blockSection: // the same in both orders
		err = p.openNG()
	case p.isClassic(magic):
		err = p.openClassic()
	case magic[0] == 0x1f && magic[1] == 0x8b:
		err = p.fail("it is compressed: gunzip it, or read it from a pipe: gunzip -c FILE | pvlua --read -")
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		err = p.fail("it is compressed: unzstd it, or read it from a pipe: unzstd -c FILE | pvlua --read -")
	default:
		err = p.fail("it is no capture: it begins with the bytes % x, neither pcap nor pcapng", magic)
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Next returns the next packet, io.EOF after the last one, or an *Error. After
// an error it returns the same again.
func (r *Reader) Next() (Packet, error) {
	if r.err != nil {
		return Packet{}, r.err
	}
	p, err := r.next()
	if err != nil {
		r.err = err
		return Packet{}, err
	}
	r.packets++
	return p, nil
}

// read returns the next n bytes, which last until it is called again. It
// returns io.EOF only if there are none at all. n must be checked before.
func (r *Reader) read(what string, n int) ([]byte, error) {
	if cap(r.buf) < n {
		r.buf = make([]byte, max(n, 2*cap(r.buf), 1<<11))
	}
	b := r.buf[:n]
	got, err := io.ReadFull(r.r, b)
	r.off += int64(got)
	switch {
	case err == nil:
		return b, nil
	case err == io.EOF && r.off == r.start:
		return nil, io.EOF
	}
	return nil, r.short(what, got, n, err)
}

// checkLengths judges the two lengths that every format gives a packet:
// captured bytes are there of those that it had on the wire.
func (r *Reader) checkLengths(captured, wire uint32) error {
	switch {
	case captured > wire:
		return r.fail("its lengths are corrupt: %d bytes captured of a packet of %d", captured, wire)
	case captured > MaxPacket:
		return r.fail("it has %d bytes; %d are the most that a packet can have here: capture with segmentation offload off (ethtool -K INTERFACE gro off gso off tso off)", captured, MaxPacket)
	case captured < wire:
		return r.fail("only %d of its %d bytes were captured: a handler must see whole packets, capture with a larger snapshot length (tcpdump -s 0)", captured, wire)
	}
	return nil
}

// checkLink judges a link type (https://www.tcpdump.org/linktypes.html).
func (r *Reader) checkLink(link uint32) error {
	if link == linkEthernet {
		return nil
	}
	name, ok := linkNames[link]
	if !ok {
		name = "unknown here"
	}
	return r.fail("its link type is %d (%s), not Ethernet: capture on one Ethernet interface", link, name)
}

const linkEthernet = 1

// linkNames are the others that one comes across.
var linkNames = map[uint32]string{
	0:   "BSD loopback",
	9:   "PPP",
	12:  "raw IP",
	14:  "raw IP",
	101: "raw IP",
	105: "802.11",
	108: "OpenBSD loopback",
	113: "Linux cooked, as of tcpdump -i any",
	127: "802.11 with radiotap",
	147: "user-defined",
	189: "USB",
	228: "raw IPv4",
	229: "raw IPv6",
	276: "Linux cooked 2, as of tcpdump -i any",
}

// maxSeconds bounds times to what the classic format can hold.
const maxSeconds = 1<<32 - 1
