// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"pvlua/netns"
	"pvlua/scripts"
)

// stage is what a demonstration happens on: a veth pair from the caller's
// namespace to one of its own, and a folder with the script.
type stage struct {
	lab       netns.Lab
	near, far netns.End // here; in the namespace, where pvlua runs
	ns        *netns.NS // the namespace
	folder    string    // holds echo.lua
}

func (s *stage) ip() netip.Addr  { return s.far.Addrs[0].Addr() }
func (s *stage) ip6() netip.Addr { return s.far.Addrs[1].Addr() }

const stagePrefix = "pvlua-demo-"

// layoutStage names a stage after a process, so that several stand side by side
// and so that it can be told whose is left over. It has no addresses yet.
func layoutStage(pid int) *stage {
	s := &stage{
		near: netns.End{Link: fmt.Sprintf("pvd%da", pid), GRO: true},
		far:  netns.End{Link: fmt.Sprintf("pvd%db", pid), Namespace: fmt.Sprintf("%s%d", stagePrefix, pid)},
	}
	s.lab.Pairs = []netns.Pair{{A: s.near, B: s.far}}
	return s
}

// raiseStage removes what demonstrations left that were killed, and makes a new
// stage. If it fails nothing is left.
func raiseStage() (*stage, error) {
	sweepStages()
	s := layoutStage(os.Getpid())
	net4, err := freeNetwork(os.Getpid())
	if err != nil {
		return nil, err
	}
	net6 := uniqueLocal()
	s.near.Addrs = []netip.Prefix{netip.PrefixFrom(net4.Next(), 30), netip.PrefixFrom(net6.Next(), 64)}
	s.far.Addrs = []netip.Prefix{netip.PrefixFrom(net4.Next().Next(), 30), netip.PrefixFrom(net6.Next().Next(), 64)}
	s.lab.Pairs = []netns.Pair{{A: s.near, B: s.far}}
	if err := s.lab.Up(); err != nil {
		return nil, err
	}
	if err := s.furnish(); err != nil {
		return nil, errors.Join(err, s.strike())
	}
	return s, nil
}

// furnish opens the namespace and writes the script.
func (s *stage) furnish() (err error) {
	if s.ns, err = netns.Open(s.far.Namespace); err != nil {
		return err
	}
	script, err := scripts.Files.ReadFile("echo.lua")
	if err != nil {
		return err
	}
	if s.folder, err = os.MkdirTemp("", stagePrefix); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.folder, "echo.lua"), script, 0o644)
}

// strike removes the stage, as far as it is there.
func (s *stage) strike() error {
	var errs []error
	if s.ns != nil {
		errs = append(errs, s.ns.Close())
	}
	errs = append(errs, s.lab.Down())
	if s.folder != "" {
		errs = append(errs, os.RemoveAll(s.folder))
	}
	return errors.Join(errs...)
}

// sweepStages removes the stages of processes that are no more.
func sweepStages() {
	names, _ := netns.Names()
	for _, name := range names {
		var pid int
		if _, err := fmt.Sscanf(name, stagePrefix+"%d", &pid); err != nil || pid <= 0 {
			continue
		}
		if unix.Kill(pid, 0) == unix.ESRCH {
			_ = layoutStage(pid).lab.Down() // it may be another's to sweep
		}
	}
}

// demoNetworks is where the IPv4 networks of stages lie: set aside for
// benchmarks on a network of one's own (RFC 2544, RFC 6890).
var demoNetworks = netip.MustParsePrefix("198.18.0.0/15")

// freeNetwork returns the first address of a /30 that nothing here has a route to.
// Processes with different ids begin to look at different ones.
func freeNetwork(pid int) (netip.Addr, error) {
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Table: unix.RT_TABLE_UNSPEC}, netlink.RT_FILTER_TABLE)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("listing the routes: %w", err)
	}
	var taken []netip.Prefix
	for _, r := range routes {
		if r.Dst == nil {
			continue
		}
		to, _ := netip.AddrFromSlice(r.Dst.IP)
		if bits, _ := r.Dst.Mask.Size(); bits > 0 {
			taken = append(taken, netip.PrefixFrom(to.Unmap(), bits))
		}
	}
	return pickNetwork(pid, taken)
}

func pickNetwork(pid int, taken []netip.Prefix) (netip.Addr, error) {
	count := 1 << (30 - demoNetworks.Bits())
	first := binary.BigEndian.Uint32(demoNetworks.Addr().AsSlice())
candidates:
	for i := range count {
		number := uint32((pid + i) % count)
		addr := netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, first+4*number)))
		for _, p := range taken {
			if p.Overlaps(netip.PrefixFrom(addr, 30)) {
				continue candidates
			}
		}
		return addr, nil
	}
	return netip.Addr{}, fmt.Errorf("all of %v is routed here: no network is free for a demonstration", demoNetworks)
}

// uniqueLocal returns the first address of a random unique local network (RFC 4193).
func uniqueLocal() netip.Addr {
	a := [16]byte{0: 0xfd}
	rand.Read(a[1:6])
	return netip.AddrFrom16(a)
}

// kernelEchoes counts the echo requests, of IPv4 and IPv6, that the kernel's own
// stack got in the namespace (proc_net(5), snmp and snmp6).
func (s *stage) kernelEchoes() (n uint64, err error) {
	err = s.ns.Do(func() error {
		v4, err := os.ReadFile("/proc/thread-self/net/snmp")
		if err != nil {
			return err
		}
		n = snmpCounter(v4, "Icmp:", "InEchos")
		v6, err := os.ReadFile("/proc/thread-self/net/snmp6")
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a kernel without IPv6
		}
		for line := range bytes.Lines(v6) {
			var name string
			var value uint64
			if _, err := fmt.Sscan(string(line), &name, &value); err == nil && name == "Icmp6InEchos" {
				n += value
			}
		}
		return err
	})
	return n, err
}

// snmpCounter finds a counter in the format of /proc/net/snmp: a line of names,
// then a line of values, both beginning with the group.
func snmpCounter(text []byte, group, name string) uint64 {
	var names []string
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != group {
			continue
		}
		if names == nil {
			names = fields
			continue
		}
		for i, field := range names {
			var value uint64
			if field == name && i < len(fields) {
				fmt.Sscan(fields[i], &value)
				return value
			}
		}
	}
	return 0
}
