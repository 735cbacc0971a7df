// SPDX-License-Identifier: GPL-3.0-or-later

package vm

// Opcodes gives the instructions that a Program has, and LastOpcode the last
// one that there is.
func (p *Program) Opcodes() (ops []int) {
	for _, in := range p.code {
		ops = append(ops, int(in.op))
	}
	return ops
}

const (
	LastOpcode = int(opPtrBeyond)
	NoOpcode   = int(numSimple)
)
