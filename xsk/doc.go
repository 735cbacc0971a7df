// SPDX-License-Identifier: GPL-3.0-or-later

// Package xsk is AF_XDP in Go without cgo: packets in memory that is shared
// with the kernel, and the rings on which they change hands.
//
// A UMEM is that memory, cut into frames. A Socket, made by UMEM.Open, is one
// queue of one interface; several of them, on any interfaces, share a UMEM. A
// Program, made by Attach, has the kernel bring an interface's packets to its
// sockets. This sends every packet of queue 0 back where it came from:
//
//	func reflect(name string, stopped func() bool) error {
//		i, err := xsk.CheckInterface(name)
//		if err != nil {
//			return err
//		}
//		u, err := xsk.NewUMEM(xsk.Config{}.Defaults(i.MTU))
//		if err != nil {
//			return err
//		}
//		defer u.Close()
//		p, err := xsk.Attach(xsk.ProgramConfig{Ifindex: i.Index, Queues: i.Queues})
//		if err != nil {
//			return err
//		}
//		defer p.Close()
//		s, err := u.Open(xsk.SocketConfig{Ifindex: i.Index, Bind: xsk.BindCopy})
//		if err != nil {
//			return err
//		}
//		s.Refill() // before the first packet comes
//		if err := p.Register(0, s); err != nil {
//			return err
//		}
//		for batch := make([]xsk.Desc, 64); !stopped(); {
//			s.Complete()
//			s.Refill()
//			n := s.Receive(batch)
//			for _, d := range batch[:n] {
//				swapMACs(u.Packet(d))
//			}
//			taken := s.Transmit(batch[:n])
//			for _, d := range batch[taken:n] {
//				u.Free(d.Addr) // the ring is full: dropped
//			}
//			if err := s.Kick(); err != nil && !errors.Is(err, xsk.ErrLinkDown) {
//				return err
//			}
//			if n == 0 { // 1 ms, for no event tells of completions
//				unix.Poll([]unix.PollFd{{Fd: int32(s.FD()), Events: unix.POLLIN}}, 1)
//			}
//		}
//		return nil
//	}
//
// # A frame's life
//
// Four rings belong to each socket. Two carry frames to the kernel, two bring
// them back:
//
//	    +-------------------- free list <---------+----------------+
//	    |                         |               |                |
//	  Refill                    Alloc            Free          Complete
//	    |                         |               |                |
//	    v                         v               |                |
//	fill ring                 held by the caller -+         completion ring
//	    |                         ^        |                       ^
//	 (kernel)                     |     Transmit                (kernel)
//	    |                         |        |                       |
//	    v                         |        v                       |
//	receive ring ---- Receive ----+   transmit ring ---------------+
//
// Every frame has one owner at any time. It is written down per frame, and each
// call that moves a frame checks it:
//
//	owner   its bytes are    from                   until
//	free    nobody's         Free, Complete, Close  Alloc, Refill
//	fill    the kernel's     Refill                 Receive, Close
//	held    the caller's     Alloc, Receive         Free, Transmit
//	tx      the kernel's     Transmit               Complete, Close
//
// A frame transmitted comes back through the completion ring alone: when
// Transmit or Kick have returned it may still be on its way. Whoever frees a
// frame twice, or transmits one that he does not hold, changes nothing by that,
// but the Ledger tells. It also proves that no frame is missing: free, fill,
// held and tx together are always all.
//
// # Who may do what
//
// A UMEM and its sockets belong to one goroutine, best on a locked thread, with
// a UMEM for each such thread: nothing takes a lock, and nothing that says so
// allocates memory. The other party to each ring is the kernel, and the order
// of memory accesses is agreed with it: entries are written before the index
// that publishes them is stored (release), and read after that index was loaded
// (acquire). All indices and flags are accessed by sync/atomic and never
// otherwise. The race detector does not see memory shared with the kernel; the
// owners do its work.
//
// Interfaces are looked up in the network namespace of the calling thread. What
// is open stays bound to its interface whatever the thread does later, and goes
// on without privilege once it is open, but for a zero-copy socket's Close.
//
// # When the interface changes
//
// Link down: Kick and Check return ErrLinkDown, all stays as it is, and goes on
// when the link is up. Interface deleted: they return ErrGone. Close its sockets
// and its program; when an interface of that name is back, attach and open
// again, with the same UMEM. No poll tells of either.
package xsk
