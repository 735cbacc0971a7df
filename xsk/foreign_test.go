// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// foreignProgram is somebody else's.
func foreignProgram(t testing.TB) *ebpf.Program {
	t.Helper()
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "firewall", Type: ebpf.XDP, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, xdpPass), asm.Return()},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func programID(t testing.TB, p *ebpf.Program) ebpf.ProgramID {
	t.Helper()
	info, err := p.Info()
	if err != nil {
		t.Fatal(err)
	}
	id, _ := info.ID()
	return id
}

// refused tries to attach in every mode, and looks at the errors.
func refused(t *testing.T, w wire, words ...string) {
	t.Helper()
	for _, mode := range []Mode{ModeAuto, ModeNative, ModeGeneric} { // EBUSY in the program's own mode, EEXIST in the other (P40)
		var log bytes.Buffer
		p, err := Attach(ProgramConfig{Ifindex: w.dutIndex, Name: w.dut, Mode: mode, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if log.Len() > 0 { // generic mode is as impossible
			t.Errorf("%v: logged %s", mode, log.String())
		}
		if err == nil {
			t.Errorf("%v: attached", mode)
			p.Close()
			continue
		}
		if !errors.Is(err, ErrForeignProgram) || !errors.Is(err, unix.EBUSY) && !errors.Is(err, unix.EEXIST) {
			t.Errorf("%v: %v", mode, err)
		}
		for _, word := range words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%v: %v\nlacks %q", mode, err, word)
			}
		}
	}
}

func TestForeignProgramByNetlink(t *testing.T) {
	for mode, off := range map[AttachMode]string{Native: "xdp", Generic: "xdpgeneric"} {
		flag := unix.XDP_FLAGS_DRV_MODE
		if mode == Generic {
			flag = unix.XDP_FLAGS_SKB_MODE
		}
		t.Run(off, func(t *testing.T) {
			enterNamespace(t)
			w := newWire(t, 1)
			p := foreignProgram(t)
			if err := netlink.LinkSetXdpFdWithFlags(mustLink(t, w.dut), p.FD(), flag); err != nil {
				t.Fatal(err)
			}
			refused(t, w, "another XDP program is attached: ", fmt.Sprintf("program %d (firewall) is attached in %s mode: ip link set dev %s %s off",
				programID(t, p), mode, w.dut, off))
			// The cure cures.
			if err := netlink.LinkSetXdpFdWithFlags(mustLink(t, w.dut), -1, flag); err != nil {
				t.Fatal(err)
			}
			mine, err := Attach(ProgramConfig{Ifindex: w.dutIndex, Name: w.dut})
			if err != nil {
				t.Fatal(err)
			}
			mine.Close()
		})
	}
}

func TestForeignProgramByLink(t *testing.T) {
	enterNamespace(t)
	w := newWire(t, 1)
	p := foreignProgram(t)
	l, err := link.AttachXDP(link.XDPOptions{Program: p, Interface: w.dutIndex, Flags: link.XDPDriverMode})
	if err != nil {
		t.Fatal(err)
	}
	info, err := l.Info()
	if err != nil {
		t.Fatal(err)
	}
	what := fmt.Sprintf("program %d (firewall) is attached in native mode, by bpf_link %d", programID(t, p), info.ID)
	detach := fmt.Sprintf("bpftool link detach id %d", info.ID)
	refused(t, w, fmt.Sprintf("%s of process %d (", what, os.Getpid()), detach)

	// Pinned, and open nowhere.
	dir := t.TempDir()
	if err := unix.Mount("bpf", dir, "bpf", 0, ""); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	if err := l.Pin(filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	refused(t, w, what+", which is pinned, for no process here has it open", detach)
	if err := os.Remove(filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "interface free", func() bool { id, _ := attachedProgram(w.dutIndex); return id == 0 })
}

// TestTwoPrograms: our own, from another process or this one, is as foreign.
func TestTwoPrograms(t *testing.T) {
	r := newRig(t, Config{}, ModeCopy, 1)
	refused(t, r.wire, "(pvlua_redirect)", fmt.Sprintf("of process %d (", os.Getpid()))
}

func TestParseXDPAttributes(t *testing.T) {
	for _, b := range [][]byte{
		nil, {1}, {3, 0, 4, 0}, {4, 0, 4, 0}, {8, 0, 4, 0, 1, 0, 0}, {255, 255, 4, 0}, {0, 0, 0, 0}, {5, 0, 2, 0, 1, 0}, {5, 0, 2, 0, 1},
	} {
		if id, generic := parseXDP(b); id != 0 || generic {
			t.Errorf("%v: %d, %v", b, id, generic)
		}
	}
	id, generic := parseXDP([]byte{5, 0, unix.IFLA_XDP_ATTACHED, 0, 2, 0, 0, 0, 8, 0, unix.IFLA_XDP_PROG_ID, 0, 7, 0, 0, 0})
	if id != 7 || !generic {
		t.Errorf("%d, %v", id, generic)
	}
}
