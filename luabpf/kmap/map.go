// SPDX-License-Identifier: GPL-3.0-or-later

package kmap

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"pvlua/luabpf/bpf"
	"pvlua/luabpf/ir"
	"pvlua/state"
)

// A Map is a hash table of the kernel's: the place of a state.Map. Its keys are
// 8 or 16 bytes, a number or a string of 16 bytes; its values the time they were
// last touched (CLOCK_MONOTONIC, ns) and then 8 or 16 bytes.
//
// One step of user space is one run of a small program, made by the same
// compiler as the handler's: so both mean the same by aged, full and out of
// range, and no addition is lost between them.
type Map struct {
	shape   state.Shape
	hash    *ebpf.Map
	refused *ebpf.Map // one number, per CPU
	key     int       // registers
	value   int
	ops     map[ir.Op]*ebpf.Program
	swept   uint64 // what Refused counted at the last sweep
}

const touchedSize = 8

// registers gives how many registers a width takes; 0 if the kernel's maps can't
// have it.
func registers(w state.Width) int {
	switch w {
	case state.U8, state.U16, state.U32, state.U64:
		return 1
	case state.IP6:
		return 2
	}
	return 0
}

// limit gives the greatest number of a width.
func limit(w state.Width) uint64 {
	switch w {
	case state.U8:
		return math.MaxUint8
	case state.U16:
		return math.MaxUint16
	case state.U32:
		return math.MaxUint32
	}
	return 1 << 53
}

// newMap makes a Map of the shape of m, which stays as it is.
func newMap(m *state.Map) (_ *Map, err error) {
	shape := m.Shape()
	k := &Map{shape: shape, key: registers(shape.Key), value: registers(shape.Value), ops: make(map[ir.Op]*ebpf.Program)}
	if k.key == 0 || k.value == 0 {
		return nil, errors.New("its keys and values have no declared width")
	}
	defer func() {
		if err != nil {
			k.Close()
		}
	}()
	k.hash, err = ebpf.NewMap(&ebpf.MapSpec{
		Name: "pvlua_map", Type: ebpf.Hash, MaxEntries: uint32(shape.Max), Flags: allocation(shape.Max),
		KeySize: uint32(8 * k.key), ValueSize: uint32(touchedSize + 8*k.value),
	})
	if err != nil {
		return nil, err
	}
	k.refused, err = ebpf.NewMap(&ebpf.MapSpec{Name: "pvlua_refused", Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	if err != nil {
		return nil, err
	}
	for _, op := range []ir.Op{ir.MapGet, ir.MapSet, ir.MapInsert, ir.MapAdd, ir.MapDelete} {
		if op == ir.MapAdd && k.value != 1 {
			continue
		}
		if k.ops[op], err = bpf.Load(k.program(op), bpf.Options{Name: "pvlua_mapop", Maps: []bpf.MapInfo{k.info()}}); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// allocation gives the flags with which a map is made: large ones take memory
// for the entries that they have only.
func allocation(entries int) uint32 {
	if entries > 1<<16 {
		return unix.BPF_F_NO_PREALLOC
	}
	return 0
}

// info describes k to the compiler.
func (k *Map) info() bpf.MapInfo {
	return bpf.MapInfo{Map: k.hash, TTL: k.shape.TTL, Max: limit(k.shape.Value), Refused: k.refused}
}

// Where an operation's packet has its key, value, outcome and result.
const (
	keyAt     = 0
	valueAt   = 16
	outcomeAt = 32
	resultAt  = 40
	packetLen = 64
)

// program makes the program of one operation.
func (k *Map) program(op ir.Op) *ir.Func {
	f := &ir.Func{Name: "map", Maps: []ir.Map{{Key: k.key, Value: k.value}}}
	start, work, short := f.NewBlock(), f.NewBlock(), f.NewBlock()
	p := f.NewReg(ir.Pointer)
	start.Instrs = []ir.Instr{{Op: ir.Ptr, Dst: p, A: ir.None, B: ir.None}}
	start.Term = ir.Term{Kind: ir.Guard, A: p, B: ir.None, Imm: packetLen, Then: work, Else: short}
	short.Term = ir.Term{Kind: ir.Return, Verdict: ir.Drop}
	work.Term = ir.Term{Kind: ir.Return, Verdict: ir.Pass}

	load := func(n, at int) (regs []ir.Reg) {
		for i := range n {
			r := f.NewReg(ir.Number)
			work.Instrs = append(work.Instrs, ir.Instr{Op: ir.Load, Size: 8, Dst: r, A: p, B: ir.None, Off: int32(at + 8*i)})
			regs = append(regs, r)
		}
		return regs
	}
	in := ir.Instr{Op: op, Dst: f.NewReg(ir.Number), A: ir.None, B: ir.None, Args: load(k.key, keyAt)}
	switch op {
	case ir.MapSet, ir.MapInsert, ir.MapAdd:
		in.Args = append(in.Args, load(k.value, valueAt)...)
	}
	store := func(r ir.Reg, at int) {
		work.Instrs = append(work.Instrs, ir.Instr{Op: ir.Store, Size: 8, Dst: ir.None, A: p, B: r, Off: int32(at)})
	}
	if op == ir.MapGet || op == ir.MapAdd {
		for range k.value {
			r := f.NewReg(ir.Number)
			work.Instrs = append(work.Instrs, ir.Instr{Op: ir.Const, Dst: r, A: ir.None, B: ir.None})
			in.Res = append(in.Res, r)
		}
	}
	work.Instrs = append(work.Instrs, in)
	store(in.Dst, outcomeAt)
	for i, r := range in.Res {
		store(r, resultAt+8*i)
	}
	return f
}

// run executes one operation.
func (k *Map) run(op ir.Op, key, value state.Value) (outcome uint64, result []byte, err error) {
	prog := k.ops[op]
	if prog == nil {
		return 0, nil, errors.New("the map is closed")
	}
	in, out := make([]byte, packetLen), make([]byte, packetLen)
	put(in[keyAt:], key)
	put(in[valueAt:], value)
	verdict, err := prog.Run(&ebpf.RunOptions{Data: in, DataOut: out})
	if err != nil {
		return 0, nil, err
	}
	if verdict != uint32(ir.Pass) {
		return 0, nil, fmt.Errorf("the program of a map operation gave %d", verdict)
	}
	return binary.NativeEndian.Uint64(out[outcomeAt:]), out[resultAt:], nil
}

// put writes a value as registers hold it.
func put(b []byte, v state.Value) {
	if text, ok := v.Text(); ok {
		copy(b, text)
		return
	}
	x, _ := v.Number()
	binary.NativeEndian.PutUint64(b, uint64(int64(x)))
}

// take reads a value of n registers.
func take(b []byte, n int) state.Value {
	if n == 2 {
		return state.String(string(b[:16]))
	}
	return state.Number(float64(binary.NativeEndian.Uint64(b)))
}

// Get implements state.Place, as do the methods that follow.
func (k *Map) Get(key state.Value) (v state.Value, ok bool, err error) {
	outcome, result, err := k.run(ir.MapGet, key, state.Value{})
	if err != nil || outcome != 1 {
		return state.Value{}, false, err
	}
	return take(result, k.value), true, nil
}

func (k *Map) Set(key, v state.Value) (ok bool, err error) {
	outcome, err := k.retry(ir.MapSet, key, v, 0)
	return outcome == 1, err
}

func (k *Map) Insert(key, v state.Value) (state.Outcome, error) {
	outcome, err := k.retry(ir.MapInsert, key, v, 2)
	switch outcome {
	case 1:
		return state.Inserted, err
	case 0:
		return state.Taken, err
	}
	return state.Full, err
}

func (k *Map) Add(key state.Value, n float64) (sum float64, ok bool, err error) {
	old, _, err := k.Get(key)
	if err != nil {
		return 0, false, err
	}
	x, isNumber := old.Number()
	if !isNumber {
		return 0, false, fmt.Errorf("the value of %v is %v; only numbers can be added to", key, old)
	}
	if err := k.shape.CheckValue(state.Number(x+n), "sum"); err != nil {
		return 0, false, err
	}
	// Next to 2^53 numbers of a script have no fractions and no neighbours: what
	// is added is what the sum shows of it.
	more := state.Number(x + n - x)
	outcome, result, err := k.run(ir.MapAdd, key, more)
	if err == nil && outcome == 0 && k.sweep() {
		outcome, result, err = k.run(ir.MapAdd, key, more)
	}
	switch {
	case err != nil || outcome == 0:
		return 0, false, err
	case outcome == 2: // somebody else has added meanwhile
		return 0, false, fmt.Errorf("the sum is out of range; this map takes %v", k.shape.Value)
	}
	sum, _ = take(result, 1).Number()
	return sum, true, nil
}

func (k *Map) Delete(key state.Value) (ok bool, err error) {
	outcome, _, err := k.run(ir.MapDelete, key, state.Value{})
	return outcome == 1, err
}

// retry runs an operation that may find the map full, of what has aged out: then
// that goes, and it runs again.
func (k *Map) retry(op ir.Op, key, v state.Value, full uint64) (outcome uint64, err error) {
	outcome, _, err = k.run(op, key, v)
	if err == nil && outcome == full && k.sweep() {
		outcome, _, err = k.run(op, key, v)
	}
	return outcome, err
}

func (k *Map) Len() int { return len(k.Items()) }

func (k *Map) Items() []state.Item {
	var items []state.Item
	now := monotonic()
	k.each(func(key, value []byte) {
		if !k.aged(value, now) {
			items = append(items, state.Item{Key: take(key, k.key), Value: take(value[touchedSize:], k.value)})
		}
	})
	return items
}

// Refused counts the new keys that found the map full.
func (k *Map) Refused() uint64 { return uint64(sumOf(k.refused, 0)) }

// each calls f for each entry, aged ones included.
func (k *Map) each(f func(key, value []byte)) {
	it := k.hash.Iterate()
	var key, value []byte
	for it.Next(&key, &value) {
		f(key, value)
	}
}

// aged reports whether an entry is too old to be there.
func (k *Map) aged(value []byte, now int64) bool {
	return k.shape.TTL > 0 && int64(binary.NativeEndian.Uint64(value))+int64(k.shape.TTL) <= now
}

// sweep removes what has aged out and reports whether there was any.
func (k *Map) sweep() (any bool) {
	if k.shape.TTL == 0 {
		return false
	}
	now := monotonic()
	var old [][]byte
	k.each(func(key, value []byte) {
		if k.aged(value, now) {
			old = append(old, key)
		}
	})
	for _, key := range old {
		k.hash.Delete(key)
	}
	return len(old) > 0
}

// monotonic is the clock that the kernel's programs see as bpf_ktime_get_ns.
func monotonic() int64 {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) != nil {
		return time.Now().UnixNano()
	}
	return ts.Nano()
}

// Close releases the map. A second Close does nothing.
func (k *Map) Close() error {
	var errs []error
	for op, prog := range k.ops {
		if prog != nil {
			errs = append(errs, prog.Close())
		}
		delete(k.ops, op)
	}
	for _, m := range []**ebpf.Map{&k.hash, &k.refused} {
		if *m != nil {
			errs = append(errs, (*m).Close())
		}
	}
	return errors.Join(errs...)
}
