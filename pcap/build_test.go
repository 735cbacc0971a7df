// SPDX-License-Identifier: GPL-3.0-or-later

package pcap

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"time"

	"pvlua/internal/pkttest"
)

// order is a byte order that can append, too.
type order interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

var orders = []order{binary.LittleEndian, binary.BigEndian}

// frames are packets of all lengths modulo 4.
func frames() [][]byte {
	var all [][]byte
	for i := range 6 {
		all = append(all, pkttest.UDP(pkttest.Options{Payload: make([]byte, i), ID: uint16(i + 1)}))
	}
	return append(all, pkttest.TCPSyn6(pkttest.Options{}), pkttest.ARPRequest(pkttest.Options{}))
}

var epoch = time.Date(2026, 11, 25, 12, 0, 0, 987654321, time.UTC)

// when is the time of packet i.
func when(i int) time.Time { return epoch.Add(time.Duration(i) * 1234567 * time.Microsecond) }

// classicFile writes the format by its description, in any order and unit.
func classicFile(o order, nano bool, link uint32, packets [][]byte) []byte {
	magic, unit := uint32(0xa1b2c3d4), 1000
	if nano {
		magic, unit = 0xa1b23c4d, 1
	}
	b := o.AppendUint32(nil, magic)
	b = o.AppendUint16(b, 2)
	b = o.AppendUint16(b, 4)
	b = o.AppendUint64(b, 0)
	b = o.AppendUint32(b, 65535)
	b = o.AppendUint32(b, link)
	for i, p := range packets {
		b = o.AppendUint32(b, uint32(when(i).Unix()))
		b = o.AppendUint32(b, uint32(when(i).Nanosecond()/unit))
		b = o.AppendUint32(b, uint32(len(p)))
		b = o.AppendUint32(b, uint32(len(p)))
		b = append(b, p...)
	}
	return b
}

// block writes a pcapng block.
func block(o order, typ uint32, body []byte) []byte {
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	b := o.AppendUint32(nil, typ)
	b = o.AppendUint32(b, uint32(len(body)+12))
	b = append(b, body...)
	return o.AppendUint32(b, uint32(len(body)+12))
}

func sectionBlock(o order) []byte {
	b := o.AppendUint32(nil, 0x1a2b3c4d)
	b = o.AppendUint16(b, 1)
	b = o.AppendUint16(b, 0)
	return block(o, 0x0a0d0d0a, o.AppendUint64(b, 1<<64-1))
}

func option(o order, code uint16, value []byte) []byte {
	b := o.AppendUint16(nil, code)
	b = o.AppendUint16(b, uint16(len(value)))
	b = append(b, value...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func interfaceBlock(o order, link uint16, snaplen uint32, options ...[]byte) []byte {
	b := o.AppendUint16(nil, link)
	b = o.AppendUint16(b, 0)
	b = o.AppendUint32(b, snaplen)
	return block(o, 1, append(b, bytes.Join(options, nil)...))
}

func packetBlock(o order, iface uint32, stamp uint64, captured, wire uint32, data []byte) []byte {
	b := o.AppendUint32(nil, iface)
	b = o.AppendUint32(b, uint32(stamp>>32))
	b = o.AppendUint32(b, uint32(stamp))
	b = o.AppendUint32(b, captured)
	b = o.AppendUint32(b, wire)
	return block(o, 6, append(b, data...))
}

// ngFile writes packets with the times of when, in microseconds.
func ngFile(o order, packets [][]byte) []byte {
	b := append(sectionBlock(o), interfaceBlock(o, 1, 0)...)
	for i, p := range packets {
		b = append(b, packetBlock(o, 0, uint64(when(i).UnixMicro()), uint32(len(p)), uint32(len(p)), p)...)
	}
	return b
}

// readAll reads a capture, with copies of the packets.
func readAll(b []byte) (all []Packet, err error) { return readFrom(bytes.NewReader(b)) }

func readFrom(from io.Reader) (all []Packet, err error) {
	r, err := NewReader(from)
	if err != nil {
		return nil, err
	}
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			if _, again := r.Next(); again != err {
				return all, errors.New("after an error Next says something else")
			}
			return all, err
		}
		p.Data = bytes.Clone(p.Data)
		all = append(all, p)
	}
}

// same compares packets with frames and the times of when, rounded to unit.
func same(t *testing.T, got []Packet, want [][]byte, unit time.Duration) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d packets, want %d", len(got), len(want))
	}
	for i, p := range got {
		if !bytes.Equal(p.Data, want[i]) {
			t.Errorf("packet %d:\n% x\nwant\n% x", i+1, p.Data, want[i])
		}
		if at := when(i).Truncate(unit); !p.Time.Equal(at) || p.Time.Location() != time.UTC {
			t.Errorf("packet %d: time %v, want %v", i+1, p.Time, at)
		}
	}
}
