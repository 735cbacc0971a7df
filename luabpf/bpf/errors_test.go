// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"pvlua/internal/privileged"
	"pvlua/luabpf/ir"
)

// unguarded makes a Func that ir.Verify would not accept, and the kernel does
// not: it reads on line 7 what no guard has passed.
func unguarded() *ir.Func {
	b := build()
	p := b.ptr(0)
	b.guard(p, 4)
	b.add(ir.Instr{Op: ir.Store, Dst: ir.None, A: p, B: ir.None, Size: 1})
	x := b.load(p, 100, 4)
	b.b.Instrs[1].Line = 7
	b.store(p, 0, 1, x)
	return b.ret(ir.TX)
}

func TestRefusalsNameTheLine(t *testing.T) {
	privileged.Require(t)
	_, err := Load(unguarded(), Options{})
	var refused *RefusedError
	if !errors.As(err, &refused) {
		t.Fatalf("the error is %v", err)
	}
	if want := "the kernel's verifier refused test.lua:7: R1 offset is outside of the packet"; maskRegister(err.Error()) != maskRegister(want) {
		t.Errorf("the error is %q, want %q", err, want)
	}
	var log *ebpf.VerifierError
	if !errors.As(err, &log) || len(log.Log) < 5 {
		t.Error("the log is lost")
	}
}

// maskRegister takes out which register it was.
func maskRegister(s string) string {
	for _, r := range "0123456789" {
		s = strings.ReplaceAll(s, "R"+string(r)+" ", "R ")
	}
	return s
}

// TestEndlessLoopsAreTooLarge: as the verifier finds out.
func TestEndlessLoopsAreTooLarge(t *testing.T) {
	privileged.Require(t)
	b := build()
	i := b.konst(0)
	head := b.NewBlock()
	b.b.Term = ir.Term{Kind: ir.Jump, Then: head}
	b.b = head
	b.add(ir.Instr{Op: ir.Add, Dst: i, A: i, B: ir.None, Imm: 1})
	head.Term = ir.Term{Kind: ir.Branch, Cond: ir.LT, A: i, B: ir.None, Imm: 1 << 40, Then: head, Else: b.ending(ir.Pass)}
	spec, err := assemble(b.Func, Options{}, false) // as for kernels that have no may_goto
	if err != nil {
		t.Fatal(err)
	}
	_, err = install(b.Func, spec)
	var large *TooLargeError
	if !errors.As(err, &large) || err.Error() != "too large for the kernel: the verifier gives up on its paths" {
		t.Errorf("the error is %v", err)
	}
}

// TestLoopsOfNothing: nothing can be loaded, and Assemble ends.
func TestLoopsOfNothing(t *testing.T) {
	b := build()
	one, other := b.NewBlock(), b.NewBlock()
	b.b.Term = ir.Term{Kind: ir.Jump, Then: one}
	one.Term = ir.Term{Kind: ir.Jump, Then: other}
	other.Term = ir.Term{Kind: ir.Jump, Then: one}
	for _, hide := range []bool{false, true} {
		if _, err := assemble(b.Func, Options{}, hide); err != nil {
			t.Error(err)
		}
	}
}

func TestProgramsBeyondTheReachOfJumps(t *testing.T) {
	b := build()
	p := b.ptr(0)
	b.guard(p, 64)
	for i := range 40000 {
		b.storeImm(p, int32(i%60), 4, int64(i))
	}
	_, err := Assemble(b.ret(ir.TX), Options{})
	var large *TooLargeError
	if !errors.As(err, &large) || !strings.Contains(err.Error(), "40009 instructions") {
		t.Errorf("the error is %v", err)
	}
}

func TestLastWords(t *testing.T) {
	for _, c := range []struct {
		log     string
		message string
		at      int
	}{
		{"0: R1=ctx() R10=fp0\n; a.lua:1 @ :0\n0: (61) r2 = *(u32 *)(r1 +0)\n1: (85) call unknown#200\nunknown func unknown#200\nprocessed 2 insns (limit 1000000)", "unknown func unknown#200", 1},
		{"7: (71) r0 = *(u8 *)(r2 +9)\ninvalid access to packet, off=9 size=1\nR2 offset is outside of the packet\nprocessed 8 insns", "R2 offset is outside of the packet", 7},
		{"from 7 to 12: R0=1\nback-edge from insn 12 to 3\n", "back-edge from insn 12 to 3", 12},
		{"R0 !read_ok", "R0 !read_ok", -1},
	} {
		message, at := lastWords(strings.Split(c.log, "\n"))
		if message != c.message || at != c.at {
			t.Errorf("of %q: %q at %d, want %q at %d", c.log, message, at, c.message, c.at)
		}
	}
}

func TestOldKernels(t *testing.T) {
	err := explain("a.lua", nil, &ebpf.VerifierError{Cause: errors.New("invalid argument"), Log: []string{"1: (85) call unknown#200", "unknown func unknown#200"}})
	var old *OldKernelError
	if !errors.As(err, &old) || err.Error() != "the kernel is too old: unknown func unknown#200" {
		t.Errorf("the error is %v", err)
	}
}

func TestOptionsThatDoNotFit(t *testing.T) {
	f := mapFunc(ir.MapGet, 1, 1)
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Mark: []byte("short")}, "bpf: the mark has 5 bytes; it takes 16"},
		{Options{Maps: []MapInfo{{}, {}}}, "bpf: 2 maps for a handler with 1"},
	} {
		if _, err := Assemble(f, c.o); err == nil || err.Error() != c.want {
			t.Errorf("the error is %v, want %s", err, c.want)
		}
	}
	privileged.Require(t)
	if _, err := Assemble(f, Options{Stats: perCPU(t, 5)}); err == nil || err.Error() != fmt.Sprintf("bpf: the statistics have room for 5 numbers; test.lua needs %d", StatsLen(f)) {
		t.Errorf("the error is %v", err)
	}
	if _, err := Load(f, Options{}); err == nil || err.Error() != "bpf: test.lua: it uses map0, which the options do not have" {
		t.Errorf("without the map the error is %v", err)
	}
}

// TestAssembleNeedsNoPrivilege: and gives the script's lines with the program.
func TestAssembleNeedsNoPrivilege(t *testing.T) {
	spec, err := Assemble(mapFunc(ir.MapAdd, 2, 1), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, in := range spec.Instructions {
		if s := in.Source(); s != nil {
			lines = append(lines, s.String())
		}
	}
	for _, want := range []string{"test.lua:1", "test.lua:5", "test.lua:6"} {
		if !slices.Contains(lines, want) {
			t.Errorf("there is no %s among %v", want, lines)
		}
	}
}
