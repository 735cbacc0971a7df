// SPDX-License-Identifier: GPL-3.0-or-later

package offline

import (
	"pvlua/luabind"
	"pvlua/luabpf"
	"pvlua/luabpf/lower"
)

// compile has the handler run without Lua on the packets of each port for which
// it compiles wholly. Where it does not, or fails, it runs in Lua, with the same
// result.
func (r *run) compile() {
	program, err := r.state.Program()
	if err != nil {
		return
	}
	var facts []luabind.Port
	canSend := make([]bool, len(r.cfg.Inputs))
	for i := range r.cfg.Inputs {
		facts, canSend[i] = append(facts, r.cfg.Inputs[i].Port), true
	}
	for i := range facts {
		res, err := luabpf.Compile(program, lower.Options{In: i, Ports: facts, CanSend: canSend})
		if err != nil || luabpf.Exits(res.Func) {
			continue
		}
		if p, err := luabpf.Runner(res.Func, r.store, r.Now); err == nil {
			r.state.SetRunner(i, p)
		}
	}
}
