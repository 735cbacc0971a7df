// SPDX-License-Identifier: GPL-3.0-or-later

package probe

import (
	"net"

	"golang.org/x/sys/unix"
)

const echoPort = 7 // RFC 862

// udpProber sends datagrams to the echo service. It is an ordinary connected UDP
// socket: the kernel lets in only what comes from the port asked, to the port that
// asked, with the right checksum.
type udpProber struct {
	s       int
	load    payload
	in, out []byte
}

func openUDP(c Config, l *net.Interface) (prober, error) {
	s, err := openConnected(c, l, unix.SOCK_DGRAM, 0, echoPort)
	if err != nil {
		return nil, err
	}
	return &udpProber{s: s, load: newPayload(c.Payload), in: make([]byte, 65536)}, nil
}

func (p *udpProber) fd() int { return p.s }

func (p *udpProber) close() { unix.Close(p.s) }

func (p *udpProber) send(seq int) error {
	p.out = p.load.append(p.out[:0], seq)
	_, err := unix.Write(p.s, p.out)
	return err
}

func (p *udpProber) receive() (answer, bool, error) {
	n, err := unix.Read(p.s, p.in)
	if err != nil {
		return answer{}, false, err
	}
	seq, fault := p.load.seq(p.in[:n])
	if fault == "" {
		fault = p.load.judge(p.in[:n], seq)
	}
	return answer{seq: seq, fault: fault}, true, nil
}
