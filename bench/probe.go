// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A probeKind is how an answer is asked for.
type probeKind int

const (
	ping probeKind = iota // ICMP echo, RFC 792
	echo                  // UDP echo, RFC 862
)

const (
	probeSize    = 56 // bytes of payload, as ping(8) has them
	probeTimeout = time.Second
	echoService  = 7
	icmpHeader   = 8
	ipHeader     = 20 // raw sockets receive it
)

// A probe is a socket that asks one host for answers, one after the other. It is
// to be used on the thread that made it.
type probe struct {
	kind probeKind
	spin bool // waits awake
	fd   int
	seq  uint32
	buf  [ipHeader + icmpHeader + probeSize]byte
}

// newProbe makes a probe of the host of a prefix, such as 10.0.0.5/24, in the
// thread's namespace. The caller closes it.
func newProbe(kind probeKind, spin bool, to string) (*probe, error) {
	prefix, err := netip.ParsePrefix(to)
	if err != nil {
		return nil, err
	}
	typ, protocol := unix.SOCK_RAW, unix.IPPROTO_ICMP
	if kind == echo {
		typ, protocol = unix.SOCK_DGRAM, unix.IPPROTO_UDP
	}
	p := &probe{kind: kind, spin: spin}
	if p.fd, err = unix.Socket(unix.AF_INET, typ|unix.SOCK_CLOEXEC, protocol); err != nil {
		return nil, fmt.Errorf("open a socket for probes: %w", err)
	}
	timeout := unix.NsecToTimeval(probeTimeout.Nanoseconds())
	err = errors.Join(
		unix.Connect(p.fd, &unix.SockaddrInet4{Addr: prefix.Addr().As4(), Port: echoService}),
		unix.SetsockoptTimeval(p.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout))
	if err != nil {
		p.close()
		return nil, fmt.Errorf("set up a socket for probes: %w", err)
	}
	return p, nil
}

func (p *probe) close() { unix.Close(p.fd) }

// run sends probes for span, after a first one has been answered, and returns
// their round trips in microseconds in ascending order. Each must be answered.
func (p *probe) run(ctx context.Context, span time.Duration) (trips []float64, err error) {
	for deadline := time.Now().Add(startTime); ; {
		if _, err = p.trip(); err == nil {
			break
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return nil, errors.Join(ctx.Err(), fmt.Errorf("no answer to a probe within %v: %w", startTime, err))
		}
	}
	pause := unix.NsecToTimespec(probePause.Nanoseconds())
	for begin := time.Now(); time.Since(begin) < span && ctx.Err() == nil; {
		took, err := p.trip()
		if err != nil {
			return nil, fmt.Errorf("probe %d: %w", p.seq, err)
		}
		trips = append(trips, float64(took.Nanoseconds())/1e3)
		_ = unix.Nanosleep(&pause, nil) // a signal may cut it short
	}
	slices.Sort(trips)
	return trips, ctx.Err()
}

// trip sends one probe and waits for its answer, asleep as ping(8) is, or awake:
// then the time to wake up is not in the round trip. The calls are raw: the scheduler of Go would add its own time to the ones that sleep. If
// there is no answer in time the error is EAGAIN.
func (p *probe) trip() (time.Duration, error) {
	p.seq++
	request := p.request()
	begin := time.Now()
	if _, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(p.fd), uintptr(unsafe.Pointer(&request[0])), uintptr(len(request))); errno != 0 {
		return 0, errno
	}
	flags := 0
	if p.spin {
		flags = unix.MSG_DONTWAIT
	}
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(p.fd), uintptr(unsafe.Pointer(&p.buf[0])), uintptr(len(p.buf)), uintptr(flags), 0, 0)
		took := time.Since(begin)
		switch {
		case errno == 0 && p.answered(p.buf[:n]):
			return took, nil
		case errno != 0 && errno != unix.EINTR && errno != unix.EAGAIN: // EINTR: the Go runtime's own signals
			return 0, errno
		case took >= probeTimeout:
			return 0, unix.EAGAIN
		}
	}
}

// request is the next probe, which carries its number.
func (p *probe) request() []byte {
	if p.kind == echo {
		b := make([]byte, probeSize)
		binary.BigEndian.PutUint32(b, p.seq)
		return b
	}
	b := make([]byte, icmpHeader+probeSize)
	b[0] = 8 // echo request
	binary.BigEndian.PutUint32(b[icmpHeader:], p.seq)
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	sum = sum>>16 + sum&0xffff
	binary.BigEndian.PutUint16(b[2:], ^uint16(sum+sum>>16))
	return b
}

// answered says whether b, as the socket gave it, is the answer to the last probe.
func (p *probe) answered(b []byte) bool {
	if p.kind == ping {
		if len(b) < ipHeader+icmpHeader || b[ipHeader] != 0 { // echo reply
			return false
		}
		b = b[ipHeader+icmpHeader:]
	}
	return len(b) == probeSize && binary.BigEndian.Uint32(b) == p.seq
}
