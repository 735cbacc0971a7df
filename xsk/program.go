// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// Program is the XDP program that sends an interface's packets to its AF_XDP
// sockets, with the map (XSKMAP) of these. It is attached by a bpf_link, which
// ends with the last descriptor of it: whatever ends the process, kill -9 too,
// leaves the interface as it was. It is never pinned (P39). Keep the Program
// until it is to be detached; a Socket registered with it keeps it as well.
type Program struct {
	name    string
	ifindex int
	mode    AttachMode
	xsks    *ebpf.Map
	prog    *ebpf.Program
	link    link.Link
}

// ProgramConfig says where the program is attached, and how.
type ProgramConfig struct {
	Ifindex int    // the interface, in the network namespace of the calling thread
	Name    string // its name, for messages; empty: looked up
	Queues  int    // sockets can be registered for queues 0 to Queues-1; at least 1
	Mode    Mode
	// Reinjected marks frames that this process puts into the kernel's stack by
	// BPF_PROG_RUN. In generic mode the kernel shows these to the program
	// again; one that begins with these 16 bytes, which are to be random, is
	// passed to the stack without them. All zero: no such test. In native mode
	// there never is one.
	Reinjected [16]byte
	Log        *slog.Logger // nil: no log
}

const opAttach = "attach redirect program"

// bpf is what Attach asks of the kernel. Like kernel it exists for the tests.
type bpf struct {
	newMap     func(*ebpf.MapSpec) (*ebpf.Map, error)
	newProgram func(*ebpf.ProgramSpec) (*ebpf.Program, error)
	attach     func(link.XDPOptions) (link.Link, error)
}

var realBPF = bpf{ebpf.NewMap, ebpf.NewProgram, link.AttachXDP}

// Attach loads the program and attaches it: native, and if that fails generic,
// unless c.Mode forces one. The kernel's own choice would never fall back
// (P21). Each step down is logged with its reason. Until a socket is registered
// for a queue, all packets of that queue go to the kernel's stack.
//
// Errors to tell apart: ErrForeignProgram, ErrNoInterface, os.ErrPermission.
func Attach(c ProgramConfig) (*Program, error) { return attach(c, realBPF) }

func attach(c ProgramConfig, b bpf) (*Program, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Name = nameOf(c.Ifindex, c.Name)
	xsks, err := b.newMap(&ebpf.MapSpec{
		Name: "pvlua_xsks", Type: ebpf.XSKMap, KeySize: 4, ValueSize: 4, MaxEntries: uint32(max(1, c.Queues)),
	})
	if err != nil {
		return nil, explainAttach(c, "make XSKMAP", err)
	}
	p := &Program{name: c.Name, ifindex: c.Ifindex, xsks: xsks}
	ladder := c.Mode.attachLadder()
	for i, mode := range ladder {
		err = p.attach(c, b, mode)
		if err == nil {
			c.Log.Debug("redirect program attached", "interface", c.Name, "mode", mode.String())
			return p, nil
		}
		if i+1 < len(ladder) && worthAStepDown(err) {
			c.Log.Warn(fmt.Sprintf("%s mode does not work: trying %s", mode, ladder[i+1]), "interface", c.Name, "reason", err)
			continue
		}
		break
	}
	return nil, withClosing(err, xsks.Close())
}

// attach tries one mode. On failure it leaves nothing but the map.
func (p *Program) attach(c ProgramConfig, b bpf, mode AttachMode) error {
	prog, err := b.newProgram(redirectSpec(p.xsks, mode, c.Reinjected))
	if err != nil {
		return explainAttach(c, "load", err)
	}
	flags := link.XDPDriverMode
	if mode == Generic {
		flags = link.XDPGenericMode
	}
	l, err := b.attach(link.XDPOptions{Program: prog, Interface: c.Ifindex, Flags: flags})
	if err != nil {
		return withClosing(explainAttach(c, mode.String()+" attach", err), prog.Close())
	}
	p.mode, p.prog, p.link = mode, prog, l
	return nil
}

// worthAStepDown tells whether generic mode may work where native mode failed
// with err: not if the cause is the same for both.
func worthAStepDown(err error) bool {
	return !errors.Is(err, os.ErrPermission) && !errors.Is(err, ErrNoInterface) && !errors.Is(err, ErrForeignProgram)
}

// explainAttach makes the error of one step.
func explainAttach(c ProgramConfig, step string, err error) error {
	errno := errnoOf(err)
	// What cilium/ebpf says of these errnos is longer and, for EPERM,
	// misleading: it suspects the memlock limit.
	short := fmt.Errorf("%s: %w", step, os.NewSyscallError("bpf", errno))
	switch errno {
	case unix.EPERM:
		return opError(opAttach, c.Name, noQueue, nil, short, capabilityHint())
	case unix.EBUSY, unix.EEXIST: // P40: one in this mode, or in another
		return opError(opAttach, c.Name, noQueue, ErrForeignProgram, short, foreignHint(c.Ifindex, c.Name))
	case unix.ENODEV, unix.EINVAL:
		// A bpf_link to an interface that is not there is EINVAL, among other
		// things (bpf_xdp_link_attach in net/core/dev.c).
		if _, gone := net.InterfaceByIndex(c.Ifindex); errno == unix.EINVAL && gone == nil {
			break
		}
		return noInterface(opAttach, c.Name, noQueue, short)
	case unix.ERANGE:
		return opError(opAttach, c.Name, noQueue, nil, short,
			"the MTU, on veth that of the peer, is too big for native XDP: lower it (on veth to at most 3506), or use generic mode")
	case unix.ENOSPC:
		return opError(opAttach, c.Name, noQueue, nil, short,
			"there are fewer receive queues here than transmit queues at the veth peer: make them equal, or use generic mode")
	case unix.EOPNOTSUPP:
		return opError(opAttach, c.Name, noQueue, nil, short, "the driver has no XDP: use generic mode")
	}
	// If the verifier refused, its log is in err, whole under %+v
	// (ebpf.VerifierError).
	return opError(opAttach, c.Name, noQueue, nil, fmt.Errorf("%s: %w", step, err), "")
}

// Mode tells where the program is attached.
func (p *Program) Mode() AttachMode { return p.mode }

// Register lets the packets of a queue come to a socket, which must be bound to
// that queue of this interface: packets for any other would be dropped silently
// (P31). When the socket is closed, the kernel removes it from the map.
func (p *Program) Register(queue int, s *Socket) error {
	const op = "register AF_XDP socket"
	if p.link == nil || s.fd < 0 {
		return opError(op, p.name, queue, nil, os.ErrClosed, "")
	}
	if queue < 0 || queue >= int(p.xsks.MaxEntries()) {
		return opError(op, p.name, queue, ErrQueueRange, unix.E2BIG, "the program was made for "+queuesText(int(p.xsks.MaxEntries())))
	}
	if s.config.Ifindex != p.ifindex || s.config.Queue != queue {
		return opError(op, p.name, queue, nil, unix.EINVAL, "the socket is bound to "+s.where()+", where the kernel would drop the packets")
	}
	if err := p.xsks.Put(uint32(queue), uint32(s.fd)); err != nil {
		return opError(op, p.name, queue, nil, err, "")
	}
	s.program = p
	return nil
}

// Close detaches the program: packets go to the kernel's stack again. A second
// Close does nothing and returns nil.
func (p *Program) Close() error {
	if p.link == nil {
		return nil
	}
	err := errors.Join(p.link.Close(), p.prog.Close(), p.xsks.Close())
	p.link = nil
	return opError("detach redirect program", p.name, noQueue, nil, err, "")
}
