// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

import (
	"fmt"

	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"pvlua/luabpf/ir"
)

// Flags of bpf_map_update_elem (linux/bpf.h).
const (
	updateAny     = 0 // BPF_ANY
	updateNoExist = 1 // BPF_NOEXIST
)

// Where an operation on a map has its key and value in the frame: bytes from
// the top down. A value in a map begins with the time of its last touch.
const (
	keyPlace    = 0
	keyRoom     = 16
	valuePlace  = keyPlace + keyRoom
	touchedSize = 8
)

// mapUse is one operation on a map.
type mapUse struct {
	*selector
	in   *ir.Instr
	decl *ir.Map
	info MapInfo
	key  int64 // places in the frame, relative to its top
	val  int64
	now  reg // the time, where the map has a TTL
	dst  reg
	res  []reg
}

// mapOp makes an operation on a map.
//
// What a program finds out about an entry holds until another CPU, or user
// space, changes it: two additions at once may together go beyond Max by what
// the later one adds, and of two insertions at once in place of the same entry
// that has aged out both may succeed. An entry that is deleted between being
// looked up and being touched or added to may by then be another one: of its
// key and value nothing is lost but that touch or addition goes to it (the
// kernel uses deleted entries again at once, kernel/bpf/hashtab.c).
func (s *selector) mapOp(in *ir.Instr) {
	u := &mapUse{selector: s, in: in, decl: &s.f.Maps[in.Ref], dst: s.newReg()}
	if int(in.Ref) < len(s.o.Maps) {
		u.info = s.o.Maps[in.Ref]
	}
	u.key, u.val = s.scratch(keyPlace, keyRoom), s.scratch(valuePlace, touchedSize+8*u.decl.Value)
	for range in.Res {
		u.res = append(u.res, s.newReg())
	}
	if u.info.TTL > 0 { // before the key is in place, for calls destroy registers
		s.call(asm.FnKtimeGetNs, 0)
		u.now = s.copyOf(r0)
	}
	for i, r := range in.Args[:u.decl.Key] {
		s.store(frame, u.key+8*int64(i), s.regs[r], asm.DWord)
	}
	done := new(block)
	switch in.Op {
	case ir.MapGet:
		u.get(done)
	case ir.MapSet:
		u.value(in.Args[u.decl.Key:])
		u.put(updateAny, 0, done)
	case ir.MapInsert:
		u.insert(done)
	case ir.MapAdd:
		u.addTo(done)
	case ir.MapDelete:
		u.remove(done)
	}
	s.begin(done)
	s.move(s.regs[in.Dst], u.dst)
	for i, r := range in.Res {
		s.move(s.regs[r], u.res[i])
	}
}

// arguments puts the map and the key into R1 and R2.
func (u *mapUse) arguments() {
	u.loadMap(r1, u.info.Map, fmt.Sprintf("map%d", u.in.Ref))
	u.move(r2, frame)
	u.aluImm(asm.Add, r2, u.key)
}

// find looks the key up: if there is an entry, that has not aged out, it is in
// R0; otherwise the program goes on at absent, or at aged.
func (u *mapUse) find(absent, aged *block) {
	u.arguments()
	u.call(asm.FnMapLookupElem, 2)
	u.jumpIfImm(asm.JEq, r0, 0, absent)
	if u.info.TTL > 0 {
		age := u.copyOf(u.now)
		touched := u.newReg()
		u.load(touched, r0, 0, asm.DWord)
		u.alu(asm.Sub, age, touched) // below 0 where another CPU was here since
		u.jumpIf(asm.JSGE, age, u.constant(int64(u.info.TTL)), aged)
	}
}

// touch notes the time in the entry at R0.
func (u *mapUse) touch() {
	if u.info.TTL > 0 {
		u.store(r0, 0, u.now, asm.DWord)
	}
}

// give ends the operation with a result.
func (u *mapUse) give(result int64, done *block) {
	u.set(u.dst, result)
	u.goTo(done)
}

// none sets the further results where there is nothing.
func (u *mapUse) none() {
	for _, r := range u.res {
		u.set(r, 0)
	}
}

// value puts a value into the frame.
func (u *mapUse) value(regs []ir.Reg) {
	if u.info.TTL > 0 {
		u.store(frame, u.val, u.now, asm.DWord)
	} else {
		u.storeImm(frame, u.val, 0, asm.DWord)
	}
	for i, r := range regs {
		u.store(frame, u.val+touchedSize+8*int64(i), u.regs[r], asm.DWord)
	}
}

// update writes the key and value; R0 is 0 or an error number below.
func (u *mapUse) update(flags int64) {
	u.arguments()
	u.move(r3, frame)
	u.aluImm(asm.Add, r3, u.val)
	u.set(r4, flags)
	u.call(asm.FnMapUpdateElem, 4)
}

// jumpIfGave compares what an operation of the kernel gave, in R0: 32 bits, for
// before Linux 6.4 the others were left as they happened to be.
func (u *mapUse) jumpIfGave(op asm.JumpOp, n int64, to *block) {
	u.jumpTo(to, insn{op: asm.OpCode(asm.Jump32Class).SetJumpOp(op).SetSource(asm.ImmSource), dst: r0, imm: n})
}

// put writes the key and value: 1, or full if there is no room.
func (u *mapUse) put(flags, full int64, done *block) {
	u.update(flags)
	u.putResult(full, done)
}

// putResult makes the result of update.
func (u *mapUse) putResult(full int64, done *block) {
	refused := new(block)
	u.jumpIfGave(asm.JNE, 0, refused)
	u.give(1, done)
	u.begin(refused)
	u.none()
	if u.info.Refused != nil {
		u.count(u.info.Refused, "refused", 0, func(n reg) { u.aluImm(asm.Add, n, 1) })
	}
	u.give(full, done)
}

func (u *mapUse) get(done *block) {
	absent := new(block)
	u.find(absent, absent)
	u.touch()
	for i, r := range u.res {
		u.load(r, r0, touchedSize+8*int64(i), asm.DWord)
	}
	u.give(1, done)
	u.begin(absent)
	u.none()
	u.give(0, done)
}

// insert finds out by the kernel's own test whether the key is there; one that
// has aged out is replaced.
func (u *mapUse) insert(done *block) {
	u.value(u.in.Args[u.decl.Key:])
	u.update(updateNoExist)
	there, other, aged := new(block), new(block), new(block)
	u.jumpIfGave(asm.JEq, -int64(unix.EEXIST), there)
	u.putResult(2, done)
	u.begin(there)
	if u.info.TTL > 0 {
		u.find(aged, aged) // absent: deleted just now
		u.goTo(other)
		u.begin(aged)
		u.put(updateAny, 2, done)
	} else {
		u.goTo(other)
	}
	u.begin(other)
	u.give(0, done)
}

// addTo adds to the entry, or makes one with what is added. If another CPU makes
// it at the same time, the second look-up finds it.
func (u *mapUse) addTo(done *block) {
	sum, n := u.res[0], u.regs[u.in.Args[u.decl.Key]]
	outside, absent, aged, again, missing := new(block), new(block), new(block), new(block), new(block)
	existing := func(absent *block) {
		u.find(absent, aged)
		u.load(sum, r0, touchedSize, asm.DWord)
		u.alu(asm.Add, sum, n)
		u.jumpAbove(sum, outside)
		u.touch()
		added := u.copyOf(n)
		u.add(insn{op: asm.FetchAdd.OpCode(asm.DWord), dst: r0, src: added, off: touchedSize})
		u.move(sum, added)
		u.alu(asm.Add, sum, n)
		u.give(1, done)
	}
	existing(absent)

	u.begin(absent)
	u.move(sum, n)
	u.jumpAbove(sum, outside)
	u.value(u.in.Args[u.decl.Key:])
	u.update(updateNoExist)
	u.jumpIfGave(asm.JEq, -int64(unix.EEXIST), again)
	u.putResult(0, done)

	u.begin(again)
	existing(missing)
	u.begin(missing) // there, and gone again: as if both had come before
	u.goTo(aged)

	u.begin(aged)
	u.move(sum, n)
	u.jumpAbove(sum, outside)
	u.value(u.in.Args[u.decl.Key:])
	u.put(updateAny, 0, done)

	u.begin(outside)
	u.none()
	u.give(2, done)
}

// jumpAbove jumps if a number is not from 0 to Max.
func (u *mapUse) jumpAbove(r reg, to *block) {
	u.jumpIf(asm.JGT, r, u.constant(int64(u.info.Max)), to)
}

func (u *mapUse) remove(done *block) {
	absent, aged := new(block), new(block)
	if u.info.TTL > 0 {
		u.find(absent, aged)
	}
	u.arguments()
	u.call(asm.FnMapDeleteElem, 2)
	u.jumpIfGave(asm.JNE, 0, absent)
	u.give(1, done)
	if u.info.TTL > 0 {
		u.begin(aged) // which goes, but was not there
		u.arguments()
		u.call(asm.FnMapDeleteElem, 2)
		u.goTo(absent)
	}
	u.begin(absent)
	u.give(0, done)
}
