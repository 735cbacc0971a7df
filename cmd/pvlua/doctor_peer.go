// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"net"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strconv"

	"github.com/safchain/ethtool"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"pvlua/netns"
)

// threadNamespace is the network namespace of the calling thread (proc(5)).
const threadNamespace = "/proc/thread-self/ns/net"

// peerFacts are those of the other end of a veth.
type peerFacts struct {
	name     string
	place    string          // which namespace it is in, in words; empty: the same
	prefix   string          // runs a command there; see shellPrefix
	features map[string]bool // see linkFacts
}

func (p *peerFacts) String() string {
	if p.place == "" {
		return p.name
	}
	return p.name + " in " + p.place
}

// findPeer looks for the other end of l: in the same namespace, in those that
// have a name, and in those of all processes. Nil: not found, or no veth.
func findPeer(l *linkFacts) *peerFacts {
	if l.kind != "veth" {
		return nil
	}
	p := new(peerFacts)
	if l.peerNetNS < 0 {
		if p.read(l.peerIndex) != nil {
			return nil
		}
		p.prefix = shellPrefix(threadNamespace)
		return p
	}
	for _, path := range namespacePaths() {
		file, err := os.Open(path)
		if err != nil {
			continue
		}
		// The kernel gives a veth's namespace a number of its own in each other one.
		id, err := netlink.GetNetNsIdByFd(int(file.Fd()))
		if err == nil && id == l.peerNetNS {
			err = inNamespace(file, func() error { return p.read(l.peerIndex) })
			p.place, p.prefix = placeOf(path), shellPrefix(path)
			file.Close()
			if err != nil {
				return nil
			}
			return p
		}
		file.Close()
	}
	return nil
}

// read fills in what there is to know of a link of the calling thread's namespace.
func (p *peerFacts) read(index int) error {
	link, err := netlink.LinkByIndex(index)
	if err != nil {
		return err
	}
	p.name = link.Attrs().Name
	et, err := ethtool.NewEthtool()
	if err != nil {
		return err
	}
	defer et.Close()
	p.features, err = et.Features(p.name)
	return err
}

// namespacePaths are files that stand for network namespaces: those with names
// first, then one for each that a process is in.
func namespacePaths() []string {
	paths, _ := filepath.Glob("/run/netns/*")
	processes, _ := filepath.Glob("/proc/[0-9]*/ns/net")
	seen := map[string]bool{}
	for _, path := range append([]string{"/proc/" + parent() + "/ns/net"}, processes...) {
		// "net:[4026531840]"
		if target, err := os.Readlink(path); err == nil && !seen[target] {
			seen[target] = true
			paths = append(paths, path)
		}
	}
	return paths
}

// placeOf says in words which namespace a path of namespacePaths stands for.
func placeOf(path string) string {
	switch pid := processOf(path); pid {
	case "":
	case parent():
		return "the namespace of your shell"
	default:
		return "the namespace of process " + pid
	}
	return "namespace " + filepath.Base(path)
}

// processOf returns the process id in /proc/PID/ns/net; empty for other paths.
func processOf(path string) string {
	pid := filepath.Base(filepath.Dir(filepath.Dir(path)))
	if _, err := strconv.Atoi(pid); err != nil {
		return ""
	}
	return pid
}

// parent is who started this process: the shell, or sudo, which is in the
// namespace of the shell.
func parent() string { return strconv.Itoa(os.Getppid()) }

// shellPrefix is what the reader of a command has to put before it so that it
// runs in the namespace that path stands for: nothing if the shell is in it.
func shellPrefix(path string) string {
	there, err := os.Stat(path)
	if err != nil {
		return ""
	}
	if shell, err := os.Stat("/proc/" + parent() + "/ns/net"); err != nil || os.SameFile(shell, there) {
		return ""
	}
	names, _ := netns.Names()
	for _, name := range names {
		if named, err := os.Stat("/run/netns/" + name); err == nil && os.SameFile(named, there) {
			return "ip netns exec " + name + " "
		}
	}
	if pid := processOf(path); pid != "" {
		return "nsenter -t " + pid + " -n "
	}
	return ""
}

// namespacesWith lists the named namespaces that have an interface of this name.
func namespacesWith(link string) (found []string) {
	names, _ := netns.Names()
	for _, name := range names {
		ns, err := netns.Open(name)
		if err != nil {
			continue
		}
		if ns.Do(func() error { _, err := net.InterfaceByName(link); return err }) == nil {
			found = append(found, name)
		}
		ns.Close()
	}
	return found
}

// inNamespace runs fn on a thread in the namespace that file stands for. The
// thread ends with it.
func inNamespace(file *os.File, fn func() error) error {
	done := make(chan error)
	go func() {
		goruntime.LockOSThread() // and never unlocked
		err := os.NewSyscallError("setns", unix.Setns(int(file.Fd()), unix.CLONE_NEWNET))
		if err == nil {
			err = fn()
		}
		done <- err
	}()
	return <-done
}
