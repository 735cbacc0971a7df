// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

const (
	liveFrames = 1 << 1 // BPF_F_TEST_XDP_LIVE_FRAMES, linux/bpf.h, since Linux 5.18

	// frameBatch is how many frames the kernel makes at a time. More than 64
	// overflow the 256 slots of a veth's ring (drivers/net/veth.c).
	frameBatch = 64

	// burst is how many frames one call sends when the rate is not bounded: a
	// few milliseconds' worth, since a call can't be stopped.
	burst = 1 << 14

	// tick is how often a bounded rate sends.
	tick = time.Millisecond

	minFrame = 64   // bytes; the generator writes the first 48
	maxFrame = 1514 // Ethernet header and the default MTU
	maxFlows = 1 << 14
)

// A generator sends UDP frames out of interfaces of the namespace that it was
// made in, millions a second, as the kernel does it for itself: an XDP program
// is run by BPF_PROG_TEST_RUN on real frames of the kernel's own, writes a
// packet into each and redirects it. On a veth each frame then arrives at the
// peer, whose NAPI runs on the generator's processor.
type generator struct {
	size int
	prog *ebpf.Program
	sent *ebpf.Map // one u64: how often the program ran
	hold link.Link

	mu      sync.Mutex
	threads []int // that run it
}

// checkFrames says whether there is a generator of such frames.
func checkFrames(size, flows int) error {
	if size < minFrame || size > maxFrame {
		return fmt.Errorf("frame size %d: must be %d to %d bytes", size, minFrame, maxFrame)
	}
	if flows < 1 || flows > maxFlows || flows&(flows-1) != 0 {
		return fmt.Errorf("%d flows: must be a power of two up to %d", flows, maxFlows)
	}
	return nil
}

// newGenerator makes a generator of frames of size bytes in flows (a power of
// two) different UDP source ports. The frames leave by the interfaces whose
// indexes targets names, one or two, in turn. To be called in the namespace
// that has them, and run there too. The caller closes it.
func newGenerator(targets []int, size, flows int) (_ *generator, err error) {
	if err := checkFrames(size, flows); err != nil {
		return nil, err
	}
	g := &generator{size: size}
	defer func() {
		if err != nil {
			g.close()
		}
	}()
	g.sent, err = ebpf.NewMap(&ebpf.MapSpec{Name: "sent", Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	if err != nil {
		return nil, fmt.Errorf("make the generator's counter: %w", err)
	}
	g.prog, err = ebpf.NewProgram(&ebpf.ProgramSpec{
		Name:         "generator",
		Type:         ebpf.XDP,
		License:      "GPL",
		Instructions: generatorProgram(g.sent.FD(), targets, frame(size), flows),
	})
	if err != nil {
		return nil, fmt.Errorf("load the generator: %w", err)
	}
	// A program that is attached somewhere already is in the dispatcher through
	// which the kernel calls XDP programs. Otherwise each run puts it in and takes
	// it out again, waiting about 28 ms for the other processors.
	g.hold, err = link.AttachXDP(link.XDPOptions{Program: g.prog, Interface: loopback, Flags: link.XDPGenericMode})
	if err != nil {
		return nil, fmt.Errorf("attach the generator to lo: %w", err)
	}
	return g, nil
}

// loopback is the interface index of lo in every network namespace (LOOPBACK_IFINDEX).
const loopback = 1

// frame is a UDP packet in an Ethernet frame of size bytes. The UDP checksum is
// 0, not computed (RFC 768), so that the source port can change alone.
func frame(size int) []byte {
	const eth, ip, udp = 14, 20, 8
	b := make([]byte, size)
	copy(b[0:], []byte{2, 0, 0, 0, 0, 2}) // locally administered addresses
	copy(b[6:], []byte{2, 0, 0, 0, 0, 1})
	binary.BigEndian.PutUint16(b[12:], 0x0800)
	h := b[eth : eth+ip]
	h[0], h[8], h[9] = 0x45, 64, 17 // version and length, time to live, UDP
	binary.BigEndian.PutUint16(h[2:], uint16(size-eth))
	copy(h[12:], []byte{198, 18, 0, 1}) // for benchmarks: RFC 2544, RFC 6890
	copy(h[16:], []byte{198, 18, 0, 2})
	var sum uint32
	for i := 0; i < ip; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(h[i:]))
	}
	sum = sum>>16 + sum&0xffff
	binary.BigEndian.PutUint16(h[10:], ^uint16(sum+sum>>16))
	u := b[eth+ip:]
	binary.BigEndian.PutUint16(u[0:], firstPort)
	binary.BigEndian.PutUint16(u[2:], 9) // discard
	binary.BigEndian.PutUint16(u[4:], uint16(size-eth-ip))
	return b
}

const (
	sourcePort = 34 // offset of the UDP source port in the frame
	firstPort  = 1024
)

// generatorProgram writes the headers of template into the frame it is given,
// puts in the source port of the next flow and redirects the frame to the next
// target. It must write all that a device under test may have changed: the
// kernel's frames come back to it as they were left.
func generatorProgram(counter int, targets []int, template []byte, flows int) asm.Instructions {
	const written = 48 // bytes: up to the UDP checksum, in words of 8
	var (
		data, end, count, n, port = asm.R2, asm.R3, asm.R6, asm.R7, asm.R4
		word, ifindex, flags      = asm.R5, asm.R1, asm.R2
	)
	insns := asm.Instructions{
		asm.LoadMem(data, asm.R1, 0, asm.Word), // struct xdp_md: data, data_end
		asm.LoadMem(end, asm.R1, 4, asm.Word),
		asm.Mov.Reg(word, data),
		asm.Add.Imm(word, written),
		asm.JGT.Reg(word, end, "short"),

		asm.LoadMapValue(count, counter, 0),
		asm.Mov.Imm(n, 1),
		fetchAdd(count, n), // several threads may run this
		asm.Mov.Reg(port, n),
	}
	for off := 0; off < written; off += 8 {
		insns = append(insns,
			asm.LoadImm(word, int64(binary.NativeEndian.Uint64(template[off:])), asm.DWord),
			asm.StoreMem(data, int16(off), word, asm.DWord))
	}
	insns = append(insns,
		asm.And.Imm(port, int32(flows-1)),
		asm.Add.Imm(port, firstPort),
		asm.HostTo(asm.BE, port, asm.Half),
		asm.StoreMem(data, sourcePort, port, asm.Half),

		asm.LoadImm(ifindex, int64(targets[0]), asm.DWord))
	if len(targets) == 2 {
		insns = append(insns,
			asm.And.Imm(n, 1),
			asm.JEq.Imm(n, 0, "send"),
			asm.LoadImm(ifindex, int64(targets[1]), asm.DWord))
	}
	return append(insns,
		asm.Mov.Imm(flags, 0).WithSymbol("send"),
		asm.FnRedirect.Call(),
		asm.Return(),
		asm.Mov.Imm(asm.R0, int32(xdpDrop)).WithSymbol("short"),
		asm.Return())
}

// fetchAdd adds src to the 64 bits at dst and gives what was there before in src,
// atomically. What cilium/ebpf 0.22 writes for it by itself lacks the constant, and
// is an add that gives nothing.
func fetchAdd(dst, src asm.Register) asm.Instruction {
	ins := asm.FetchAdd.Mem(dst, src, asm.DWord, 0)
	ins.Constant = 1 // BPF_FETCH, linux/bpf.h
	return ins
}

// xdpDrop is XDP_DROP of linux/bpf.h.
const xdpDrop = 1

// run sends until ctx is done: rate frames a second, or as many as it can if
// rate is 0. To be called on a locked thread in the generator's namespace; on
// several at once, if there are more processors to send from.
func (g *generator) run(ctx context.Context, rate int) error {
	g.mu.Lock()
	g.threads = append(g.threads, unix.Gettid())
	g.mu.Unlock()
	opts := ebpf.RunOptions{Data: frame(g.size), Repeat: burst, Flags: liveFrames, BatchSize: frameBatch}
	for begin, sent := time.Now(), 0; ctx.Err() == nil; {
		if rate > 0 {
			time.Sleep(tick)
			due := int(time.Since(begin).Seconds()*float64(rate)) - sent
			if due == 0 {
				continue
			}
			due = min(due, burst)
			sent += due
			opts.Repeat = uint32(due)
		}
		if _, err := g.prog.Run(&opts); err != nil {
			if errors.Is(err, ebpf.ErrNotSupported) {
				return fmt.Errorf("send frames: live frames need Linux 5.18: %w", err)
			}
			return fmt.Errorf("send frames: %w", err)
		}
	}
	return nil
}

// count is the number of frames sent so far, whether or not they arrived.
func (g *generator) count() (n uint64, err error) {
	if err = g.sent.Lookup(uint32(0), &n); err != nil {
		return 0, fmt.Errorf("read the generator's counter: %w", err)
	}
	return n, nil
}

// used is the processor time of all threads that run the generator, with what
// the kernel does in them on the frames' way, up to where somebody else takes them.
func (g *generator) used() (sum time.Duration, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, id := range g.threads {
		t, err := processorTime(id, oneThread)
		if err != nil {
			return 0, err
		}
		sum += t
	}
	return sum, nil
}

// close frees what the generator holds in the kernel. It must not run any more.
func (g *generator) close() {
	if g.hold != nil {
		g.hold.Close()
	}
	if g.prog != nil {
		g.prog.Close()
	}
	if g.sent != nil {
		g.sent.Close()
	}
}
