// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pvlua/xsk"
)

// healthy are facts in which doctor finds nothing to complain of.
func healthy() *doctorFacts {
	return &doctorFacts{
		doctorOptions: doctorOptions{name: "eth7", trial: true, frames: xsk.Config{}.Defaults(1500)},
		machine: machineFacts{
			kernel: "6.18.44-amd64", ipcLock: true, memlock: 8 << 20, root: true, cpus: 4, exe: "/usr/bin/pvlua",
		},
		link: linkFacts{
			name: "eth7", exists: true, index: 7, kind: "device", ethernet: true, up: true, carrier: true, promisc: true,
			mtu: 1500, queues: 1, driver: "ixgbe", features: map[string]bool{"rx-gro": true, "rx-checksum": true}, passTried: true,
		},
		trial: trialFacts{done: true, attach: xsk.Native, zeroCopy: true},
	}
}

// veth makes the facts those of a veth with its peer in a namespace.
func veth(f *doctorFacts) {
	f.link.kind, f.link.driver, f.link.qdisc = "veth", "veth", "pfifo"
	f.trial.zeroCopy = false
	f.peer = &peerFacts{name: "veth0", place: "namespace lab", prefix: "ip netns exec lab ", features: map[string]bool{}}
}

const healthyReport = `ok    kernel      6.18.44-amd64
ok    capability  CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF are there
ok    interface   eth7 is Ethernet, up, driver ixgbe
ok    mtu         1500 bytes, chunks of 2048 hold frames up to 1792
ok    queues      1, so one thread and one Lua state
ok    memory      8 MiB of frames; the memlock limit does not count, with CAP_IPC_LOCK
ok    xdp         no other XDP program is attached
ok    pass        what a script passes reaches the kernel's own stack
ok    offloads    none that spoils frames at eth7
ok    trial       native zero-copy (attached for a moment, a socket opened on queue 0, all taken away again)

pvlua can run on eth7, in mode native zero-copy.
`

func TestDoctorIsContent(t *testing.T) {
	var out bytes.Buffer
	if status := judge(healthy(), &out); status != exitOK || out.String() != healthyReport {
		t.Errorf("status %d, report\n%s\nwant\n%s", status, out.String(), healthyReport)
	}
}

// TestDoctorFindings changes one thing about a healthy interface at a time. want is
// all that this changes in the report, without the verdict.
func TestDoctorFindings(t *testing.T) {
	xskError := func(kind error, op, hint string) error {
		return &xsk.Error{Op: op, Interface: "eth7", Queue: -1, Err: kind, Hint: hint}
	}
	for _, c := range []struct {
		name string
		edit func(*doctorFacts)
		want string
	}{
		{"old kernel", func(f *doctorFacts) { f.machine.kernel = "5.10.15-generic" }, `
FAIL  kernel      5.10.15-generic is too old: pvlua needs Linux 5.11 or later
                  install a newer kernel; Debian 12 has 6.1, Debian 13 has 6.12`},
		{"the oldest kernel that will do", func(f *doctorFacts) { f.machine.kernel = "5.11.0" }, `
ok    kernel      5.11.0 (6.17 and later send more than 32 packets in a system call)`},
		{"the next major version", func(f *doctorFacts) { f.machine.kernel = "7.2.13" }, `
ok    kernel      7.2.13`},
		{"a kernel without a version", func(f *doctorFacts) { f.machine.kernel = "custom" }, `
warn  kernel      "custom" is no version: pvlua needs Linux 5.11 or later`},
		{"no BPF compiler", func(f *doctorFacts) { f.machine.jitOff = true }, `
warn  kernel      the BPF compiler is off: the XDP program is interpreted, for every packet
                  sysctl net.core.bpf_jit_enable=1`},
		{"one capability missing", func(f *doctorFacts) { f.machine.missing, f.machine.root = []string{"CAP_BPF"}, false }, `
FAIL  capability  CAP_BPF is missing
                  sudo /usr/bin/pvlua doctor eth7
                  sudo setcap cap_net_raw,cap_net_admin,cap_bpf,cap_ipc_lock+ep /usr/bin/pvlua`},
		{"root without capabilities", func(f *doctorFacts) { f.machine.missing = []string{"CAP_NET_ADMIN", "CAP_BPF"} }, `
FAIL  capability  CAP_NET_ADMIN, CAP_BPF are missing
                  containers: --cap-add NET_RAW --cap-add NET_ADMIN --cap-add BPF --cap-add IPC_LOCK`},
		{"no new privileges", func(f *doctorFacts) {
			f.machine.missing, f.machine.root, f.machine.noNewPrivs = []string{"CAP_BPF"}, false, true
		}, `
FAIL  capability  CAP_BPF is missing, and this process can gain none (no_new_privs)
                  systemd: AmbientCapabilities=CAP_NET_RAW CAP_NET_ADMIN CAP_BPF CAP_IPC_LOCK in the unit
                  containers: --cap-add NET_RAW --cap-add NET_ADMIN --cap-add BPF --cap-add IPC_LOCK`},
		{"in a user namespace", func(f *doctorFacts) { f.machine.userNS = true }, `
FAIL  capability  the capabilities are those of a user namespace, and for BPF only those outside of any count
                  run it as root of the machine itself: not in a rootless container, not below unshare -U`},
		{"memory within the limit", func(f *doctorFacts) { f.machine.ipcLock = false }, `
ok    memory      8 MiB of frames; the memlock limit is 8 MiB, less what else this user has locked`},
		{"memory without limit", func(f *doctorFacts) { f.machine.ipcLock, f.machine.memlock = false, unix.RLIM_INFINITY }, `
ok    memory      8 MiB of frames; the memlock limit is unlimited`},
		{"memory beyond the limit", func(f *doctorFacts) { f.machine.ipcLock, f.link.queues, f.machine.root = false, 2, false }, `
ok    queues      2, each with a thread and a Lua state of its own; the card spreads flows over them (ethtool -x eth7)
FAIL  memory      16 MiB of frames (8 MiB for each of 2 queues) are more than the memlock limit of 8 MiB allows
                  sudo prlimit --memlock=unlimited --pid $$    (for this shell and what it starts)
                  sudo setcap cap_net_raw,cap_net_admin,cap_bpf,cap_ipc_lock+ep /usr/bin/pvlua
                  pvlua --chunk-count 2048 ...`},
		{"next to no memory", func(f *doctorFacts) { f.machine.ipcLock, f.machine.memlock = false, 64<<10 }, `
FAIL  memory      8 MiB of frames are more than the memlock limit of 64 KiB allows
                  sudo prlimit --memlock=unlimited --pid $$    (for this shell and what it starts)`},
		{"down", func(f *doctorFacts) { f.link.up, f.link.carrier = false, false }, `
FAIL  interface   eth7 is down
                  ip link set dev eth7 up`},
		{"down, asked for by nobody in particular", func(f *doctorFacts) { f.link.up, f.machine.root = false, false }, `
FAIL  interface   eth7 is down
                  sudo ip link set dev eth7 up`},
		{"down, in a namespace that the shell is not in", func(f *doctorFacts) { f.link.up, f.machine.prefix = false, "ip netns exec lab " }, `
FAIL  interface   eth7 is down
                  ip netns exec lab ip link set dev eth7 up`},
		{"no carrier", func(f *doctorFacts) { f.link.carrier = false }, `
warn  interface   eth7 is up, but has no carrier: nothing will arrive (driver ixgbe)
                  plug the cable in, or bring the other end up`},
		{"no carrier on a veth", func(f *doctorFacts) { veth(f); f.link.carrier = false }, `
warn  interface   eth7 is up, but has no carrier: nothing will arrive (driver veth)
                  ip netns exec lab ip link set dev veth0 up
ok    peer        veth0 in namespace lab has no offload on that spoils frames
ok    trial       native copy (attached for a moment, a socket opened on queue 0, all taken away again)`},
		{"no Ethernet", func(f *doctorFacts) { f.link.ethernet, f.link.encap = false, "loopback" }, `
FAIL  interface   eth7 is no Ethernet interface (loopback): pvlua handles Ethernet frames
                  /usr/bin/pvlua lab up    (makes veth0 to veth3 to try things on)`},
		{"absent", func(f *doctorFacts) {
			f.link = linkFacts{name: "eth7", lookup: os.ErrNotExist, others: []string{"eth0", "eth1"}}
		}, `
FAIL  interface   there is no eth7 here
                  choose one of eth0, eth1`},
		{"absent, and nothing else there", func(f *doctorFacts) { f.link = linkFacts{name: "eth7", lookup: os.ErrNotExist} }, `
FAIL  interface   there is no eth7 here
                  /usr/bin/pvlua lab up    (makes veth0 to veth3 to try things on)`},
		{"in another namespace", func(f *doctorFacts) {
			f.link = linkFacts{name: "eth7", lookup: os.ErrNotExist, others: []string{"eth0"}, elsewhere: []string{"test1"}}
		}, `
FAIL  interface   there is no eth7 here, but in another network namespace
                  ip netns exec test1 /usr/bin/pvlua doctor eth7`},
		{"not to be looked up", func(f *doctorFacts) { f.link = linkFacts{name: "eth7", lookup: errors.New("netlink: out of order")} }, `
FAIL  interface   eth7 cannot be looked up: netlink: out of order`},
		{"MTU beyond a chosen chunk", func(f *doctorFacts) { f.link.mtu = 3000 }, `
FAIL  mtu         frames of an MTU of 3000 do not fit chunks of 2048, which hold 1792 bytes
                  pvlua --chunk-size 4096 ...`},
		{"MTU beyond any chunk", func(f *doctorFacts) { f.link.mtu, f.frames = 9000, xsk.Config{}.Defaults(9000) }, `
FAIL  mtu         frames of an MTU of 9000 do not fit chunks of 4096, which hold 3840 bytes
                  ip link set dev eth7 mtu 3822    (and at the other hosts of its network)
ok    memory      16 MiB of frames; the memlock limit does not count, with CAP_IPC_LOCK`},
		{"more queues than CPUs", func(f *doctorFacts) { f.link.queues = 64 }, `
note  queues      64, each with a thread and a Lua state of its own, but only 4 CPUs for them
                  ethtool -L eth7 combined 4
ok    memory      512 MiB of frames (8 MiB for each of 64 queues); the memlock limit does not count, with CAP_IPC_LOCK`},
		{"a veth of several queues", func(f *doctorFacts) { veth(f); f.link.queues = 4 }, `
ok    interface   eth7 is Ethernet, up, driver veth
ok    queues      4, each with a thread and a Lua state of its own; packets come in on the queue that the peer sends them by
ok    memory      32 MiB of frames (8 MiB for each of 4 queues); the memlock limit does not count, with CAP_IPC_LOCK
ok    peer        veth0 in namespace lab has no offload on that spoils frames
ok    trial       native copy (attached for a moment, a socket opened on queue 0, all taken away again)`},
		{"a veth of several queues in generic mode", func(f *doctorFacts) {
			veth(f)
			f.link.queues, f.link.features, f.mode, f.trial.attach = 4, nil, xsk.ModeGeneric, xsk.Generic
		}, `
ok    interface   eth7 is Ethernet, up, driver veth
note  queues      4, but in generic mode a veth gives queue 0 the packets of two queues, and the last queue none
ok    memory      32 MiB of frames (8 MiB for each of 4 queues); the memlock limit does not count, with CAP_IPC_LOCK
ok    peer        veth0 in namespace lab has no offload on that spoils frames
ok    trial       generic copy (attached for a moment, a socket opened on queue 0, all taken away again)`},
		{"a foreign program", func(f *doctorFacts) {
			f.link.foreign = true
			f.link.program = xsk.AttachedProgram{ID: 12, Name: "xsk_def_prog", Link: 3, PID: 44, Command: "xdpsock"}
		}, `
FAIL  xdp         program 12 (xsk_def_prog) is attached in native mode, by bpf_link 3 of process 44 (xdpsock)
                  kill 44
                  bpftool link detach id 3`},
		{"a foreign program, seen without rights", func(f *doctorFacts) {
			f.machine.missing, f.machine.root = []string{"CAP_BPF"}, false
			f.link.foreign, f.link.program = true, xsk.AttachedProgram{ID: 12}
		}, `
FAIL  capability  CAP_BPF is missing
                  sudo /usr/bin/pvlua doctor eth7
                  sudo setcap cap_net_raw,cap_net_admin,cap_bpf,cap_ipc_lock+ep /usr/bin/pvlua
FAIL  xdp         program 12 is attached in native mode
                  sudo /usr/bin/pvlua doctor eth7    (as root it can tell whose it is)`},
		{"PASS does not work", func(f *doctorFacts) { f.link.pass = errors.New("loading the program: invalid argument") }, `
warn  pass        what a script passes does not reach the kernel's stack: loading the program: invalid argument`},
		{"VLAN tags stripped", func(f *doctorFacts) { f.link.features["rx-vlan-hw-parse"] = true }, `
warn  offloads    at eth7: VLAN tags are taken off before a script sees them
                  ethtool -K eth7 rxvlan off`},
		{"merging matters in generic mode", func(f *doctorFacts) {
			f.link.features["rx-lro"] = true
			f.trial = trialFacts{done: true, attach: xsk.Generic}
		}, `
warn  offloads    at eth7: the card merges frames into ones that are too long; the kernel merges frames into ones that are too long
                  ethtool -K eth7 lro off gro off
ok    trial       generic copy (attached for a moment, a socket opened on queue 0, all taken away again)`},
		{"a veth", veth, `
ok    interface   eth7 is Ethernet, up, driver veth
ok    peer        veth0 in namespace lab has no offload on that spoils frames
ok    trial       native copy (attached for a moment, a socket opened on queue 0, all taken away again)`},
		{"a veth that takes redirected frames", func(f *doctorFacts) {
			veth(f)
			f.link.redirect, f.link.redirectKnown = true, true
		}, `
ok    interface   eth7 is Ethernet, up, driver veth
ok    peer        veth0 in namespace lab has no offload on that spoils frames
ok    transmit    many frames at once leave by the injector
ok    trial       native copy (attached for a moment, a socket opened on queue 0, all taken away again)`},
		{"a veth that takes none", func(f *doctorFacts) { veth(f); f.link.redirectKnown = true }, `
ok    interface   eth7 is Ethernet, up, driver veth
ok    peer        veth0 in namespace lab has no offload on that spoils frames
note  transmit    the other end of eth7 has neither an XDP program nor GRO, so it takes no redirected frames:
                  many at once leave by AF_XDP's ring, which takes two or three times as long
                  ip netns exec lab ethtool -K veth0 gro on
ok    trial       native copy (attached for a moment, a socket opened on queue 0, all taken away again)`},
		{"a veth whose peer is not to be found", func(f *doctorFacts) { veth(f); f.peer = nil }, `
ok    interface   eth7 is Ethernet, up, driver veth
note  peer        the other end of eth7 cannot be seen from here; its offloads can hide VLAN tags and,
                  in generic mode, send frames that are too long
                  ethtool -K PEER txvlan off tso off gso off    (there, with its name for PEER)
ok    trial       native copy (attached for a moment, a socket opened on queue 0, all taken away again)`},
		{"a peer that offloads, native", func(f *doctorFacts) { veth(f); offloading(f) }, `
ok    interface   eth7 is Ethernet, up, driver veth
warn  peer        at veth0 in namespace lab: VLAN tags travel beside the frame, where no script sees them
                  ip netns exec lab ethtool -K veth0 txvlan off
note  peer        veth0 in namespace lab leaves checksums undone, which pvlua then does; this makes the sender do them
                  ip netns exec lab ethtool -K veth0 tx off
ok    trial       native copy (attached for a moment, a socket opened on queue 0, all taken away again)`},
		{"a peer that offloads, generic mode wanted", func(f *doctorFacts) {
			veth(f)
			offloading(f)
			f.mode, f.trial = xsk.ModeGeneric, trialFacts{skipped: "not tried, as you wish"}
		}, `
ok    interface   eth7 is Ethernet, up, driver veth
warn  offloads    at eth7: the kernel merges frames into ones that are too long
                  ethtool -K eth7 gro off
warn  peer        at veth0 in namespace lab: VLAN tags travel beside the frame, where no script sees them; it sends frames of up to 64 KiB, which are too long
                  ip netns exec lab ethtool -K veth0 txvlan off tso off gso off
note  peer        veth0 in namespace lab leaves checksums undone, which pvlua then does; this makes the sender do them
                  ip netns exec lab ethtool -K veth0 tx off
note  trial       not tried, as you wish`},
		{"a veth without a qdisc", func(f *doctorFacts) { veth(f); f.link.qdisc = "noqueue" }, `
ok    interface   eth7 is Ethernet, up, driver veth
ok    peer        veth0 in namespace lab has no offload on that spoils frames
note  overload    a veth without a qdisc loses silently what its peer is too slow for
                  tc qdisc add dev eth7 root pfifo limit 1000
ok    trial       native copy (attached for a moment, a socket opened on queue 0, all taken away again)`},
		{"not promiscuous", func(f *doctorFacts) { f.link.promisc = false }, `
note  addresses   it receives frames to its own address; scripts that forward want those to others too
                  ip link set dev eth7 promisc on`},
		{"the default route", func(f *doctorFacts) { f.link.defaultRoute = true }, `
note  route       the default route goes over eth7: what the script leaves alone goes on working,
                  but one that drops or answers too much cuts this machine off
                  /usr/bin/pvlua lab up    (makes veth0 to veth3 to try a script on first)`},
		{"no trial wanted", func(f *doctorFacts) { f.trial = trialFacts{skipped: "not tried, as you wish"} }, `
note  trial       not tried, as you wish
note  trial       some cards lose their link for seconds when XDP is attached`},
		{"no zero-copy", func(f *doctorFacts) {
			f.trial.zeroCopy, f.trial.steps = false, []error{fmt.Errorf("%w: %w", xsk.ErrNoZeroCopy, unix.EOPNOTSUPP)}
		}, `
note  trial       the driver has no zero-copy: packets are copied into the frames
ok    trial       native copy (attached for a moment, a socket opened on queue 0, all taken away again)`},
		{"a step down", func(f *doctorFacts) {
			f.trial = trialFacts{done: true, attach: xsk.Generic, steps: []error{xskError(unix.ERANGE, "attach redirect program", "the MTU is too big")}}
			f.link.features = nil
		}, `
warn  trial       attach redirect program on eth7: numerical result out of range
                  the MTU is too big
ok    trial       generic copy (attached for a moment, a socket opened on queue 0, all taken away again)`},
		{"nothing works", func(f *doctorFacts) {
			f.trial = trialFacts{err: xskError(unix.EINVAL, "open AF_XDP socket", "use chunks of 2048 bytes")}
		}, `
FAIL  trial       it was tried, and failed: open AF_XDP socket on eth7: invalid argument
                  use chunks of 2048 bytes`},
		{"zero-copy wanted in vain", func(f *doctorFacts) {
			f.mode, f.trial = xsk.ModeZeroCopy, trialFacts{err: fmt.Errorf("%w: %w", xsk.ErrNoZeroCopy, unix.EOPNOTSUPP)}
		}, `
FAIL  trial       it was tried, and failed: no zero-copy: operation not supported
                  pvlua --mode native ...    (copies where the driver cannot do without)`},
		{"a card that loses its link", func(f *doctorFacts) { f.trial.flaps, f.trial.flapped = 2, 2300*time.Millisecond }, `
warn  trial       the link of eth7 was lost meanwhile, and was back after 2.3 s: so it will be
                  whenever pvlua starts or ends
                  pvlua --mode generic ...    (slower, but it leaves the card alone)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := healthy()
			c.edit(f)
			var out bytes.Buffer
			status := judge(f, &out)
			if got, want := changed(out.String()), strings.TrimPrefix(c.want, "\n"); got != want {
				t.Errorf("it says\n%s\nwant\n%s", got, want)
			}
			if failed := strings.Contains(c.want, "FAIL"); (status == exitFailed) != failed || (status == exitOK) == failed {
				t.Errorf("status %d", status)
			}
		})
	}
}

func offloading(f *doctorFacts) {
	for _, name := range []string{"tx-vlan-hw-insert", "tx-tcp-segmentation", "tx-tcp6-segmentation", "tx-generic-segmentation", "tx-checksum-ip-generic"} {
		f.peer.features[name] = true
	}
}

// changed returns the findings of a report that the healthy one has not.
func changed(report string) string {
	findings, _, _ := strings.Cut(report, "\n\n")
	// A finding goes on while lines are indented.
	blocks := strings.Split(strings.ReplaceAll(findings, "\n"+cureIndent, "\x00"), "\n")
	blocks = slices.DeleteFunc(blocks, func(b string) bool { return strings.Contains(healthyReport, b+"\n") })
	return strings.ReplaceAll(strings.Join(blocks, "\n"), "\x00", "\n"+cureIndent)
}

const cureIndent = "                  "

func TestDoctorVerdicts(t *testing.T) {
	for _, c := range []struct {
		edit func(*doctorFacts)
		want string
	}{
		{func(f *doctorFacts) {}, "pvlua can run on eth7, in mode native zero-copy."},
		{func(f *doctorFacts) { f.trial = trialFacts{skipped: "no"} }, "pvlua can probably run on eth7: nothing speaks against it, but it was not tried."},
		{func(f *doctorFacts) { f.link.up = false }, "pvlua cannot run on eth7: cure what says FAIL, then ask again."},
		{func(f *doctorFacts) { f.machine.kernel, f.link.up = "4.19.0", false }, "pvlua cannot run on eth7: cure the 2 that say FAIL, then ask again."},
	} {
		f := healthy()
		c.edit(f)
		var out bytes.Buffer
		judge(f, &out)
		if !strings.HasSuffix(out.String(), "\n\n"+c.want+"\n") {
			t.Errorf("got\n%s\nwant the verdict %q", out.String(), c.want)
		}
	}
}

// TestEveryFailureNamesACure is what doctor is for.
func TestEveryFailureNamesACure(t *testing.T) {
	for name, edit := range map[string]func(*doctorFacts){
		"kernel":      func(f *doctorFacts) { f.machine.kernel = "4.4.0" },
		"capability":  func(f *doctorFacts) { f.machine.missing = []string{"CAP_BPF"} },
		"user ns":     func(f *doctorFacts) { f.machine.userNS = true },
		"memory":      func(f *doctorFacts) { f.machine.ipcLock, f.machine.memlock = false, 1 },
		"down":        func(f *doctorFacts) { f.link.up = false },
		"absent":      func(f *doctorFacts) { f.link = linkFacts{name: "eth7", lookup: os.ErrNotExist} },
		"no Ethernet": func(f *doctorFacts) { f.link.ethernet = false },
		"MTU":         func(f *doctorFacts) { f.link.mtu = 65000 },
		"foreign":     func(f *doctorFacts) { f.link.foreign, f.link.program.ID = true, 1 },
	} {
		f := healthy()
		edit(f)
		failures := 0
		for _, check := range doctorChecks {
			for _, found := range check(f) {
				if found.level == levelFail {
					failures++
					if len(found.cures) == 0 || found.cures[0] == "" {
						t.Errorf("%s: no cure for %q", name, found.text)
					}
				}
			}
		}
		if failures != 1 {
			t.Errorf("%s: %d failures, want one alone", name, failures)
		}
	}
}

func TestNothingIsTriedOnWhatIsUnfit(t *testing.T) {
	for name, edit := range map[string]func(*doctorFacts){
		"as wished":   func(f *doctorFacts) { f.doctorOptions.trial = false },
		"capability":  func(f *doctorFacts) { f.machine.missing = []string{"CAP_BPF"} },
		"down":        func(f *doctorFacts) { f.link.up = false },
		"no Ethernet": func(f *doctorFacts) { f.link.ethernet = false },
		"foreign":     func(f *doctorFacts) { f.link.foreign = true },
	} {
		f := healthy()
		edit(f)
		if f.whyNoTrial() == "" {
			t.Errorf("%s: it would be tried", name)
		}
	}
	if why := healthy().whyNoTrial(); why != "" {
		t.Errorf("healthy: %s", why)
	}
}

func TestKernelVersion(t *testing.T) {
	for release, want := range map[string][2]int{
		"6.18.44-fc-v669": {6, 18}, "5.18.0-rc1": {5, 18}, "7.2": {7, 2}, "6.1.0-13-amd64": {6, 1}, "4.4.0-19041-Microsoft": {4, 4},
	} {
		if major, minor, err := kernelVersion(release); err != nil || [2]int{major, minor} != want {
			t.Errorf("%s: %d.%d, %v", release, major, minor, err)
		}
	}
	for _, release := range []string{"", "linux", "6", "99999999999999999999.1"} {
		if _, _, err := kernelVersion(release); err == nil {
			t.Errorf("%q has no version, but no error", release)
		}
	}
}

func TestBytesText(t *testing.T) {
	for n, want := range map[uint64]string{0: "0 bytes", 1023: "1023 bytes", 1024: "1 KiB", 8 << 20: "8 MiB", 3 << 29: "1.5 GiB", 65<<20 + 512<<10: "65.5 MiB"} {
		if got := bytesText(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
