// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

import (
	"encoding/binary"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"pvlua/luabpf/ir"
)

const (
	// inCode is up to how many entries a constant table is comparisons.
	inCode = 32
	// chain is up to how many entries they come one after another; beyond it
	// they halve the table.
	chain = 4
	// wideInCode is the same as inCode for keys of 16 bytes.
	wideInCode = 8
)

// isInCode reports whether a table is comparisons, and no map of the kernel.
func isInCode(t *ir.Table) bool {
	if t.Wide {
		return len(t.Entries) <= wideInCode
	}
	return len(t.Entries) <= inCode
}

// tableSymbol is the name that stands for a table's map in the program.
func tableSymbol(i int) string { return fmt.Sprintf("table%d", i) }

// tableGet makes a TableGet.
func (s *selector) tableGet(in *ir.Instr) {
	t := &s.f.Tables[in.Ref]
	keys := in.Args
	if len(keys) == 0 {
		keys = []ir.Reg{in.A}
	}
	found, value := s.newReg(), s.newReg()
	none, done := new(block), new(block)
	if isInCode(t) {
		s.decide(keys, t.Entries, found, value, none, done)
	} else {
		key := s.scratch(keyPlace, keyRoom)
		for i, r := range keys {
			s.store(frame, key+8*int64(i), s.regs[r], asm.DWord)
		}
		s.loadMap(r1, nil, tableSymbol(int(in.Ref)))
		s.move(r2, frame)
		s.aluImm(asm.Add, r2, key)
		s.call(asm.FnMapLookupElem, 2)
		s.jumpIfImm(asm.JEq, r0, 0, none)
		s.load(value, r0, 0, asm.DWord)
		s.set(found, 1)
		s.goTo(done)
	}
	s.begin(none)
	s.set(found, 0)
	s.set(value, 0)
	s.goTo(done)
	s.begin(done)
	s.move(s.regs[in.Dst], found)
	s.move(s.regs[in.Res[0]], value)
}

// decide finds the entry by comparisons.
func (s *selector) decide(keys []ir.Reg, entries []ir.Entry, found, value reg, none, done *block) {
	if len(entries) > chain && len(keys) == 1 {
		half, above := len(entries)/2, new(block)
		s.jumpIfImm(asm.JGE, s.regs[keys[0]], int64(entries[half].Key), above)
		s.decide(keys, entries[:half], found, value, none, done)
		s.begin(above)
		s.decide(keys, entries[half:], found, value, none, done)
		return
	}
	for _, e := range entries {
		next := new(block)
		s.jumpIfImm(asm.JNE, s.regs[keys[0]], int64(e.Key), next)
		if len(keys) == 2 {
			s.jumpIfImm(asm.JNE, s.regs[keys[1]], int64(e.High), next)
		}
		s.set(found, 1)
		s.set(value, e.Value)
		s.goTo(done)
		s.begin(next)
	}
	s.goTo(none)
}

// tableMap makes the map of a table: nobody can change it.
func tableMap(t *ir.Table) (_ *ebpf.Map, err error) {
	size := uint32(8)
	if t.Wide {
		size = 16
	}
	m, err := ebpf.NewMap(&ebpf.MapSpec{
		Name: "pvlua_table", Type: ebpf.Hash, KeySize: size, ValueSize: 8, MaxEntries: uint32(len(t.Entries)), Flags: unix.BPF_F_RDONLY_PROG,
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			m.Close()
		}
	}()
	for _, e := range t.Entries {
		key := binary.NativeEndian.AppendUint64(nil, e.Key)
		if t.Wide {
			key = binary.NativeEndian.AppendUint64(key, e.High)
		}
		if err := m.Put(key, e.Value); err != nil {
			return nil, err
		}
	}
	return m, m.Freeze()
}
