// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Interface has what there is to know of a network interface before anything is
// opened on it.
type Interface struct {
	Index  int
	Name   string
	MTU    int
	Up     bool // IFF_UP
	Queues int  // receive queues in use: sockets can be opened on 0 to Queues-1
}

// CheckInterface looks an interface up in the network namespace of the calling
// thread. If there is none of that name, the error is ErrNoInterface and lists
// those that exist. If it is down, the facts are returned with the error
// ErrLinkDown: everything can be attached and opened on it all the same, and
// packets flow once it is up.
func CheckInterface(name string) (Interface, error) {
	found, err := net.InterfaceByName(name)
	if err != nil {
		return Interface{}, noInterface("", name, noQueue, nil)
	}
	i := Interface{Index: found.Index, Name: name, MTU: found.MTU, Up: found.Flags&net.FlagUp != 0}
	if i.Queues, err = queueCount(name); err != nil {
		return i, opError("", name, noQueue, nil, err, "")
	}
	if !i.Up {
		return i, opError("", name, noQueue, nil, ErrLinkDown, "ip link set dev "+name+" up")
	}
	return i, nil
}

// nameOf returns name or, if that is empty, the name of an interface for use in
// messages.
func nameOf(ifindex int, name string) string {
	if name != "" {
		return name
	}
	if i, err := net.InterfaceByIndex(ifindex); err == nil {
		return i.Name
	}
	return fmt.Sprintf("interface %d", ifindex)
}

// noInterface is the error for an interface that is not there; it lists those
// that are. err is the system call's error, if one was made.
func noInterface(op, name string, queue int, err error) error {
	hint := "there are none"
	if all, err := net.Interfaces(); err == nil && len(all) > 0 {
		names := make([]string, len(all))
		for i := range all {
			names[i] = all[i].Name
		}
		hint = "there are: " + strings.Join(names, ", ")
	}
	if err == nil {
		return opError(op, name, queue, nil, ErrNoInterface, hint)
	}
	return opError(op, name, queue, ErrNoInterface, err, hint)
}

// ethtoolChannels is struct ethtool_channels of linux/ethtool.h.
type ethtoolChannels struct {
	cmd                                         uint32
	maxRX, maxTX, maxOther, maxCombined         uint32
	rxCount, txCount, otherCount, combinedCount uint32
}

// queueCount returns the number of receive queues in use, from
// ETHTOOL_GCHANNELS. A driver without that operation has one queue, or as many
// as it was made with, which the kernel does not tell by ioctl; one is assumed.
func queueCount(name string) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	channels := ethtoolChannels{cmd: unix.ETHTOOL_GCHANNELS}
	var pin runtime.Pinner
	pin.Pin(&channels)
	defer pin.Unpin()
	// struct ifreq of linux/if.h: 16 bytes of name, a union of 24 bytes here
	// used for a pointer.
	request := struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}{data: unsafe.Pointer(&channels)}
	if len(name) >= len(request.name) {
		return 0, fmt.Errorf("interface name %q is longer than %d bytes", name, len(request.name)-1)
	}
	copy(request.name[:], name)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request)))
	if errno == unix.EOPNOTSUPP {
		return 1, nil
	}
	if errno != 0 {
		return 0, os.NewSyscallError("ioctl ETHTOOL_GCHANNELS", errno)
	}
	return max(1, int(channels.rxCount+channels.combinedCount)), nil
}
