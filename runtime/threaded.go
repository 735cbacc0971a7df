// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// A threadedNAPI is an interface whose packets a kernel thread receives, one per
// queue, instead of whatever runs where they arrive (Linux 5.12,
// Documentation/networking/napi.rst). On veth that is whoever sends them.
type threadedNAPI struct {
	file   *os.File // of sysfs; it goes on to mean this very interface
	before []byte   // what it said
}

// setThreaded makes an interface of the calling thread's namespace receive in
// threads of its own. The caller restores that; after a kill it stays.
func setThreaded(name string) (*threadedNAPI, error) {
	t, err := openThreaded(name)
	if err != nil {
		return nil, fmt.Errorf("%s: threaded NAPI: %w", name, err)
	}
	if err := t.write([]byte("1")); err != nil {
		t.file.Close()
		if errors.Is(err, unix.EOPNOTSUPP) {
			err = errors.New("its driver has no NAPI (that of veth has it in native mode alone)")
		}
		return nil, fmt.Errorf("%s: threaded NAPI: %w", name, err)
	}
	return t, nil
}

func openThreaded(name string) (*threadedNAPI, error) {
	dir, err := namespaceSysfs()
	if err != nil {
		return nil, err
	}
	defer unix.Close(dir)
	path := filepath.Join("class", "net", name, "threaded")
	fd, err := unix.Openat(dir, path, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("this kernel has none (it came with Linux 5.12)")
	} else if err != nil {
		return nil, &fs.PathError{Op: "open", Path: "/sys/" + path, Err: err}
	}
	t := &threadedNAPI{file: os.NewFile(uintptr(fd), path)}
	before := make([]byte, 16)
	n, err := t.file.ReadAt(before, 0)
	if n == 0 {
		t.file.Close()
		return nil, err
	}
	t.before = bytes.TrimSpace(before[:n])
	return t, nil
}

// namespaceSysfs mounts a sysfs of its own, which nobody else sees, and gives its
// root: the one at /sys shows the interfaces of the namespace that it was mounted
// in, where another interface may have the same name.
func namespaceSysfs() (root int, err error) {
	fd, err := unix.Fsopen("sysfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("sysfs of this network namespace (needs CAP_SYS_ADMIN): %w", os.NewSyscallError("fsopen", err))
	}
	defer unix.Close(fd)
	if err := unix.FsconfigCreate(fd); err != nil {
		return -1, fmt.Errorf("sysfs of this network namespace: %w", os.NewSyscallError("fsconfig", err))
	}
	root, err = unix.Fsmount(fd, unix.FSMOUNT_CLOEXEC, 0)
	return root, os.NewSyscallError("fsmount", err)
}

func (t *threadedNAPI) write(value []byte) error {
	_, err := t.file.WriteAt(value, 0)
	return err
}

// restore has the interface receive as it did before. There is nothing to restore
// of an interface that is gone, or where nothing was set.
func (t *threadedNAPI) restore() error {
	if t == nil {
		return nil
	}
	err := t.write(t.before)
	if errors.Is(err, unix.ENODEV) {
		err = nil
	}
	return errors.Join(err, t.file.Close())
}
