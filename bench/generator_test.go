// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"pvlua/internal/privileged"
)

func TestFrame(t *testing.T) {
	for _, size := range []int{minFrame, 65, 1000, maxFrame} {
		b := frame(size)
		if len(b) != size {
			t.Fatalf("frame(%d) has %d bytes", size, len(b))
		}
		var sum uint32
		for i := 14; i < 34; i += 2 {
			sum += uint32(binary.BigEndian.Uint16(b[i:]))
		}
		for sum>>16 != 0 {
			sum = sum>>16 + sum&0xffff
		}
		if sum != 0xffff {
			t.Errorf("size %d: the IPv4 header sums up to %#x, want 0xffff (RFC 1071)", size, sum)
		}
		if ip, udp := binary.BigEndian.Uint16(b[16:]), binary.BigEndian.Uint16(b[38:]); int(ip) != size-14 || int(udp) != size-34 {
			t.Errorf("size %d: IPv4 length %d, UDP length %d", size, ip, udp)
		}
	}
}

const xdpRedirect = 4 // linux/bpf.h

// The kernel hands the generator frames that a device under test has changed.
func TestGeneratorRewritesFrames(t *testing.T) {
	privileged.Require(t)
	const size, flows = 100, 4
	g, _ := newTestGenerator(t, size, flows)
	for n := range 2*flows + 1 {
		spoilt := bytes.Repeat([]byte{0xee}, size)
		copy(spoilt[48:], frame(size)[48:]) // the payload is not ours to change
		ret, got, err := g.prog.Test(spoilt)
		if err != nil {
			t.Fatal(err)
		}
		want := frame(size)
		binary.BigEndian.PutUint16(want[sourcePort:], uint16(firstPort+n%flows))
		if ret != xdpRedirect || !bytes.Equal(got, want) {
			t.Fatalf("run %d: verdict %d, frame\n%x, want %d and\n%x", n, ret, got, xdpRedirect, want)
		}
	}
	if ret, _, err := g.prog.Test(make([]byte, 47)); err != nil || ret != xdpDrop {
		t.Errorf("a short frame: verdict %d, %v; want %d", ret, err, xdpDrop)
	}
}

// newTestGenerator makes one with both ports of a lab as its targets.
func newTestGenerator(t *testing.T, size, flows int) (*generator, *lab) {
	t.Helper()
	l, err := newLab(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	var g *generator
	err = onThread(l.far, noCPU, func() (err error) {
		g, err = newGenerator(l.g[:], size, flows)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.close)
	return g, l
}

// A bounded rate loses nothing on its way, is kept, and serves the targets in turn.
func TestGeneratorSendsAtARate(t *testing.T) {
	needPrograms(t)
	g, l := newTestGenerator(t, minFrame, 16)
	var sinks [pairs]*object
	err := onThread(l.dut, noCPU, func() (err error) {
		for i := range sinks {
			if sinks[i], err = attachObject(testPlaces(t).c(), "xdp_drop", l.d[i], 0); err != nil {
				return err
			}
			t.Cleanup(sinks[i].close)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	const rate = 100_000
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if err := onThread(l.far, noCPU, func() error { return g.run(ctx, rate) }); err != nil {
		t.Fatal(err)
	}
	took := time.Since(begin)
	sent, err := g.count()
	if err != nil {
		t.Fatal(err)
	}
	// It may not catch up at the very end.
	if most := uint64(took.Seconds() * rate); sent < most/2 || sent > most {
		t.Errorf("sent %d frames in %v at a rate of %d a second", sent, took, rate)
	}
	var got [pairs]uint64
	for i, s := range sinks {
		n, err := s.packets()
		delivered, err2 := l.delivered(i)
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		if n != delivered {
			t.Errorf("%s: the program counted %d packets, the driver %d", dutName(i), n, delivered)
		}
		got[i] = n
	}
	if got[0]+got[1] != sent || max(got[0], got[1])-min(got[0], got[1]) > 1 {
		t.Errorf("%d frames sent, %d arrived on the two ports, want all, half on each", sent, got)
	}
}
