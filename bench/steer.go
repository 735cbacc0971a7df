// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// steer has the stack of the device under test's namespace handle what a port
// receives on processor cpu, as if its interrupts came there, or with noCPU where
// it arrives: receive packet steering (Documentation/networking/scaling.rst).
func (l *lab) steer(port string, cpu int) error {
	mask := uint64(0)
	if cpu != noCPU {
		mask = 1 << cpu
	}
	return onThread(l.dut, noCPU, func() error {
		// sysfs shows the links of the namespace that it was mounted in. The thread
		// ends with this function, and with it its view of the file system.
		if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
			return fmt.Errorf("leave the mount namespace: %w", err)
		}
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			return fmt.Errorf("keep mounts to a thread: %w", err)
		}
		if err := unix.Mount("sysfs", "/sys", "sysfs", 0, ""); err != nil {
			return fmt.Errorf("mount sysfs: %w", err)
		}
		return os.WriteFile("/sys/class/net/"+port+"/queues/rx-0/rps_cpus", fmt.Appendf(nil, "%x", mask), 0)
	})
}
