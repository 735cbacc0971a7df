// SPDX-License-Identifier: GPL-3.0-or-later

package vm

import (
	"time"
	"unsafe"

	"pvlua/luabpf/ir"
	"pvlua/state"
)

// join gives what one or two registers stand for: a number, or a string of 16
// bytes, which is put together in room and lasts until that is used again; the
// map copies what it keeps.
func (p *Program) join(regs *[2]uint8, two bool, room *[16]byte) state.Value {
	x := p.regs[regs[0]]
	if !two {
		return state.Number(float64(int64(x)))
	}
	order.PutUint64(room[:8], x)
	order.PutUint64(room[8:], p.regs[regs[1]])
	return state.String(unsafe.String(&room[0], len(room)))
}

// split puts a value in registers.
func (p *Program) split(l *lookup, v state.Value) {
	if x, ok := v.Number(); ok {
		p.regs[l.value[0]] = uint64(int64(x))
		return
	}
	text, _ := v.Text()
	copy(p.value[:], text)
	p.regs[l.value[0]], p.regs[l.value[1]] = order.Uint64(p.value[:8]), order.Uint64(p.value[8:])
}

// at gives the map of a lookup, its key, and the time if it matters.
func (p *Program) at(l *lookup) (m *state.Map, key state.Value, now time.Time) {
	m = p.env.Maps[l.ref]
	if m.Shape().TTL > 0 {
		now = p.env.Now()
	}
	return m, p.join(&l.key, l.wide, &p.key), now
}

// note keeps the first error of the packet in hand. The compiler sees to it
// that maps get what they were declared to take, so that there is none; if there
// is, the packet shall not go on as if all were well.
func (p *Program) note(err error) {
	if p.err == nil {
		p.err = err
	}
}

func (p *Program) mapGet(l *lookup) uint64 {
	m, key, now := p.at(l)
	v, ok, err := m.Get(key, now)
	if p.note(err); !ok {
		return 0
	}
	p.split(l, v)
	return 1
}

func (p *Program) mapSet(l *lookup) uint64 {
	m, key, now := p.at(l)
	ok, err := m.Set(key, p.join(&l.value, l.long, &p.value), now)
	p.note(err)
	return oneIf(ok)
}

func (p *Program) mapInsert(l *lookup) uint64 {
	m, key, now := p.at(l)
	o, err := m.Insert(key, p.join(&l.value, l.long, &p.value), now)
	p.note(err)
	return [...]uint64{state.Inserted: 1, state.Taken: 0, state.Full: 2}[o]
}

// mapAdd has the number that is added in the first register of the value, and
// puts the sum in the second one.
func (p *Program) mapAdd(l *lookup) uint64 {
	m, key, now := p.at(l)
	sum, ok, err := m.Add(key, float64(int64(p.regs[l.value[0]])), now)
	if err != nil {
		return 2 // it can't hold the sum
	}
	p.regs[l.value[1]] = uint64(int64(sum))
	return oneIf(ok)
}

func (p *Program) mapDelete(l *lookup) uint64 {
	m, key, now := p.at(l)
	ok, err := m.Delete(key, now)
	p.note(err)
	return oneIf(ok)
}

// table is a constant table, for look-up by hashing.
type table struct {
	numbers map[uint64]int64
	wide    map[[2]uint64]int64
}

func newTable(t *ir.Table) table {
	if t.Wide {
		m := make(map[[2]uint64]int64, len(t.Entries))
		for _, e := range t.Entries {
			m[[2]uint64{e.Key, e.High}] = e.Value
		}
		return table{wide: m}
	}
	m := make(map[uint64]int64, len(t.Entries))
	for _, e := range t.Entries {
		m[e.Key] = e.Value
	}
	return table{numbers: m}
}

func (p *Program) tableGet(l *lookup) uint64 {
	t, x := &p.tables[l.ref], p.regs[l.key[0]]
	v, ok := t.numbers[x]
	if l.wide {
		v, ok = t.wide[[2]uint64{x, p.regs[l.key[1]]}]
	}
	p.regs[l.value[0]] = uint64(v)
	return oneIf(ok)
}
