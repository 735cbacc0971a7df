// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

import (
	"time"

	"github.com/cilium/ebpf"

	"pvlua/luabpf/ir"
)

// Options say what a program works with. Maps belong to the caller; a loaded
// program keeps them alive by itself. Load needs all that the Func uses;
// Assemble leaves those that are nil to a reference by name.
type Options struct {
	// Name is the program's name in the kernel; "" is the script's.
	Name string
	// XSK has the AF_XDP sockets by queue: an exit goes to the one of the
	// packet's queue, and to the kernel's stack where there is none. If XSK is
	// nil, exits return XDP_ABORTED, which no verdict does: for tests.
	XSK *ebpf.Map
	// Dev has the interfaces by port (BPF_MAP_TYPE_DEVMAP). If it is nil, a
	// redirect returns XDP_REDIRECT without a target: for tests.
	Dev *ebpf.Map
	// TXRedirect sends TX by bpf_redirect to Ifindex, for modes and drivers in
	// which XDP_TX does not work.
	TXRedirect bool
	Ifindex    int
	// Mark, if not nil, is 16 bytes. A packet that begins with them is one that
	// was put there by us: it goes to the kernel's stack without them.
	Mark []byte
	// Counters has the counters, 8 bytes each, by number
	// (BPF_MAP_TYPE_PERCPU_ARRAY).
	Counters *ebpf.Map
	// Maps are the handler's maps, as ir.Func.Maps.
	Maps []MapInfo
	// Stats counts packets, 8 bytes each (BPF_MAP_TYPE_PERCPU_ARRAY), by
	// [VerdictIndex], [RedirectIndex] and [SiteIndex]; it has room for [StatsLen] numbers. Nil
	// is for no counting.
	Stats *ebpf.Map
}

// MapInfo is a map of a handler: BPF_MAP_TYPE_HASH. Its keys are 8 bytes for
// each register that an ir.Map says they take, numbers in the order of the
// machine. Its values are 8 bytes for the time when the entry was last touched
// (CLOCK_MONOTONIC, ns; 0 without a TTL) and then likewise.
type MapInfo struct {
	Map *ebpf.Map
	// TTL is after what time an entry that nobody touches counts as absent; 0
	// is never.
	TTL time.Duration
	// Max is the greatest value that MapAdd may make.
	Max uint64
	// Refused, if not nil, counts new keys that found the map full, in its
	// first number of 8 bytes (BPF_MAP_TYPE_PERCPU_ARRAY).
	Refused *ebpf.Map
}

// MaxPorts is how many ports a program can redirect to.
const MaxPorts = 64

// VerdictIndex is where Options.Stats counts the packets of a verdict that names
// no port.
func VerdictIndex(v ir.Verdict) uint32 { return uint32(v) }

// RedirectIndex is where Options.Stats counts the packets redirected to a port.
func RedirectIndex(port int) uint32 { return uint32(ir.Redirect) + uint32(port) }

// SiteIndex is where Options.Stats counts the packets that left at a site of
// ir.Func.Sites.
func SiteIndex(site int) uint32 { return RedirectIndex(MaxPorts) + uint32(site) }

// StatsLen is how many numbers Options.Stats needs.
func StatsLen(f *ir.Func) uint32 { return SiteIndex(len(f.Sites)) }
