// SPDX-License-Identifier: GPL-3.0-or-later

package vm

import "math"

// merge replaces pairs of instructions of a block, which begins at start and
// is the last one so far, by one that does both. All of what the two set is
// set, but for what the second one overwrites.
func (e *emitter) merge(start int) {
	code := e.code[start:]
	moved := make([]int, len(code)) // where each one is now
	n := 0
	for i := 0; i < len(code); i++ {
		moved[i] = start + n
		in := code[i]
		if i+1 < len(code) {
			if both, ok := merged(&code[i], &code[i+1]); ok {
				in = both
				i++
				moved[i] = start + n
			}
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
	default:
		return both, false
	}
	return both, true
}
