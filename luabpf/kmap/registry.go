// SPDX-License-Identifier: GPL-3.0-or-later

// Package kmap keeps the counters and maps of a script where its kernel part can
// use them: in maps of the kernel, which are the only copy. User space reads and
// writes them by system calls.
package kmap

import (
	"errors"
	"fmt"
	"sync"

	"github.com/cilium/ebpf"

	"pvlua/luabpf/bpf"
	"pvlua/luabpf/ir"
	"pvlua/state"
)

// MaxCounters is how many counters the kernel's part of a run has room for.
const MaxCounters = 1024

// A Registry has the kernel's maps of one run. They are made when a program
// first needs them and stay until Close, through reloads, for all ports. It may
// be used by several goroutines.
type Registry struct {
	store *state.Store

	mu       sync.Mutex
	counters *ebpf.Map // per CPU; made with the first counter
	numbers  map[string]int
	maps     map[string]*Map
}

// New makes a Registry for what a Store has.
func New(store *state.Store) *Registry {
	return &Registry{store: store, numbers: make(map[string]int), maps: make(map[string]*Map)}
}

// Bind makes what a handler needs, moves the entries of its maps there, and
// fills in those options of its program. It renumbers f's counters.
func (r *Registry) Bind(f *ir.Func, o *bpf.Options) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	numbers := make([]int32, len(f.Counters))
	for i, c := range f.Counters {
		n, err := r.counter(c.Name)
		if err != nil {
			return fmt.Errorf("counter %s: %w", c.Name, err)
		}
		numbers[i] = int32(n)
	}
	for _, b := range f.Blocks {
		for i := range b.Instrs {
			if in := &b.Instrs[i]; in.Op == ir.CountAdd {
				in.Ref = numbers[in.Ref]
			}
		}
	}
	o.Counters, o.Maps = r.counters, nil
	for _, decl := range f.Maps {
		m, err := r.get(decl)
		if err != nil {
			return fmt.Errorf("map %s: %w", decl.Name, err)
		}
		o.Maps = append(o.Maps, m.info())
	}
	f.Counters = make([]ir.Counter, len(r.numbers))
	for name, n := range r.numbers {
		f.Counters[n].Name = name
	}
	return nil
}

// counter gives the number of a counter.
func (r *Registry) counter(name string) (int, error) {
	if n, ok := r.numbers[name]; ok {
		return n, nil
	}
	n := len(r.numbers)
	if n == MaxCounters {
		return 0, fmt.Errorf("there are %d already", n)
	}
	c, err := r.store.Counter(name)
	if err != nil {
		return 0, err
	}
	if r.counters == nil {
		r.counters, err = ebpf.NewMap(&ebpf.MapSpec{
			Name: "pvlua_counters", Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: MaxCounters,
		})
		if err != nil {
			return 0, err
		}
	}
	counters := r.counters
	c.Share(func() int64 { return sumOf(counters, n) })
	r.numbers[name] = n
	return n, nil
}

// sumOf adds up what all CPUs counted; 0 when the map is gone.
func sumOf(m *ebpf.Map, n int) int64 {
	var each []int64
	if m.Lookup(uint32(n), &each) != nil {
		return 0
	}
	sum := int64(0)
	for _, x := range each {
		sum += x
	}
	return sum
}

// get gives the map of a name.
func (r *Registry) get(decl ir.Map) (*Map, error) {
	if m := r.maps[decl.Name]; m != nil {
		return m, nil
	}
	shared, ok := r.store.Lookup(decl.Name)
	if !ok {
		return nil, errors.New("the script has no such map")
	}
	m, err := newMap(shared)
	if err != nil {
		return nil, err
	}
	if err := shared.Move(m); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	r.maps[decl.Name] = m
	return m, nil
}

// Ages reports whether any map has entries that age out.
func (r *Registry) Ages() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.maps {
		if m.shape.TTL > 0 {
			return true
		}
	}
	return false
}

// Sweep removes what has aged out of maps that have refused something since the
// last time: programs of the kernel take an entry that has aged out for none, but
// can't look for one to replace.
func (r *Registry) Sweep() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.maps {
		if n := m.Refused(); n != m.swept {
			m.swept = n
			m.sweep()
		}
	}
}

// Close releases all. Programs that use the maps keep them; the Store's counters
// keep what was counted, its maps are not to be used any more.
func (r *Registry) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for name := range r.numbers {
		if c, err := r.store.Counter(name); err == nil {
			c.Share(func() int64 { return 0 })
		}
	}
	if r.counters != nil {
		errs = append(errs, r.counters.Close())
		r.counters = nil
	}
	for _, m := range r.maps {
		errs = append(errs, m.Close())
	}
	clear(r.numbers)
	clear(r.maps)
	return errors.Join(errs...)
}
