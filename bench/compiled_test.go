// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/vishvananda/netns"

	"pvlua/internal/pkttest"
	"pvlua/luabind"
)

// The handlers in C and in Lua do the same: the same verdict and the same bytes
// for the packets that they are measured with, for all shapes of packets, and
// for ones with something wrong.
func TestHandlersInCAndLuaAreEqual(t *testing.T) {
	needPrograms(t)
	at := testPlaces(t)
	seen := map[string]bool{}
	for _, c := range compiledCases() {
		state, err := luabind.Load(luabind.Config{Script: at.script("bench", "lua", "handlers", c.name+".lua"),
			Ports: []*luabind.Port{echoPort()}, Host: &world{}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(state.Close)
		inC := mustLoad(t)(loadC(at, c.name))
		inLua := mustLoad(t)(compileLua(at, "bench", "lua", "handlers", c.name+".lua"))
		if got, _ := verdictOf(state, c.packet); got != c.verdict {
			t.Errorf("%s: the packet that it is measured with gets %v, want %v", c.what, got, c.verdict)
		}
		if seen[c.name] {
			continue
		}
		seen[c.name] = true
		frames, exits := equalityPackets(c.packet), 0
		for i, frame := range frames {
			want, after := verdictOf(state, frame)
			if err := sameInKernel(inC, frame, want, after); err != nil {
				t.Errorf("%s, packet %d: C and Lua differ: %v", c.name, i, err)
				break
			}
			if exited(inLua, frame) {
				exits++ // to the Lua handler, with the packet as it was
			} else if err := sameInKernel(inLua, frame, want, after); err != nil {
				t.Errorf("%s, packet %d: Lua in the kernel and in user space differ: %v", c.name, i, err)
				break
			}
		}
		if exits > len(frames)/20 || exited(inLua, c.packet) {
			t.Errorf("%s: %d of %d packets leave the kernel", c.name, exits, len(frames))
		}
	}
}

// mustLoad loads a program, which must not leave packets to Lua.
func mustLoad(t *testing.T) func(*program, error) *ebpf.Program {
	return func(p *program, err error) *ebpf.Program {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.close)
		for _, exit := range p.exits {
			t.Error(exit)
		}
		prog, err := p.load()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { prog.Close() })
		return prog
	}
}

// verdictOf runs Lua on a copy of frame.
func verdictOf(state *luabind.State, frame []byte) (luabind.Verdict, []byte) {
	after := slices.Clone(frame)
	pkts := []luabind.Packet{{Buf: after, To: len(after)}}
	state.Handle(pkts)
	return pkts[0].Verdict, after
}

// sameInKernel runs a program on frame and compares.
func sameInKernel(p *ebpf.Program, frame []byte, want luabind.Verdict, after []byte) error {
	verdict, got, err := p.Test(slices.Clone(frame))
	if err != nil {
		return err
	}
	if luabind.Verdict(verdict) != want || !bytes.Equal(got, after) {
		return fmt.Errorf("of\n%x the program makes %v,\n%x; want %v,\n%x", frame, luabind.Verdict(verdict), got, want, after)
	}
	return nil
}

// exited says whether a compiled handler leaves a frame to Lua.
func exited(p *ebpf.Program, frame []byte) bool {
	verdict, got, err := p.Test(slices.Clone(frame))
	return err == nil && verdict == 0 /* XDP_ABORTED */ && bytes.Equal(got, frame)
}

// equalityPackets are those of all shapes, a case's own, and many that are its
// own but for a few bytes or cut.
func equalityPackets(own []byte) (frames [][]byte) {
	for _, p := range pkttest.All() {
		frames = append(frames, p.Frame)
	}
	frames = append(frames, own)
	random := rand.New(rand.NewPCG(5, 6))
	for range 3000 {
		frame := slices.Clone(own)
		for range 1 + random.IntN(3) {
			// Half of the changes hit the headers that decide most.
			i := random.IntN(len(frame))
			if random.IntN(2) == 0 {
				i = 12 + random.IntN(min(30, len(frame)-12))
			}
			switch random.IntN(3) {
			case 0:
				frame[i] = byte(random.Uint32())
			case 1:
				frame[i] ^= 1 << random.IntN(8)
			default:
				frame[i] += byte(random.IntN(3)) - 1
			}
		}
		if random.IntN(10) == 0 {
			frame = frame[:14+random.IntN(len(frame)-13)]
		}
		frames = append(frames, frame)
	}
	return frames
}

// The prologue restores the packet: each run finds it as the first one did.
func TestTrackRestoresThePacket(t *testing.T) {
	needPrograms(t)
	p := mustLoad(t)(loadC(testPlaces(t), "reflect"))
	frame := pkttest.ICMPEcho(pkttest.Options{})
	track, err := newTrack(p, frame)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(track.close)
	want := slices.Concat(frame[6:12], frame[:6], frame[12:])
	for runs := range uint32(3) {
		got := make([]byte, len(frame))
		verdict, err := track.prologue.Run(&ebpf.RunOptions{Data: frame, DataOut: got, Repeat: 1 + runs})
		if err != nil || luabind.Verdict(verdict) != luabind.TX || !bytes.Equal(got, want) {
			t.Errorf("%d runs: verdict %d, %v, packet\n%x, want\n%x", 1+runs, verdict, err, got, want)
		}
	}
	err = onThread(netns.None(), noCPU, func() error {
		ns, err := track.time(1000)
		if ns <= 0 {
			t.Errorf("a run takes %v ns", ns)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// Below the resolution, ratios are 1.
func TestRatiosBelowTheResolution(t *testing.T) {
	inLua, inC := less([]float64{26.5, 31, 25}, 25), less([]float64{25, 28, 29}, 25)
	got := ratios(noLess(inLua, 2), noLess(inC, 2))
	if want := []float64{1, 2, 0.5}; !slices.Equal(got, want) {
		t.Errorf("ratios %v, want %v", got, want)
	}
}
