// SPDX-License-Identifier: GPL-3.0-or-later

package irtest

import (
	"encoding/binary"
	"fmt"
	"time"

	"pvlua/luabpf/ir"
	"pvlua/luabpf/vm"
	"pvlua/state"
)

// Env makes the counters and maps of a function in a store, as if a script had
// declared them with these shapes.
func Env(f *ir.Func, store *state.Store, shapes []state.Shape, now func() time.Time) (vm.Env, error) {
	env := vm.Env{Now: now}
	for _, c := range f.Counters {
		counter, err := store.Counter(c.Name)
		if err != nil {
			return env, err
		}
		env.Counters = append(env.Counters, counter)
	}
	for i, m := range f.Maps {
		made, err := store.Map(m.Name, shapes[i])
		if err != nil {
			return env, err
		}
		env.Maps = append(env.Maps, made)
	}
	return env, nil
}

// Memory is an Env for ir.Run. It panics where the function gives a map what
// that does not take.
type Memory vm.Env

var _ ir.Memory = Memory{}

// CountAdd is that of ir.Memory, as the others.
func (m Memory) CountAdd(counter int, n int64) { m.Counters[counter].Add(n) }

// pack makes a value of registers, unpack registers of a value.
func pack(x []uint64) state.Value {
	if len(x) == 1 {
		return state.Number(float64(int64(x[0])))
	}
	return state.String(string(binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, x[0]), x[1])))
}

func unpack(v state.Value, x []uint64) {
	if n, ok := v.Number(); ok {
		x[0] = uint64(int64(n))
		return
	}
	text, _ := v.Text()
	x[0], x[1] = binary.LittleEndian.Uint64([]byte(text)), binary.LittleEndian.Uint64([]byte(text)[8:])
}

func must(m *state.Map, err error) {
	if err != nil {
		panic(fmt.Sprintf("map %s: %v", m.Name(), err))
	}
}

func oneIf(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (m Memory) MapGet(i int, key, value []uint64) bool {
	v, ok, err := m.Maps[i].Get(pack(key), m.Now())
	if must(m.Maps[i], err); ok {
		unpack(v, value)
	}
	return ok
}

func (m Memory) MapSet(i int, key, value []uint64) int {
	ok, err := m.Maps[i].Set(pack(key), pack(value), m.Now())
	must(m.Maps[i], err)
	return oneIf(ok)
}

func (m Memory) MapInsert(i int, key, value []uint64) int {
	o, err := m.Maps[i].Insert(pack(key), pack(value), m.Now())
	must(m.Maps[i], err)
	switch o {
	case state.Inserted:
		return 1
	case state.Taken:
		return 0
	}
	return 2
}

func (m Memory) MapAdd(i int, key []uint64, n int64) (int64, int) {
	sum, ok, err := m.Maps[i].Add(pack(key), float64(n), m.Now())
	if err != nil {
		return 0, 2
	}
	return int64(sum), oneIf(ok)
}

func (m Memory) MapDelete(i int, key []uint64) int {
	ok, err := m.Maps[i].Delete(pack(key), m.Now())
	must(m.Maps[i], err)
	return oneIf(ok)
}
