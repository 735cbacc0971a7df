// SPDX-License-Identifier: GPL-3.0-or-later

// Package netns makes, enters and removes network namespaces, and lays out the
// veth lab that pvlua is tried and tested in. It runs no outside programs.
//
// An [NS] is one namespace: [Create] and [Open] know those with names, as
// ip-netns(8) keeps them below /run/netns, so `ip netns exec` and this package
// see the same ones. A [Lab] is a set of veth pairs between namespaces.
package netns

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// NS is an open network namespace. It holds one file descriptor, which keeps the
// namespace alive, until Close. Its methods may be called from several goroutines.
type NS struct {
	f    *os.File
	name string
}

// Open opens the namespace with this name. There being none of that name is
// [fs.ErrNotExist]; a file of that name that is no network namespace is an error
// that says so.
func Open(name string) (*NS, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	ns, err := openFile(namedPath(name))
	if err != nil {
		return nil, fmt.Errorf("open namespace %s: %w", name, err)
	}
	ns.name = name
	return ns, nil
}

// Current opens the namespace of the calling thread. Its Name is empty.
func Current() (*NS, error) {
	ns, err := openFile("/proc/thread-self/ns/net")
	if err != nil {
		return nil, fmt.Errorf("open the current namespace: %w", err)
	}
	return ns, nil
}

func openFile(path string) (*NS, error) {
	// O_NONBLOCK only matters if the name is a FIFO that someone left there.
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	// NS_GET_NSTYPE is ENOTTY on anything but a namespace (ioctl_ns(2)).
	kind, err := unix.IoctlRetInt(int(f.Fd()), unix.NS_GET_NSTYPE)
	if err != nil || kind != unix.CLONE_NEWNET {
		f.Close()
		return nil, fmt.Errorf("%s is no network namespace (if it was left over, remove it: rm %[1]s)", path)
	}
	return &NS{f: f}, nil
}

// Name returns the name it was opened by; empty for one that [Current] opened.
func (ns *NS) Name() string { return ns.name }

// String returns the name, or for a namespace without one what it is to the caller.
func (ns *NS) String() string {
	if ns.name == "" {
		return "the caller's namespace"
	}
	return "namespace " + ns.name
}

// Close gives the descriptor back. The namespace itself lives on while it has a
// name, processes or other descriptors. Closing twice is no error.
func (ns *NS) Close() error {
	if err := ns.f.Close(); err != nil && !errors.Is(err, fs.ErrClosed) {
		return err
	}
	return nil
}

// Same says whether both are the same namespace, under whichever names.
func (ns *NS) Same(other *NS) (bool, error) {
	a, err := ns.f.Stat()
	if err != nil {
		return false, err
	}
	b, err := other.f.Stat()
	if err != nil {
		return false, err
	}
	return os.SameFile(a, b), nil // device and inode tell namespaces apart: namespaces(7)
}

// fd calls fn with the descriptor, which stays open meanwhile; after Close the
// error is [fs.ErrClosed].
func (ns *NS) fd(fn func(fd int) error) error {
	c, err := ns.f.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if c.Control(func(fd uintptr) { inner = fn(int(fd)) }) != nil {
		return fs.ErrClosed // it fails for no other reason, but says it in its own way
	}
	return inner
}

// enter moves the calling thread, which must be locked, into ns.
func (ns *NS) enter() error {
	err := ns.fd(func(fd int) error {
		return os.NewSyscallError("setns", unix.Setns(fd, unix.CLONE_NEWNET))
	})
	if err != nil {
		return fmt.Errorf("enter %v: %w", ns, err)
	}
	return nil
}

// Do runs fn in ns and returns its error. fn runs on a goroutine of its own that is
// locked to its thread; what fn opens (sockets, /proc/sys/net, the result of
// [Current]) belongs to ns, and sockets go on doing so afterwards. Goroutines that
// fn starts do not run in ns.
//
// The thread is reused only once it is back in the namespace it came from;
// otherwise it ends. A panic in fn, and runtime.Goexit (as by t.Fatal), carries
// over to the caller.
func (ns *NS) Do(fn func() error) error {
	var err error
	end := onThread(func() (reusable bool) {
		home, e := Current()
		if e != nil {
			err = e
			return true
		}
		defer home.Close()
		if err = ns.enter(); err != nil {
			return true
		}
		// Also when fn does not return: reusable is false then.
		err = fn()
		return home.enter() == nil
	})
	end()
	return err
}

// onThread runs fn on a goroutine locked to its thread and waits for its end. The
// thread is given back to the runtime only if fn says that it is as it was; when
// the goroutine ends locked the runtime ends its thread. The returned function
// ends the calling goroutine as fn ended: it does nothing, panics, or exits.
func onThread(fn func() (reusable bool)) (end func()) {
	done := make(chan func())
	goLocked(func() {
		end := runtime.Goexit
		defer func() {
			if v := recover(); v != nil {
				text := fmt.Sprintf("%v [recovered by netns]\n\n%s", v, debug.Stack())
				end = func() { panic(text) }
			}
			done <- end
		}()
		if fn() {
			runtime.UnlockOSThread()
		}
		end = func() {}
	})
	return <-done
}

// goLocked runs fn on a new goroutine that is locked to its thread; that ends with
// it unless fn unlocks it. It is never the process's first thread: the runtime
// can't end that one, and what /proc/self says of the process (its mounts, its
// namespaces) is what that thread has.
func goLocked(fn func()) {
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() != os.Getpid() {
			fn()
			return
		}
		moved := make(chan struct{})
		goLocked(func() { close(moved); fn() })
		<-moved // the first thread was taken until here
		runtime.UnlockOSThread()
	}()
}
