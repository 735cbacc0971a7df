// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"net/netip"
	"strings"
	"unsafe"

	lua "github.com/yuin/gopher-lua"
)

// A SocketHost is a Host that has ordinary sockets.
type SocketHost interface {
	// OpenUDP makes a UDP socket. It calls c.Receive, on the goroutine that runs
	// the State and between its other callbacks, until the socket is closed.
	OpenUDP(c UDPConfig) (UDPSocket, error)
}

// UDPConfig says what socket a script wants.
type UDPConfig struct {
	// Bind is the socket's own address; without one it is any of the machine's,
	// and the kernel chooses the port. An address of :: is all of IPv4, too.
	Bind netip.AddrPort
	// Connect, if valid, is the only address with which it exchanges datagrams.
	Connect netip.AddrPort
	// Receive takes a datagram; data is the callee's only while it runs. Its
	// error is one of the script. Nil: nothing is received.
	Receive func(data []byte, from netip.AddrPort) error
}

// UDPSocket is what a SocketHost makes of a UDPConfig.
type UDPSocket interface {
	// Send sends a datagram, to the address it is connected to if to is not
	// valid. It does not block and does not keep data. The error says why the
	// datagram was not sent.
	Send(data []byte, to netip.AddrPort) error
	// Address is the socket's own.
	Address() netip.AddrPort
	// Close closes it: Receive is not called any more. A second call does
	// nothing.
	Close() error
}

// maxSockets bounds the sockets that a state has open, so that a handler that
// opens one for each packet is found out.
const maxSockets = 256

// socket is what a socket holds for Lua.
type socket struct {
	UDPSocket // nil once it is closed, and while a script is asked for its help
	config    UDPConfig
	closed    bool
	receive   *lua.LFunction // on_receive
	// call hands a datagram to receive.
	call *lua.LFunction
	data lua.LString
	from netip.AddrPort
}

func (c *socket) String() string {
	switch {
	case c.closed:
		return "socket (closed)"
	case c.config.Connect.IsValid():
		return "socket to " + c.config.Connect.String()
	case c.UDPSocket != nil:
		return "socket at " + c.Address().String()
	}
	return "socket"
}

// socketEntries are the methods of a socket.
func socketEntries() []Entry {
	of := func(name, signature, doc string, f func(*State, *lua.LState) int) Entry {
		return Entry{Kind: Method, Of: "socket", Name: name, Signature: "socket:" + name + signature, Doc: doc, make: method(f)}
	}
	return []Entry{
		of("send", "(packet or string [, address, port]) -> boolean, reason or nil", "Sends a datagram of the bytes of a string, or of a whole packet, to an address if the socket is not connected: an IPv4 number or an IPv6 string of 16 bytes. If it could not be sent, gives false and why.", (*State).socketSend),
		of("address", "() -> address, number", "The socket's own address and port.", (*State).socketAddress),
		of("close", "()", "Closes the socket. One that is closed already stays so.", (*State).socketClose),
	}
}

// udpSocket is pv.udp_socket{bind=, connect=, on_receive=}.
func (s *State) udpSocket(L *lua.LState) int {
	const example = `pv.udp_socket{bind = "10.0.0.1:5000", on_receive = function(data, address, port) ... end}`
	o := takeOptions(L, "pv.udp_socket", example, "bind", "connect", "on_receive")
	c := &socket{receive: o.function("on_receive", false)}
	c.config = UDPConfig{Bind: o.address("bind", true), Connect: o.address("connect", false)}
	if c.receive != nil {
		c.config.Receive = func(data []byte, from netip.AddrPort) error { return s.received(c, data, from) }
		c.call = L.NewFunction(func(L *lua.LState) int { return s.callReceiver(L, c) })
	}
	if b, to := c.config.Bind, c.config.Connect; b.IsValid() && to.IsValid() && b.Addr().Is4() != to.Addr().Is4() {
		L.RaiseError("pv.udp_socket: bind is %s and connect is %s; both must be IPv4 or both IPv6", b, to)
	}
	ud := s.newInstance("socket", c)
	L.Push(ud)
	if s.out.args.help || s.out.asked {
		return 1 // nothing is opened only to say what the script declares
	}
	host, ok := s.cfg.Host.(SocketHost)
	if !ok {
		L.RaiseError("pv.udp_socket: there are no sockets here: they need live interfaces, not capture files")
	}
	if len(s.out.sockets) >= maxSockets {
		L.RaiseError("pv.udp_socket: %d sockets are open already; close some", len(s.out.sockets))
	}
	if b := c.config.Bind; b.IsValid() && b.Port() != 0 {
		for other := range s.out.sockets {
			if other.config.Bind == b && other.config.Connect == c.config.Connect {
				L.RaiseError("pv.udp_socket: this script has a %s open already", other)
			}
		}
	}
	var err error
	if c.UDPSocket, err = host.OpenUDP(c.config); err != nil {
		L.RaiseError("pv.udp_socket: %s", err.Error())
	}
	s.out.sockets[c] = true
	return 1
}

// address gives an address with its port, invalid if there is none.
func (o options) address(name string, ownPort bool) netip.AddrPort {
	const expected = `an address with a port, such as "10.0.0.1:5000" or "[2001:db8::1]:5000"`
	text := o.text(name, expected, false)
	if !o.has(name) {
		return netip.AddrPort{}
	}
	if ownPort && strings.HasPrefix(text, ":") {
		text = "[::]" + text
	}
	a, err := netip.ParseAddrPort(text)
	if err != nil || !ownPort && a.Port() == 0 {
		o.fail(name, expected)
	}
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// received calls on_receive.
func (s *State) received(c *socket, data []byte, from netip.AddrPort) error {
	if c.closed || s.closed || s.out.exited {
		return nil
	}
	c.data, c.from = lua.LString(data), from
	err := s.protectedCall(c.call)
	c.data = ""
	return err
}

// callReceiver is the Go function inside the protected call.
func (s *State) callReceiver(L *lua.LState, c *socket) int {
	L.Push(c.receive)
	L.Push(c.data)
	s.pushAddress(L, c.from)
	L.Call(3, 0)
	return 0
}

// pushAddress pushes an address as scripts have them, and its port.
func (s *State) pushAddress(L *lua.LState, a netip.AddrPort) {
	if addr := a.Addr().Unmap(); addr.Is4() {
		b := addr.As4()
		L.Push(s.values.number(uint64(b[0])<<24 | uint64(b[1])<<16 | uint64(b[2])<<8 | uint64(b[3])))
	} else {
		b := addr.As16()
		L.Push(s.values.bytes16(b[:]))
	}
	L.Push(s.values.number(uint64(a.Port())))
}

// openSocket gives the socket that a method was called on. It raises an error if
// it is closed.
func openSocket(L *lua.LState, method string) *socket {
	c := self[*socket](L, "socket")
	if c.closed {
		L.RaiseError("%s: the socket is closed", method)
	}
	return c
}

// socketSend is socket:send(data [, address, port]).
func (s *State) socketSend(L *lua.LState) int {
	c := openSocket(L, "send")
	data, ok := wireBytes(L, L.Get(2))
	if !ok {
		L.RaiseError("send: got %s; expected a string or a packet, which is sent as it is, headers and all", describe(L.Get(2)))
	}
	var to netip.AddrPort
	switch given := L.GetTop() > 2; {
	case given && c.config.Connect.IsValid():
		L.RaiseError("send: the socket is connected to %s and sends nowhere else", c.config.Connect)
	case given:
		to = checkDestination(L)
	case !c.config.Connect.IsValid():
		L.RaiseError("send: the socket is not connected, so it needs an address and a port: socket:send(data, address, port)")
	}
	if b := c.config.Bind; to.IsValid() && b.IsValid() && !b.Addr().IsUnspecified() && b.Addr().Is4() != to.Addr().Is4() {
		L.RaiseError("send: the socket is bound to %s and can't send to %s", b, to.Addr())
	}
	if c.UDPSocket == nil {
		L.Push(lua.LFalse)
		return 1
	}
	if err := c.Send(data, to); err != nil {
		L.Push(lua.LFalse)
		L.Push(lua.LString(err.Error()))
		return 2
	}
	L.Push(lua.LTrue)
	return 1
}

// checkDestination gives arguments 3 and 4, an address and a port.
func checkDestination(L *lua.LState) netip.AddrPort {
	return checkAddrPort(L, "send", L.Get(3), L.Get(4))
}

// checkAddrPort gives an address and a port that a function was called with.
func checkAddrPort(L *lua.LState, fn string, address, port lua.LValue) netip.AddrPort {
	var addr netip.Addr
	switch v := address.(type) {
	case lua.LNumber:
		if n, ok := wholeNumber(v); ok && n < 1<<32 {
			addr = netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
		}
	case lua.LString:
		if len(v) == 16 {
			addr = netip.AddrFrom16([16]byte([]byte(v))).Unmap()
		}
	}
	if !addr.IsValid() {
		L.RaiseError(`%s: the address is %s; expected a number (IPv4: pv.ip"10.0.0.1") or a string of 16 bytes (IPv6: pv.ip6"2001:db8::1")`, fn, describe(address))
	}
	n, ok := wholeNumber(port)
	if !ok || n == 0 || n > 65535 {
		L.RaiseError("%s: the port is %s; expected 1 to 65535", fn, describe(port))
	}
	return netip.AddrPortFrom(addr, uint16(n))
}

// bytesOf gives the bytes of a string without copying them; they must not be
// changed.
func bytesOf(s lua.LString) []byte {
	return unsafe.Slice(unsafe.StringData(string(s)), len(s))
}

// socketAddress is socket:address().
func (s *State) socketAddress(L *lua.LState) int {
	c := openSocket(L, "address")
	a := c.config.Bind
	if c.UDPSocket != nil {
		a = c.Address()
	}
	s.pushAddress(L, a)
	return 2
}

// socketClose is socket:close().
func (s *State) socketClose(L *lua.LState) int {
	s.closeSocket(self[*socket](L, "socket"))
	return 0
}

// closeSocket closes a socket. The kernel's answer to it says nothing about
// datagrams.
func (s *State) closeSocket(c *socket) {
	if !c.closed && c.UDPSocket != nil {
		c.UDPSocket.Close()
	}
	c.closed = true
	delete(s.out.sockets, c)
}

// closeSockets closes those that the script has left open.
func (s *State) closeSockets() {
	for c := range s.out.sockets {
		s.closeSocket(c)
	}
}
