// SPDX-License-Identifier: GPL-3.0-or-later

package probe

import (
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// findLink finds the interface of a Config and puts in its source address, if that is open.
func findLink(c *Config) (*net.Interface, error) {
	l, err := net.InterfaceByName(c.Link)
	if err != nil {
		return nil, err
	}
	if c.From.IsValid() {
		return l, nil
	}
	addrs, err := l.Addrs()
	if err != nil {
		return nil, err
	}
	for _, a := range addrs {
		p, err := netip.ParsePrefix(a.String())
		if err != nil {
			return nil, err
		}
		from := p.Addr()
		if from.Is4() == c.To.Is4() && from.IsLinkLocalUnicast() == c.To.IsLinkLocalUnicast() {
			c.From = from
			return l, nil
		}
	}
	return nil, fmt.Errorf("it has no address that suits %v", c.To)
}

// sockaddr makes the address of a socket; port 0 leaves the choice to the kernel.
func sockaddr(a netip.Addr, port, ifindex int) unix.Sockaddr {
	if a.Is4() {
		return &unix.SockaddrInet4{Addr: a.As4(), Port: port}
	}
	sa := &unix.SockaddrInet6{Addr: a.As16(), Port: port}
	if a.IsLinkLocalUnicast() {
		sa.ZoneId = uint32(ifindex)
	}
	return sa
}

// openConnected opens a socket of the kernel's IP stack that sends by the link, from
// and to the addresses of the Config, and receives only what comes back that way.
func openConnected(c Config, l *net.Interface, kind, proto, port int) (int, error) {
	domain := unix.AF_INET6
	if c.To.Is4() {
		domain = unix.AF_INET
	}
	fd, err := unix.Socket(domain, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, proto)
	if err != nil {
		return -1, fmt.Errorf("open socket: %w", err)
	}
	if err = unix.BindToDevice(fd, l.Name); err != nil {
		err = fmt.Errorf("bind to link: %w", err)
	} else if err = unix.Bind(fd, sockaddr(c.From, 0, l.Index)); err != nil {
		err = fmt.Errorf("bind to %v: %w", c.From, err)
	} else if err = unix.Connect(fd, sockaddr(c.To, port, l.Index)); err != nil {
		err = fmt.Errorf("connect: %w", err)
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// frameSocket speaks Ethernet on one link, in frames of one EtherType (packet(7)).
type frameSocket struct {
	s   int
	mac [6]byte // the link's
	buf []byte
}

func openFrames(l *net.Interface, ethertype uint16) (*frameSocket, error) {
	if len(l.HardwareAddr) != 6 {
		return nil, fmt.Errorf("it is no Ethernet link")
	}
	s, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open packet socket: %w", err)
	}
	// It receives nothing before it is bound, so nothing from other links.
	proto := ethertype<<8 | ethertype>>8 // sockaddr_ll has it in network order
	if err := unix.Bind(s, &unix.SockaddrLinklayer{Protocol: proto, Ifindex: l.Index}); err != nil {
		unix.Close(s)
		return nil, fmt.Errorf("bind packet socket to link: %w", err)
	}
	return &frameSocket{s: s, mac: [6]byte(l.HardwareAddr), buf: make([]byte, 65536)}, nil
}

func (f *frameSocket) fd() int { return f.s }

func (f *frameSocket) close() { unix.Close(f.s) }

// receiveFrame returns the next frame that is addressed to this link alone; nil for any
// other. The frame is overwritten by the next call.
func (f *frameSocket) receiveFrame() ([]byte, error) {
	n, from, err := unix.Recvfrom(f.s, f.buf, 0)
	if err != nil {
		return nil, err
	}
	if ll, ok := from.(*unix.SockaddrLinklayer); !ok || ll.Pkttype != unix.PACKET_HOST {
		return nil, nil
	}
	return f.buf[:n:n], nil
}

func (f *frameSocket) sendFrame(b []byte) error {
	_, err := unix.Write(f.s, b)
	return err
}

const ethLen = 14 // Ethernet header: destination, source, EtherType

// appendEth appends an Ethernet header from this link.
func (f *frameSocket) appendEth(b []byte, dst [6]byte, ethertype uint16) []byte {
	b = append(b, dst[:]...)
	b = append(b, f.mac[:]...)
	return append(b, byte(ethertype>>8), byte(ethertype))
}
