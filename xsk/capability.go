// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// needed are the capabilities that opening sockets and attaching a program
// takes (P33), and which others imply them.
var needed = []struct {
	name string
	bits uint64
}{
	{"CAP_NET_RAW", 1 << unix.CAP_NET_RAW},
	{"CAP_NET_ADMIN", 1 << unix.CAP_NET_ADMIN},
	{"CAP_BPF", 1<<unix.CAP_BPF | 1<<unix.CAP_SYS_ADMIN}, // bpf_capable in linux/capability.h
}

// MissingCapabilities returns which of CAP_NET_RAW (sockets), CAP_NET_ADMIN
// (attaching) and CAP_BPF (loading) the process lacks.
func MissingCapabilities() ([]string, error) {
	effective, err := effectiveCapabilities()
	if err != nil {
		return nil, err
	}
	return missingFrom(effective), nil
}

func missingFrom(effective uint64) (missing []string) {
	for _, c := range needed {
		if effective&c.bits == 0 {
			missing = append(missing, c.name)
		}
	}
	return missing
}

// effectiveCapabilities reads CapEff of the calling thread
// (proc_pid_status(5)).
func effectiveCapabilities() (uint64, error) {
	status, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(status) {
		if v, ok := bytes.CutPrefix(line, []byte("CapEff:")); ok {
			return strconv.ParseUint(string(bytes.TrimSpace(v)), 16, 64)
		}
	}
	return 0, fmt.Errorf("no CapEff in /proc/thread-self/status")
}

// capabilityHint says which capability is missing and how to give it.
func capabilityHint() string {
	missing, err := MissingCapabilities()
	if err != nil {
		return "run as root (sudo)"
	}
	if len(missing) == 0 {
		return "no capability is missing here, so the refusal is of another kind: a user namespace (capabilities for BPF count in the first " +
			"one alone), a seccomp filter, or a security module"
	}
	exe, err := os.Executable()
	if err != nil {
		exe = "PROGRAM"
	}
	verb := "is"
	if len(missing) > 1 {
		verb = "are"
	}
	return fmt.Sprintf("%s %s missing: run with sudo, or: sudo setcap cap_net_raw,cap_net_admin,cap_bpf+ep %s",
		strings.Join(missing, ", "), verb, exe)
}

// memlockHint says how much locked memory is needed, what the limit is, and how
// to raise it (P32).
func memlockHint(need int) string {
	limit := "unknown"
	var r unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_MEMLOCK, &r) == nil {
		limit = fmt.Sprintf("%d", r.Cur)
	}
	return fmt.Sprintf("the UMEM needs %d bytes of locked memory, the limit of this user is %s, less what is in use: ulimit -l unlimited "+
		"(systemd: LimitMEMLOCK=infinity), or give the program CAP_IPC_LOCK, or use fewer chunks", need, limit)
}
