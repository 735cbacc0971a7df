// SPDX-License-Identifier: GPL-3.0-or-later

// Package ir is the form of a handler between Lua and the machines that run it:
// a graph of basic blocks of three-address instructions on 64-bit registers.
// Everything that Lua leaves to run time has been decided: each register holds
// a whole number or a pointer into the packet; whether a header is there, a
// value nil, or an access inside the packet are branches.
//
// A Func is made by package lower, from the tree of a script; package bpf makes
// eBPF of it, and package vm runs it in user space.
//
// Registers are not in SSA form: one may be assigned at several places, as
// where paths join.
package ir

// Reg is a virtual register of 64 bits.
type Reg int32

// None is no register: an operand is then the constant beside it.
const None Reg = -1

// Op is what an instruction does.
type Op uint8

// The operations. A and B are registers; where B is None the second operand is
// Imm. Numbers are 64-bit integers that wrap around; whoever makes the
// instructions proves, or tests by branches, that they stand for Lua's numbers.
const (
	Const Op = iota // Dst = Imm
	Move            // Dst = A

	Add // Dst = A + B
	Sub // Dst = A - B; A None: -B, or Imm - B
	Mul // Dst = A * B
	Div // Dst = A / B, both taken as unsigned; B is not 0
	Mod // Dst = A % B, both taken as unsigned; B is not 0
	And // Dst = A & B
	Or  // Dst = A | B
	Xor // Dst = A ^ B
	Shl // Dst = A << B, B from 0 to 63
	Shr // Dst = A >> B, unsigned, B from 0 to 63
	Sar // Dst = A >> B, signed, B from 0 to 63

	// Swap reverses the order of the low Size bytes of A (2, 4, 6 or 8); the
	// rest of A must be 0, as it is after a Load, and is 0 in Dst.
	Swap
	// Set is Dst = 1 if A Cond B, or else 0.
	Set
	// Fold adds the carries of a sum of 16-bit words until it fits 16 bits:
	// Dst = A folded, from 0 to 0xffff (RFC 1071). A is taken as unsigned.
	Fold

	// Len is the packet's length in bytes: Dst.
	Len
	// Ptr makes a pointer: Dst = start of the packet + A, from 0 to 0xffff, or
	// + Imm if A is None. It may be used once a Guard has passed it, for as many
	// bytes, and until the next Adjust. A Move copies it with what was proven.
	Ptr
	// Load reads Size bytes (1, 2, 4, 6 or 8) at A + Off in the order of the
	// machine, which is little-endian: Dst, zero-extended.
	Load
	// Store writes the low Size bytes of B, or of Imm, at A + Off, in the order
	// of the machine.
	Store
	// Sum is the sum of the 16-bit words, as Load reads them, of B bytes (or
	// Imm) from A + Off on, an odd byte at the end being the low half of a word:
	// Dst, not folded. A Guard is not needed: bytes beyond the packet's end add
	// nothing, and B is at most 0xffff.
	Sum
	// Adjust moves the packet's start by Imm bytes towards the front if Size is
	// 0, or its end by A or Imm bytes towards the back if Size is 1; negative
	// numbers cut. Dst = 1, or 0 if there is no room and nothing was done. All
	// pointers are void after it. New bytes are 0.
	Adjust

	// CountAdd adds A, or Imm, to counter number Ref.
	CountAdd
	// The operations on map number Ref. Args are the key, one register or, of
	// 16 bytes, two that hold them as Load reads them, and then the value, likewise.
	//
	// MapGet: Dst = 1 and Res = the value, or Dst = 0 if there is none.
	// MapSet: Dst = 1, or 0 if the key is new and the map full.
	// MapInsert: Dst = 1; 0 if the key is there; 2 if it is not and the map is full.
	// MapAdd: Args are the key and what is added. Dst = 1 and Res = the sum; 0
	// if the key is new and the map is full; 2 if the map can't hold the sum, and
	// nothing was done.
	// MapDelete: Dst = 1, or 0 if there was none.
	MapGet
	MapSet
	MapInsert
	MapAdd
	MapDelete

	// TableGet looks a number up in constant table number Ref: A is the key.
	// Dst = 1 and Res = the value, or Dst = 0 if there is none. Args are used
	// in place of A for keys of 16 bytes.
	//
	// What Res holds when Dst is not 1 must not matter.
	TableGet

	NumOps
)

// Cond is how two numbers are compared.
type Cond uint8

// The conditions; those with S take the numbers as signed.
const (
	EQ Cond = iota
	NE
	LT
	LE
	GT
	GE
	SLT
	SLE
	SGT
	SGE
)

// Not gives the opposite of a condition.
func (c Cond) Not() Cond { return [...]Cond{NE, EQ, GE, GT, LE, LT, SGE, SGT, SLE, SLT}[c] }

// Turned gives the condition that holds of b and a when c holds of a and b.
func (c Cond) Turned() Cond { return [...]Cond{EQ, NE, GT, GE, LT, LE, SGT, SGE, SLT, SLE}[c] }

// Instr is one instruction.
type Instr struct {
	Op   Op
	Size uint8
	Cond Cond // of Set
	Dst  Reg
	A, B Reg
	Off  int32
	Ref  int32
	Line int32 // of the script
	Imm  int64
	Args []Reg
	Res  []Reg
}

// Block is instructions that are executed one after another, and what follows.
type Block struct {
	ID     int // position in Func.Blocks
	Instrs []Instr
	Term   Term
}

// TermKind is how a block ends.
type TermKind uint8

// The ends of blocks.
const (
	// Jump goes on at Then.
	Jump TermKind = iota + 1
	// Branch goes on at Then if A Cond B (or Imm), or else at Else.
	Branch
	// Guard goes on at Then if the Imm bytes from pointer A on are within the
	// packet, or else at Else.
	Guard
	// Return ends with a verdict.
	Return
	// Exit leaves the packet, in which nothing has been changed, nor in
	// counters and maps, to the whole handler in user space.
	Exit
)

// Term is the end of a block.
type Term struct {
	Kind       TermKind
	Cond       Cond
	A, B       Reg
	Imm        int64
	Then, Else *Block
	Verdict    Verdict // of Return
	Port       int     // of Return: index of the port of Redirect
	Site       int     // of Exit: position in Func.Sites
	Line       int32
}

// Verdict is what becomes of the packet: the kernel's XDP_ numbers, as in
// package luabind.
type Verdict uint8

// The verdicts.
const (
	Drop     Verdict = 1
	Pass     Verdict = 2
	TX       Verdict = 3
	Redirect Verdict = 4 // out of Term.Port
)

// Site is a place in the script at which the kernel's part ends.
type Site struct {
	Line   int
	Reason string // why, and what would help: one line
	// Rare says that only packets of a kind that the compiled code does not
	// take, or numbers out of range, come here: that it depends on the packet,
	// not on the script.
	Rare bool
	// Undone says that the paths that come here have changed bytes of the packet,
	// and have put back what was there; whether that is so is not verified.
	Undone bool
	// Moved says that the site is before a change that could not be undone later:
	// all packets that get there leave, however rare the reason is.
	Moved bool
}

// OnlyRare reports whether no more than rare packets leave at the site.
func (s *Site) OnlyRare() bool { return s.Rare && !s.Moved }

// RegKind is what a register holds.
type RegKind uint8

// The kinds of register.
const (
	Number RegKind = iota
	Pointer
)

// Func is a compiled handler. Execution begins with Blocks[0], to which nothing
// jumps.
type Func struct {
	Name     string // of the script
	Blocks   []*Block
	Regs     []RegKind // by register
	Counters []Counter
	Maps     []Map
	Tables   []Table
	Sites    []Site
}

// NewReg makes a register.
func (f *Func) NewReg(k RegKind) Reg {
	f.Regs = append(f.Regs, k)
	return Reg(len(f.Regs) - 1)
}

// NewBlock makes an empty block.
func (f *Func) NewBlock() *Block {
	b := &Block{ID: len(f.Blocks)}
	f.Blocks = append(f.Blocks, b)
	return b
}

// Counter is a counter that the handler adds to.
type Counter struct{ Name string }

// Map is a map that the handler uses, with declared widths.
type Map struct {
	Name string
	// Key and Value are how many registers each takes: 1 for numbers, 2 for
	// strings of 16 bytes.
	Key, Value int
}

// Table is a constant table: from numbers, or strings of 16 bytes, to numbers.
type Table struct {
	Name    string // of the script's variable, for messages
	Wide    bool   // keys are strings of 16 bytes
	Entries []Entry
}

// Entry is one entry of a Table, in ascending order of Key; of a wide one the
// key is Key and then High, as Load reads the bytes.
type Entry struct {
	Key, High uint64
	Value     int64
}
