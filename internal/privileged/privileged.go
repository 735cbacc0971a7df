// SPDX-License-Identifier: GPL-3.0-or-later

// Package privileged decides whether a test that needs the kernel's network
// administration may run.
//
// Such a test calls [Require] first. Without the capabilities it skips, and the
// reason names the remedy; in CI (environment CI=true) it fails instead, because
// a test that is always skipped proves nothing.
package privileged

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Remedy is what a person does to run the tests that were skipped.
const Remedy = "run as root: sudo make test"

// required lists the capabilities that the project's privileged tests use, with
// their names as capabilities(7) spells them.
var required = []struct {
	bit  uint
	name string
}{
	{unix.CAP_NET_ADMIN, "CAP_NET_ADMIN"}, // links, addresses, XDP
	{unix.CAP_NET_RAW, "CAP_NET_RAW"},     // AF_XDP, AF_PACKET and raw IP sockets
	{unix.CAP_SYS_ADMIN, "CAP_SYS_ADMIN"}, // namespaces and mounts
	{unix.CAP_BPF, "CAP_BPF"},             // maps and programs
}

// Missing returns the names of the required capabilities that are not in this
// thread's effective set (capget(2)), in a fixed order; none missing gives nil.
func Missing() ([]string, error) {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData // 64 capabilities in two halves
	if err := unix.Capget(&hdr, &data[0]); err != nil {
		return nil, os.NewSyscallError("capget", err)
	}
	return missing(uint64(data[0].Effective) | uint64(data[1].Effective)<<32), nil
}

func missing(effective uint64) []string {
	var names []string
	for _, c := range required {
		if effective&(1<<c.bit) == 0 {
			names = append(names, c.name)
		}
	}
	return names
}

// Require returns if the test may use the network administration of the kernel.
// Otherwise it ends the test: as skipped, or as failed when CI=true.
func Require(t testing.TB) {
	t.Helper()
	names, err := Missing()
	if err != nil {
		t.Fatalf("cannot tell which capabilities this process has: %v", err)
	}
	if len(names) == 0 {
		return
	}
	reason := "needs " + strings.Join(names, ", ") + ": " + Remedy
	if InCI() {
		t.Fatalf("%s (a privileged test must not be skipped under CI=true)", reason)
	}
	t.Skip(reason)
}

// InCI says whether the environment declares a continuous integration run.
func InCI() bool { return os.Getenv("CI") == "true" }
