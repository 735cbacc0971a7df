// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"errors"
	"fmt"
	"strings"
)

// Ledger says where every frame of a UMEM is. The numbers come from two books
// that are kept apart: one has an owner per frame, which each move checks and
// changes; the other counts moves, and has the free list and the entries on the
// rings. The frames on which both agree are accounted for.
type Ledger struct {
	// Total is the number of frames of the UMEM. Free + Fill + Held + TX + Lost
	// is always Total.
	Total int
	Free  int // on the free list
	Fill  int // given to the kernel to receive into: on fill rings, in the kernel, and on receive rings
	Held  int // with the caller
	TX    int // given to the kernel to transmit: on transmit rings, in flight, and on completion rings
	Lost  int // anywhere else, or claimed twice
	// Misused counts the calls, and the ring entries from the kernel, that were
	// refused because they named a frame that was not theirs.
	Misused uint64
	// Problems has a line on each kind of misuse, on the first misuses one by
	// one, and on the frames that are lost.
	Problems []string
}

// String is "frames: 4096 owned, 4096 accounted for", and what is wrong, if
// anything is.
func (l Ledger) String() string {
	s := fmt.Sprintf("frames: %d owned, %d accounted for", l.Total, l.Total-l.Lost)
	if len(l.Problems) > 0 {
		s += "; " + strings.Join(l.Problems, "; ")
	}
	return s
}

// Err is nil if every frame is accounted for and none was misused.
func (l Ledger) Err() error {
	if l.Lost == 0 && len(l.Problems) == 0 {
		return nil
	}
	return errors.New(l.String())
}

// Ledger takes stock. It reads every frame's owner and every ring entry, and
// allocates: it is for the end of a run, for tests, and for a look now and
// then.
func (u *UMEM) Ledger() Ledger {
	a := audit{u: u, seen: make([]owner, len(u.frames.owners)), listed: make([]bool, len(u.frames.owners))}
	a.claims()
	return a.settle()
}

// audit compares the two books.
type audit struct {
	u      *UMEM
	seen   []owner // what the free list and the rings say
	listed []bool  // that they say anything: a frame within the kernel, or held, is on no list
	wrong  []string
}

// claims goes through the free list and the rings. Frames move on in the kernel
// meanwhile, from fill ring to receive ring and from transmit ring to
// completion ring; the ring that they arrive on is read first, so that none is
// seen on both.
func (a *audit) claims() {
	for _, n := range a.u.frames.free {
		a.claim(uint64(n)<<a.u.frames.shift, ownerFree, "the free list")
	}
	for _, s := range a.u.sockets {
		for i, end := s.rx.next, s.rx.producer.Load(); i != end; i++ {
			a.claim(s.rx.entries[i&s.rx.mask].Addr, ownerFill.of(s.number), "a receive ring")
		}
		for i, end := s.fill.consumer.Load(), s.fill.next; i != end; i++ {
			a.claim(s.fill.entries[i&s.fill.mask], ownerFill.of(s.number), "a fill ring")
		}
		for i, end := s.completion.next, s.completion.producer.Load(); i != end; i++ {
			a.claim(s.completion.entries[i&s.completion.mask], ownerTX.of(s.number), "a completion ring")
		}
		for i, end := s.tx.consumer.Load(), s.tx.next; i != end; i++ {
			a.claim(s.tx.entries[i&s.tx.mask].Addr, ownerTX.of(s.number), "a transmit ring")
		}
	}
}

func (a *audit) claim(addr uint64, o owner, where string) {
	n, ok := a.u.frames.number(addr)
	switch {
	case !ok:
		a.wrong = append(a.wrong, fmt.Sprintf("%s has address %#x outside the UMEM", where, addr))
	case a.listed[n]:
		a.wrong = append(a.wrong, fmt.Sprintf("frame %d is on %s and elsewhere too", n, where))
	default:
		a.seen[n], a.listed[n] = o, true
	}
}

// settle counts each frame once, by its owner, where the other book agrees; the
// rest is lost.
func (a *audit) settle() Ledger {
	f := &a.u.frames
	l := Ledger{Total: len(f.owners)}
	fill, tx := map[uint32]int{}, map[uint32]int{}
	live := map[uint32]bool{}
	for _, s := range a.u.sockets {
		live[s.number] = true
	}
	var lost []string
	for n, o := range f.owners {
		switch {
		case a.listed[n] && a.seen[n] != o:
			lost = append(lost, fmt.Sprintf("%d (owner: %s, but listed as %s)", n, o, a.seen[n]))
		case o == ownerFree && !a.listed[n]:
			lost = append(lost, fmt.Sprintf("%d (owner: free, but not on the free list)", n))
		case o == ownerFree:
			l.Free++
		case o == ownerHeld:
			l.Held++
		case !live[o.socket()]:
			lost = append(lost, fmt.Sprintf("%d (%s, which was closed while the device could still use it)", n, o))
		case o.state() == ownerFill:
			fill[o.socket()]++
			l.Fill++
		default:
			tx[o.socket()]++
			l.TX++
		}
	}
	a.compare("held", l.Held, f.held)
	for _, s := range a.u.sockets {
		a.compare(fmt.Sprintf("fill of %s", s.where()), fill[s.number], s.filled)
		a.compare(fmt.Sprintf("tx of %s", s.where()), tx[s.number], s.sent)
	}
	l.Lost = l.Total - l.Free - l.Fill - l.Held - l.TX
	for what, n := range f.misuses {
		if n > 0 {
			l.Misused += n
			l.Problems = append(l.Problems, fmt.Sprintf("%s, %d in all", misuseNames[what], n))
		}
	}
	for _, fault := range f.faults[:f.nfaults] {
		l.Problems = append(l.Problems, fault.String())
	}
	l.Problems = append(l.Problems, a.wrong...)
	if len(lost) > 0 {
		const most = 16
		more := ""
		if len(lost) > most {
			more = fmt.Sprintf(" and %d more", len(lost)-most)
			lost = lost[:most]
		}
		l.Problems = append(l.Problems, "missing: "+strings.Join(lost, ", ")+more)
	}
	return l
}

func (a *audit) compare(what string, owned, counted int) {
	if owned != counted {
		a.wrong = append(a.wrong, fmt.Sprintf("%s: %d by owner, %d by count", what, owned, counted))
	}
}
