// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"pvlua/luabind"
)

// standIns are ports for a script that is loaded only for what it declares,
// with addresses for documentation (RFC 5737, RFC 3849).
func standIns(n int) []*luabind.Port {
	var ports []*luabind.Port
	for i := range n {
		ports = append(ports, &luabind.Port{
			Index: i, Name: fmt.Sprintf("port%d", i+1), MAC: 0x020000000001 + uint64(i), MTU: 1500, Queues: 1, Up: true,
			IP:  []uint32{0xc0000201 + uint32(i)},
			IP6: [][16]byte{{0x20, 0x01, 0x0d, 0xb8, 15: byte(i + 1)}},
		})
	}
	return ports
}

// stillHost is a luabind.SocketHost where nothing happens.
type stillHost struct{}

func (stillHost) Send(int, []byte) bool { return false }
func (stillHost) Now() time.Time        { return time.Now() }

// OpenUDP makes a socket that is nowhere.
func (stillHost) OpenUDP(c luabind.UDPConfig) (luabind.UDPSocket, error) {
	if !c.Bind.IsValid() {
		c.Bind = netip.AddrPortFrom(netip.IPv4Unspecified(), 0)
	}
	return stillSocket(c.Bind), nil
}

// A stillSocket is a socket that nothing comes to and nothing leaves by. It has
// the address that it was to have.
type stillSocket netip.AddrPort

func (stillSocket) Send([]byte, netip.AddrPort) error { return errors.New("nothing is sent here") }
func (s stillSocket) Address() netip.AddrPort         { return netip.AddrPort(s) }
func (stillSocket) Close() error                      { return nil }
