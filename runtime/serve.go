// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"pvlua/luabind"
)

// A socketUse is a udpSocket in the hands of one script on one worker. It is a
// luabind.UDPSocket.
type socketUse struct {
	*udpSocket
	host   *host
	config luabind.UDPConfig
	closed bool
	// Where a datagram goes, kept so that sending does not allocate.
	to4 unix.SockaddrInet4
	to6 unix.SockaddrInet6
}

// OpenUDP makes a socket for the script. It implements luabind.SocketHost.
func (h *host) OpenUDP(c luabind.UDPConfig) (luabind.UDPSocket, error) {
	s, err := h.worker.sockets.open(c, h.worker.index)
	if err != nil {
		return nil, err
	}
	use := &socketUse{udpSocket: s, host: h, config: c}
	h.setUses(append(slices.Clone(h.uses), use))
	return use, nil
}

// setUses replaces the sockets that the script has. Nobody changes a list of
// them in place, since the worker may be going through it.
func (h *host) setUses(uses []*socketUse) {
	h.uses = uses
	h.usesChanged = true
}

// Address is the socket's own, for luabind.UDPSocket.
func (u *socketUse) Address() netip.AddrPort { return u.address }

// Close gives the socket up, for luabind.UDPSocket. It must be called where the
// script's State may be called. The worker does not wait for the socket then:
// it either runs this, or has another script.
func (u *socketUse) Close() error {
	if u.closed {
		return nil
	}
	u.closed = true
	u.host.setUses(slices.DeleteFunc(slices.Clone(u.host.uses), func(other *socketUse) bool { return other == u }))
	return u.host.worker.sockets.close(u.udpSocket)
}

// errNoRoom is why a datagram was not sent that the socket has no room for.
var errNoRoom = errors.New("the socket's buffer is full")

// Send sends a datagram, for luabind.UDPSocket.
func (u *socketUse) Send(data []byte, to netip.AddrPort) error {
	if u.closed {
		return net.ErrClosed // its descriptor may be that of something else by now
	}
	err := u.send(data, to)
	if errors.Is(err, unix.ECONNREFUSED) {
		// That is about a datagram sent before; this one was not sent yet.
		err = u.send(data, to)
	}
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ENOBUFS) {
		return errNoRoom
	}
	return err
}

func (u *socketUse) send(data []byte, to netip.AddrPort) error {
	switch {
	case !to.IsValid():
		// sendto without an address, since write ignores empty datagrams.
		return unix.Sendto(u.fd, data, 0, nil)
	case u.family == unix.AF_INET:
		if !to.Addr().Is4() {
			return unix.EAFNOSUPPORT
		}
		u.to4.Addr, u.to4.Port = to.Addr().As4(), int(to.Port())
		return unix.Sendto(u.fd, data, 0, &u.to4)
	}
	u.to6.Addr, u.to6.Port = to.Addr().As16(), int(to.Port())
	return unix.Sendto(u.fd, data, 0, &u.to6)
}

// receives reports whether it is this use by which datagrams come in.
func (u *socketUse) receives() bool {
	return u.config.Receive != nil && u.receiver == u.host.worker.index
}

// maxDatagrams is how many datagrams are received from one socket in one turn:
// packets have to wait no longer for sockets than for each other.
const maxDatagrams = 64

// socketTime is how long a script may take for those of one socket in one turn,
// when it has begun on the last.
const socketTime = 50 * time.Millisecond

// maxDatagram is more than a UDP datagram can have, in bytes.
const maxDatagram = 1 << 16

// serveSockets hands the datagrams that have come in to the script, and
// transmits what it sent. One system call tells which sockets have any. What
// goes beyond a turn's share wakes the worker again at once.
func (w *worker) serveSockets() {
	h := w.host
	if h.usesChanged {
		w.watch()
	}
	if len(h.receiving) == 0 || !w.poll.anySocket() {
		return
	}
	w.from = nil
	for i, u := range h.receiving {
		if w.poll.socketReady(i) {
			w.receive(u)
		}
	}
	w.flush()
	if h.usesChanged {
		w.watch()
	}
}

// receive hands the datagrams of one socket to the script.
func (w *worker) receive(u *socketUse) {
	if w.datagram == nil {
		w.datagram = make([]byte, maxDatagram)
	}
	began := time.Now()
	for range maxDatagrams {
		if u.closed || u.host != w.host {
			return // by one of the callbacks
		}
		n, from, err := u.udpSocket.receive(w.datagram)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return
		case err != nil:
			continue // about a datagram that was sent: nobody listens there
		}
		if u.connected {
			from = u.config.Connect
		}
		if err := u.config.Receive(w.datagram[:n], from); err != nil {
			w.socketErrors++
			w.report(err)
		}
		if time.Since(began) > socketTime {
			return
		}
	}
}
