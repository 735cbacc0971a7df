// SPDX-License-Identifier: GPL-3.0-or-later

package pcap

import (
	"encoding/binary"
	"time"
)

// Magic numbers and lengths of classic pcap (draft-ietf-opsawg-pcap §4, §5).
const (
	magicMicro    = 0xa1b2c3d4
	magicNano     = 0xa1b23c4d
	classicHeader = 24
	classicRecord = 16
)

// classic is what the file header says.
type classic struct {
	unit  uint32 // nanoseconds in a unit of the fraction of a second
	limit uint32 // units in a second
	name  string // of the unit
}

// isClassic recognises the format and its byte order.
func (r *Reader) isClassic(magic []byte) bool {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		switch order.Uint32(magic) {
		case magicMicro:
			r.order, r.classic = order, classic{1000, 1e6, "microseconds"}
			return true
		case magicNano:
			r.order, r.classic = order, classic{1, 1e9, "nanoseconds"}
			return true
		}
	}
	return false
}

// openClassic reads the file header.
func (r *Reader) openClassic() error {
	b, err := r.read("its header", classicHeader)
	if err != nil {
		return err
	}
	if major, minor := r.order.Uint16(b[4:]), r.order.Uint16(b[6:]); major != 2 {
		return r.fail("it is of version %d.%d; only 2.4 is known", major, minor)
	}
	// The upper bits say how long a frame check sequence is (§4.1).
	if err := r.checkLink(r.order.Uint32(b[20:]) & 0x03ffffff); err != nil {
		return err
	}
	r.next = r.nextClassic
	return nil
}

// nextClassic reads one record.
func (r *Reader) nextClassic() (Packet, error) {
	r.start = r.off
	b, err := r.read("its header", classicRecord)
	if err != nil {
		return Packet{}, err
	}
	seconds, fraction := r.order.Uint32(b), r.order.Uint32(b[4:])
	captured, wire := r.order.Uint32(b[8:]), r.order.Uint32(b[12:])
	if fraction >= r.classic.limit {
		return Packet{}, r.fail("its time is corrupt: %d %s in a second", fraction, r.classic.name)
	}
	if err := r.checkLengths(captured, wire); err != nil {
		return Packet{}, err
	}
	data, err := r.read("it", int(captured))
	if err != nil {
		return Packet{}, err
	}
	return Packet{Data: data, Time: time.Unix(int64(seconds), int64(fraction*r.classic.unit)).UTC()}, nil
}
