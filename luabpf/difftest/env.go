// SPDX-License-Identifier: GPL-3.0-or-later

package difftest

import (
	"fmt"

	"pvlua/luabind/handlertest"
	"pvlua/luabpf/ir"
	"pvlua/luabpf/vm"
	"pvlua/state"
)

// envOf gives the counters and maps of a function, which a script has declared
// in a store.
func envOf(f *ir.Func, store *state.Store) (vm.Env, error) {
	env := vm.Env{Now: new(handlertest.Host).Now}
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
