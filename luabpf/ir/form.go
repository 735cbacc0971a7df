// SPDX-License-Identifier: GPL-3.0-or-later

package ir

// form says which fields of an instruction count, and what they must be.
type form struct {
	name string
	dst  operand
	a, b operand
	// sizes are the values of Size that are allowed, as bits; 0 where Size
	// means nothing.
	sizes uint16
}

// operand is what a field for a register must be.
type operand uint8

const (
	unused       operand = iota
	number               // a register with a number
	numberOrImm          // the same, or None and the constant
	pointer              // a register with a pointer
	destination          // of either kind, that of A
	source               // of either kind
	numberOrNone         // a register with a number, or None where another field stands in
)

// The sizes of accesses to the packet, and of swaps, in bytes.
const (
	accessSizes = 1<<1 | 1<<2 | 1<<4 | 1<<6 | 1<<8
	swapSizes   = 1<<2 | 1<<4 | 1<<6 | 1<<8
	adjustSizes = 1<<0 | 1<<1 // which end
)

// forms has the form of each operation; Args and Res of operations on maps and
// tables follow from what Ref stands for.
var forms = [NumOps]form{
	Const:  {name: "const", dst: number},
	Move:   {name: "move", dst: destination, a: source},
	Add:    {name: "add", dst: number, a: number, b: numberOrImm},
	Sub:    {name: "sub", dst: number, a: numberOrNone, b: numberOrImm},
	Mul:    {name: "mul", dst: number, a: number, b: numberOrImm},
	Div:    {name: "div", dst: number, a: number, b: numberOrImm},
	Mod:    {name: "mod", dst: number, a: number, b: numberOrImm},
	And:    {name: "and", dst: number, a: number, b: numberOrImm},
	Or:     {name: "or", dst: number, a: number, b: numberOrImm},
	Xor:    {name: "xor", dst: number, a: number, b: numberOrImm},
	Shl:    {name: "shl", dst: number, a: number, b: numberOrImm},
	Shr:    {name: "shr", dst: number, a: number, b: numberOrImm},
	Sar:    {name: "sar", dst: number, a: number, b: numberOrImm},
	Swap:   {name: "swap", dst: number, a: number, sizes: swapSizes},
	Set:    {name: "set", dst: number, a: number, b: numberOrImm},
	Fold:   {name: "fold", dst: number, a: number},
	Len:    {name: "len", dst: number},
	Ptr:    {name: "ptr", dst: pointer, a: numberOrImm},
	Load:   {name: "load", dst: number, a: pointer, sizes: accessSizes},
	Store:  {name: "store", a: pointer, b: numberOrImm, sizes: accessSizes},
	Sum:    {name: "sum", dst: number, a: pointer, b: numberOrImm},
	Adjust: {name: "adjust", dst: number, a: numberOrNone, sizes: adjustSizes},

	CountAdd:  {name: "count", a: numberOrImm},
	MapGet:    {name: "mapget", dst: number},
	MapSet:    {name: "mapset", dst: number},
	MapInsert: {name: "mapinsert", dst: number},
	MapAdd:    {name: "mapadd", dst: number},
	MapDelete: {name: "mapdelete", dst: number},
	TableGet:  {name: "tableget", dst: number, a: numberOrNone},
}

// widths gives how many registers an operation on a map or table takes as Args
// and gives as Res.
func (f *Func) widths(in *Instr) (args, res int) {
	if in.Op == TableGet {
		if f.Tables[in.Ref].Wide {
			args = 2
		}
		return args, 1
	}
	m := f.Maps[in.Ref]
	switch in.Op {
	case MapGet:
		return m.Key, m.Value
	case MapSet, MapInsert:
		return m.Key + m.Value, 0
	case MapAdd:
		return m.Key + 1, 1
	}
	return m.Key, 0
}

// Operands calls use with each register that the instruction reads, and def
// with each that it sets; either may be nil.
func (in *Instr) Operands(use, def func(Reg)) {
	fm := &forms[in.Op]
	if use != nil {
		if fm.a != unused && in.A != None && !(in.Op == TableGet && len(in.Args) > 0) {
			use(in.A)
		}
		if fm.b != unused && in.B != None {
			use(in.B)
		}
		for _, r := range in.Args {
			use(r)
		}
	}
	if def != nil {
		if fm.dst != unused {
			def(in.Dst)
		}
		for _, r := range in.Res {
			def(r)
		}
	}
}

// Operands calls use with each register that the end of a block reads.
func (t *Term) Operands(use func(Reg)) {
	switch {
	case t.Kind == Branch && t.B != None:
		use(t.A)
		use(t.B)
	case t.Kind == Branch, t.Kind == Guard:
		use(t.A)
	}
}
