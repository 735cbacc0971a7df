// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"fmt"
	"log/slog"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// SocketConfig says what a socket is bound to, and how.
type SocketConfig struct {
	Ifindex int    // the interface, in the network namespace of the calling thread
	Name    string // its name, for messages; empty: looked up
	Queue   int    // the queue, from 0
	Bind    BindMode
	// TXBudget is how many packets one system call may send in copy mode
	// (XDP_MAX_TX_SKB_BUDGET, Linux 6.17; older kernels send 32). Zero: the
	// whole transmit ring. It is brought into the kernel's range, from 32 to
	// the size of the transmit ring.
	TXBudget uint32
	// SendBuffer is SO_SNDBUF in bytes: how much may be in flight in copy mode.
	// Zero: the kernel's default, which is right for veth, where more only
	// overflows the peer's ring (P5).
	SendBuffer int
	// BusyPoll is how long a system call on the socket may poll the driver for
	// packets (SO_BUSY_POLL, rounded down to microseconds), which Poll then makes.
	// Zero: not at all. It needs CAP_NET_ADMIN.
	BusyPoll time.Duration
	// Patience is how long to wait for the queue while a socket closed before
	// is still being taken down (P28). Zero: 2 seconds; negative: not at all.
	Patience time.Duration
	Log      *slog.Logger // nil: no log
}

const opOpen = "open AF_XDP socket"

// minTXBudget is the kernel's lower bound for XDP_MAX_TX_SKB_BUDGET, and what
// it sends without it (TX_BATCH_SIZE in net/xdp/xsk.c).
const minTXBudget = 32

// Open makes a socket on one queue of an interface, with rings of its own, and
// binds it. The first socket of a UMEM registers the memory; later ones share
// it with any that is still bound (XDP_SHARED_UMEM), inheriting how that one is
// bound (P29). When all were closed, or their interfaces deleted, the next one
// registers the memory anew.
//
// If it fails, nothing is left behind. Errors to tell apart: ErrNoZeroCopy,
// ErrInUse, ErrMemlock, ErrQueueRange, ErrLinkDown, ErrNoInterface,
// os.ErrPermission.
//
// Next, Refill gives it frames and Program.Register lets packets come.
func (u *UMEM) Open(c SocketConfig) (*Socket, error) {
	if err := u.closed(opOpen); err != nil {
		return nil, err
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Name = nameOf(c.Ifindex, c.Name)
	if n := u.config.Sockets; len(u.sockets) >= int(n) {
		return nil, opError(opOpen, c.Name, c.Queue, nil, fmt.Errorf("the UMEM was made for %d at a time", n),
			"raise Config.Sockets, by which its frames are shared out, or close one")
	}
	for _, s := range u.sockets {
		if s.config.Ifindex == c.Ifindex && s.config.Queue == c.Queue && !s.gone {
			return nil, opError(opOpen, c.Name, c.Queue, ErrInUse, unix.EBUSY, "this UMEM has a socket there already")
		}
	}
	u.opened++
	s := &Socket{umem: u, number: u.opened, config: c}
	fd, errno := u.kernel.socket()
	if errno != 0 {
		return nil, explainSocket(c, "socket", errno)
	}
	s.fd = fd
	if err := s.set(); err != nil {
		return nil, withClosing(err, release(u.kernel, s.mappings, s.fd))
	}
	s.errLinkDown = opError("use AF_XDP socket", c.Name, c.Queue, ErrLinkDown, unix.ENETDOWN, "ip link set dev "+c.Name+" up")
	s.errGone = opError("use AF_XDP socket", c.Name, c.Queue, ErrGone, unix.ENXIO, "")
	s.errClosed = closedError(c)
	u.sockets = append(u.sockets, s)
	return s, nil
}

// set takes a bare socket through the steps, in the order that the kernel wants
// (P30).
func (s *Socket) set() error {
	registered := false
	if len(s.umem.sockets) == 0 {
		if err := s.register(); err != nil {
			return err
		}
		registered = true
	}
	if err := s.makeRings(); err != nil {
		return err
	}
	if err := s.setOptions(); err != nil {
		return err
	}
	if err := s.setBusyPoll(); err != nil {
		return err
	}
	if err := s.bind(registered); err != nil {
		return err
	}
	return s.learnMode()
}

// register makes the memory the socket's UMEM. The kernel pins it.
func (s *Socket) register() error {
	c := s.umem.config
	// Zeroed to the last byte: what an older kernel takes for padding, a newer
	// one takes for the length of metadata (P9).
	r := unix.XDPUmemReg{
		Addr: uint64(uintptr(unsafe.Pointer(&s.umem.mem[0]))), Len: uint64(len(s.umem.mem)), Size: c.ChunkSize, Headroom: c.Headroom,
	}
	errno := s.umem.kernel.setsockopt(s.fd, unix.SOL_XDP, unix.XDP_UMEM_REG, unsafe.Pointer(&r), unsafe.Sizeof(r))
	if errno != 0 {
		return explainRegister(s.config, s.umem, errno)
	}
	return nil
}

func (s *Socket) option(name string, level, option int, value uint32) error {
	errno := s.umem.kernel.setsockopt(s.fd, level, option, unsafe.Pointer(&value), unsafe.Sizeof(value))
	if errno != 0 {
		return explainSocket(s.config, "setsockopt "+name, errno)
	}
	return nil
}

// makeRings sizes the four rings and maps them.
func (s *Socket) makeRings() error {
	c := s.umem.config
	for _, r := range []struct {
		name   string
		option int
		size   uint32
	}{
		{"XDP_UMEM_FILL_RING", unix.XDP_UMEM_FILL_RING, c.FillRing},
		{"XDP_UMEM_COMPLETION_RING", unix.XDP_UMEM_COMPLETION_RING, c.CompletionRing},
		{"XDP_RX_RING", unix.XDP_RX_RING, c.RXRing},
		{"XDP_TX_RING", unix.XDP_TX_RING, c.TXRing},
	} {
		if err := s.option(r.name, unix.SOL_XDP, r.option, r.size); err != nil {
			return err
		}
	}
	var off unix.XDPMmapOffsets
	size := uint32(unsafe.Sizeof(off))
	errno := s.umem.kernel.getsockopt(s.fd, unix.SOL_XDP, unix.XDP_MMAP_OFFSETS, unsafe.Pointer(&off), &size)
	if errno == 0 && size != uint32(unsafe.Sizeof(off)) {
		errno = unix.EOPNOTSUPP // before 5.4 the offsets had no flags; nor could anything here work
	}
	if errno != 0 {
		return explainSocket(s.config, "getsockopt XDP_MMAP_OFFSETS", errno)
	}
	fill, err := mapRing[uint64](s, "fill ring", unix.XDP_UMEM_PGOFF_FILL_RING, off.Fr, c.FillRing)
	if err != nil {
		return err
	}
	completion, err := mapRing[uint64](s, "completion ring", unix.XDP_UMEM_PGOFF_COMPLETION_RING, off.Cr, c.CompletionRing)
	if err != nil {
		return err
	}
	rx, err := mapRing[Desc](s, "receive ring", unix.XDP_PGOFF_RX_RING, off.Rx, c.RXRing)
	if err != nil {
		return err
	}
	tx, err := mapRing[Desc](s, "transmit ring", unix.XDP_PGOFF_TX_RING, off.Tx, c.TXRing)
	if err != nil {
		return err
	}
	s.fill, s.completion = newProducerRing(fill), newConsumerRing(completion)
	s.rx, s.tx = newConsumerRing(rx), newProducerRing(tx)
	return nil
}

// setOptions sets what may be set before bind and is good to have.
func (s *Socket) setOptions() error {
	if n := s.config.SendBuffer; n > 0 {
		// Forcing goes beyond net.core.wmem_max but needs CAP_NET_ADMIN.
		value := int32(n)
		errno := s.umem.kernel.setsockopt(s.fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, unsafe.Pointer(&value), unsafe.Sizeof(value))
		if errno == unix.EPERM {
			if err := s.option("SO_SNDBUF", unix.SOL_SOCKET, unix.SO_SNDBUF, uint32(n)); err != nil {
				return err
			}
		} else if errno != 0 {
			return explainSocket(s.config, "setsockopt SO_SNDBUFFORCE", errno)
		}
	}
	ring := s.umem.config.TXRing
	if ring < minTXBudget {
		return nil // nothing would be in range
	}
	budget := s.config.TXBudget
	if budget == 0 {
		budget = ring
	}
	budget = min(max(budget, minTXBudget), ring)
	errno := s.umem.kernel.setsockopt(s.fd, unix.SOL_XDP, unix.XDP_MAX_TX_SKB_BUDGET, unsafe.Pointer(&budget), unsafe.Sizeof(budget))
	switch errno {
	case 0:
	case unix.ENOPROTOOPT: // before 6.17: Kick calls more often
		s.config.Log.Debug("no XDP_MAX_TX_SKB_BUDGET in this kernel: 32 packets a system call", "interface", s.config.Name)
	default:
		return explainSocket(s.config, "setsockopt XDP_MAX_TX_SKB_BUDGET", errno)
	}
	return nil
}

// bind ties the socket to its queue, sharing the memory of a bound one if it
// was not registered for this one.
func (s *Socket) bind(registered bool) error {
	addr := unix.RawSockaddrXDP{
		Family: unix.AF_XDP, Ifindex: uint32(s.config.Ifindex), Queue_id: uint32(s.config.Queue),
	}
	if !registered {
		// No other flag may be given: all is inherited (P29).
		addr.Flags = unix.XDP_SHARED_UMEM
		for _, donor := range s.umem.sockets {
			addr.Shared_umem_fd = uint32(donor.fd)
			errno := s.bindPatiently(&addr)
			if errno == unix.EBADF {
				continue // no longer bound: its interface was deleted
			}
			return explainBind(s, donor, errno)
		}
		if err := s.register(); err != nil {
			return err
		}
	}
	addr.Shared_umem_fd = 0
	addr.Flags = unix.XDP_USE_NEED_WAKEUP
	switch s.config.Bind {
	case BindZeroCopy:
		addr.Flags |= unix.XDP_ZEROCOPY
	case BindCopy:
		addr.Flags |= unix.XDP_COPY
	}
	return explainBind(s, nil, s.bindPatiently(&addr))
}

// bindPatiently tries again while the queue is busy: what a closed socket
// leaves behind is taken down by a work queue (P28).
func (s *Socket) bindPatiently(addr *unix.RawSockaddrXDP) unix.Errno {
	patience := s.config.Patience
	if patience == 0 {
		patience = 2 * time.Second
	}
	wait := time.Millisecond / 2
	for waited := time.Duration(0); ; {
		errno := s.umem.kernel.bind(s.fd, addr)
		if errno == unix.EINTR {
			continue
		}
		if errno != unix.EBUSY || waited >= patience {
			return errno
		}
		s.umem.pause(wait)
		waited += wait
		wait = min(2*wait, 100*time.Millisecond)
	}
}

// learnMode asks how the socket was really bound (P25).
func (s *Socket) learnMode() error {
	var o uint32
	size := uint32(unsafe.Sizeof(o))
	if errno := s.umem.kernel.getsockopt(s.fd, unix.SOL_XDP, unix.XDP_OPTIONS, unsafe.Pointer(&o), &size); errno != 0 {
		return explainSocket(s.config, "getsockopt XDP_OPTIONS", errno)
	}
	s.zeroCopy = o&unix.XDP_OPTIONS_ZEROCOPY != 0
	if s.config.Bind == BindZeroCopy && !s.zeroCopy {
		return opError(opOpen, s.config.Name, s.config.Queue, ErrNoZeroCopy, unix.EOPNOTSUPP, "the kernel bound it in copy mode")
	}
	s.config.Log.Debug("AF_XDP socket bound", "interface", s.config.Name, "queue", s.config.Queue, "zerocopy", s.zeroCopy)
	return nil
}

// mapRing maps one ring; all casts from memory to ring happen here.
func mapRing[T entry](s *Socket, name string, at int64, off unix.XDPRingOffset, size uint32) (ring[T], error) {
	var zero T
	length := int(off.Desc) + int(size)*int(unsafe.Sizeof(zero))
	mem, errno := s.umem.kernel.mmap(s.fd, at, length)
	if errno != 0 {
		return ring[T]{}, explainSocket(s.config, "mmap "+name, errno)
	}
	s.mappings = append(s.mappings, mem)
	return ringOver[T](mem, off, size), nil
}
