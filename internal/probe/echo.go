// SPDX-License-Identifier: GPL-3.0-or-later

package probe

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"

	"golang.org/x/sys/unix"

	"pvlua/packet"
)

const (
	icmpLen   = 8 // type, code, checksum, identifier, sequence number
	ip4MinLen = 20

	icmpEcho, icmpEchoReply   = 8, 0
	icmp6Echo, icmp6EchoReply = 128, 129

	icmpFilter = 1 // ICMP_FILTER of linux/icmp.h: a bit per type that is not wanted
)

// echoProber sends ICMP or ICMPv6 echo requests. Neither differs from the other but
// in numbers and in who does the checksum.
type echoProber struct {
	s              int
	v4             bool
	request, reply byte
	id             uint16
	load           payload
	in, out        []byte
}

func openEcho(c Config, l *net.Interface) (prober, error) {
	p := &echoProber{
		v4: c.To.Is4(), request: icmp6Echo, reply: icmp6EchoReply,
		id: uint16(rand.Uint32()), load: newPayload(c.Payload),
		in: make([]byte, 65536),
	}
	proto := unix.IPPROTO_ICMPV6
	if p.v4 {
		p.request, p.reply, proto = icmpEcho, icmpEchoReply, unix.IPPROTO_ICMP
	}
	var err error
	if p.s, err = openConnected(c, l, unix.SOCK_RAW, proto, 0); err != nil {
		return nil, err
	}
	if p.v4 {
		err = unix.SetsockoptInt(p.s, unix.SOL_RAW, icmpFilter, ^(1 << icmpEchoReply))
	} else {
		var f unix.ICMPv6Filter // a bit per type that is not wanted: RFC 3542 section 3.2, Linux
		for i := range f.Data {
			f.Data[i] = ^uint32(0)
		}
		f.Data[icmp6EchoReply/32] &^= 1 << (icmp6EchoReply % 32)
		err = unix.SetsockoptICMPv6Filter(p.s, unix.SOL_ICMPV6, unix.ICMPV6_FILTER, &f)
	}
	if err != nil {
		p.close()
		return nil, fmt.Errorf("filter for echo replies: %w", err)
	}
	return p, nil
}

func (p *echoProber) fd() int { return p.s }

func (p *echoProber) close() { unix.Close(p.s) }

func (p *echoProber) send(seq int) error {
	b := append(p.out[:0], p.request, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, p.id)
	b = binary.BigEndian.AppendUint16(b, uint16(seq))
	b = p.load.append(b, seq)
	if p.v4 { // the kernel fills in that of ICMPv6: RFC 3542 section 3.1
		binary.BigEndian.PutUint16(b[2:], packet.Checksum(b, 0))
	}
	p.out = b
	_, err := unix.Write(p.s, b)
	return err
}

func (p *echoProber) receive() (answer, bool, error) {
	n, err := unix.Read(p.s, p.in)
	if err != nil {
		return answer{}, false, err
	}
	b := p.in[:n]
	if p.v4 { // a raw socket gets the IPv4 header too: raw(7)
		if n < ip4MinLen {
			return answer{}, false, nil
		}
		if n = 4 * int(b[0]&15); n < ip4MinLen || n > len(b) {
			return answer{}, false, nil
		}
		b = b[n:]
	}
	a, ok := p.judge(b)
	return a, ok, nil
}

// judge says whether an ICMP message is a reply to one of our requests, and what
// is wrong with it. The kernel has checked the checksum of ICMPv6, but not ICMP's.
func (p *echoProber) judge(b []byte) (a answer, ok bool) {
	if len(b) < icmpLen || b[0] != p.reply || binary.BigEndian.Uint16(b[4:]) != p.id {
		return answer{}, false
	}
	a.seq = int(binary.BigEndian.Uint16(b[6:]))
	switch {
	case p.v4 && packet.Checksum(b, 0) != 0:
		a.fault = "echo reply has a wrong checksum"
	case b[1] != 0:
		a.fault = fmt.Sprintf("echo reply has code %d", b[1])
	default:
		a.fault = p.load.judge(b[icmpLen:], a.seq)
	}
	return a, true
}
