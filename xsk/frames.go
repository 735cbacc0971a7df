// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import "fmt"

// owner says who has a frame: one of the four states in the low two bits and,
// above them for fill and tx, the number of the socket. Every frame has exactly
// one owner at any time, and every call that moves a frame checks who had it
// (P13).
type owner uint32

const (
	ownerFree owner = iota // on the free list
	ownerHeld              // the caller's: from Alloc or Receive until Free or Transmit
	ownerFill              // the kernel's, to receive into: fill ring, in the kernel, or on the receive ring
	ownerTX                // the kernel's, to transmit from: transmit ring, in flight, or on the completion ring
)

func (o owner) state() owner           { return o & 3 }
func (o owner) socket() uint32         { return uint32(o >> 2) }
func (o owner) of(socket uint32) owner { return o | owner(socket)<<2 }

// String names the state as the ledger does.
func (o owner) String() string {
	switch o.state() {
	case ownerHeld:
		return "held"
	case ownerFill:
		return fmt.Sprintf("fill of socket %d", o.socket())
	case ownerTX:
		return fmt.Sprintf("tx of socket %d", o.socket())
	}
	return "free"
}

// misuse is a way of handling a frame that would corrupt packets were it not
// refused.
type misuse uint8

const (
	misuseOutside     misuse = iota // an address outside the UMEM
	misuseDoubleFree                // Free of a frame that is free
	misuseFreeNotHeld               // Free of a frame that the kernel has
	misuseSendNotHeld               // Transmit of a frame that the caller does not hold
	misuseReceived                  // the receive ring brought a frame that was not given to fill it
	misuseCompleted                 // the completion ring brought a frame that was not being transmitted
	misuseFreeList                  // the free list held a frame that is not free
	numMisuses
)

var misuseNames = [numMisuses]string{
	"address outside the UMEM", "double free", "free of a frame not held", "transmit of a frame not held",
	"received a frame not in the fill ring", "completion of a frame not in transmission", "free list holds a frame not free",
}

// maxFaults is how many misuses are kept with their details; all are counted.
const maxFaults = 8

// fault is one misuse: what was tried, on which address, and who had that
// frame.
type fault struct {
	what  misuse
	addr  uint64
	owner owner
}

func (f fault) String() string {
	if f.what == misuseOutside {
		return fmt.Sprintf("%s: %#x", misuseNames[f.what], f.addr)
	}
	return fmt.Sprintf("%s: address %#x, owner: %s", misuseNames[f.what], f.addr, f.owner)
}

// frames keeps the owner of each frame, and the free list. Nothing in it
// allocates after newFrames.
type frames struct {
	owners []owner
	free   []uint32 // a stack: what was freed last is in the cache and goes out first
	held   int      // frames taken or received, less those freed or sent: counted by the moves, not by the owners
	shift  uint8    // log2 of the chunk size

	misuses [numMisuses]uint64
	faults  [maxFaults]fault
	nfaults int
}

func newFrames(count uint32, shift uint8) frames {
	f := frames{owners: make([]owner, count), free: make([]uint32, count), shift: shift}
	for i := range f.free {
		f.free[i] = count - 1 - uint32(i) // so that the lowest addresses go out first
	}
	return f
}

// number returns which frame an address lies in.
func (f *frames) number(addr uint64) (n uint64, ok bool) {
	n = addr >> f.shift
	return n, n < uint64(len(f.owners))
}

// move changes the owner of the frame that addr lies in, or refuses and records
// what was tried.
func (f *frames) move(addr uint64, from, to owner, otherwise misuse) bool {
	n, ok := f.number(addr)
	if !ok {
		f.refuse(misuseOutside, addr, 0)
		return false
	}
	if f.owners[n] != from {
		if f.owners[n] == ownerFree && otherwise == misuseFreeNotHeld {
			otherwise = misuseDoubleFree
		}
		f.refuse(otherwise, addr, f.owners[n])
		return false
	}
	f.owners[n] = to
	return true
}

func (f *frames) refuse(what misuse, addr uint64, o owner) {
	f.misuses[what]++
	if f.nfaults < maxFaults {
		f.faults[f.nfaults] = fault{what, addr, o}
		f.nfaults++
	}
}

// pop takes a frame off the free list and gives it to an owner.
func (f *frames) pop(to owner) (addr uint64, ok bool) {
	for len(f.free) > 0 {
		n := f.free[len(f.free)-1]
		f.free = f.free[:len(f.free)-1]
		addr = uint64(n) << f.shift
		if f.move(addr, ownerFree, to, misuseFreeList) {
			return addr, true
		}
	}
	return 0, false
}

// push puts a frame whose owner was from on the free list.
func (f *frames) push(addr uint64, from owner, otherwise misuse) bool {
	if !f.move(addr, from, ownerFree, otherwise) {
		return false
	}
	// As many pushes as pops succeed, for a frame that is free is refused
	// above: the stack never outgrows what it was made with.
	f.free = append(f.free, uint32(addr>>f.shift))
	return true
}

// reclaim frees all frames that the kernel has for a socket, and returns how
// many they were.
func (f *frames) reclaim(socket uint32) (n int) {
	for i, o := range f.owners {
		if o == ownerFill.of(socket) || o == ownerTX.of(socket) {
			f.push(uint64(i)<<f.shift, o, misuseFreeList)
			n++
		}
	}
	return n
}
