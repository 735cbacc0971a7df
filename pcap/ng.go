// SPDX-License-Identifier: GPL-3.0-or-later

package pcap

import (
	"io"
	"math/bits"
	"time"

	"github.com/gopacket/gopacket/pcapgo"
)

// openNG reads the first section header of a pcapng file
// (draft-ietf-opsawg-pcapng).
func (r *Reader) openNG() (err error) {
	b := &blocks{Reader: r}
	b.file, err = pcapgo.NewNgReader(b, pcapgo.NgReaderOptions{WantMixedLinkType: true})
	if err != nil {
		return r.because(err, "its header", int(r.offset()), 28)
	}
	last := time.Unix(0, 0).UTC() // of the packet before: simple packets have no time of their own
	r.next = func() (Packet, error) {
		data, ci, err := b.file.ZeroCopyReadPacketData()
		if err == io.EOF {
			return Packet{}, err
		}
		if err != nil {
			return Packet{}, r.because(err, "a block", int(r.offset()-r.start), len(b.buf))
		}
		in, err := b.file.Interface(ci.InterfaceIndex)
		if err != nil {
			return Packet{}, r.fail("%v", err)
		}
		if err := r.checkLink(in.LinkType); err != nil {
			return Packet{}, err
		}
		switch {
		case b.typ == blockSimple:
			ci.Timestamp = last
		case in.TimestampResolution.Binary():
			ci.Timestamp = b.binaryTime(&in)
		}
		if s := ci.Timestamp.Unix(); s < 0 || s > maxSeconds {
			return Packet{}, r.fail("its time is corrupt: it is not between 1970 and 2106")
		}
		last = ci.Timestamp
		return Packet{Data: data, Time: last}, r.checkLengths(ci)
	}
	return nil
}

// binaryTime is the time of the packet in hand when its interface counts in
// powers of 2, rounded down to nanoseconds: pcapgo's is up to 7 % of a second
// off, since it rounds the nanoseconds in a unit.
func (b *blocks) binaryTime(in *pcapgo.NgInterface) time.Time {
	stamp := uint64(b.order.Uint32(b.buf[12:]))<<32 | uint64(b.order.Uint32(b.buf[16:]))
	shift := in.TimestampResolution.Exponent()
	high, low := bits.Mul64(stamp&(1<<shift-1), 1e9)
	return time.Unix(int64(stamp>>shift+in.TimestampOffset), int64(high<<(64-shift)|low>>shift)).UTC()
}
