// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// All contenders of a scenario do the same work: what they send is, to the byte,
// what the scenario says.
func TestContendersSendTheSame(t *testing.T) {
	needPrograms(t)
	l, err := newLab(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	r := &rig{lab: l, at: testPlaces(t)} // without sinks
	r.at.pvlua = buildPvlua(t, r.at.root)
	far := [pairs]int{tap(t, l, 0), tap(t, l, 1)} // packet sockets

	sent := frame(100)
	swapped := slices.Concat(sent[6:12], sent[0:6], sent[12:])
	for _, s := range scenarios(testFeatures(t, r.at.pvlua)) {
		want, out := sent, 1
		switch s.name {
		case "drop":
			continue // it sends nothing
		case "reflect", "reflect-gro", "reflect-stack", "kernel-reflect":
			want, out = swapped, 0
		}
		for _, c := range s.contenders {
			if c.skip != "" {
				continue
			}
			dev, err := c.start(l, r.at)
			if err != nil {
				t.Fatal(err)
			}
			err = r.await(context.Background(), dev, "attach itself", func() (bool, error) { return r.allAttached(s) })
			if err == nil {
				err = exchange(far[0], far[out], sent, want)
			}
			_, stopErr := dev.stop()
			if err := errors.Join(err, stopErr); err != nil {
				t.Errorf("%s, %s: %v\n%s", s.name, c.name, err, dev.said())
			}
		}
	}
}

// exchange sends on one socket until the answer comes on the other: a device that
// has just attached itself may not be ready for the first packet.
func exchange(from, to int, sent, want []byte) error {
	buf := make([]byte, 2*maxFrame)
	for { // what is left of the contender before
		if _, _, err := unix.Recvfrom(to, buf, unix.MSG_DONTWAIT); err != nil {
			break
		}
	}
	for deadline := time.Now().Add(startTime); time.Now().Before(deadline); {
		if _, err := unix.Write(from, sent); err != nil {
			return err
		}
		for {
			n, addr, err := unix.Recvfrom(to, buf, 0)
			if errors.Is(err, unix.EAGAIN) {
				break // timed out
			} else if err != nil {
				return err
			}
			if addr.(*unix.SockaddrLinklayer).Pkttype == unix.PACKET_OUTGOING {
				continue // our own
			}
			if !bytes.Equal(buf[:n], want) {
				return errors.New("it sent another packet than it should")
			}
			return nil
		}
	}
	return errors.New("it sent nothing")
}

// tap opens a packet socket on far port i, which times out after 50 ms. It also
// gives the port an XDP program, so that packets can be redirected to it (P23).
func tap(t *testing.T, l *lab, i int) (fd int) {
	t.Helper()
	err := onThread(l.far, noCPU, func() error {
		pass, err := ebpf.NewProgram(&ebpf.ProgramSpec{
			Type:         ebpf.XDP,
			License:      "GPL",
			Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2 /* XDP_PASS */), asm.Return()},
		})
		if err != nil {
			return err
		}
		defer pass.Close()
		lnk, err := link.AttachXDP(link.XDPOptions{Program: pass, Interface: l.g[i], Flags: link.XDPDriverMode})
		if err != nil {
			return err
		}
		t.Cleanup(func() { lnk.Close() })

		protocol := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ALL)) // network order
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(protocol)); err != nil {
			return err
		}
		t.Cleanup(func() { unix.Close(fd) })
		timeout := unix.NsecToTimeval((50 * time.Millisecond).Nanoseconds())
		return errors.Join(
			unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: protocol, Ifindex: l.g[i]}),
			unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout))
	})
	if err != nil {
		t.Fatal(err)
	}
	return fd
}
