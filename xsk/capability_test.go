// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// withoutCapabilities runs a helper from a thread that gave up capabilities for
// good: root's child has what the bounding set leaves (capabilities(7)).
func withoutCapabilities(t *testing.T, cmd *exec.Cmd, drop ...uintptr) string {
	t.Helper()
	ns, err := netns.Get()
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	var out []byte
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		done <- func() error {
			if err := netns.Set(ns); err != nil {
				return err
			}
			for _, c := range drop {
				if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil {
					return err
				}
			}
			var err error
			out, err = cmd.Output()
			return err
		}()
	}()
	if err := <-done; err != nil {
		t.Fatalf("helper: %v: %s", err, out)
	}
	return string(out)
}

// TestMissingCapability takes away each capability in turn: the error names it,
// and how to give it (P33).
func TestMissingCapability(t *testing.T) {
	enterNamespace(t)
	w := newWire(t, 1)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cure := func(missing string) string {
		return fmt.Sprintf("%s missing: run with sudo, or: sudo setcap cap_net_raw,cap_net_admin,cap_bpf+ep %s", missing, exe)
	}
	for _, c := range []struct {
		name         string
		drop         []uintptr
		attach, open string // their errors; empty: none
	}{
		{"nothing", nil, "", ""},
		{"net_raw", []uintptr{unix.CAP_NET_RAW}, "", "socket: operation not permitted; " + cure("CAP_NET_RAW is")},
		{"bpf", []uintptr{unix.CAP_BPF, unix.CAP_SYS_ADMIN}, "make XSKMAP: bpf: operation not permitted; " + cure("CAP_BPF is"), ""},
		{"net_admin", []uintptr{unix.CAP_NET_ADMIN, unix.CAP_SYS_ADMIN}, "bpf: operation not permitted; " + cure("CAP_NET_ADMIN is"), ""},
		{"all", []uintptr{unix.CAP_BPF, unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN, unix.CAP_NET_RAW},
			cure("CAP_NET_RAW, CAP_NET_ADMIN, CAP_BPF are"), cure("CAP_NET_RAW, CAP_NET_ADMIN, CAP_BPF are")},
	} {
		t.Logf("without %s", c.name) // no t.Run: its goroutine would not be in the namespace
		check(t, withoutCapabilities(t, helper(t, "tries", w.dut), c.drop...), w.dut, c.attach, c.open)
	}
}

// check compares what the helper printed.
func check(t *testing.T, out, name, attach, open string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 2 {
		t.Fatalf("%q", out)
	}
	for i, want := range []struct{ start, end string }{
		{"attach: attach redirect program on " + name + ": ", attach},
		{"open: open AF_XDP socket on " + name + " queue 0: ", open},
	} {
		switch {
		case want.end == "":
			if !strings.HasSuffix(lines[i], ": <nil>") {
				t.Errorf("%s, want no error", lines[i])
			}
		case !strings.HasPrefix(lines[i], want.start) || !strings.HasSuffix(lines[i], want.end):
			t.Errorf("%s\nwant %s ... %s", lines[i], want.start, want.end)
		}
	}
}

// TestUnprivilegedUser is anybody's first try.
func TestUnprivilegedUser(t *testing.T) {
	enterNamespace(t)
	w := newWire(t, 1)
	cmd := helper(t, "tries", w.dut)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	// The directory of the test binary is root's alone.
	exe, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer exe.Close()
	cmd.ExtraFiles, cmd.Path = []*os.File{exe}, "/proc/self/fd/3"
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if !strings.Contains(line, "operation not permitted; CAP_NET_RAW, CAP_NET_ADMIN, CAP_BPF are missing: run with sudo") {
			t.Error(line)
		}
	}
}

// TestMemlock has a limit that the UMEM exceeds (P32).
func TestMemlock(t *testing.T) {
	enterNamespace(t)
	w := newWire(t, 1)
	const limit = 1 << 20
	out := withoutCapabilities(t, helper(t, "tries", w.dut, fmt.Sprint(limit)), unix.CAP_IPC_LOCK)
	check(t, out, w.dut, "", fmt.Sprintf("locked-memory limit too low: setsockopt XDP_UMEM_REG: no buffer space available; "+
		"the UMEM needs %d bytes of locked memory, the limit of this user is %d, less what is in use: ulimit -l unlimited "+
		"(systemd: LimitMEMLOCK=infinity), or give the program CAP_IPC_LOCK, or use fewer chunks", 4096*2048, limit))
}

func TestMissingFrom(t *testing.T) {
	for _, c := range []struct {
		effective uint64
		want      string
	}{
		{0, "CAP_NET_RAW CAP_NET_ADMIN CAP_BPF"},
		{^uint64(0), ""},
		{1<<13 | 1<<12 | 1<<39, ""}, // the numbers of linux/capability.h
		{1<<13 | 1<<12 | 1<<21, ""}, // CAP_SYS_ADMIN was CAP_BPF before there was one, and still implies it
		{1<<12 | 1<<39, "CAP_NET_RAW"},
		{1<<13 | 1<<39, "CAP_NET_ADMIN"},
		{1<<13 | 1<<12, "CAP_BPF"},
	} {
		if got := strings.Join(missingFrom(c.effective), " "); got != c.want {
			t.Errorf("%#x: %q, want %q", c.effective, got, c.want)
		}
	}
}

func TestMissingCapabilitiesOfThis(t *testing.T) {
	missing, err := MissingCapabilities()
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 && len(missing) == len(needed) {
		t.Skip("root without any capability")
	}
	hint := capabilityHint()
	if len(missing) == 0 && !strings.Contains(hint, "user namespace") || len(missing) > 0 && !strings.Contains(hint, missing[0]) {
		t.Errorf("%q are missing: %s", missing, hint)
	}
}
