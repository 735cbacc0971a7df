// SPDX-License-Identifier: GPL-3.0-or-later

package pcap

import (
	"encoding/binary"
	"time"
)

// Direction is which way a packet went through its interface, as the flags of
// an enhanced packet block say it (§4.3.1).
type Direction uint32

const (
	Inbound  Direction = 1
	Outbound Direction = 2
)

// Options that are written.
const (
	optComment     = 1
	optApplication = 4 // of a section header
	optName        = 2 // of an interface description
	optFlags       = 2 // of an enhanced packet
)

// MaxComment is the longest comment that is written, in bytes; longer ones are
// cut.
const MaxComment = 4096

// A Record is a packet as it is written.
type Record struct {
	Interface int       // index into the interfaces given to AppendHeader
	Time      time.Time // from 1970 to 2106
	Data      []byte
	Direction Direction
	Comment   []byte // UTF-8
}

// AppendHeader appends the beginning of a pcapng file: a section header and a
// description of each Ethernet interface. application is the program's name.
func AppendHeader(dst []byte, application string, interfaces []string) []byte {
	le := binary.LittleEndian
	dst, start := beginBlock(dst, blockSection)
	dst = le.AppendUint32(dst, orderMagic)
	dst = le.AppendUint16(dst, 1)
	dst = le.AppendUint16(dst, 0)
	dst = le.AppendUint64(dst, 1<<64-1) // the section's length is not known
	dst = appendOption(dst, optApplication, application)
	dst = le.AppendUint32(dst, optEnd)
	dst = endBlock(dst, start)
	for _, name := range interfaces {
		dst, start = beginBlock(dst, blockInterface)
		dst = le.AppendUint32(dst, linkEthernet) // and two bytes reserved
		dst = le.AppendUint32(dst, 0)            // no snapshot length
		dst = appendOption(dst, optName, name)
		dst = appendOption(dst, optTSResol, "\x09") // nanoseconds
		dst = le.AppendUint32(dst, optEnd)
		dst = endBlock(dst, start)
	}
	return dst
}

// Append appends r to a pcapng file, as an enhanced packet block (§4.3). It
// allocates only to grow dst.
func (r *Record) Append(dst []byte) []byte {
	le := binary.LittleEndian
	dst, start := beginBlock(dst, blockEnhanced)
	dst = le.AppendUint32(dst, uint32(r.Interface))
	stamp := uint64(r.Time.UnixNano())
	dst = le.AppendUint32(dst, uint32(stamp>>32))
	dst = le.AppendUint32(dst, uint32(stamp))
	dst = le.AppendUint32(dst, uint32(len(r.Data)))
	dst = le.AppendUint32(dst, uint32(len(r.Data)))
	dst = append(dst, r.Data...)
	dst = appendPadding(dst, len(r.Data))
	if comment := r.Comment[:min(len(r.Comment), MaxComment)]; len(comment) > 0 {
		dst = appendOption(dst, optComment, comment)
	}
	if r.Direction != 0 {
		dst = le.AppendUint16(dst, optFlags)
		dst = le.AppendUint16(dst, 4)
		dst = le.AppendUint32(dst, uint32(r.Direction))
	}
	dst = le.AppendUint32(dst, optEnd)
	return endBlock(dst, start)
}

// beginBlock appends the header of a block; endBlock puts its length in.
func beginBlock(dst []byte, typ uint32) (_ []byte, start int) {
	start = len(dst)
	dst = binary.LittleEndian.AppendUint32(dst, typ)
	return append(dst, 0, 0, 0, 0), start
}

func endBlock(dst []byte, start int) []byte {
	n := uint32(len(dst) - start + 4)
	binary.LittleEndian.PutUint32(dst[start+4:], n)
	return binary.LittleEndian.AppendUint32(dst, n)
}

func appendOption[T string | []byte](dst []byte, code uint16, value T) []byte {
	dst = binary.LittleEndian.AppendUint16(dst, code)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(value)))
	dst = append(dst, value...)
	return appendPadding(dst, len(value))
}

// appendPadding fills up what n bytes lack to a multiple of 4.
func appendPadding(dst []byte, n int) []byte {
	return append(dst, 0, 0, 0)[:len(dst)+(4-n%4)%4]
}

// AppendClassicHeader appends the beginning of a classic pcap file of Ethernet
// packets with times in nanoseconds, which libpcap reads since 1.5.
func AppendClassicHeader(dst []byte) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint32(dst, magicNano)
	dst = le.AppendUint16(dst, 2)
	dst = le.AppendUint16(dst, 4)
	dst = le.AppendUint64(dst, 0) // reserved
	dst = le.AppendUint32(dst, 1<<18)
	return le.AppendUint32(dst, linkEthernet)
}

// AppendClassic appends r to a classic pcap file, which has no place for
// interface, direction and comment.
func (r *Record) AppendClassic(dst []byte) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint32(dst, uint32(r.Time.Unix()))
	dst = le.AppendUint32(dst, uint32(r.Time.Nanosecond()))
	dst = le.AppendUint32(dst, uint32(len(r.Data)))
	dst = le.AppendUint32(dst, uint32(len(r.Data)))
	return append(dst, r.Data...)
}
