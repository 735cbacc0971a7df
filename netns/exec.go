// SPDX-License-Identifier: GPL-3.0-or-later

package netns

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// ── Commands in a namespace ──────────────────────────────────────────────────
//
// A process inherits network and mount namespace from the thread that forks it. So
// a thread is put into the namespace, takes a private copy of the mounts in which
// /sys shows the namespace's links, starts the command, and ends. sysfs must be
// mounted anew because it shows the network namespace of whoever mounted it.

// Start starts cmd in ns like `ip netns exec` does: with ns's own /sys, and with
// the files of /etc/netns/NAME in place of those in /etc. The caller waits for it
// with cmd.Wait. The command is killed if this process dies before it.
func (ns *NS) Start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	attr := *cmd.SysProcAttr
	attr.Pdeathsig = syscall.SIGKILL
	cmd.SysProcAttr = &attr

	started := make(chan error)
	goLocked(func() {
		err := ns.settle()
		if err == nil {
			err = cmd.Start()
		}
		started <- err
		if err == nil {
			// Pdeathsig goes by the thread that forked (prctl(2)), so it has to outlive the command.
			waitNoReap(cmd.Process.Pid)
		}
	})
	return <-started
}

// waitNoReap returns when the process has ended, which it leaves to be reaped by
// its cmd.Wait, or has been reaped already.
func waitNoReap(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return
		}
	}
}

// Run is [NS.Start] followed by cmd.Wait.
func (ns *NS) Run(cmd *exec.Cmd) error {
	if err := ns.Start(cmd); err != nil {
		return err
	}
	return cmd.Wait()
}

// Exec replaces this process by the named command in ns, set up as by [NS.Start]:
// process id, terminal, signals and exit status are the command's own (execve(2)).
// The name is looked up in PATH. It returns only on failure; errors.Is
// [exec.ErrNotFound] tells that there is no such command.
func (ns *NS) Exec(name string, argv ...string) error {
	path, err := exec.LookPath(name)
	if err != nil {
		return err
	}
	onThread(func() bool {
		if err = ns.settle(); err != nil {
			return false
		}
		err = &fs.PathError{Op: "execute", Path: path, Err: syscall.Exec(path, append([]string{name}, argv...), os.Environ())}
		return false
	})()
	return err
}

// settle moves the calling thread, which must be locked and must end locked, into
// ns with mounts of its own.
func (ns *NS) settle() error {
	if err := ns.enter(); err != nil {
		return err
	}
	// Go's threads share their root and working directory; this detaches the thread's.
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("make private mounts for %v: %w", ns, os.NewSyscallError("unshare", err))
	}
	// Only what is changed below: ip-netns(8) makes slaves of all mounts, so that names
	// which the command gives to new namespaces, being mounts in runDir, are
	// known to nobody else and can't be used again.
	if err := enslave("/", 0); err != nil {
		return err
	}
	if err := mountSys(); err != nil {
		return err
	}
	return ns.bindEtc()
}

// enslave keeps changes of what is mounted on the mount at path from the rest of the
// system, but not those of the rest from here (mount_namespaces(7)).
func enslave(path string, flags uintptr) error {
	if err := unix.Mount("", path, "none", unix.MS_SLAVE|flags, ""); err != nil {
		return &fs.PathError{Op: "make private mounts of", Path: path, Err: err}
	}
	return nil
}

func mountSys() error {
	// EINVAL: it is no mount, but a directory of / .
	if err := enslave("/sys", unix.MS_REC); err != nil && !errors.Is(err, unix.EINVAL) {
		return err
	}
	var flags uintptr
	if err := unix.Unmount("/sys", unix.MNT_DETACH); err != nil {
		// It cannot be taken away; a read-only one may only be covered by another such.
		var st unix.Statfs_t
		if unix.Statfs("/sys", &st) == nil && st.Flags&unix.ST_RDONLY != 0 {
			flags = unix.MS_RDONLY
		}
	}
	if err := unix.Mount("sysfs", "/sys", "sysfs", flags, ""); err != nil {
		return &fs.PathError{Op: "mount sysfs on", Path: "/sys", Err: err}
	}
	return nil
}

// bindEtc covers files of /etc by those that the administrator keeps for this
// namespace, resolv.conf above all (ip-netns(8)).
func (ns *NS) bindEtc() error {
	if ns.name == "" {
		return nil
	}
	dir := filepath.Join("/etc/netns", ns.name)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		if err := enslave("/etc", unix.MS_REC); err != nil && !errors.Is(err, unix.EINVAL) {
			return err
		}
	}
	for _, e := range entries {
		from, to := filepath.Join(dir, e.Name()), filepath.Join("/etc", e.Name())
		if err := enslave(to, unix.MS_REC); err != nil && !errors.Is(err, unix.EINVAL) {
			return err
		}
		if err := unix.Mount(from, to, "none", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("put %s in place of %s: %w", from, to, err)
		}
	}
	return nil
}
