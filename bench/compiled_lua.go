// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"

	"pvlua/luabind"
	"pvlua/luabpf/bpf"
	"pvlua/luabpf/kmap"
	"pvlua/luabpf/lower"
	"pvlua/luabpf/opt"
	"pvlua/state"
)

// loadLua compiles a script, a path below the root, for echoPort and loads it. The
// caller closes it.
func loadLua(at places, script ...string) (_ *program, err error) {
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
	compiled, err := lower.Lower(tree, lower.Options{Ports: []luabind.Port{*echoPort()}, CanSend: []bool{true}})
	if err != nil {
		return nil, err
	}
	opt.Run(compiled.Func)
	for _, site := range compiled.Func.Sites {
		if !site.Rare {
			p.exits = append(p.exits, fmt.Sprintf("line %d needs Lua: %s", site.Line, site.Reason))
		}
	}
	maps := kmap.New(store)
	p.free = append(p.free, func() { maps.Close() })
	var options bpf.Options
	if err := maps.Bind(compiled.Func, &options); err != nil {
		return nil, err
	}
	if p.prog, err = bpf.Load(compiled.Func, options); err != nil {
		return nil, err
	}
	p.free = append(p.free, func() { p.prog.Close() })
	return p, nil
}
