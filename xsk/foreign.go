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

// foreignHint names the XDP program that holds an interface, who holds it, and how to remove it (P40).
func foreignHint(ifindex int, name string) string {
	id, generic := attachedProgram(ifindex)
	if id == 0 {
		return "see: ip -details link show dev " + name
	}
	what := fmt.Sprintf("program %d", id)
	if n := programName(id); n != "" {
		what += fmt.Sprintf(" (%s)", n)
	}
	linkID := linkOf(id, ifindex)
	if linkID == 0 {
		off := "xdp"
		if generic {
			off = "xdpgeneric"
		}
		return fmt.Sprintf("%s is attached: ip link set dev %s %s off", what, name, off)
	}
	// A bpf_link is not removed by ip link (P39).
	what += fmt.Sprintf(" is attached by bpf_link %d", linkID)
	if pid, command := processWithLink(linkID); pid != 0 {
		return fmt.Sprintf("%s of process %d (%s): end that process, or: bpftool link detach id %d", what, pid, command, linkID)
	}
	return fmt.Sprintf("%s, which no process here has open, so it is pinned: bpftool link detach id %d", what, linkID)
}

// attachedProgram asks rtnetlink (IFLA_XDP) which program an interface has, and whether it is in generic mode. 0: none, or unknown.
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

// linkOf returns the bpf_link by which a program is attached to an interface, or 0: it is attached without one, or we may not look.
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

// processWithLink looks through /proc for a process that has a bpf_link open (proc_pid_fdinfo(5)).
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
