// SPDX-License-Identifier: GPL-3.0-or-later

package netns

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// runDir holds one file per named namespace, with the namespace mounted on it
// (ip-netns(8)).
const runDir = "/run/netns"

func namedPath(name string) string { return filepath.Join(runDir, name) }

// checkName refuses what can't be a file name in runDir.
func checkName(name string) error {
	if name == "" || name == "." || name == ".." || len(name) > 255 || strings.ContainsAny(name, "/\x00") {
		return fmt.Errorf("%q cannot be the name of a namespace: a file name of 1 to 255 bytes is needed", name)
	}
	return nil
}

// Create makes a network namespace with this name, its loopback up, and opens it.
// The name being taken, by a namespace or anything else, is [fs.ErrExist].
// The caller closes it and removes the name with [Delete].
func Create(name string) (*NS, error) { return create(name, nil) }

// create is Create that runs prepare inside before the name appears, so whoever
// sees the name sees a namespace that is prepared; when prepare fails no trace is left.
func create(name string, prepare func() error) (*NS, error) {
	ns, err := newNamed(name, prepare)
	if err != nil {
		return nil, fmt.Errorf("create namespace %s: %w", name, err)
	}
	return ns, nil
}

func newNamed(name string, prepare func() error) (*NS, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	if err := makeRunDir(); err != nil {
		return nil, err
	}
	path := namedPath(name)
	f, err := os.OpenFile(path, os.O_RDONLY|os.O_CREATE|os.O_EXCL, 0)
	if err != nil {
		return nil, err
	}
	f.Close()

	var ns *NS
	end := onThread(func() (reusable bool) {
		// This thread ends in the new namespace; it is never given back.
		if err = unix.Unshare(unix.CLONE_NEWNET); err != nil {
			err = os.NewSyscallError("unshare", err)
			return false
		}
		if err = loopbackUp(); err != nil {
			return false
		}
		if prepare != nil {
			if err = prepare(); err != nil {
				return false
			}
		}
		if err = unix.Mount("/proc/thread-self/ns/net", path, "none", unix.MS_BIND, ""); err != nil {
			err = &fs.PathError{Op: "mount on", Path: path, Err: err}
			return false
		}
		ns, err = Open(name)
		return false
	})
	if ns == nil {
		err = errors.Join(err, removeName(path))
	}
	end()
	return ns, err
}

// loopbackUp sets lo up by the oldest of interfaces, netdevice(7).
func loopbackUp() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(s)
	req, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	req.SetUint16(unix.IFF_UP)
	return os.NewSyscallError("SIOCSIFFLAGS", unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, req))
}

// makeRunDir makes runDir a mount point of shared propagation, as `ip netns add`
// does: a name removed here then also vanishes from the mount namespaces that
// processes made meanwhile, which would otherwise keep the namespace alive.
func makeRunDir() error {
	if err := os.MkdirAll(runDir, 0o755); err != nil {
		return err
	}
	d, err := os.Open(runDir)
	if err != nil {
		return err
	}
	defer d.Close() // gives the lock back
	// Two first users at once would stack two mounts, the upper hiding the names below it.
	for {
		err = unix.Flock(int(d.Fd()), unix.LOCK_EX)
		if err != unix.EINTR {
			break
		}
	}
	if err != nil {
		return &fs.PathError{Op: "flock", Path: runDir, Err: err}
	}
	share := func() error { return unix.Mount("", runDir, "none", unix.MS_SHARED|unix.MS_REC, "") }
	if err = share(); err == unix.EINVAL { // not a mount point yet
		if err = unix.Mount(runDir, runDir, "none", unix.MS_BIND|unix.MS_REC, ""); err == nil {
			err = share()
		}
	}
	if err != nil {
		return &fs.PathError{Op: "mount", Path: runDir, Err: err}
	}
	return nil
}

// Delete removes the name. The namespace itself ends when nothing uses it any more:
// no process, no descriptor. There being no such name is [fs.ErrNotExist].
func Delete(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	path := namedPath(name)
	if _, err := os.Lstat(path); err != nil {
		return fmt.Errorf("delete namespace %s: %w", name, err)
	}
	if err := removeName(path); err != nil {
		return fmt.Errorf("delete namespace %s: %w", name, err)
	}
	return nil
}

func removeName(path string) error {
	// EINVAL: nothing is mounted there (an interrupted creation): only the file is left.
	if err := unix.Unmount(path, unix.MNT_DETACH); err != nil && err != unix.EINVAL {
		return &fs.PathError{Op: "unmount", Path: path, Err: err}
	}
	return os.Remove(path)
}

// Names lists the names in use, sorted.
func Names() ([]string, error) {
	entries, err := os.ReadDir(runDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}
