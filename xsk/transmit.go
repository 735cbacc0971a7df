// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

// minFrame is the shortest frame that is worth handing to a device: an Ethernet
// header. Shorter ones are dropped there (P3).
const minFrame = 14

// Room returns how many descriptors Transmit would take now. It does not
// allocate.
func (s *Socket) Room() int {
	if s.fd < 0 {
		return 0
	}
	return int(s.tx.size - s.tx.pending())
}

// Transmit puts packets on the transmit ring and returns how many it took: the
// first n, as many as there is room for; the others stay held by the caller,
// who may drop them or try again. Frames of the packets taken are no longer the
// caller's. They come back to the free list through the completion ring alone
// (P8). Nothing is sent before Kick.
//
// A packet that the kernel would refuse - shorter than an Ethernet header, or
// reaching outside its chunk, or with options - is taken but dropped: its frame
// is free again at once, and Stats.TxRefused counts it (P6). A frame that the
// caller does not hold is not sent, and is misuse. It does not allocate.
func (s *Socket) Transmit(d []Desc) int {
	if s.fd < 0 {
		return 0
	}
	u := s.umem
	n := int(s.tx.room(uint32(len(d))))
	sent := 0
	for _, d := range d[:n] {
		if !u.sendable(d) {
			s.stats.TxRefused++
			if u.frames.push(d.Addr, ownerHeld, misuseSendNotHeld) {
				u.frames.held--
			}
			continue
		}
		if u.frames.move(d.Addr, ownerHeld, ownerTX.of(s.number), misuseSendNotHeld) {
			s.tx.write(d)
			sent++
		}
	}
	if sent > 0 {
		s.tx.publish()
		s.sent += sent
		u.frames.held -= sent
		s.stats.Transmitted += uint64(sent)
	}
	return n
}

// sendable tells whether the kernel would take d for valid
// (xp_aligned_validate_desc in net/xdp/xsk_queue.h). Kernels before 6.12 lose
// the frame of one that is not (P6).
func (u *UMEM) sendable(d Desc) bool {
	offset := uint32(d.Addr) & (u.config.ChunkSize - 1)
	return d.Len >= minFrame && d.Len <= u.config.ChunkSize-offset && d.Options == 0
}

// Pending returns how many packets on the transmit ring the kernel has not
// taken yet. After Kick there may be some left, which nothing but another Kick
// sends (P1). It does not allocate.
func (s *Socket) Pending() int {
	if s.fd < 0 {
		return 0
	}
	return int(s.tx.pending())
}

// InFlight returns how many frames the kernel has for transmission, from
// Transmit until Complete brings them back. It does not allocate.
func (s *Socket) InFlight() int { return s.sent }

// Complete takes the frames that the kernel has done with off the completion
// ring, makes them free, and returns how many. Call it every turn; no poll
// event says that it is due (P7). It does not allocate.
func (s *Socket) Complete() int {
	if s.fd < 0 {
		return 0
	}
	f := &s.umem.frames
	n := s.completion.available(s.completion.size)
	done := 0
	for range n {
		if f.push(s.completion.read(), ownerTX.of(s.number), misuseCompleted) {
			done++
		}
	}
	if n > 0 {
		s.completion.release()
		s.sent -= done
		s.stats.Completed += uint64(done)
	}
	return done
}
