// SPDX-License-Identifier: GPL-3.0-or-later

package difftest

import (
	"pvlua/luabind"
	"pvlua/luabpf/ir"
	"pvlua/luabpf/irtest"
	"pvlua/luabpf/vm"
)

// plain is a Runner by ir.Run.
type plain struct {
	f   *ir.Func
	env vm.Env
}

// Run implements luabind.Runner.
func (r *plain) Run(p *luabind.Packet) (done bool) {
	q := ir.Packet{Buf: p.Buf, From: p.From, To: p.To}
	res, err := ir.Run(r.f, &q, irtest.Memory(r.env))
	if err == nil && res.Verdict == 0 {
		return false
	}
	p.From, p.To = q.From, q.To
	p.Verdict, p.Err = luabind.Verdict(res.Verdict), err
	if p.Verdict == luabind.Redirect {
		p.Out = res.Port
	}
	return true
}
