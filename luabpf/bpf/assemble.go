// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"pvlua/luabpf/ir"
)

// Assemble makes the program of a Func. It needs no privilege. Maps that o does
// not have, and constant tables, are references by name in it.
func Assemble(f *ir.Func, o Options) (*ebpf.ProgramSpec, error) { return assemble(f, o, true) }

// assemble is Assemble with loops for the verifiers of Linux 6.9 and later, or
// for earlier ones.
func assemble(f *ir.Func, o Options, hide bool) (*ebpf.ProgramSpec, error) {
	if err := o.check(f); err != nil {
		return nil, err
	}
	all := choose(f, &o, hide) // eBPF instructions on any number of registers
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
	spec, err := assemble(f, o, true)
	if err != nil {
		return nil, err
	}
	p, err := install(f, spec)
	if err == nil || !slices.ContainsFunc(spec.Instructions, func(in asm.Instruction) bool { return in.OpCode == mayGoto }) {
		return p, err
	}
	spec, plain := assemble(f, o, false)
	if plain == nil {
		p, plain = install(f, spec)
	}
	if plain == nil || errors.As(err, new(*OldKernelError)) {
		return p, plain
	}
	return nil, err
}

// install gives a program to the kernel, with maps of its own for what it refers
// to by name.
func install(f *ir.Func, spec *ebpf.ProgramSpec) (*ebpf.Program, error) {
	own := map[string]*ebpf.Map{}
	defer func() { // the program keeps them
		for _, m := range own {
			m.Close()
		}
	}()
	for i := range spec.Instructions {
		in := &spec.Instructions[i]
		name := in.Reference()
		if !in.IsLoadFromMap() || in.Map() != nil {
			continue
		}
		if own[name] == nil {
			m, err := ownMap(f, name)
			if err != nil {
				return nil, fmt.Errorf("bpf: %s: %w", f.Name, err)
			}
			own[name] = m
		}
		if err := in.AssociateMap(own[name]); err != nil {
			return nil, fmt.Errorf("bpf: %s: %w", f.Name, err)
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

// ownMap makes a map that the options do not have.
func ownMap(f *ir.Func, name string) (*ebpf.Map, error) {
	if name == zeroSymbol {
		return zeroMap()
	}
	for i := range f.Tables {
		if name == tableSymbol(i) {
			m, err := tableMap(&f.Tables[i])
			if err != nil {
				return nil, fmt.Errorf("table %s: %w", f.Tables[i].Name, err)
			}
			return m, nil
		}
	}
	return nil, fmt.Errorf("it uses %s, which the options do not have", name)
}
