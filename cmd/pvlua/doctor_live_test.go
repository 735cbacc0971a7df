// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/safchain/ethtool"
	"github.com/vishvananda/netlink"

	"pvlua/internal/labtest"
	"pvlua/xsk"
)

// onLink changes a side's link.
func onLink(t *testing.T, side *labtest.Side, change func(netlink.Link) error) {
	t.Helper()
	side.Do(t, func() error {
		l, err := netlink.LinkByName(side.Link)
		if err != nil {
			return err
		}
		return change(l)
	})
}

func TestDoctorOnRedirectedFrames(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	report := consult(t, lab.B, exitOK, []string{
		"note  transmit    the other end of " + lab.B.Link + " has neither an XDP program nor GRO, so it takes no redirected frames:",
	}, lab.B.Link)
	follow(t, report, levelNote)
	consult(t, lab.B, exitOK, []string{"ok    transmit    many frames at once leave by the injector"}, lab.B.Link)
}

// consult runs doctor in a side's namespace and checks status and findings.
func consult(t *testing.T, side *labtest.Side, status int, want []string, args ...string) (report string) {
	t.Helper()
	got, report := inside(t, side, append([]string{"doctor"}, args...)...)
	if got != status {
		t.Errorf("doctor %v: status %d, want %d:\n%s", args, got, status, report)
	}
	for _, w := range want {
		if !strings.Contains("\n"+report, "\n"+w+"\n") {
			t.Errorf("doctor %v: lacks\n%s\nof\n%s", args, w, report)
		}
	}
	if _, found := program(t, side); found && !strings.Contains(report, "FAIL  xdp ") {
		t.Errorf("doctor %v left a program attached", args)
	}
	return report
}

// follow runs the first cure of each finding at a level, as somebody would who
// pastes it into a shell.
func follow(t *testing.T, report string, at level) {
	t.Helper()
	lines := strings.Split(report, "\n")
	for i, line := range lines {
		if !strings.HasPrefix(line, levelWords[at]+"  ") {
			continue
		}
		for i++; i < len(lines) && strings.HasPrefix(lines[i], cureIndent); i++ {
			command, _, _ := strings.Cut(strings.TrimPrefix(lines[i], cureIndent), "    (")
			if words := strings.Fields(command); len(words) < 2 || !isCommand(words[0]) {
				continue // the text of the finding goes on
			}
			tool(t, "ip")
			tool(t, "ethtool")
			if out, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil {
				t.Errorf("the cure %q: %v\n%s", command, err, out)
			}
			break
		}
	}
}

func isCommand(word string) bool {
	_, err := exec.LookPath(word)
	return err == nil
}

func TestDoctorOnAGoodInterface(t *testing.T) {
	lab := labtest.New(t, labtest.Options{PFIFO: 100})
	for mode, trial := range map[string]string{
		"auto":    "native copy (attached for a moment, a socket opened on queue 0, all taken away again)",
		"native":  "native copy (attached for a moment, a socket opened on queue 0, all taken away again)",
		"copy":    "native copy (attached for a moment, a socket opened on queue 0, all taken away again)",
		"generic": "generic copy (attached for a moment, a socket opened on queue 0, all taken away again)",
	} {
		report := consult(t, lab.B, exitOK, []string{
			"ok    capability  CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF are there",
			"ok    interface   veth1 is Ethernet, up, driver veth",
			"ok    mtu         1500 bytes, chunks of 2048 hold frames up to 1792",
			"ok    queues      1, so one thread and one Lua state",
			"ok    xdp         no other XDP program is attached",
			"ok    pass        what a script passes reaches the kernel's own stack",
			"ok    offloads    none that spoils frames at veth1",
			"ok    peer        veth0 in namespace " + lab.A.NS.Name() + " has no offload on that spoils frames",
			"ok    trial       " + trial,
		}, "veth1", "--mode", mode)
		if strings.Contains(report, "warn") || strings.Contains(report, "overload") {
			t.Errorf("--mode %s: warnings about a lab:\n%s", mode, report)
		}
	}
}

func TestDoctorWithoutTrial(t *testing.T) {
	lab := labtest.New(t, labtest.Options{})
	report := consult(t, lab.B, exitOK, []string{
		"note  trial       not tried, as you wish",
		"pvlua can probably run on veth1: nothing speaks against it, but it was not tried.",
	}, "veth1", "--no-trial")
	follow(t, report, levelNote) // a qdisc, against overload
	if report = consult(t, lab.B, exitOK, nil, "veth1", "--no-trial"); strings.Contains(report, "overload") {
		t.Errorf("the cure did not help:\n%s", report)
	}
}

func TestDoctorZeroCopyByForce(t *testing.T) {
	lab := labtest.New(t, labtest.Options{})
	consult(t, lab.B, exitFailed, []string{
		"FAIL  trial       it was tried, and failed: open AF_XDP socket on veth1 queue 0: no zero-copy: bind: operation not supported\n" +
			cureIndent + "pvlua --mode native ...    (copies where the driver cannot do without)",
	}, "veth1", "--mode", "zerocopy")
}

func TestDoctorOnALinkThatIsDown(t *testing.T) {
	lab := labtest.New(t, labtest.Options{})
	onLink(t, lab.B, netlink.LinkSetDown)
	report := consult(t, lab.B, exitFailed, []string{
		"FAIL  interface   veth1 is down\n" + cureIndent + "ip netns exec " + lab.B.NS.Name() + " ip link set dev veth1 up",
		"note  trial       not tried: cure the above first",
	}, "veth1")
	follow(t, report, levelFail)
	consult(t, lab.B, exitOK, nil, "veth1")

	onLink(t, lab.A, netlink.LinkSetDown)
	report = consult(t, lab.B, exitOK, []string{
		"warn  interface   veth1 is up, but has no carrier: nothing will arrive (driver veth)\n" +
			cureIndent + "ip netns exec " + lab.A.NS.Name() + " ip link set dev veth0 up",
	}, "veth1")
	follow(t, report, levelWarn)
	consult(t, lab.B, exitOK, []string{"ok    interface   veth1 is Ethernet, up, driver veth"}, "veth1")
}

func TestDoctorOnWhatIsNotThere(t *testing.T) {
	lab := labtest.New(t, labtest.Options{})
	consult(t, lab.B, exitFailed, []string{
		"FAIL  interface   there is no veth7 here\n" + cureIndent + "choose one of veth1",
		"pvlua cannot run on veth7: cure what says FAIL, then ask again.",
	}, "veth7")
	report := consult(t, lab.A, exitFailed, []string{"FAIL  interface   there is no veth1 here, but in another network namespace"}, "veth1")
	if want := cureIndent + "ip netns exec " + lab.B.NS.Name() + " "; !strings.Contains(report, want) {
		t.Errorf("lacks %q:\n%s", want, report)
	}
	consult(t, lab.B, exitFailed, []string{"FAIL  interface   lo is no Ethernet interface (loopback): pvlua handles Ethernet frames"}, "lo")
}

func TestDoctorOnAForeignProgram(t *testing.T) {
	lab := labtest.New(t, labtest.Options{})
	pass, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: "somebody", Type: ebpf.XDP, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()}})
	if err != nil {
		t.Fatal(err)
	}
	defer pass.Close()
	// Attached in the old way, by netlink, it stays until it is removed.
	onLink(t, lab.B, func(l netlink.Link) error { return netlink.LinkSetXdpFd(l, pass.FD()) })
	report := consult(t, lab.B, exitFailed, []string{"note  trial       not tried: cure the above first"}, "veth1")
	if !strings.Contains(report, " (somebody) is attached in native mode\n") {
		t.Errorf("the program is not named:\n%s", report)
	}
	follow(t, report, levelFail)
	consult(t, lab.B, exitOK, []string{"ok    xdp         no other XDP program is attached"}, "veth1")

	// By a bpf_link it belongs to a process: this one.
	var theirs *xsk.Program
	lab.B.Do(t, func() (err error) {
		theirs, err = xsk.Attach(xsk.ProgramConfig{Ifindex: lab.B.Ifindex, Queues: 1})
		return err
	})
	report = consult(t, lab.B, exitFailed, nil, "veth1")
	for _, want := range []string{" (pvlua_redirect) is attached in native mode, by bpf_link ", "\n" + cureIndent + "kill ", "\n" + cureIndent + "bpftool link detach id "} {
		if !strings.Contains(report, want) {
			t.Errorf("lacks %q:\n%s", want, report)
		}
	}
	if _, found := program(t, lab.B); !found {
		t.Error("doctor removed the program of another")
	}
	if err := theirs.Close(); err != nil {
		t.Error(err)
	}
}

func TestDoctorOnABigMTU(t *testing.T) {
	lab := labtest.New(t, labtest.Options{MTU: 9000})
	report := consult(t, lab.B, exitFailed, []string{
		"FAIL  mtu         frames of an MTU of 9000 do not fit chunks of 4096, which hold 3840 bytes\n" +
			cureIndent + "ip netns exec " + lab.B.NS.Name() + " ip link set dev veth1 mtu 3822    (and at the other hosts of its network)",
	}, "veth1")
	follow(t, report, levelFail)
	// The peer's MTU is still too big for native mode (P20).
	consult(t, lab.B, exitOK, []string{
		"ok    mtu         3822 bytes, chunks of 4096 hold frames up to 3840",
		"ok    trial       generic copy (attached for a moment, a socket opened on queue 0, all taken away again)",
		"warn  trial       attach redirect program on veth1: native attach: bpf: numerical result out of range\n" +
			cureIndent + "the MTU, on veth that of the peer, is too big for native XDP: lower it (on veth to at most 3506), or use generic mode",
	}, "veth1")
	consult(t, lab.B, exitFailed, []string{
		"FAIL  mtu         frames of an MTU of 3822 do not fit chunks of 2048, which hold 1792 bytes\n" + cureIndent + "pvlua --chunk-size 4096 ...",
	}, "veth1", "-s", "2048")
}

func TestDoctorOnOffloads(t *testing.T) {
	lab := labtest.New(t, labtest.Options{PFIFO: 100})
	lab.A.Do(t, func() error {
		et, err := ethtool.NewEthtool()
		if err != nil {
			return err
		}
		defer et.Close()
		return et.Change(lab.A.Link, map[string]bool{
			"tx-checksum-ip-generic": true, "tx-vlan-hw-insert": true, "tx-tcp-segmentation": true, "tx-generic-segmentation": true,
		})
	})
	peer := "veth0 in namespace " + lab.A.NS.Name()
	cure := "\n" + cureIndent + "ip netns exec " + lab.A.NS.Name() + " ethtool -K veth0 "
	report := consult(t, lab.B, exitOK, []string{
		"warn  peer        at " + peer + ": VLAN tags travel beside the frame, where no script sees them; it sends frames of up to 64 KiB, which are too long" +
			cure + "txvlan off tso off gso off",
		"note  peer        " + peer + " leaves checksums undone, which pvlua then does; this makes the sender do them" + cure + "tx off",
	}, "veth1", "--mode", "generic")
	consult(t, lab.B, exitOK, []string{
		"warn  peer        at " + peer + ": VLAN tags travel beside the frame, where no script sees them" + cure + "txvlan off",
	}, "veth1", "--mode", "native")
	follow(t, report, levelWarn)
	follow(t, report, levelNote)
	consult(t, lab.B, exitOK, []string{"ok    peer        " + peer + " has no offload on that spoils frames"}, "veth1", "--mode", "generic")
}

// newPair makes a veth pair besides the lab's, both ends in B and up.
func newPair(t *testing.T, lab *labtest.Lab, name, peer string) {
	t.Helper()
	lab.B.Do(t, func() error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = name
		pair := netlink.NewVeth(attrs)
		pair.PeerName = peer
		if err := netlink.LinkAdd(pair); err != nil {
			return err
		}
		for _, end := range []string{name, peer} {
			l, err := netlink.LinkByName(end)
			if err == nil {
				err = netlink.LinkSetUp(l)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func TestDoctorFindsAPeerInTheSameNamespace(t *testing.T) {
	lab := labtest.New(t, labtest.Options{})
	newPair(t, lab, "one", "other")
	lab.B.Do(t, func() error {
		l, err := netlink.LinkByName("one")
		if err != nil {
			return err
		}
		if err := netlink.AddrAdd(l, &netlink.Addr{IPNet: netlink.NewIPNet(net.IPv4(192, 0, 2, 1))}); err != nil {
			return err
		}
		return netlink.RouteAdd(&netlink.Route{LinkIndex: l.Attrs().Index, Scope: netlink.SCOPE_LINK,
			Dst: &net.IPNet{IP: net.IPv4zero, Mask: net.CIDRMask(0, 32)}})
	})
	report := consult(t, lab.B, exitOK, []string{
		"warn  peer        at other: VLAN tags travel beside the frame, where no script sees them\n" +
			cureIndent + "ip netns exec " + lab.B.NS.Name() + " ethtool -K other txvlan off",
		"note  route       the default route goes over one: what the script leaves alone goes on working,\n" +
			cureIndent + "but one that drops or answers too much cuts this machine off\n" +
			cureIndent + executable(t) + " lab up    (makes veth0 to veth3 to try a script on first)",
	}, "one")
	follow(t, report, levelWarn)
	if report = consult(t, lab.B, exitOK, nil, "one"); strings.Contains(report, "warn") {
		t.Errorf("the cure did not help:\n%s", report)
	}
}

// TestDoctorFindsAPeerInANamespaceWithoutName has the peer where a container would.
func TestDoctorFindsAPeerInANamespaceWithoutName(t *testing.T) {
	lab := labtest.New(t, labtest.Options{})
	newPair(t, lab, "one", "other")
	container := exec.Command("sleep", "60")
	container.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if err := container.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		container.Process.Kill()
		container.Wait()
	}()
	lab.B.Do(t, func() error {
		l, err := netlink.LinkByName("other")
		if err != nil {
			return err
		}
		return netlink.LinkSetNsPid(l, container.Process.Pid)
	})
	pid := fmt.Sprint(container.Process.Pid)
	report := consult(t, lab.B, exitOK, []string{
		"warn  interface   one is up, but has no carrier: nothing will arrive (driver veth)\n" + // moving it took it down
			cureIndent + "nsenter -t " + pid + " -n ip link set dev other up",
		"warn  peer        at other in the namespace of process " + pid + ": VLAN tags travel beside the frame, where no script sees them\n" +
			cureIndent + "nsenter -t " + pid + " -n ethtool -K other txvlan off",
	}, "one")
	tool(t, "nsenter")
	follow(t, report, levelWarn)
	if report = consult(t, lab.B, exitOK, nil, "one"); strings.Contains(report, "warn") {
		t.Errorf("the cures did not help:\n%s", report)
	}
}

func TestDoctorCountsQueues(t *testing.T) {
	lab := labtest.New(t, labtest.Options{Queues: 128})
	consult(t, lab.B, exitOK, []string{
		"ok    memory      1 GiB of frames (8 MiB for each of 128 queues); the memlock limit does not count, with CAP_IPC_LOCK",
	}, "veth1", "--mode", "generic")
}

func TestDoctorWithoutPrivilege(t *testing.T) {
	lab := labtest.New(t, labtest.Options{})
	cmd := pvlua("doctor", "veth1")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	p := lab.B.StartCmd(t, cmd)
	status, exe := ended(t, p, labtest.RunTimeout), executable(t)
	for _, want := range []string{
		"\nFAIL  capability  CAP_NET_RAW, CAP_NET_ADMIN, CAP_BPF are missing\n" +
			cureIndent + "sudo " + exe + " doctor veth1\n" +
			cureIndent + "sudo setcap cap_net_raw,cap_net_admin,cap_bpf,cap_ipc_lock+ep " + exe + "\n",
		"\nok    interface   veth1 is Ethernet, up, driver veth\n",
		"\nnote  trial       not tried: cure the above first\n",
	} {
		if status != exitFailed || !strings.Contains(p.Output(), want) {
			t.Errorf("status %d, lacks %q:\n%s", status, want, p.Output())
		}
	}
}

// TestDoctorNeedsNoPrivilegeToAnswer runs it on whatever this machine is, as whoever
// runs the tests, on an interface that is always there and never will do.
func TestDoctorNeedsNoPrivilegeToAnswer(t *testing.T) {
	cmd := pvlua("doctor", "lo")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != exitFailed || !strings.Contains(string(out), "FAIL  interface   lo is no Ethernet interface") {
		t.Errorf("%v:\n%s", err, out)
	}
	if os.Geteuid() != 0 && !strings.Contains(string(out), "sudo ") {
		t.Errorf("no sudo in the cures:\n%s", out)
	}
}
