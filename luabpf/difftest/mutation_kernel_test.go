// SPDX-License-Identifier: GPL-3.0-or-later

package difftest

import (
	"errors"
	"math/rand/v2"
	"regexp"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"pvlua/internal/privileged"
	"pvlua/luabpf/bpf"
	"pvlua/luabpf/ir"
)

// unsignedJumps are the jumps that take numbers otherwise than those with a sign.
var unsignedJumps = map[asm.JumpOp]asm.JumpOp{
	asm.JSGT: asm.JGT, asm.JSGE: asm.JGE, asm.JSLT: asm.JLT, asm.JSLE: asm.JLE,
}

// nextJumps are the jumps of a bound that is one higher or lower.
var nextJumps = map[asm.JumpOp]asm.JumpOp{
	asm.JSGT: asm.JSGE, asm.JSGE: asm.JSGT, asm.JSLT: asm.JSLE, asm.JSLE: asm.JSLT,
	asm.JGT: asm.JGE, asm.JGE: asm.JGT, asm.JLT: asm.JLE, asm.JLE: asm.JLT, asm.JEq: asm.JNE, asm.JNE: asm.JEq,
}

func isJump(in *asm.Instruction) bool {
	switch in.OpCode.Class() {
	case asm.JumpClass, asm.Jump32Class:
		return in.OpCode.JumpOp() != asm.Call && in.OpCode.JumpOp() != asm.Exit && in.OpCode.JumpOp() != asm.Ja
	}
	return false
}

// swapJump makes a fault of jumps.
func swapJump(to map[asm.JumpOp]asm.JumpOp) func(*asm.Instruction, bool) bool {
	return func(in *asm.Instruction, do bool) bool {
		if !isJump(in) {
			return false
		}
		op, ok := to[in.OpCode.JumpOp()]
		if do {
			in.OpCode = in.OpCode.SetJumpOp(op)
		}
		return ok
	}
}

// onStack reports whether an instruction keeps or takes back a register.
func onStack(in *asm.Instruction) bool {
	return in.OpCode.Class() == asm.LdXClass && in.Src == asm.RFP || in.OpCode.Class() == asm.StXClass && in.Dst == asm.RFP
}

// faultsOfCode are those that a machine's code may have: of one instruction.
// With do they are done, else it is asked whether they can be.
var faultsOfCode = map[string]func(in *asm.Instruction, do bool) bool{
	"a sign":  swapJump(unsignedJumps),
	"a bound": swapJump(nextJumps),
	"a constant": func(in *asm.Instruction, do bool) bool {
		if do {
			in.Constant++
		}
		return isJump(in) && in.OpCode.Source() == asm.ImmSource
	},
	"a byte order": func(in *asm.Instruction, do bool) bool {
		if do {
			*in = asm.Mov.Reg(in.Dst, in.Dst).WithMetadata(in.Metadata)
		}
		return in.OpCode.Class().IsALU() && in.OpCode.ALUOp() == asm.Swap
	},
	"half a register": func(in *asm.Instruction, do bool) bool {
		if do {
			in.OpCode = in.OpCode&^7 | asm.OpCode(asm.ALUClass)
		}
		if in.OpCode.Class() != asm.ALU64Class {
			return false
		}
		switch in.OpCode.ALUOp() {
		case asm.Sub, asm.Mul, asm.LSh, asm.RSh, asm.ArSh, asm.Or, asm.Xor:
			return true
		}
		return false
	},
	"another slot of the stack": func(in *asm.Instruction, do bool) bool {
		if do {
			in.Offset -= 8
		}
		return onStack(in)
	},
	"another register": func(in *asm.Instruction, do bool) bool {
		if do {
			in.Src = (in.Src + 1) % 8
		}
		return in.OpCode.Class() == asm.ALU64Class && in.OpCode.ALUOp() != asm.Swap && in.OpCode.Source() == asm.RegSource && in.Src < 8
	},
	"a narrower store": func(in *asm.Instruction, do bool) bool {
		if do {
			in.OpCode = in.OpCode.SetSize(asm.Byte)
		}
		return in.OpCode.Class() == asm.StXClass && in.Dst != asm.RFP && in.OpCode.Mode() == asm.MemMode && in.OpCode.Size() != asm.Byte
	},
	"an offset": func(in *asm.Instruction, do bool) bool {
		if do {
			in.Offset++
		}
		return in.OpCode.Class() == asm.LdXClass && in.Src != asm.RFP && in.OpCode.Size() == asm.Byte
	},
}

// tables are the constant tables of a script.
var tables = regexp.MustCompile(`(?m)^local (t\d) = .*$`)

// Each fault in the code for the kernel is found: by the verifier, or by what
// the handlers do.
func TestFaultsAreFoundInKernel(t *testing.T) {
	privileged.Require(t)
	if testing.Short() {
		t.Skip("takes a minute; run without -short")
	}
	for name, fault := range faultsOfCode {
		t.Run(name, func(t *testing.T) {
			done, refused := 0, 0
			for seed := range uint64(600) {
				rng := rand.New(rand.NewPCG(seed, 8))
				// Assemble alone makes no maps: neither for tables, of which there
				// shall be none, nor the one that holds a zero.
				source := tables.ReplaceAllString(script(rng).String(), "local $1 = {}")
				list := Packets(rng, 30)
				lua, err := new(Engine).Run(source, list)
				if err != nil {
					t.Fatal(err)
				}
				here := false
				e := kernelBy(nil, func(f *ir.Func, o bpf.Options) (*ebpf.Program, error) {
					spec, err := bpf.Assemble(f, o)
					if err != nil {
						return nil, err
					}
					zero, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1})
					if err != nil {
						return nil, err
					}
					defer zero.Close()
					var places []*asm.Instruction
					for i := range spec.Instructions {
						in := &spec.Instructions[i]
						if fault(in, false) {
							places = append(places, in)
						}
						if in.IsLoadFromMap() && in.Map() == nil {
							if err := in.AssociateMap(zero); err != nil {
								return nil, err
							}
						}
					}
					if len(places) > 0 {
						fault(places[rng.IntN(len(places))], true)
						here = true
					}
					return ebpf.NewProgramWithOptions(spec, ebpf.ProgramOptions{LogDisabled: true})
				})
				o, err := e.Run(source, list)
				switch {
				case !here || errors.Is(err, ErrNotCompiled):
				case err != nil:
					refused++ // found, but so it may be for another reason
				case Difference(lua, o) != "":
					t.Logf("found after %d programs, and %d that the verifier refused", done, refused)
					return
				default:
					done++
				}
			}
			t.Errorf("not found in %d programs; the verifier refused %d", done, refused)
		})
	}
}
