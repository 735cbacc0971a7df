// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ethtoolGetTSO is ETHTOOL_GTSO of linux/ethtool.h. Unlike the newer requests it
// answers for all kinds of TCP segmentation (NETIF_F_ALL_TSO) in one word.
const ethtoolGetTSO = 0x1e

// hasTSO reports whether the interface called name, in the network namespace of
// the calling thread, has any TCP segmentation offload switched on.
func hasTSO(name string) (bool, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false, os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	value := struct{ command, data uint32 }{command: ethtoolGetTSO}
	request := struct { // struct ifreq of net/if.h
		name  [unix.IFNAMSIZ]byte
		value unsafe.Pointer
		_     [16]byte
	}{value: unsafe.Pointer(&value)}
	copy(request.name[:unix.IFNAMSIZ-1], name)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request)))
	if errno != 0 {
		return false, os.NewSyscallError("ioctl(ETHTOOL_GTSO)", errno)
	}
	return value.data != 0, nil
}
