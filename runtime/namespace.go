// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// A namespace is the network namespace in which a Runtime was made. The kernel
// resolves interface indices and answers netlink in that of the calling
// thread, so every thread that works for the Runtime must be there.
type namespace struct {
	file *os.File
}

// threadNamespace is the network namespace of the calling thread (proc(5)).
const threadNamespace = "/proc/thread-self/ns/net"

func currentNamespace() (*namespace, error) {
	file, err := os.Open(threadNamespace)
	if err != nil {
		return nil, fmt.Errorf("opening the current network namespace: %w", err)
	}
	return &namespace{file}, nil
}

// enter moves the calling thread into n; its goroutine must be locked to it.
// A thread that is there already needs no privilege to stay.
func (n *namespace) enter() error {
	want, err := n.file.Stat()
	if err != nil {
		return err
	}
	if have, err := os.Stat(threadNamespace); err == nil && os.SameFile(have, want) {
		return nil
	}
	if err := unix.Setns(int(n.file.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("entering the interfaces' network namespace: %w", os.NewSyscallError("setns", err))
	}
	return nil
}

func (n *namespace) close() error {
	if n == nil {
		return nil
	}
	return n.file.Close()
}
