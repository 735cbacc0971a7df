// SPDX-License-Identifier: GPL-3.0-or-later

package ir

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Packet is what Run works on: Buf[From:To], and room around it.
type Packet struct {
	Buf      []byte
	From, To int
}

// minPacket is the length in bytes below which Adjust cuts no packet, that of
// an Ethernet header, as the kernel (bpf_xdp_adjust_head and
// bpf_xdp_adjust_tail, net/core/filter.c).
const minPacket = 14

// Memory is the counters and maps of a Func, by their positions in it. Keys and
// values are as many numbers as Map says.
type Memory interface {
	CountAdd(counter int, n int64)
	// MapGet fills value and reports true if there is one.
	MapGet(m int, key, value []uint64) bool
	// MapSet, MapInsert and MapDelete give the result of the operation of
	// their name, MapAdd that and the sum.
	MapSet(m int, key, value []uint64) int
	MapInsert(m int, key, value []uint64) int
	MapAdd(m int, key []uint64, n int64) (sum int64, result int)
	MapDelete(m int, key []uint64) int
}

// Result is how a Func ended.
type Result struct {
	Verdict Verdict // 0 for an exit
	Port    int     // of Redirect
	Site    int     // of an exit
}

// maxSteps is how many instructions Run executes before it holds a Func to be
// endless.
const maxSteps = 1 << 22

// Run executes a Func on a packet, plainly and slowly: it is what others are
// compared to. An error says that the Func did what its instructions do not
// allow, on which machines differ; Verify lets pass only such of them as depend
// on the values of registers.
func Run(f *Func, p *Packet, mem Memory) (Result, error) {
	r := run{f: f, p: p, mem: mem, regs: make([]uint64, len(f.Regs)), proven: make([]known, len(f.Regs))}
	for i := range r.proven {
		r.proven[i] = unset
	}
	for b, steps := f.Blocks[0], 0; ; steps += len(b.Instrs) + 1 {
		if steps > maxSteps {
			return Result{}, fmt.Errorf("ir: %s does not end", f.Name)
		}
		for i := range b.Instrs {
			if err := r.step(&b.Instrs[i]); err != nil {
				return Result{}, f.fault(b, i, err)
			}
		}
		t := &b.Term
		if err := (&facts{regs: r.proven}).checkTerm(f, t); err != nil {
			return Result{}, f.fault(b, len(b.Instrs), err)
		}
		switch t.Kind {
		case Return:
			return Result{Verdict: t.Verdict, Port: t.Port}, nil
		case Exit:
			return Result{Site: t.Site}, nil
		}
		if r.goesOn(t) {
			b = t.Then
		} else {
			b = t.Else
		}
	}
}

// undefined is what results hold that there are none of. Who reads them gets
// something that no other machine has there.
const undefined = 0xbad_0bad_0bad_0bad

// run is an execution.
type run struct {
	f      *Func
	p      *Packet
	mem    Memory
	regs   []uint64 // of pointers, the offset from the packet's start
	proven []known  // as in Verify, for the path that was taken
}

// bytes is the packet.
func (r *run) bytes() []byte { return r.p.Buf[r.p.From:r.p.To] }

// goesOn reports whether a block goes on at Then.
func (r *run) goesOn(t *Term) bool {
	switch t.Kind {
	case Branch:
		return t.Cond.Holds(r.regs[t.A], r.value(t.B, t.Imm))
	case Guard:
		if r.regs[t.A]+uint64(t.Imm) > uint64(len(r.bytes())) {
			return false
		}
		r.proven[t.A] = max(r.proven[t.A], known(t.Imm))
	}
	return true
}

// value gives a register, or the constant if it is None.
func (r *run) value(reg Reg, imm int64) uint64 {
	if reg == None {
		return uint64(imm)
	}
	return r.regs[reg]
}

// step executes an instruction.
func (r *run) step(in *Instr) error {
	s := facts{regs: r.proven}
	if err := s.check(r.f, in); err != nil {
		return err
	}
	var a, b uint64
	if forms[in.Op].a != unused && len(in.Args) == 0 {
		a = r.value(in.A, in.Imm)
	}
	if forms[in.Op].b != unused {
		b = r.value(in.B, in.Imm)
	}
	var v uint64 // for Dst
	var res [2]uint64
	switch in.Op {
	case Const:
		v = uint64(in.Imm)
	case Move, Add, Sub, Mul, Div, Mod, And, Or, Xor, Shl, Shr, Sar, Swap, Set, Fold:
		var err error
		if v, err = compute(in, a, b); err != nil {
			return err
		}
	case Len:
		v = uint64(len(r.bytes()))
	case Ptr:
		if v = a; v > maxOffset {
			return fmt.Errorf("an offset of %#x", v)
		}
	case Load:
		var word [8]byte
		copy(word[:in.Size], r.bytes()[int(r.regs[in.A])+int(in.Off):])
		v = binary.LittleEndian.Uint64(word[:])
	case Store:
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], b)
		copy(r.bytes()[int(r.regs[in.A])+int(in.Off):], word[:in.Size])
	case Sum:
		if b > maxOffset {
			return fmt.Errorf("the sum of %#x bytes", b)
		}
		v = sum(r.bytes(), int(r.regs[in.A])+int(in.Off), int(b))
	case Adjust:
		v = r.p.adjust(in.Size, int64(a))
	case CountAdd:
		r.mem.CountAdd(int(in.Ref), int64(a))
	case TableGet:
		v, res[0] = r.tableGet(in)
	default:
		v = r.mapOp(in, &res)
	}
	if len(in.Res) > 0 && v != 1 {
		res = [2]uint64{undefined, undefined}
	}
	if forms[in.Op].dst != unused {
		r.regs[in.Dst] = v
	}
	for i, reg := range in.Res {
		r.regs[reg] = res[i]
	}
	s.after(r.f, in)
	return nil
}

// compute does arithmetic.
func compute(in *Instr, a, b uint64) (uint64, error) {
	switch in.Op {
	case Move:
		return a, nil
	case Add:
		return a + b, nil
	case Sub:
		return a - b, nil // a is the constant if A is None
	case Mul:
		return a * b, nil
	case And:
		return a & b, nil
	case Or:
		return a | b, nil
	case Xor:
		return a ^ b, nil
	case Set:
		if in.Cond.Holds(a, b) {
			return 1, nil
		}
		return 0, nil
	case Fold:
		return fold(a), nil
	case Swap:
		if a>>(8*in.Size) != 0 {
			return 0, fmt.Errorf("%#x has more than %d bytes", a, in.Size)
		}
		return bits.ReverseBytes64(a) >> (64 - 8*in.Size), nil
	case Div, Mod:
		if b == 0 {
			return 0, fmt.Errorf("division by 0")
		}
		if in.Op == Div {
			return a / b, nil
		}
		return a % b, nil
	}
	if b > 63 {
		return 0, fmt.Errorf("a shift by %d", b)
	}
	switch in.Op {
	case Shl:
		return a << b, nil
	case Shr:
		return a >> b, nil
	}
	return uint64(int64(a) >> b), nil
}

// Holds reports whether a condition holds of a and b.
func (c Cond) Holds(a, b uint64) bool {
	switch c {
	case EQ:
		return a == b
	case NE:
		return a != b
	case LT:
		return a < b
	case LE:
		return a <= b
	case GT:
		return a > b
	case GE:
		return a >= b
	case SLT:
		return int64(a) < int64(b)
	case SLE:
		return int64(a) <= int64(b)
	case SGT:
		return int64(a) > int64(b)
	}
	return int64(a) >= int64(b)
}

// fold is Fold.
func fold(x uint64) uint64 {
	for x > 0xffff {
		x = x>>16 + x&0xffff
	}
	return x
}

// sum is Sum over n bytes from an offset on.
func sum(b []byte, from, n int) (total uint64) {
	for i := range n {
		if at := from + i; at < len(b) {
			total += uint64(b[at]) << (8 * (i % 2))
		}
	}
	return total
}

// adjust is Adjust.
func (p *Packet) adjust(end uint8, n int64) uint64 {
	from, to := int64(p.From), int64(p.To)
	if end == 0 {
		from -= n
	} else {
		to += n
	}
	if from < 0 || to > int64(len(p.Buf)) || to-from < minPacket {
		return 0
	}
	clear(p.Buf[min(from, int64(p.From)):p.From])
	clear(p.Buf[p.To:max(to, int64(p.To))])
	p.From, p.To = int(from), int(to)
	return 1
}

// tableGet is TableGet.
func (r *run) tableGet(in *Instr) (found, value uint64) {
	want := Entry{}
	if len(in.Args) == 0 {
		want.Key = r.regs[in.A]
	} else {
		want.Key, want.High = r.regs[in.Args[0]], r.regs[in.Args[1]]
	}
	for _, e := range r.f.Tables[in.Ref].Entries {
		if e.Key == want.Key && e.High == want.High {
			return 1, uint64(e.Value)
		}
	}
	return 0, 0
}

// mapOp executes an operation on a map: Dst and Res.
func (r *run) mapOp(in *Instr, res *[2]uint64) uint64 {
	args := make([]uint64, len(in.Args))
	for i, a := range in.Args {
		args[i] = r.regs[a]
	}
	m := int(in.Ref)
	key, value := args[:r.f.Maps[m].Key], args[r.f.Maps[m].Key:]
	switch in.Op {
	case MapGet:
		if r.mem.MapGet(m, key, res[:len(in.Res)]) {
			return 1
		}
		return 0
	case MapSet:
		return uint64(r.mem.MapSet(m, key, value))
	case MapInsert:
		return uint64(r.mem.MapInsert(m, key, value))
	case MapAdd:
		sum, result := r.mem.MapAdd(m, key, int64(value[0]))
		res[0] = uint64(sum)
		return uint64(result)
	}
	return uint64(r.mem.MapDelete(m, key))
}
