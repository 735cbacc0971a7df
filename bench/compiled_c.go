// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/binary"
	"fmt"
	"path/filepath"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// handlerEntries is how many entries the maps of the firewall and of NAT have.
const handlerEntries = 1000

// loadC loads a handler of bench/c/handlers for echoPort. The caller closes it.
func loadC(at places, name string) (_ *program, err error) {
	spec, err := ebpf.LoadCollectionSpec(filepath.Join(at.c(), "build", "handlers", name+".bpf.o"))
	if err != nil {
		return nil, fmt.Errorf("load %s in C: %w", name, err)
	}
	if err := setAddresses(spec); err != nil {
		return nil, fmt.Errorf("load %s in C: %w", name, err)
	}
	for _, p := range spec.Programs {
		p.AttachType = 0 // as the prologue, which can't call it otherwise
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		return nil, fmt.Errorf("load %s in C: %w", name, err)
	}
	p := &program{free: []func(){coll.Close}}
	if err := fillMaps(coll); err != nil {
		p.close()
		return nil, fmt.Errorf("load %s in C: %w", name, err)
	}
	p.load = func() (*ebpf.Program, error) {
		again, err := ebpf.NewCollectionWithOptions(spec.Copy(), ebpf.CollectionOptions{MapReplacements: coll.Maps})
		if err != nil {
			return nil, fmt.Errorf("load %s in C: %w", name, err)
		}
		defer again.Close()
		return again.DetachProgram("handler"), nil
	}
	return p, nil
}

// setAddresses tells a program the port's addresses, as far as it asks for them.
func setAddresses(spec *ebpf.CollectionSpec) error {
	port := echoPort()
	mac := binary.BigEndian.AppendUint64(nil, port.MAC)[2:]
	ip := binary.BigEndian.AppendUint32(nil, port.IP[0])
	for name, value := range map[string][]byte{"my_mac": mac, "my_ip": ip, "my_ip6": port.IP6[0][:]} {
		if v := spec.Variables[name]; v != nil {
			value = append(value, make([]byte, int(v.Size())-len(value))...) // padding
			if err := v.Set(value); err != nil {
				return fmt.Errorf("set %s: %w", name, err)
			}
		}
	}
	return nil
}

// fillMaps puts into a program's maps what the scripts put into theirs.
func fillMaps(coll *ebpf.Collection) error {
	for i := range uint64(handlerEntries) {
		inside := uint64(0x0a_01_00_00+i)<<16 + 1024 + i
		for name, entry := range map[string][2]uint64{
			"blocked": {inside | i%2<<48, (0x0a_02_00_00+i)<<16 + 53},
			"outside": {inside, 61001 + i},
		} {
			if m := coll.Maps[name]; m != nil {
				if err := m.Put(entry[0], entry[1]); err != nil {
					return fmt.Errorf("fill %s: %w", name, err)
				}
			}
		}
	}
	return nil
}

// loadEmpty loads what is left of a handler that does nothing. The caller closes
// it.
func loadEmpty() (*ebpf.Program, error) {
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: "empty", Type: ebpf.XDP, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, xdpDrop), asm.Return()}})
	if err != nil {
		return nil, fmt.Errorf("load an empty program: %w", err)
	}
	return prog, nil
}
