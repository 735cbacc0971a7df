// SPDX-License-Identifier: GPL-3.0-or-later

package pcap

import (
	"bufio"
	"errors"
	"io"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// MaxPacket is the longest packet that is taken, in bytes: what the length
// fields of IP can describe.
const MaxPacket = 65535

// maxSeconds bounds times to what the classic format can hold.
const maxSeconds = 1<<32 - 1

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
	taken   counter       // from the file
	r       *bufio.Reader // of taken
	start   int64         // where the record in hand begins
	packets int           // returned so far
	next    func() (Packet, error)
	err     error // ends the capture
}

// counter counts what is read.
type counter struct {
	io.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n += int64(n)
	return n, err
}

// offset is how far the file has been used.
func (r *Reader) offset() int64 { return r.taken.n - int64(r.r.Buffered()) }

// NewReader reads the beginning of a capture and finds out its format. An
// error about what it read is an *Error.
func NewReader(from io.Reader) (*Reader, error) {
	r := &Reader{taken: counter{Reader: from}}
	r.r = bufio.NewReaderSize(&r.taken, 1<<16)
	magic, err := r.r.Peek(4)
	switch string(magic) {
	case "\x0a\x0d\x0d\x0a":
		err = r.openNG()
	case "\xd4\xc3\xb2\xa1", "\x4d\x3c\xb2\xa1", "\xa1\xb2\xc3\xd4", "\xa1\xb2\x3c\x4d":
		err = r.openClassic(magic[0] == 0xa1)
	case "\x28\xb5\x2f\xfd":
		err = r.fail("it is compressed: unzstd it, or read it from a pipe: unzstd -c FILE | pvlua --read -")
	default:
		switch {
		case len(magic) >= 2 && magic[0] == 0x1f && magic[1] == 0x8b: // which pcapgo would unpack, without bound
			err = r.fail("it is compressed: gunzip it, or read it from a pipe: gunzip -c FILE | pvlua --read -")
		case len(magic) == 4:
			err = r.fail("it is no capture: it begins with the bytes % x, neither pcap nor pcapng", magic)
		case len(magic) == 0 && errors.Is(err, io.EOF):
			err = r.fail("it is empty: there is not even a header")
		default:
			err = r.because(err, "its header", len(magic), 4)
		}
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Next returns the next packet, io.EOF after the last one, or an *Error. After
// an error it returns the same again.
func (r *Reader) Next() (p Packet, err error) {
	if r.err != nil {
		return Packet{}, r.err
	}
	p, r.err = r.contain(r.next)
	if r.err != nil {
		return Packet{}, r.err
	}
	r.packets++
	return p, nil
}

// contain makes an error of a panic of pcapgo's.
func (r *Reader) contain(next func() (Packet, error)) (p Packet, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = r.fail("it can't be read: pcapgo panics: %v", v)
		}
	}()
	return next()
}

// checkLengths judges the two lengths that every format gives a packet: of
// those that it had on the wire, some bytes were captured.
func (r *Reader) checkLengths(ci gopacket.CaptureInfo) error {
	captured, wire := ci.CaptureLength, ci.Length
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
func (r *Reader) checkLink(link layers.LinkType) error {
	if link == layers.LinkTypeEthernet {
		return nil
	}
	return r.fail("its link type is %d (%v), not Ethernet: capture on one Ethernet interface, not on \"any\"", link, link)
}
