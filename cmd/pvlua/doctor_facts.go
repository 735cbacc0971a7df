// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"pvlua/xsk"
)

// doctorFacts is all that doctor found out. Where something could not be found
// out it stays zero, and the checks say nothing about it.
type doctorFacts struct {
	doctorOptions
	machine machineFacts
	link    linkFacts
	peer    *peerFacts // nil: no veth, or its peer cannot be found
	trial   trialFacts
}

// machineFacts are those that do not depend on the interface.
type machineFacts struct {
	kernel     string   // uname -r
	jitOff     bool     // net.core.bpf_jit_enable is 0
	missing    []string // capabilities that pvlua needs and the process lacks
	ipcLock    bool     // CAP_IPC_LOCK: memory may be locked without limit
	memlock    uint64   // RLIMIT_MEMLOCK in bytes; unix.RLIM_INFINITY
	userNS     bool     // not in the first user namespace
	noNewPrivs bool     // neither sudo nor setcap gives privileges (prctl(2))
	root       bool     // effective user id 0
	cpus       int      // that this process may run on
	exe        string   // the path of this program
	prefix     string   // runs a command of the reader's shell where doctor runs; see shellPrefix
}

// gatherFacts finds out all there is to know, and tries what o allows.
func gatherFacts(o doctorOptions) *doctorFacts {
	f := &doctorFacts{doctorOptions: o}
	f.machine.gather()
	f.link.gather(o.name)
	if f.link.exists {
		f.peer = findPeer(&f.link)
		f.frames = f.frames.Defaults(f.link.mtu)
	}
	if f.trial.skipped = f.whyNoTrial(); f.trial.skipped == "" {
		f.trial.run(f)
	}
	return f
}

// whyNoTrial says why pvlua should not be tried on the interface; empty: it can.
func (f *doctorFacts) whyNoTrial() string {
	switch {
	case !f.doctorOptions.trial:
		return "not tried, as you wish"
	case slices.ContainsFunc([]func(*doctorFacts) []finding{checkKernel, checkCapabilities, checkInterface, checkMTU, checkMemory, checkProgram},
		func(check func(*doctorFacts) []finding) bool { return failed(check(f)) }):
		return "not tried: cure the above first"
	}
	return ""
}

func failed(found []finding) bool {
	return slices.ContainsFunc(found, func(f finding) bool { return f.level == levelFail })
}

func (m *machineFacts) gather() {
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		m.kernel = unix.ByteSliceToString(name.Release[:])
	}
	if b, err := os.ReadFile("/proc/sys/net/core/bpf_jit_enable"); err == nil {
		m.jitOff = strings.TrimSpace(string(b)) == "0"
	}
	m.missing, _ = xsk.MissingCapabilities()
	status, _ := os.ReadFile("/proc/thread-self/status")
	for line := range strings.Lines(string(status)) {
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch key {
		case "CapEff":
			effective, _ := strconv.ParseUint(value, 16, 64)
			m.ipcLock = effective&(1<<unix.CAP_IPC_LOCK) != 0
		case "NoNewPrivs":
			m.noNewPrivs = value == "1"
		}
	}
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit) == nil {
		m.memlock = limit.Cur
	}
	// The first user namespace maps every id to itself (user_namespaces(7)).
	if b, err := os.ReadFile("/proc/self/uid_map"); err == nil {
		m.userNS = !slices.Equal(strings.Fields(string(b)), []string{"0", "0", "4294967295"})
	}
	m.root = os.Geteuid() == 0
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) == nil {
		m.cpus = set.Count()
	}
	m.exe, _ = os.Executable()
	m.prefix = shellPrefix(threadNamespace)
}

// sudo returns a command as its reader has to type it to get root's rights.
func (f *doctorFacts) sudo(command string) string {
	if f.machine.root {
		return command
	}
	return "sudo " + command
}

// here returns a command, to be run as root in the interface's namespace.
func (f *doctorFacts) here(command string) string { return f.sudo(f.machine.prefix + command) }

var errNoKernelVersion = errors.New("no version")

// kernelVersion reads the first two numbers of a release such as 6.18.44-amd64.
func kernelVersion(release string) (major, minor int, err error) {
	parts := strings.FieldsFunc(release, func(r rune) bool { return r < '0' || r > '9' })
	if len(parts) < 2 {
		return 0, 0, errNoKernelVersion
	}
	if major, err = strconv.Atoi(parts[0]); err == nil {
		minor, err = strconv.Atoi(parts[1])
	}
	return major, minor, err
}
