// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"time"

	"github.com/cilium/ebpf"

	"pvlua/luabind"
	"pvlua/luabpf"
	"pvlua/luabpf/bpf"
	"pvlua/luabpf/kmap"
	"pvlua/luabpf/lower"
	"pvlua/state"
)

// compileLua compiles a script, a path below the root, for echoPort. The caller
// closes it.
func compileLua(at places, script ...string) (_ *program, err error) {
	p := &program{}
	defer func() {
		if err != nil {
			p.close()
			err = fmt.Errorf("compile %s: %w", script[len(script)-1], err)
		}
	}()
	store := state.New()
	s, err := luabind.Load(luabind.Config{Script: at.script(script...), Store: store, Ports: []*luabind.Port{echoPort()}, Host: &world{}})
	if err != nil {
		return nil, err
	}
	p.free = append(p.free, s.Close)
	tree, err := s.Program()
	if err != nil {
		return nil, err
	}
	compiled, err := luabpf.Compile(tree, lower.Options{Ports: []luabind.Port{*echoPort()}, CanSend: []bool{true}})
	if err != nil {
		return nil, err
	}
	for _, site := range compiled.Func.Sites {
		if !site.OnlyRare() {
			p.exits = append(p.exits, fmt.Sprintf("line %d needs Lua: %s", site.Line, site.Reason))
		}
	}
	maps := kmap.New(store)
	p.free = append(p.free, func() { maps.Close() })
	var options bpf.Options
	if err := maps.Bind(compiled.Func, &options); err != nil {
		return nil, err
	}
	p.load = func() (*ebpf.Program, error) { return bpf.Load(compiled.Func, options) }
	return p, nil
}

// compileFor has a script's packets of its first port handled by what it compiles
// to for user space.
func compileFor(script *luabind.State, ports []*luabind.Port, store *state.Store, now func() time.Time) error {
	tree, err := script.Program()
	if err != nil {
		return err
	}
	options := lower.Options{}
	for _, p := range ports {
		options.Ports, options.CanSend = append(options.Ports, *p), append(options.CanSend, true)
	}
	compiled, err := luabpf.Compile(tree, options)
	if err != nil {
		return err
	}
	runner, err := luabpf.Runner(compiled.Func, store, now)
	if err == nil {
		script.SetRunner(0, runner)
	}
	return err
}
