// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"pvlua/luabpf/ir"
)

// Assemble makes the program of a Func. It needs no privilege. Maps that o does
// not have, and constant tables, are references by name in it.
func Assemble(f *ir.Func, o Options) (*ebpf.ProgramSpec, error) {
	if err := o.check(f); err != nil {
		return nil, err
	}
	all := choose(f, &o) // eBPF instructions on any number of registers
	for _, c := range all {
		if err := c.assign(); err != nil { // R0 to R9, or the stack
			return nil, err
		}
	}
	insns, err := emit(f.Name, all) // in a row, with jumps
	if err != nil {
		return nil, err
	}
	name := o.Name
	if name == "" {
		name = f.Name
	}
	return &ebpf.ProgramSpec{Name: name, Type: ebpf.XDP, Instructions: insns, License: "GPL"}, nil
}

// check looks whether the options fit a Func.
func (o *Options) check(f *ir.Func) error {
	switch {
	case o.Mark != nil && len(o.Mark) != 16:
		return fmt.Errorf("bpf: the mark has %d bytes; it takes 16", len(o.Mark))
	case o.Maps != nil && len(o.Maps) != len(f.Maps):
		return fmt.Errorf("bpf: %d maps for a handler with %d", len(o.Maps), len(f.Maps))
	case o.Stats != nil && o.Stats.MaxEntries() < StatsLen(f):
		return fmt.Errorf("bpf: the statistics have room for %d numbers; %s needs %d", o.Stats.MaxEntries(), f.Name, StatsLen(f))
	case o.Counters != nil && int(o.Counters.MaxEntries()) < len(f.Counters):
		return fmt.Errorf("bpf: room for %d counters; %s has %d", o.Counters.MaxEntries(), f.Name, len(f.Counters))
	}
	for _, b := range f.Blocks {
		if b.Term.Kind == ir.Return && b.Term.Verdict == ir.Redirect && b.Term.Port >= MaxPorts {
			return fmt.Errorf("bpf: a redirect to port %d; a program can redirect to the first %d", b.Term.Port, MaxPorts)
		}
	}
	return nil
}

// Load makes the program of a Func and loads it. The error is a *TooLargeError,
// a *RefusedError or an *OldKernelError where one of them says what is wrong.
func Load(f *ir.Func, o Options) (*ebpf.Program, error) {
	spec, err := Assemble(f, o)
	if err != nil {
		return nil, err
	}
	for i := range f.Tables {
		if isInCode(&f.Tables[i]) {
			continue
		}
		m, err := tableMap(&f.Tables[i])
		if err != nil {
			return nil, fmt.Errorf("bpf: table %s: %w", f.Tables[i].Name, err)
		}
		defer m.Close() // the program keeps it
		// A table that nothing looks up any more is not referred to.
		_ = spec.Instructions.AssociateMap(tableSymbol(i), m)
	}
	for _, in := range spec.Instructions {
		if in.IsLoadFromMap() && in.Map() == nil {
			return nil, fmt.Errorf("bpf: %s uses %s, which the options do not have", f.Name, in.Reference())
		}
	}
	// The log of a program that is too large may take a gigabyte and says
	// nothing more.
	p, err := ebpf.NewProgramWithOptions(spec, ebpf.ProgramOptions{LogDisabled: true})
	if err != nil && !errors.Is(err, unix.E2BIG) {
		p, err = ebpf.NewProgramWithOptions(spec, ebpf.ProgramOptions{})
	}
	if err != nil {
		return nil, explain(f.Name, spec.Instructions, err)
	}
	return p, nil
}
