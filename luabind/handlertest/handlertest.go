// SPDX-License-Identifier: GPL-3.0-or-later

// Package handlertest has handlers with packets and what must become of them.
// Every engine that runs handlers runs this table: each must give the same
// verdict and the same bytes.
package handlertest

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"pvlua/luabind"
)

// Case is one handler with one packet.
type Case struct {
	Name string
	// Source is the script. Body, if Source is empty, is the body of
	// on_packet(pkt), with its headers in local variables of their names and
	// the port in me.
	Source, Body string
	Packet       []byte
	Port         int // where it comes in

	Verdict luabind.Verdict
	Out     int    // the port of Redirect
	Want    []byte // the bytes after it; nil for those of Packet
	// Err is part of the error's text; the verdict is 0 then, and the packet
	// as it was.
	Err string
}

// Script gives the whole script of the case.
func (c *Case) Script() string {
	if c.Source != "" {
		return c.Source
	}
	return `local pv = require "pv"
function on_packet(pkt)
  local eth, vlan, vlan2, arp, ip, ip6, icmp, icmp6, tcp, udp, me = pkt.eth, pkt.vlan, pkt.vlan2, pkt.arp, pkt.ip, pkt.ip6, pkt.icmp, pkt.icmp6, pkt.tcp, pkt.udp, pkt.port
  ` + c.Body + `
end`
}

// Name is the file name of the scripts, which errors begin with.
const Name = "case.lua"

// Ports are the ports that the handlers see.
func Ports() []*luabind.Port {
	return []*luabind.Port{
		{Index: 0, Name: "left", MAC: 0x02_00_00_00_00_02, IP: []uint32{0x0a000005, 0x0a000105}, MTU: 1500, Queues: 1, Up: true,
			IP6: [][16]byte{{0: 0xfe, 1: 0x80, 15: 2}, {0: 0x20, 1: 0x01, 2: 0x0d, 3: 0xb8, 15: 2}}},
		{Index: 1, Name: "right", MAC: 0x02_00_00_00_00_03, MTU: 1500, Queues: 2},
	}
}

// Host is the outside that the handlers see: a time that stands still, and a
// transmit queue with room for Room frames.
type Host struct {
	Room int
	Sent [][]byte
}

// Now gives the time.
func (h *Host) Now() time.Time { return time.Unix(1_700_000_000, 0) }

// Send keeps a copy of a frame.
func (h *Host) Send(_ int, frame []byte) bool {
	if len(h.Sent) >= h.Room {
		return false
	}
	h.Sent = append(h.Sent, bytes.Clone(frame))
	return true
}

// Check compares what an engine did with a packet to what it must do. It gives
// an error that says the difference.
func (c *Case) Check(p *luabind.Packet) error {
	switch {
	case c.Err == "" && p.Err != nil:
		return fmt.Errorf("error: %w", p.Err)
	case c.Err != "" && p.Err == nil:
		return fmt.Errorf("verdict %s, no error; want one that says %q", p.Verdict, c.Err)
	case c.Err != "" && !strings.Contains(p.Err.Error(), c.Err):
		return fmt.Errorf("error %q; want one that says %q", p.Err, c.Err)
	case c.Err != "" && p.Verdict != 0:
		return fmt.Errorf("verdict %s besides the error", p.Verdict)
	case c.Err == "" && p.Verdict != c.Verdict:
		return fmt.Errorf("verdict %s; want %s", p.Verdict, c.Verdict)
	case p.Out != c.Out:
		return fmt.Errorf("out of port %d; want %d", p.Out, c.Out)
	}
	want := c.Want
	if want == nil {
		want = c.Packet
	}
	if got := p.Buf[p.From:p.To]; !bytes.Equal(got, want) {
		return fmt.Errorf("packet\n%x; want\n%x", got, want)
	}
	return nil
}
