// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Stats are a socket's counters since it was opened.
type Stats struct {
	// The kernel's, from getsockopt XDP_STATISTICS.

	RxDropped       uint64 // too long for the chunk, or no frame in the fill ring
	RxInvalidDescs  uint64 // addresses on the fill ring that the kernel refused
	TxInvalidDescs  uint64 // descriptors on the transmit ring that the kernel refused
	RxRingFull      uint64 // dropped for want of room on the receive ring
	RxFillRingEmpty uint64 // times that the kernel found no frame to receive into; each is in RxDropped too
	TxRingEmpty     uint64 // times that the kernel looked and there was nothing to send: no error

	// Counted here. Every packet that Transmit took ends in Completed; of these
	// TxDropped were not sent.

	Received    uint64 // packets that Receive returned
	Transmitted uint64 // packets put on the transmit ring
	Completed   uint64 // frames that came back over the completion ring
	TxDropped   uint64 // packets that the device dropped (EBUSY): peer's ring full, peer down, longer than the peer's MTU (P3)
	TxRefused   uint64 // packets that Transmit dropped since the kernel would take them for invalid (P6)
	Kicks       uint64 // sendto
	KickAgain   uint64 // of these, ended by EAGAIN: batch budget, completion ring, SO_SNDBUF or device full
	KickNoBufs  uint64 // ended by ENOBUFS: no memory for an skb
	KickFailed  uint64 // ended by ENETDOWN, ENXIO or anything unexpected
	Wakeups     uint64 // recvfrom, because the fill ring asked for it
}

// Stats returns the counters. After Close it returns the final ones.
func (s *Socket) Stats() (Stats, error) {
	st := s.stats
	if s.fd < 0 {
		return st, nil
	}
	var x unix.XDPStatistics
	size := uint32(unsafe.Sizeof(x))
	if errno := s.umem.kernel.getsockopt(s.fd, unix.SOL_XDP, unix.XDP_STATISTICS, unsafe.Pointer(&x), &size); errno != 0 {
		return st, opError("read statistics", s.config.Name, s.config.Queue, nil, sysError("getsockopt", errno), "")
	}
	st.RxDropped, st.RxInvalidDescs, st.TxInvalidDescs = x.Rx_dropped, x.Rx_invalid_descs, x.Tx_invalid_descs
	st.RxRingFull, st.RxFillRingEmpty, st.TxRingEmpty = x.Rx_ring_full, x.Rx_fill_ring_empty_descs, x.Tx_ring_empty_descs
	return st, nil
}
