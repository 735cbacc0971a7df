// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"pvlua/luabind"
)

// A udpSocket is a UDP socket of the kernel. It is never given to Go's own
// poller: its worker waits for it together with everything else.
//
// All workers, and the script that is about to replace another one, run the
// same declarations. A socket that is bound to a port of its own is therefore
// made once and shared: every worker sends by it, so that what it sends comes
// from the same address, and the worker that asked for it first, which is
// worker 1 unless the script takes care that it is not, receives. A reload hands
// it over with the datagrams that wait in it. Sockets with a port that the
// kernel chose are not shared: each worker has its own, and hears the answers
// to what it sent.
type udpSocket struct {
	fd        int
	family    int // unix.AF_INET or AF_INET6; the latter takes IPv4 too
	connected bool
	address   netip.AddrPort
	receiver  int // index of the worker that receives

	key  socketKey
	refs int // guarded by the table's lock
}

// A socketKey says which sockets are the same.
type socketKey struct{ bind, connect netip.AddrPort }

// shared reports whether sockets with the key are shared.
func (k socketKey) shared() bool { return k.bind.Port() != 0 }

// A socketTable has the shared sockets of a Runtime. Its methods may be called
// from all its threads.
type socketTable struct {
	mu     sync.Mutex
	shared map[socketKey]*udpSocket
}

func newSocketTable() *socketTable { return &socketTable{shared: make(map[socketKey]*udpSocket)} }

// open makes a socket for a worker, or gives it one that is there. It must run
// on a thread in the Runtime's network namespace.
func (t *socketTable) open(c luabind.UDPConfig, worker int) (*udpSocket, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := socketKey{c.Bind, c.Connect}
	s := t.shared[key]
	if s == nil {
		var err error
		if s, err = openUDP(c); err != nil {
			return nil, err
		}
		s.key, s.receiver = key, worker
		if key.shared() {
			t.shared[key] = s
		}
	}
	s.refs++
	return s, nil
}

// close gives up one use of a socket, and closes it with the last.
func (t *socketTable) close(s *udpSocket) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.refs--; s.refs > 0 {
		return nil
	}
	if t.shared[s.key] == s {
		delete(t.shared, s.key)
	}
	return os.NewSyscallError("close", unix.Close(s.fd))
}

// receiveBuffer is how much a socket can hold that was not received yet, in
// bytes: a worker that is busy with packets must not lose datagrams. Without
// privilege the kernel allows less (net.core.rmem_max).
const receiveBuffer = 4 << 20

// openUDP makes a socket as c wants it.
func openUDP(c luabind.UDPConfig) (*udpSocket, error) {
	if !c.Bind.IsValid() && !c.Connect.IsValid() {
		// The kernel chooses the port now and not with the first datagram.
		c.Bind = netip.AddrPortFrom(netip.IPv6Unspecified(), 0)
	}
	family := unix.AF_INET6
	if c.Bind.Addr().Is4() || c.Connect.Addr().Is4() {
		family = unix.AF_INET
	}
	const flags = unix.SOCK_DGRAM | unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK
	fd, err := unix.Socket(family, flags, unix.IPPROTO_UDP)
	if errors.Is(err, unix.EAFNOSUPPORT) && !c.Connect.IsValid() && c.Bind.Addr().IsUnspecified() {
		// A kernel without IPv6: all addresses are all of IPv4.
		family = unix.AF_INET
		c.Bind = netip.AddrPortFrom(netip.IPv4Unspecified(), c.Bind.Port())
		fd, err = unix.Socket(family, flags, unix.IPPROTO_UDP)
	}
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	s := &udpSocket{fd: fd, family: family, connected: c.Connect.IsValid()}
	if err := s.setUp(c); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return s, nil
}

func (s *udpSocket) setUp(c luabind.UDPConfig) error {
	if unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil {
		unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer) // as much as is allowed
	}
	if s.family == unix.AF_INET6 {
		if err := unix.SetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0); err != nil {
			return os.NewSyscallError("setsockopt IPV6_V6ONLY", err)
		}
	}
	if c.Bind.IsValid() {
		if err := s.apply("bind", unix.Bind, c.Bind); err != nil {
			return err
		}
	}
	if c.Connect.IsValid() {
		if err := s.apply("connect", unix.Connect, c.Connect); err != nil {
			return err
		}
	}
	own, err := unix.Getsockname(s.fd)
	if err != nil {
		return os.NewSyscallError("getsockname", err)
	}
	s.address = fromSockaddr(own)
	return nil
}

// apply binds or connects the socket.
func (s *udpSocket) apply(what string, call func(int, unix.Sockaddr) error, to netip.AddrPort) error {
	sa, err := s.sockaddr(to)
	if err == nil {
		err = call(s.fd, sa)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", what, to, err)
	}
	return nil
}

// sockaddr makes an address for the socket's family.
func (s *udpSocket) sockaddr(a netip.AddrPort) (unix.Sockaddr, error) {
	if s.family == unix.AF_INET {
		return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}, nil
	}
	sa := &unix.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port())}
	if zone := a.Addr().Zone(); zone != "" {
		link, err := net.InterfaceByName(zone)
		if err != nil {
			return nil, err
		}
		sa.ZoneId = uint32(link.Index)
	}
	return sa, nil
}

// fromSockaddr gives an address that the kernel gave; IPv4 is always plain IPv4.
func fromSockaddr(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// receive reads a datagram into buf; from is where it is from, if the socket
// is not connected. It does not block.
func (s *udpSocket) receive(buf []byte) (n int, from netip.AddrPort, err error) {
	if s.connected {
		n, err = unix.Read(s.fd, buf)
		return n, from, err
	}
	n, sa, err := unix.Recvfrom(s.fd, buf, 0)
	if err != nil {
		return 0, from, err
	}
	return n, fromSockaddr(sa), nil
}
