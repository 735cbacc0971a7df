// SPDX-License-Identifier: GPL-3.0-or-later

package pcap

import (
	"encoding/binary"
	"io"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/pcapgo"
)

// openClassic reads the file header of a classic pcap file
// (draft-ietf-opsawg-pcap §4).
func (r *Reader) openClassic(bigEndian bool) error {
	// pcapgo reads from r.r itself, since bufio.NewReader returns a
	// bufio.Reader as it is; so r.offset is exact.
	file, err := pcapgo.NewReader(r.r)
	if err != nil {
		return r.because(err, "its header", int(r.offset()), 24)
	}
	if err := r.checkLink(file.LinkType()); err != nil {
		return err
	}
	file.SetSnaplen(MaxPacket) // whatever the file says: it bounds what is read at once
	fraction, second := binary.LittleEndian.Uint32, uint32(1e9)
	if bigEndian {
		fraction = binary.BigEndian.Uint32
	}
	if file.Resolution() == gopacket.TimestampResolutionMicrosecond {
		second = 1e6
	}
	r.next = func() (Packet, error) {
		r.start = r.offset()
		// pcapgo takes any fraction of a second, which is where a file that
		// is out of step shows first.
		if b, _ := r.r.Peek(8); len(b) == 8 && fraction(b[4:]) >= second {
			return Packet{}, r.fail("its time is corrupt: %d/%d of a second", fraction(b[4:]), second)
		}
		data, ci, err := file.ZeroCopyReadPacketData()
		if err == io.EOF && r.offset() == r.start {
			return Packet{}, err
		}
		if err := r.checkLengths(ci); err != nil {
			return Packet{}, err
		}
		if err != nil {
			return Packet{}, r.because(err, "it", int(r.offset()-r.start), 16+ci.CaptureLength)
		}
		return Packet{Data: data, Time: ci.Timestamp}, nil
	}
	return nil
}
