// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import "golang.org/x/sys/unix"

// Refill gives free frames to the kernel to receive into, and returns how many.
// It leaves Config.Reserve frames on the free list, and gives no socket more
// than its share, one part in Config.Sockets. Then, if the fill ring asks for
// it, the kernel is woken, without which a zero-copy driver would receive
// nothing more (P10). Call it every turn, before the packets of that turn are
// processed. It does not allocate.
func (s *Socket) Refill() int {
	if s.fd < 0 {
		return 0
	}
	u := s.umem
	reserve := int(u.config.Reserve)
	share := (len(u.frames.owners) - reserve) / int(u.config.Sockets)
	want := min(share-s.filled, len(u.frames.free)-reserve)
	n := 0
	if want > 0 {
		room := int(s.fill.room(uint32(want)))
		for n < room {
			addr, ok := u.frames.pop(ownerFill.of(s.number))
			if !ok {
				break
			}
			s.fill.write(addr)
			n++
		}
		s.filled += n
		s.fill.publish()
	}
	if s.fill.needWakeup() {
		s.stats.Wakeups++
		// What it answers matters to Check alone; the next turn asks again.
		s.noteGone(u.kernel.receive(s.fd))
	}
	return n
}

// Receive takes up to len(dst) packets off the receive ring and returns how
// many. Their frames are then held by the caller, who ends that by Transmit or
// Free. Desc.Addr points to the packet's first byte, at least 256 bytes into
// its chunk: what is before it may be used to make the packet longer at the
// front (P12). It does not allocate.
func (s *Socket) Receive(dst []Desc) int {
	if s.fd < 0 {
		return 0
	}
	f := &s.umem.frames
	n := int(s.rx.available(uint32(len(dst))))
	got := 0
	for range n {
		d := s.rx.read()
		if f.move(d.Addr, ownerFill.of(s.number), ownerHeld, misuseReceived) {
			dst[got] = d
			got++
		}
	}
	if n > 0 {
		s.rx.release()
		s.filled -= got
		f.held += got
		s.stats.Received += uint64(got)
	}
	return got
}

// Check asks the kernel how the interface does, with one system call: nil, or
// ErrLinkDown, or ErrGone after which the socket is of no use but to be closed.
// poll never tells (P35). It does not allocate.
func (s *Socket) Check() error {
	if s.fd < 0 {
		return s.errClosed
	}
	switch errno := s.umem.kernel.receive(s.fd); {
	case s.noteGone(errno):
		return s.errGone
	case errno == unix.ENETDOWN:
		return s.errLinkDown
	}
	return nil
}

// noteGone remembers that the device was unregistered.
func (s *Socket) noteGone(errno unix.Errno) bool {
	if errno == unix.ENXIO {
		s.gone = true
	}
	return s.gone
}
