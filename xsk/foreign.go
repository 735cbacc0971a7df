// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// AttachedProgram is an XDP program on an interface, whoever put it there.
type AttachedProgram struct {
	ID      uint32
	Name    string // that it was loaded with; may be empty
	Generic bool   // it runs in generic mode
	Link    uint32 // the bpf_link that it is attached by; 0: without one, or not known without CAP_SYS_ADMIN
	PID     int    // a process that has that link open; 0: none, so that the link is pinned
	Command string // the name of that process

	iface string
}

// FindProgram returns the XDP program on an interface in the network namespace
// of the calling thread; ok is false if there is none. name is that of the
// interface, for messages.
func FindProgram(ifindex int, name string) (p AttachedProgram, ok bool) {
	p.iface = nameOf(ifindex, name)
	p.ID, p.Generic = attachedProgram(ifindex)
	if p.ID == 0 {
		return p, false
	}
	p.Name = programName(p.ID)
	p.Link = uint32(linkOf(p.ID, ifindex))
	if p.Link != 0 {
		p.PID, p.Command = processWithLink(link.ID(p.Link))
	}
	return p, true
}

// String is a sentence without its full stop: "program 12 (xsk_def_prog) is
// attached in native mode, by bpf_link 3 of process 44 (xdpsock)".
func (p AttachedProgram) String() string {
	s := fmt.Sprintf("program %d", p.ID)
	if p.Name != "" {
		s += fmt.Sprintf(" (%s)", p.Name)
	}
	mode := Native
	if p.Generic {
		mode = Generic
	}
	s += fmt.Sprintf(" is attached in %s mode", mode)
	switch {
	case p.PID != 0:
		s += fmt.Sprintf(", by bpf_link %d of process %d (%s)", p.Link, p.PID, p.Command)
	case p.Link != 0:
		s += fmt.Sprintf(", by bpf_link %d, which is pinned, for no process here has it open", p.Link)
	}
	return s
}

// Removal returns the commands that take it off the interface; one of them is
// enough. A bpf_link is not removed by ip link (P39).
func (p AttachedProgram) Removal() []string {
	switch {
	case p.PID != 0:
		return []string{fmt.Sprintf("kill %d", p.PID), fmt.Sprintf("bpftool link detach id %d", p.Link)}
	case p.Link != 0:
		return []string{fmt.Sprintf("bpftool link detach id %d", p.Link)}
	case p.Generic:
		return []string{fmt.Sprintf("ip link set dev %s xdpgeneric off", p.iface)}
	}
	return []string{fmt.Sprintf("ip link set dev %s xdp off", p.iface)}
}

// foreignHint names the XDP program that holds an interface, who holds it, and
// how to remove it (P40).
func foreignHint(ifindex int, name string) string {
	p, ok := FindProgram(ifindex, name)
	if !ok {
		return "see: ip -details link show dev " + name
	}
	return p.String() + ": " + strings.Join(p.Removal(), ", or: ")
}

// attachedProgram asks rtnetlink (IFLA_XDP) which program an interface has, and
// whether it is in generic mode. 0: none, or unknown.
func attachedProgram(ifindex int) (id uint32, generic bool) {
	rib, err := syscall.NetlinkRIB(unix.RTM_GETLINK, unix.AF_UNSPEC)
	if err != nil {
		return 0, false
	}
	messages, err := syscall.ParseNetlinkMessage(rib)
	if err != nil {
		return 0, false
	}
	for i := range messages {
		m := &messages[i]
		// struct ifinfomsg has the index at byte 4.
		if m.Header.Type != unix.RTM_NEWLINK || int(binary.NativeEndian.Uint32(m.Data[4:])) != ifindex {
			continue
		}
		attrs, err := syscall.ParseNetlinkRouteAttr(m)
		if err != nil {
			continue
		}
		for _, a := range attrs {
			if a.Attr.Type&^(unix.NLA_F_NESTED|unix.NLA_F_NET_BYTEORDER) == unix.IFLA_XDP {
				return parseXDP(a.Value)
			}
		}
	}
	return 0, false
}

// parseXDP reads the attributes nested in IFLA_XDP (linux/if_link.h).
func parseXDP(b []byte) (id uint32, generic bool) {
	for len(b) >= unix.SizeofRtAttr {
		size := int(binary.NativeEndian.Uint16(b))
		if size < unix.SizeofRtAttr || size > len(b) {
			break
		}
		kind, value := binary.NativeEndian.Uint16(b[2:]), b[unix.SizeofRtAttr:size]
		switch {
		case kind == unix.IFLA_XDP_ATTACHED && len(value) >= 1:
			generic = value[0] == 2 // XDP_ATTACHED_SKB
		case (kind == unix.IFLA_XDP_PROG_ID || kind == unix.IFLA_XDP_DRV_PROG_ID || kind == unix.IFLA_XDP_SKB_PROG_ID) && len(value) >= 4:
			if id == 0 {
				id = binary.NativeEndian.Uint32(value)
			}
		}
		b = b[min((size+3)&^3, len(b)):]
	}
	return id, generic
}

func programName(id uint32) string {
	p, err := ebpf.NewProgramFromID(ebpf.ProgramID(id))
	if err != nil {
		return ""
	}
	defer p.Close()
	info, err := p.Info()
	if err != nil {
		return ""
	}
	return info.Name
}

// linkOf returns the bpf_link by which a program is attached to an interface,
// or 0: it is attached without one, or we may not look.
func linkOf(program uint32, ifindex int) link.ID {
	it := new(link.Iterator)
	defer it.Close()
	for it.Next() {
		info, err := it.Link.Info()
		if err != nil || uint32(info.Program) != program {
			continue
		}
		if x := info.XDP(); x != nil && int(x.Ifindex) == ifindex {
			return it.ID
		}
	}
	return 0
}

// processWithLink looks through /proc for a process that has a bpf_link open
// (proc_pid_fdinfo(5)).
func processWithLink(id link.ID) (pid int, command string) {
	want := fmt.Sprintf("link_id:\t%d\n", id)
	infos, _ := filepath.Glob("/proc/[0-9]*/fdinfo/*")
	for _, path := range infos {
		info, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(info), want) {
			continue
		}
		process := filepath.Dir(filepath.Dir(path))
		name, _ := os.ReadFile(filepath.Join(process, "comm"))
		fmt.Sscan(filepath.Base(process), &pid)
		return pid, strings.TrimSpace(string(name))
	}
	return 0, ""
}
