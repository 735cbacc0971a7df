// SPDX-License-Identifier: GPL-3.0-or-later

package scripttest

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"pvlua/luabind"
)

// A socket stands for an ordinary UDP socket of the script: what it sends is
// kept for the test, and what it receives comes from there.
type socket struct {
	host   *host
	config luabind.UDPConfig
	own    netip.AddrPort
}

// firstPort is the port of the first socket that does not choose one (RFC 6335
// §6), and so on from there.
const firstPort = 49152

// OpenUDP makes a socket, for luabind.SocketHost.
func (h *host) OpenUDP(c luabind.UDPConfig) (luabind.UDPSocket, error) {
	own := c.Bind
	if !own.IsValid() {
		own = netip.AddrPortFrom(netip.IPv4Unspecified(), 0)
		if c.Connect.IsValid() && c.Connect.Addr().Is6() {
			own = netip.AddrPortFrom(netip.IPv6Unspecified(), 0)
		}
	}
	if own.Port() == 0 {
		own = netip.AddrPortFrom(own.Addr(), firstPort+h.opened%(65536-firstPort))
	}
	h.opened++
	for _, s := range h.sockets {
		if s.own.Port() == own.Port() && (s.own.Addr() == own.Addr() || s.own.Addr().IsUnspecified() || own.Addr().IsUnspecified()) {
			return nil, fmt.Errorf("%s: the address is in use", own)
		}
	}
	s := &socket{h, c, own}
	h.sockets = append(h.sockets, s)
	return s, nil
}

// maxDatagram is the longest datagram in bytes: 65535 of IPv4, less the headers
// of IP and UDP.
const maxDatagram = 65535 - 20 - 8

// Send keeps a datagram for the test.
func (s *socket) Send(data []byte, to netip.AddrPort) error {
	if !to.IsValid() {
		to = s.config.Connect
	}
	if len(data) > maxDatagram {
		return errors.New("message too long")
	}
	if s.host.bytes+len(data) > maxSent {
		return errors.New("no buffer space available")
	}
	s.host.bytes += len(data)
	s.host.datagrams = append(s.host.datagrams, luabind.Datagram{Data: bytes.Clone(data), From: s.own, To: to})
	return nil
}

// Address is the socket's own.
func (s *socket) Address() netip.AddrPort { return s.own }

// Close takes it out of those that receive.
func (s *socket) Close() error {
	s.host.sockets = slices.DeleteFunc(s.host.sockets, func(o *socket) bool { return o == s })
	return nil
}

// Datagrams gives what was sent since it was last called.
func (h *host) Datagrams() []luabind.Datagram {
	given := h.datagrams
	for _, d := range given {
		h.bytes -= len(d.Data)
	}
	h.datagrams = nil
	return given
}

// unknownPeer is where datagrams come from that the test says nothing of: an
// address for documentation (RFC 5737).
var unknownPeer = netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 1}), 40000)

// Deliver hands a datagram to a socket.
func (h *host) Deliver(data []byte, from netip.AddrPort, to uint16) (bool, error) {
	for _, s := range h.sockets {
		if to != 0 && s.own.Port() != to || s.config.Receive == nil {
			continue
		}
		peer := s.config.Connect
		switch {
		case !from.IsValid() && peer.IsValid():
			from = peer
		case !from.IsValid():
			from = unknownPeer
		case peer.IsValid() && from != peer:
			continue // the kernel would not give it to this one
		}
		return true, s.config.Receive(data, from)
	}
	return false, nil
}
