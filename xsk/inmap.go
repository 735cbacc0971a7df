// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// mapTail is how much longer the map of a UMEM is than its frames, in bytes: a
// program that takes a packet out of it proves to the verifier that the packet's
// start is within the frames, and then may read as much as a packet can have.
const mapTail = 4096

// maxMapped is how much memory MoveToMap will move, in bytes. Programs reach no
// further into a map's value (BPF_MAX_VAR_OFF in include/linux/bpf_verifier.h).
const maxMapped = 1 << 29

// MoveToMap makes the frames' memory the value of a BPF array map, so that BPF
// programs can read packets where they are; Map returns it. All frames must be
// free and no socket open. Sockets can then be bound in copy mode. Whether a
// driver's zero-copy would take such memory is not known; leave it where it was
// made for that.
//
// It needs CAP_BPF, and a kernel that lets map memory be pinned for a UMEM: where
// it does not, the first Open fails with ErrMapMemory. The memory is that of a kernel object, which the
// kernel does not swap, and counts against the memory limit of the control group,
// besides what is pinned of it (P32). On an error the UMEM is as it was.
func (u *UMEM) MoveToMap() error { return u.moveToMap(ebpf.NewMap) }

func (u *UMEM) moveToMap(newMap func(*ebpf.MapSpec) (*ebpf.Map, error)) error {
	const op = "move UMEM into a BPF map"
	if err := u.closed(op); err != nil || u.inMap != nil {
		return err
	}
	size := len(u.mem)
	switch {
	case len(u.sockets) > 0 || u.Available() != int(u.config.ChunkCount):
		return opError(op, "", noQueue, nil, errors.New("it is in use"), "")
	case size > maxMapped:
		return opError(op, "", noQueue, nil, unix.E2BIG, fmt.Sprintf("%d MiB at most: use fewer chunks", maxMapped>>20))
	}
	m, err := newMap(&ebpf.MapSpec{
		Name: "pvlua_umem", Type: ebpf.Array, KeySize: 4, ValueSize: uint32(size + mapTail), MaxEntries: 1,
		Flags: unix.BPF_F_MMAPABLE,
	})
	if err != nil {
		return opError(op, "", noQueue, nil, err, "")
	}
	mem, errno := u.kernel.mmap(m.FD(), 0, size)
	if errno != 0 {
		return opError(op, "", noQueue, nil, withClosing(sysError("mmap", errno), m.Close()), "")
	}
	u.kernel.munmap(u.mem)
	u.mem, u.inMap = mem, m
	return nil
}

// Map returns the map whose one value begins with the frames, in the order of
// their addresses, and Size of them; nil before MoveToMap. The UMEM closes it.
func (u *UMEM) Map() *ebpf.Map { return u.inMap }

// Size returns how many bytes all frames have together.
func (u *UMEM) Size() int { return int(u.config.ChunkSize) * int(u.config.ChunkCount) }
