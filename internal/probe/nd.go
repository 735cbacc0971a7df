// SPDX-License-Identifier: GPL-3.0-or-later

package probe

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"

	"pvlua/packet"
)

const (
	ip6Len = 40
	nsLen  = 32 // ICMPv6 header, target, source link-layer address option
	naLen  = 24 // ICMPv6 header and target, without options

	neighbourSolicitation  = 135
	neighbourAdvertisement = 136
	sourceLinkAddr         = 1
	targetLinkAddr         = 2
	solicitedFlag          = 0x40
)

// ndProber asks for the link-layer address of an IPv6 address, as RFC 4861 section
// 7.2.2 has a host do it.
type ndProber struct {
	*frameSocket
	request  []byte
	from, to [16]byte
}

func openND(c Config, l *net.Interface) (prober, error) {
	f, err := openFrames(l, 0x86dd)
	if err != nil {
		return nil, err
	}
	return newND(f, c), nil
}

func newND(f *frameSocket, c Config) *ndProber {
	p := &ndProber{frameSocket: f, from: c.From.As16(), to: c.To.As16()}
	p.request = p.solicitation()
	return p
}

func (p *ndProber) solicitation() []byte {
	// The solicited-node multicast address, RFC 4291 section 2.7.1, and its MAC, RFC 2464 section 7.
	group := [16]byte{0xff, 2, 11: 1, 12: 0xff, 13: p.to[13], 14: p.to[14], 15: p.to[15]}
	mac := [6]byte{0x33, 0x33, group[12], group[13], group[14], group[15]}

	b := p.appendEth(nil, mac, 0x86dd)
	b = append(b, 0x60, 0, 0, 0, 0, nsLen, 58, 255) // version 6, length, ICMPv6, hop limit
	b = append(b, p.from[:]...)
	b = append(b, group[:]...)
	b = append(b, neighbourSolicitation, 0, 0, 0, 0, 0, 0, 0)
	b = append(b, p.to[:]...)
	b = append(b, sourceLinkAddr, 1)
	b = append(b, p.mac[:]...)
	sum := icmp6Checksum(b[ethLen:])
	binary.BigEndian.PutUint16(b[ethLen+ip6Len+2:], sum)
	return b
}

// icmp6Checksum returns the checksum over the ICMPv6 message of an IPv6 packet without
// extension headers, its pseudo-header included (RFC 4443 section 2.3): 0 if the
// message has the right one in it already.
func icmp6Checksum(ip []byte) uint16 {
	msg := ip[ip6Len:]
	pseudo := make([]byte, 0, 40)
	pseudo = append(pseudo, ip[8:40]...)
	pseudo = binary.BigEndian.AppendUint32(pseudo, uint32(len(msg)))
	pseudo = append(pseudo, 0, 0, 0, 58)
	return packet.Checksum(msg, uint32(^packet.Checksum(pseudo, 0)))
}

func (p *ndProber) send(int) error { return p.sendFrame(p.request) }

func (p *ndProber) receive() (answer, bool, error) {
	b, err := p.receiveFrame()
	if err != nil || b == nil {
		return answer{}, false, err
	}
	fault, ok := p.judge(b)
	return answer{seq: anyProbe, fault: fault}, ok, nil
}

// judge says whether a frame is a solicited advertisement of the address asked for,
// and what is wrong with it (RFC 4861 sections 4.4 and 7.1.2).
func (p *ndProber) judge(b []byte) (fault string, ok bool) {
	if len(b) < ethLen+ip6Len+naLen {
		return "", false
	}
	ip := b[ethLen:]
	if ip[0]>>4 != 6 || ip[6] != 58 {
		return "", false
	}
	length := int(binary.BigEndian.Uint16(ip[4:]))
	if length < naLen || len(ip) < ip6Len+length {
		return "", false
	}
	ip = ip[:ip6Len+length] // without the padding of short frames
	na := ip[ip6Len:]
	if na[0] != neighbourAdvertisement || !bytes.Equal(na[8:24], p.to[:]) {
		return "", false
	}
	mac := linkAddr(na[naLen:])
	switch {
	case icmp6Checksum(ip) != 0:
		fault = "advertisement has a wrong checksum"
	case ip[7] != 255 || na[1] != 0:
		fault = fmt.Sprintf("advertisement has hop limit %d and code %d, not 255 and 0", ip[7], na[1])
	case !bytes.Equal(ip[24:40], p.from[:]):
		fault = fmt.Sprintf("advertisement is sent to %v", netip.AddrFrom16([16]byte(ip[24:40])))
	case na[4]&solicitedFlag == 0:
		fault = "advertisement lacks the solicited flag"
	case mac == nil:
		fault = "advertisement lacks the target's link-layer address"
	case !unicast(mac) || !bytes.Equal(mac, b[6:12]):
		fault = fmt.Sprintf("advertisement names MAC %v but comes from %v", net.HardwareAddr(mac), net.HardwareAddr(b[6:12]))
	}
	return fault, true
}

// linkAddr finds the target link-layer address among the options of an advertisement;
// nil if there is none, or an option before it is malformed.
func linkAddr(opts []byte) []byte {
	for len(opts) >= 8 {
		n := 8 * int(opts[1])
		if n == 0 || n > len(opts) {
			return nil
		}
		if opts[0] == targetLinkAddr {
			return opts[2:8]
		}
		opts = opts[n:]
	}
	return nil
}
