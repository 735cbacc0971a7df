// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"errors"
	"fmt"
	"sync"

	"github.com/cilium/ebpf"

	"pvlua/luabpf/bpf"
	"pvlua/luabpf/ir"
	"pvlua/luabpf/kmap"
	"pvlua/state"
	"pvlua/xsk"
)

// kernelSide is the part of the handler that runs in the kernel: for each port an
// XDP program in place of the one that redirects everything to user space.
type kernelSide struct {
	registry *kmap.Registry

	mu      sync.Mutex
	devices *ebpf.Map // of all ports (DEVMAP), for redirects between them; nil: not made yet
	parts   []part    // by port
}

// A part is what runs for one port.
type part struct {
	f     *ir.Func // nil: nothing; the redirect program runs
	stats *ebpf.Map
	past  KernelCounts // of programs before
}

// KernelCounts count the packets that came in on a port and met the handler in
// the kernel.
type KernelCounts struct {
	Drop, Pass, Tx uint64
	Redirect       []uint64 // by port that they were sent out of
	Exit           uint64   // were left to user space
	Exits          []ExitCount
}

// ExitCount counts the packets that left the kernel at one line of the script.
type ExitCount struct {
	Line   int
	Reason string
	Count  uint64
}

// handled is how many packets the kernel was done with.
func (k *KernelCounts) handled() uint64 {
	n := k.Drop + k.Pass + k.Tx
	for _, out := range k.Redirect {
		n += out
	}
	return n
}

func newKernelSide(store *state.Store, ports int) *kernelSide {
	return &kernelSide{registry: kmap.New(store), parts: make([]part, ports)}
}

// install puts a compiled handler in place on port p.
func (k *kernelSide) install(p *port, ports []*port, f *ir.Func, mark []byte, txRedirect bool) (err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.setDevices(ports); err != nil {
		return err
	}
	stats, err := ebpf.NewMap(&ebpf.MapSpec{
		Name: "pvlua_stats", Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: bpf.StatsLen(f),
	})
	if err != nil {
		return fmt.Errorf("making the map for statistics: %w", err)
	}
	defer func() {
		if err != nil {
			stats.Close()
		}
	}()
	o := bpf.Options{
		Name: "pvlua_handler", XSK: p.program.Sockets(), Dev: k.devices,
		TXRedirect: txRedirect, Ifindex: p.facts.Ifindex, Stats: stats,
	}
	if p.program.Mode() == xsk.Generic {
		o.Mark = mark
	}
	if err := k.registry.Bind(f, &o); err != nil {
		return err
	}
	prog, err := bpf.Load(f, o)
	if err != nil {
		return err
	}
	defer prog.Close() // the link keeps it
	if err := p.program.Replace(prog); err != nil {
		return err
	}
	k.forget(p.facts.Index)
	k.parts[p.facts.Index].f, k.parts[p.facts.Index].stats = f, stats
	return nil
}

// remove puts the redirect program back on port p.
func (k *kernelSide) remove(p *port) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.parts[p.facts.Index].f == nil {
		return nil
	}
	err := p.program.Replace(nil)
	k.forget(p.facts.Index)
	return err
}

// lost says that a port's program has gone with its interface.
func (k *kernelSide) lost(port int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forget(port)
}

// forget keeps what the program of a port has counted, and nothing else of it.
func (k *kernelSide) forget(port int) {
	p := &k.parts[port]
	if p.f == nil {
		return
	}
	p.past = k.countsOf(p)
	p.stats.Close()
	p.f, p.stats = nil, nil
}

// setDevices makes the map of ports, and enters all that are there.
func (k *kernelSide) setDevices(ports []*port) error {
	if k.devices == nil {
		m, err := ebpf.NewMap(&ebpf.MapSpec{
			Name: "pvlua_ports", Type: ebpf.DevMap, KeySize: 4, ValueSize: 4, MaxEntries: uint32(len(ports)),
		})
		if err != nil {
			return fmt.Errorf("making the map of ports: %w", err)
		}
		k.devices = m
	}
	for _, p := range ports {
		if p.program == nil {
			continue // gone; nobody redirects to it now
		}
		if err := k.devices.Put(uint32(p.facts.Index), uint32(p.facts.Ifindex)); err != nil {
			return fmt.Errorf("entering %s into the map of ports: %w", p.facts.Name, err)
		}
	}
	return nil
}

// counts gives what was counted on a port so far.
func (k *kernelSide) counts(port int) KernelCounts {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.countsOf(&k.parts[port])
}

func (k *kernelSide) countsOf(p *part) KernelCounts {
	sum := p.past
	sum.Redirect = append(make([]uint64, 0, len(k.parts)), sum.Redirect...)
	sum.Exits = append([]ExitCount(nil), sum.Exits...)
	if p.f == nil {
		return sum
	}
	sum.Drop += total(p.stats, bpf.VerdictIndex(ir.Drop))
	sum.Pass += total(p.stats, bpf.VerdictIndex(ir.Pass))
	sum.Tx += total(p.stats, bpf.VerdictIndex(ir.TX))
	for len(sum.Redirect) < len(k.parts) {
		sum.Redirect = append(sum.Redirect, 0)
	}
	for port := range k.parts {
		sum.Redirect[port] += total(p.stats, bpf.RedirectIndex(port))
	}
	for i, s := range p.f.Sites {
		n := total(p.stats, bpf.SiteIndex(i))
		if n == 0 {
			continue
		}
		sum.Exit += n
		sum.addExit(ExitCount{s.Line, s.Reason, n})
	}
	return sum
}

// addExit adds to the count of a line.
func (k *KernelCounts) addExit(e ExitCount) {
	for i := range k.Exits {
		if x := &k.Exits[i]; x.Line == e.Line && x.Reason == e.Reason {
			x.Count += e.Count
			return
		}
	}
	k.Exits = append(k.Exits, e)
}

// total adds up what all CPUs counted.
func total(m *ebpf.Map, index uint32) (n uint64) {
	var each []uint64
	if m.Lookup(index, &each) != nil {
		return 0
	}
	for _, x := range each {
		n += x
	}
	return n
}

// close releases all; what was counted can still be asked. The programs must be
// off the interfaces.
func (k *kernelSide) close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for port := range k.parts {
		k.forget(port)
	}
	var errs []error
	if k.devices != nil {
		errs = append(errs, k.devices.Close())
		k.devices = nil
	}
	return errors.Join(append(errs, k.registry.Close())...)
}
