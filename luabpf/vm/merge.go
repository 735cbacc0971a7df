// SPDX-License-Identifier: GPL-3.0-or-later

package vm

import "math"

// merge replaces instructions of a block, which begins at start and is the last
// one so far, by one that does what several do. All that they set is set, but
// for what a later one of them overwrites.
func (e *emitter) merge(start int) {
	code := e.code[start:]
	moved := make([]int, len(code)) // where each one is now
	n := 0
	for i := 0; i < len(code); i++ {
		moved[i] = start + n
		in := code[i]
		for i+1 < len(code) {
			both, ok := merged(&in, &code[i+1])
			if !ok {
				break
			}
			in = both
			i++
			moved[i] = start + n
		}
		code[n] = in
		n++
	}
	e.code = e.code[:start+n]
	for i := range e.jumps {
		if j := &e.jumps[i]; j.at >= start {
			j.at = moved[j.at-start]
		}
	}
}

// merged gives one instruction for two.
func merged(first, second *instr) (both instr, ok bool) {
	both = *first
	switch {
	case first.op >= opLoad1 && first.op <= opLoad6 && second.a == first.d && (second.op == opEQI || second.op == opNEI):
		both.op, both.imm = opLoad1EQ+first.op-opLoad1, second.imm
		if second.op == opNEI {
			both.op += opLoad1NE - opLoad1EQ
		}
	case first.op >= opLoad2 && first.op <= opLoad6 && second.op == opSwap && second.a == first.d && second.d == first.d &&
		second.off == [...]uint16{16, 32, 48}[first.op-opLoad2]:
		both.op = opLoadSwap2 + first.op - opLoad2
	case first.op == opConst && second.op == opBeyond && second.a == first.d && first.imm >= 0 && first.imm <= math.MaxUint16:
		both.op, both.imm = opPtrBeyond, first.imm|second.imm<<32
	case (first.op == opLoad1 || first.op == opLoad2) && second.op == opAndI && second.a == first.d && second.d == first.d:
		both.op, both.imm = opLoad1And+first.op-opLoad1, second.imm
	case (first.op == opAndI || first.op == opLoad1And || first.op == opLoad2And) && (second.op == opEQI || second.op == opNEI) &&
		second.a == first.d && isHalf(first.imm) && isHalf(second.imm):
		both.imm |= second.imm << 32
		switch equal := second.op == opEQI; {
		case first.op == opAndI && equal:
			both.op = opAndEQ
		case first.op == opAndI:
			both.op = opAndNE
		case equal:
			both.op = opLoad1AndEQ + first.op - opLoad1And
		default:
			both.op = opLoad1AndNE + first.op - opLoad1And
		}
	case first.op == opSwap && first.off == 16 && second.op == opStore2 && second.b == first.d && second.a != first.d:
		both = instr{op: opSwapStore2, d: first.d, a: second.a, b: first.a, off: second.off}
	case first.op == opSwap && first.off == 32 && second.op == opStore4 && second.b == first.d && second.a != first.d:
		both = instr{op: opSwapStore4, d: first.d, a: second.a, b: first.a, off: second.off}
	case first.op == opMove && second.op == opMove:
		both = instr{op: opMoves, d: first.d, a: first.a, b: second.d, off: uint16(second.a)}
	default:
		return both, false
	}
	return both, true
}

// isHalf reports whether a constant fits half of imm.
func isHalf(n int64) bool { return n >= 0 && n <= math.MaxUint32 }
