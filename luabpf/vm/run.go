// SPDX-License-Identifier: GPL-3.0-or-later

package vm

import (
	"encoding/binary"
	"math/bits"

	"pvlua/luabind"
	"pvlua/luabpf/ir"
)

var order = binary.LittleEndian

// run executes the Program on a packet and gives the position of the
// instruction that ended it.
func (p *Program) run(pkt *luabind.Packet) int {
	buf := pkt.Buf[pkt.From:pkt.To:pkt.To]
	for pc := 0; ; pc++ {
		pc = p.fast(pc, buf)
		in := &p.code[pc]
		if in.op == opReturn || in.op == opExit {
			return pc
		}
		buf = p.slow(in, pkt, buf)
	}
}

// fast executes instructions from pc on up to one that takes a call of a
// function, whose position it gives. It makes none itself: then what the loop
// needs stays in the processor's registers.
//
// A register with a pointer has an offset from the packet's start. That
// accesses are within the packet has been proven (ir.Verify); Go checks it once
// more.
func (p *Program) fast(pc int, buf []byte) int {
	r, code := &p.regs, p.code
	for {
		in := &code[pc]
		pc++
		switch in.op {
		case opConst:
			r[in.d] = uint64(in.imm)
		case opMove:
			r[in.d] = r[in.a]

		case opAdd:
			r[in.d] = r[in.a] + r[in.b]
		case opSub:
			r[in.d] = r[in.a] - r[in.b]
		case opMul:
			r[in.d] = r[in.a] * r[in.b]
		case opDiv:
			r[in.d] = r[in.a] / r[in.b]
		case opMod:
			r[in.d] = r[in.a] % r[in.b]
		case opAnd:
			r[in.d] = r[in.a] & r[in.b]
		case opOr:
			r[in.d] = r[in.a] | r[in.b]
		case opXor:
			r[in.d] = r[in.a] ^ r[in.b]
		case opShl:
			r[in.d] = r[in.a] << (r[in.b] & 63)
		case opShr:
			r[in.d] = r[in.a] >> (r[in.b] & 63)
		case opSar:
			r[in.d] = uint64(int64(r[in.a]) >> (r[in.b] & 63))
		case opAddI:
			r[in.d] = r[in.a] + uint64(in.imm)
		case opSubI:
			r[in.d] = r[in.a] - uint64(in.imm)
		case opMulI:
			r[in.d] = r[in.a] * uint64(in.imm)
		case opDivI:
			r[in.d] = r[in.a] / uint64(in.imm)
		case opModI:
			r[in.d] = r[in.a] % uint64(in.imm)
		case opAndI:
			r[in.d] = r[in.a] & uint64(in.imm)
		case opOrI:
			r[in.d] = r[in.a] | uint64(in.imm)
		case opXorI:
			r[in.d] = r[in.a] ^ uint64(in.imm)
		case opShlI:
			r[in.d] = r[in.a] << (in.imm & 63)
		case opShrI:
			r[in.d] = r[in.a] >> (in.imm & 63)
		case opSarI:
			r[in.d] = uint64(int64(r[in.a]) >> (in.imm & 63))
		case opFromI:
			r[in.d] = uint64(in.imm) - r[in.b]

		case opSwap:
			r[in.d] = bits.ReverseBytes64(r[in.a]) >> (64 - in.off)
		case opFold:
			r[in.d] = fold(r[in.a])
		case opLen:
			r[in.d] = uint64(len(buf))

		case opLoad1:
			r[in.d] = uint64(buf[r[in.a]+uint64(in.off)])
		case opLoad2:
			r[in.d] = uint64(order.Uint16(buf[r[in.a]+uint64(in.off):]))
		case opLoad4:
			r[in.d] = uint64(order.Uint32(buf[r[in.a]+uint64(in.off):]))
		case opLoad6:
			r[in.d] = load6(buf[r[in.a]+uint64(in.off):])
		case opLoad8:
			r[in.d] = order.Uint64(buf[r[in.a]+uint64(in.off):])
		case opStore1:
			buf[r[in.a]+uint64(in.off)] = uint8(r[in.b])
		case opStore2:
			order.PutUint16(buf[r[in.a]+uint64(in.off):], uint16(r[in.b]))
		case opStore4:
			order.PutUint32(buf[r[in.a]+uint64(in.off):], uint32(r[in.b]))
		case opStore6:
			store6(buf[r[in.a]+uint64(in.off):], r[in.b])
		case opStore8:
			order.PutUint64(buf[r[in.a]+uint64(in.off):], r[in.b])
		case opStore1I:
			buf[r[in.a]+uint64(in.off)] = uint8(in.imm)
		case opStore2I:
			order.PutUint16(buf[r[in.a]+uint64(in.off):], uint16(in.imm))
		case opStore4I:
			order.PutUint32(buf[r[in.a]+uint64(in.off):], uint32(in.imm))
		case opStore6I:
			store6(buf[r[in.a]+uint64(in.off):], uint64(in.imm))
		case opStore8I:
			order.PutUint64(buf[r[in.a]+uint64(in.off):], uint64(in.imm))
		case opCount:
			p.env.Counters[in.off].Add(int64(r[in.a]))
		case opCountI:
			p.env.Counters[in.off].Add(in.imm)
		case opJump:
			pc = int(in.next)
		case opEQ:
			if r[in.a] == r[in.b] {
				pc = int(in.next)
			}
		case opNE:
			if r[in.a] != r[in.b] {
				pc = int(in.next)
			}
		case opLT:
			if r[in.a] < r[in.b] {
				pc = int(in.next)
			}
		case opLE:
			if r[in.a] <= r[in.b] {
				pc = int(in.next)
			}
		case opGT:
			if r[in.a] > r[in.b] {
				pc = int(in.next)
			}
		case opGE:
			if r[in.a] >= r[in.b] {
				pc = int(in.next)
			}
		case opSLT:
			if int64(r[in.a]) < int64(r[in.b]) {
				pc = int(in.next)
			}
		case opSLE:
			if int64(r[in.a]) <= int64(r[in.b]) {
				pc = int(in.next)
			}
		case opSGT:
			if int64(r[in.a]) > int64(r[in.b]) {
				pc = int(in.next)
			}
		case opSGE:
			if int64(r[in.a]) >= int64(r[in.b]) {
				pc = int(in.next)
			}
		case opEQI:
			if r[in.a] == uint64(in.imm) {
				pc = int(in.next)
			}
		case opNEI:
			if r[in.a] != uint64(in.imm) {
				pc = int(in.next)
			}
		case opLTI:
			if r[in.a] < uint64(in.imm) {
				pc = int(in.next)
			}
		case opLEI:
			if r[in.a] <= uint64(in.imm) {
				pc = int(in.next)
			}
		case opGTI:
			if r[in.a] > uint64(in.imm) {
				pc = int(in.next)
			}
		case opGEI:
			if r[in.a] >= uint64(in.imm) {
				pc = int(in.next)
			}
		case opSLTI:
			if int64(r[in.a]) < in.imm {
				pc = int(in.next)
			}
		case opSLEI:
			if int64(r[in.a]) <= in.imm {
				pc = int(in.next)
			}
		case opSGTI:
			if int64(r[in.a]) > in.imm {
				pc = int(in.next)
			}
		case opSGEI:
			if int64(r[in.a]) >= in.imm {
				pc = int(in.next)
			}
		case opWithin:
			if r[in.a]+uint64(in.imm) <= uint64(len(buf)) {
				pc = int(in.next)
			}
		case opBeyond:
			if r[in.a]+uint64(in.imm) > uint64(len(buf)) {
				pc = int(in.next)
			}
		case opLoad1EQ:
			x := uint64(buf[r[in.a]+uint64(in.off)])
			if r[in.d] = x; x == uint64(in.imm) {
				pc = int(in.next)
			}
		case opLoad2EQ:
			x := uint64(order.Uint16(buf[r[in.a]+uint64(in.off):]))
			if r[in.d] = x; x == uint64(in.imm) {
				pc = int(in.next)
			}
		case opLoad4EQ:
			x := uint64(order.Uint32(buf[r[in.a]+uint64(in.off):]))
			if r[in.d] = x; x == uint64(in.imm) {
				pc = int(in.next)
			}
		case opLoad6EQ:
			x := load6(buf[r[in.a]+uint64(in.off):])
			if r[in.d] = x; x == uint64(in.imm) {
				pc = int(in.next)
			}
		case opLoad1NE:
			x := uint64(buf[r[in.a]+uint64(in.off)])
			if r[in.d] = x; x != uint64(in.imm) {
				pc = int(in.next)
			}
		case opLoad2NE:
			x := uint64(order.Uint16(buf[r[in.a]+uint64(in.off):]))
			if r[in.d] = x; x != uint64(in.imm) {
				pc = int(in.next)
			}
		case opLoad4NE:
			x := uint64(order.Uint32(buf[r[in.a]+uint64(in.off):]))
			if r[in.d] = x; x != uint64(in.imm) {
				pc = int(in.next)
			}
		case opLoad6NE:
			x := load6(buf[r[in.a]+uint64(in.off):])
			if r[in.d] = x; x != uint64(in.imm) {
				pc = int(in.next)
			}
		case opLoadSwap2:
			r[in.d] = uint64(binary.BigEndian.Uint16(buf[r[in.a]+uint64(in.off):]))
		case opLoadSwap4:
			r[in.d] = uint64(binary.BigEndian.Uint32(buf[r[in.a]+uint64(in.off):]))
		case opLoadSwap6:
			r[in.d] = bits.ReverseBytes64(load6(buf[r[in.a]+uint64(in.off):])) >> 16
		case opAndEQ:
			x := r[in.a] & uint64(uint32(in.imm))
			if r[in.d] = x; x == uint64(in.imm)>>32 {
				pc = int(in.next)
			}
		case opAndNE:
			x := r[in.a] & uint64(uint32(in.imm))
			if r[in.d] = x; x != uint64(in.imm)>>32 {
				pc = int(in.next)
			}
		case opLoad1And:
			r[in.d] = uint64(buf[r[in.a]+uint64(in.off)]) & uint64(in.imm)
		case opLoad2And:
			r[in.d] = uint64(order.Uint16(buf[r[in.a]+uint64(in.off):])) & uint64(in.imm)
		case opLoad1AndEQ:
			x := uint64(buf[r[in.a]+uint64(in.off)]) & uint64(uint32(in.imm))
			if r[in.d] = x; x == uint64(in.imm)>>32 {
				pc = int(in.next)
			}
		case opLoad2AndEQ:
			x := uint64(order.Uint16(buf[r[in.a]+uint64(in.off):])) & uint64(uint32(in.imm))
			if r[in.d] = x; x == uint64(in.imm)>>32 {
				pc = int(in.next)
			}
		case opLoad1AndNE:
			x := uint64(buf[r[in.a]+uint64(in.off)]) & uint64(uint32(in.imm))
			if r[in.d] = x; x != uint64(in.imm)>>32 {
				pc = int(in.next)
			}
		case opLoad2AndNE:
			x := uint64(order.Uint16(buf[r[in.a]+uint64(in.off):])) & uint64(uint32(in.imm))
			if r[in.d] = x; x != uint64(in.imm)>>32 {
				pc = int(in.next)
			}
		case opSwapStore2:
			x := bits.ReverseBytes16(uint16(r[in.b]))
			order.PutUint16(buf[r[in.a]+uint64(in.off):], x)
			r[in.d] = uint64(x)
		case opSwapStore4:
			x := bits.ReverseBytes32(uint32(r[in.b]))
			order.PutUint32(buf[r[in.a]+uint64(in.off):], x)
			r[in.d] = uint64(x)
		case opMoves:
			r[in.d] = r[in.a]
			r[in.b] = r[uint8(in.off)]
		case opPtrBeyond:
			at := uint64(uint32(in.imm))
			if r[in.d] = at; at+uint64(in.imm)>>32 > uint64(len(buf)) {
				pc = int(in.next)
			}
		default:
			return pc - 1
		}
	}
}

// slow executes one of the other instructions, and gives the packet after it.
func (p *Program) slow(in *instr, pkt *luabind.Packet, buf []byte) []byte {
	r := &p.regs
	switch in.op {
	case opSet:
		r[in.d] = oneIf(ir.Cond(in.off).Holds(r[in.a], r[in.b]))
	case opSetI:
		r[in.d] = oneIf(ir.Cond(in.off).Holds(r[in.a], uint64(in.imm)))
	case opSum:
		r[in.d] = sum(buf, r[in.a]+uint64(in.off), r[in.b])
	case opSumI:
		r[in.d] = sum(buf, r[in.a]+uint64(in.off), uint64(in.imm))
	case opPush:
		r[in.d] = oneIf(adjust(pkt, in.imm, 0))
		buf = pkt.Buf[pkt.From:pkt.To:pkt.To]
	case opGrow:
		r[in.d] = oneIf(adjust(pkt, 0, int64(r[in.a])))
		buf = pkt.Buf[pkt.From:pkt.To:pkt.To]
	case opGrowI:
		r[in.d] = oneIf(adjust(pkt, 0, in.imm))
		buf = pkt.Buf[pkt.From:pkt.To:pkt.To]

	case opMapGet:
		r[in.d] = p.mapGet(&p.lookups[in.off])
	case opMapSet:
		r[in.d] = p.mapSet(&p.lookups[in.off])
	case opMapInsert:
		r[in.d] = p.mapInsert(&p.lookups[in.off])
	case opMapAdd:
		r[in.d] = p.mapAdd(&p.lookups[in.off])
	case opMapDelete:
		r[in.d] = p.mapDelete(&p.lookups[in.off])
	case opTableGet:
		r[in.d] = p.tableGet(&p.lookups[in.off])
	}
	return buf
}

func oneIf(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func load6(b []byte) uint64 {
	return uint64(order.Uint32(b)) | uint64(order.Uint16(b[4:6]))<<32
}

func store6(b []byte, x uint64) {
	order.PutUint16(b[4:6], uint16(x>>32))
	order.PutUint32(b, uint32(x))
}

// fold is ir.Fold.
func fold(x uint64) uint64 {
	for x > 0xffff {
		x = x>>16 + x&0xffff
	}
	return x
}

// sum is ir.Sum over n bytes from an offset on. It takes four words at a time,
// two in each half of a register, which the 2^14 pairs of words in a packet
// can't fill.
func sum(b []byte, from, n uint64) (total uint64) {
	if from >= uint64(len(b)) {
		return 0
	}
	b = b[from:]
	b = b[:min(n, uint64(len(b)))]
	const low = 0x0000_ffff_0000_ffff
	var halves uint64
	for ; len(b) >= 8; b = b[8:] {
		x := order.Uint64(b)
		halves += x&low + x>>16&low
	}
	total = halves>>32 + halves&0xffff_ffff
	for ; len(b) >= 2; b = b[2:] {
		total += uint64(order.Uint16(b))
	}
	if len(b) > 0 {
		total += uint64(b[0])
	}
	return total
}

// minPacket is the length in bytes below which no packet is cut; see ir.Adjust.
const minPacket = 14

// adjust is ir.Adjust, of both ends.
func adjust(pkt *luabind.Packet, front, back int64) bool {
	from, to := int64(pkt.From)-front, int64(pkt.To)+back
	if from < 0 || to > int64(len(pkt.Buf)) || to-from < minPacket {
		return false
	}
	clear(pkt.Buf[min(from, int64(pkt.From)):pkt.From])
	clear(pkt.Buf[pkt.To:max(to, int64(pkt.To))])
	pkt.From, pkt.To = int(from), int(to)
	return true
}
