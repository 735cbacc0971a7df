// SPDX-License-Identifier: GPL-3.0-or-later

// Package luabpf compiles packet handlers: a script's on_packet, as it is
// written, becomes an XDP program, or a program for user space that is an order
// of magnitude faster than Lua. What can't be compiled leaves the packet,
// untouched, to on_packet itself.
//
// The way: package lower makes the intermediate form of package ir from the
// tree of the script, package opt shortens it, package bpf makes eBPF of it and
// package vm what runs in user space; package kmap keeps the script's counters
// and maps where the kernel reaches them.
package luabpf

import (
	"fmt"
	"time"

	"pvlua/luabind"
	"pvlua/luabpf/ir"
	"pvlua/luabpf/lower"
	"pvlua/luabpf/opt"
	"pvlua/luabpf/vm"
	"pvlua/state"
)

// Compile makes the intermediate form of a script's handler, shortened. The
// error says why there is none; the script runs in Lua then.
func Compile(p *luabind.Program, o lower.Options) (*lower.Result, error) {
	res, err := lower.Lower(p, o)
	if err != nil {
		return nil, err
	}
	opt.Run(res.Func)
	return res, nil
}

// Runner makes what runs a compiled handler in user space. Its counters and maps
// are those of a store. now is the time by which maps age.
func Runner(f *ir.Func, store *state.Store, now func() time.Time) (*vm.Program, error) {
	env, err := Env(f, store, now)
	if err != nil {
		return nil, err
	}
	return vm.Compile(f, env)
}

// Env gives the counters and maps of a handler, which its script has declared in
// a store.
func Env(f *ir.Func, store *state.Store, now func() time.Time) (vm.Env, error) {
	env := vm.Env{Now: now}
	for _, decl := range f.Counters {
		c, err := store.Counter(decl.Name)
		if err != nil {
			return env, err
		}
		env.Counters = append(env.Counters, c)
	}
	for _, decl := range f.Maps {
		m, ok := store.Lookup(decl.Name)
		if !ok {
			return env, fmt.Errorf("the script has no map %s", decl.Name)
		}
		env.Maps = append(env.Maps, m)
	}
	return env, nil
}

// Exits tells whether any path of a handler leaves it for something that Lua
// alone can do, rather than for a rare packet.
func Exits(f *ir.Func) bool {
	for _, s := range f.Sites {
		if !s.OnlyRare() {
			return true
		}
	}
	return false
}

// Decides tells whether a handler decides on any packet, rather than leave all
// of them to Lua.
func Decides(f *ir.Func) bool {
	for _, b := range f.Blocks {
		if b.Term.Kind == ir.Return {
			return true
		}
	}
	return false
}
