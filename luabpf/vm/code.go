// SPDX-License-Identifier: GPL-3.0-or-later

package vm

// instr is one instruction of a Program: 16 bytes.
type instr struct {
	op   opcode
	d    uint8 // the register that is set; of opReturn the verdict
	a, b uint8
	off  uint16 // of an access to the packet; else a counter or lookup, or the size of a swap in bits
	next uint16 // where a jump goes
	imm  int64
}

// opcode is what an instruction does.
type opcode uint8

// The instructions. Those that end in I have the constant imm in place of
// register b. Branches go to next if what they say holds.
const (
	opConst opcode = iota // d = imm
	opMove                // d = a

	opAdd // and the others in the order of ir.Op
	opSub
	opMul
	opDiv
	opMod
	opAnd
	opOr
	opXor
	opShl
	opShr
	opSar
	opAddI
	opSubI
	opMulI
	opDivI
	opModI
	opAndI
	opOrI
	opXorI
	opShlI
	opShrI
	opSarI
	opFromI // d = imm - b

	opSwap // d = the low off bits of a, their bytes in reverse
	opSet  // d = 1 if a and b are as condition off says, or else 0
	opSetI
	opFold
	opLen

	opLoad1 // d = [a + off]
	opLoad2
	opLoad4
	opLoad6
	opLoad8
	opStore1 // [a + off] = b
	opStore2
	opStore4
	opStore6
	opStore8
	opStore1I
	opStore2I
	opStore4I
	opStore6I
	opStore8I
	opSum  // d = the sum of b bytes from [a + off] on
	opSumI // of imm bytes
	opPush // the start by imm bytes
	opGrow // the end by a
	opGrowI

	opCount // counter off, a
	opCountI
	opMapGet // lookup off, as the others
	opMapSet
	opMapInsert
	opMapAdd
	opMapDelete
	opTableGet

	opJump
	opEQ // branches, in the order of ir.Cond
	opNE
	opLT
	opLE
	opGT
	opGE
	opSLT
	opSLE
	opSGT
	opSGE
	opEQI
	opNEI
	opLTI
	opLEI
	opGTI
	opGEI
	opSLTI
	opSLEI
	opSGTI
	opSGEI
	opWithin  // if imm bytes from a on are within the packet
	opBeyond  // if not
	opReturn  // verdict d, port imm
	opExit    // site imm
	numSimple // what follows is several in one: see merge

	opLoad1EQ // d = [a + off], and to next if that is imm
	opLoad2EQ
	opLoad4EQ
	opLoad6EQ
	opLoad1NE
	opLoad2NE
	opLoad4NE
	opLoad6NE
	opLoadSwap2 // d = [a + off] in the order of the network
	opLoadSwap4
	opLoadSwap6
	opAndEQ // d = a and imm's low half, and to next if that is imm's high half
	opAndNE
	opLoad1And // d = [a + off] and imm
	opLoad2And
	opLoad1AndEQ // d = [a + off] and imm's low half, and to next if that is imm's high half
	opLoad2AndEQ
	opLoad1AndNE
	opLoad2AndNE
	opSwapStore2 // d = b in the reverse order, and so in [a + off]
	opSwapStore4
	opMoves     // d = a, and the register b = the register off
	opPtrBeyond // d = imm's low half, and to next if imm's high half of bytes from there on are not within the packet
)

// lookup is an operation on map or constant table number ref.
type lookup struct {
	ref        int32
	key, value [2]uint8 // registers
	wide, long bool     // key and value are two registers
}
