// SPDX-License-Identifier: GPL-3.0-or-later

package probe

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
)

const arpLen = 28 // for Ethernet and IPv4

// arpProber asks who has an IPv4 address.
type arpProber struct {
	*frameSocket
	request  []byte
	from, to [4]byte
}

func openARP(c Config, l *net.Interface) (prober, error) {
	f, err := openFrames(l, 0x0806)
	if err != nil {
		return nil, err
	}
	return newARP(f, c), nil
}

func newARP(f *frameSocket, c Config) *arpProber {
	p := &arpProber{frameSocket: f, from: c.From.As4(), to: c.To.As4()}
	b := f.appendEth(nil, [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 0x0806)
	b = append(b, 0, 1, 8, 0, 6, 4, 0, 1) // Ethernet, IPv4, lengths, request
	b = append(b, f.mac[:]...)
	b = append(b, p.from[:]...)
	b = append(b, make([]byte, 6)...) // what is asked
	p.request = append(b, p.to[:]...)
	return p
}

func (p *arpProber) send(int) error { return p.sendFrame(p.request) }

func (p *arpProber) receive() (answer, bool, error) {
	b, err := p.receiveFrame()
	if err != nil || b == nil {
		return answer{}, false, err
	}
	fault, ok := p.judge(b)
	return answer{seq: anyProbe, fault: fault}, ok, nil
}

// judge says whether a frame is a reply about the address asked for, and what is
// wrong with it.
func (p *arpProber) judge(b []byte) (fault string, ok bool) {
	if len(b) < ethLen+arpLen {
		return "", false
	}
	a := b[ethLen:]
	if !bytes.Equal(a[:6], p.request[ethLen:ethLen+6]) || binary.BigEndian.Uint16(a[6:]) != 2 {
		return "", false
	}
	sha, spa, tha, tpa := a[8:14], a[14:18], a[18:24], a[24:28]
	if !bytes.Equal(spa, p.to[:]) {
		return "", false // about somebody else
	}
	switch {
	case !bytes.Equal(tpa, p.from[:]):
		fault = fmt.Sprintf("reply names target address %v, not %v", net.IP(tpa), net.IP(p.from[:]))
	case !bytes.Equal(tha, p.mac[:]):
		fault = fmt.Sprintf("reply names target MAC %v, not %v", net.HardwareAddr(tha), net.HardwareAddr(p.mac[:]))
	case !unicast(sha):
		fault = fmt.Sprintf("reply names sender MAC %v", net.HardwareAddr(sha))
	case !bytes.Equal(sha, b[6:12]):
		fault = fmt.Sprintf("reply names sender MAC %v but comes from %v", net.HardwareAddr(sha), net.HardwareAddr(b[6:12]))
	}
	return fault, true
}

// unicast says whether a MAC address can be that of one interface.
func unicast(mac []byte) bool {
	return mac[0]&1 == 0 && !bytes.Equal(mac, make([]byte, 6))
}
