// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// pvlua needs Linux 5.11: from then on the memory of BPF maps counts against
// the cgroup, not against RLIMIT_MEMLOCK. XDP programs attached by bpf_link came
// with 5.9, a UMEM shared by several interfaces with 5.10.
const needMajor, needMinor = 5, 11

// checkKernel looks at the version, and at what slows the kernel down.
func checkKernel(f *doctorFacts) []finding {
	const topic = "kernel"
	release := f.machine.kernel
	major, minor, err := kernelVersion(release)
	older := func(a, b int) bool { return major < a || major == a && minor < b }
	var found []finding
	switch {
	case err != nil:
		found = append(found, warn(topic, "%q is no version: pvlua needs Linux %d.%d or later", release, needMajor, needMinor))
	case older(needMajor, needMinor):
		found = append(found, fail(topic, "%s is too old: pvlua needs Linux %d.%d or later", release, needMajor, needMinor).
			cure("install a newer kernel; Debian 12 has 6.1, Debian 13 has 6.12"))
	case older(6, 17):
		found = append(found, ok(topic, "%s (6.17 and later send more than 32 packets in a system call)", release))
	default:
		found = append(found, ok(topic, "%s", release))
	}
	if f.machine.jitOff {
		found = append(found, warn(topic, "the BPF compiler is off: the XDP program is interpreted, for every packet").
			cure("%s", f.sudo("sysctl net.core.bpf_jit_enable=1")))
	}
	return found
}

// checkCapabilities looks for the rights that attaching takes (P33).
func checkCapabilities(f *doctorFacts) []finding {
	const topic = "capability"
	m := &f.machine
	if len(m.missing) == 0 {
		if m.userNS {
			return []finding{fail(topic, "the capabilities are those of a user namespace, and for BPF only those outside of any count").
				cure("run it as root of the machine itself: not in a rootless container, not below unshare -U")}
		}
		return []finding{ok(topic, "CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF are there")}
	}
	verb := "is"
	if len(m.missing) > 1 {
		verb = "are"
	}
	found := fail(topic, "%s %s missing", strings.Join(m.missing, ", "), verb)
	if m.noNewPrivs {
		found.text += ", and this process can gain none (no_new_privs)"
		return []finding{found.
			cure("systemd: AmbientCapabilities=CAP_NET_RAW CAP_NET_ADMIN CAP_BPF CAP_IPC_LOCK in the unit").
			cure("containers: --cap-add NET_RAW --cap-add NET_ADMIN --cap-add BPF --cap-add IPC_LOCK")}
	}
	if m.root {
		return []finding{found.
			cure("containers: --cap-add NET_RAW --cap-add NET_ADMIN --cap-add BPF --cap-add IPC_LOCK")}
	}
	return []finding{found.
		cure("sudo %s doctor %s", m.exe, f.name).
		cure("sudo setcap cap_net_raw,cap_net_admin,cap_bpf,cap_ipc_lock+ep %s", m.exe)}
}

// checkMemory compares the frames of all workers, one per queue, with
// RLIMIT_MEMLOCK. The kernel adds them up per user, and does not count at all
// with CAP_IPC_LOCK (P32).
func checkMemory(f *doctorFacts) []finding {
	const topic = "memory"
	if !f.link.ethernet {
		return nil
	}
	queues := uint64(max(1, f.link.queues))
	each := uint64(f.frames.ChunkSize) * uint64(f.frames.ChunkCount)
	what := fmt.Sprintf("%s of frames", bytesText(each*queues))
	if queues > 1 {
		what += fmt.Sprintf(" (%s for each of %d queues)", bytesText(each), queues)
	}
	limit := f.machine.memlock
	switch {
	case f.machine.ipcLock:
		return []finding{ok(topic, "%s; the memlock limit does not count, with CAP_IPC_LOCK", what)}
	case limit == unix.RLIM_INFINITY:
		return []finding{ok(topic, "%s; the memlock limit is unlimited", what)}
	case each*queues <= limit:
		return []finding{ok(topic, "%s; the memlock limit is %s, less what else this user has locked", what, bytesText(limit))}
	}
	found := fail(topic, "%s are more than the memlock limit of %s allows", what, bytesText(limit)).
		cure("sudo prlimit --memlock=unlimited --pid $$    (for this shell and what it starts)")
	if !f.machine.root && !f.machine.noNewPrivs {
		found = found.cure("sudo setcap cap_net_raw,cap_net_admin,cap_bpf,cap_ipc_lock+ep %s", f.machine.exe)
	}
	// Fewer than a ring of them would be no help.
	if fit := limit / queues / uint64(f.frames.ChunkSize); fit >= 64 {
		found = found.cure("pvlua --chunk-count %d ...", powerOfTwoUpTo(fit))
	}
	return []finding{found}
}

func powerOfTwoUpTo(n uint64) uint64 {
	p := uint64(1)
	for p <= n/2 {
		p *= 2
	}
	return p
}

// bytesText writes a number of bytes as a person would.
func bytesText(n uint64) string {
	for _, unit := range []struct {
		size uint64
		name string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if n >= unit.size {
			text := fmt.Sprintf("%.1f", float64(n)/float64(unit.size))
			return strings.TrimSuffix(text, ".0") + " " + unit.name
		}
	}
	return fmt.Sprintf("%d bytes", n)
}
