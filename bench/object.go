// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"path/filepath"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// An object is one of the C programs for XDP, loaded, and attached to one
// interface in native mode.
type object struct {
	name string
	coll *ebpf.Collection
	link link.Link
}

// attachObject loads build/NAME.bpf.o of the folder dir, whose program is called
// NAME, and attaches it to the interface. To be called in the interface's
// namespace. If out is not 0, the program's map "out" says that packets leave by
// the interface of that index. The caller closes it.
func attachObject(dir, name string, ifindex, out int) (_ *object, err error) {
	coll, err := ebpf.LoadCollection(filepath.Join(dir, "build", name+".bpf.o"))
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", name, err)
	}
	o := &object{name: name, coll: coll}
	defer func() {
		if err != nil {
			o.close()
		}
	}()
	prog, counter := coll.Programs[name], coll.Maps["packets"]
	if prog == nil || counter == nil {
		return nil, fmt.Errorf("load %s: it has no program of that name or no map called packets", name)
	}
	if out != 0 {
		m := coll.Maps["out"]
		if m == nil {
			return nil, fmt.Errorf("load %s: it has no map called out", name)
		}
		if err := m.Put(uint32(0), uint32(out)); err != nil {
			return nil, fmt.Errorf("load %s: set where packets leave: %w", name, err)
		}
	}
	o.link, err = link.AttachXDP(link.XDPOptions{Program: prog, Interface: ifindex, Flags: link.XDPDriverMode})
	if err != nil {
		return nil, fmt.Errorf("attach %s: %w", name, err)
	}
	return o, nil
}

// packets is the number of packets that the program has seen on all processors.
func (o *object) packets() (sum uint64, err error) {
	var each []uint64
	if err := o.coll.Maps["packets"].Lookup(uint32(0), &each); err != nil {
		return 0, fmt.Errorf("read the counter of %s: %w", o.name, err)
	}
	for _, n := range each {
		sum += n
	}
	return sum, nil
}

// close detaches and unloads the program.
func (o *object) close() {
	if o.link != nil {
		o.link.Close()
	}
	o.coll.Close()
}
