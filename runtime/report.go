// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"pvlua/luabind"
)

// report logs an error of the script or of the data path, at a bounded rate.
func (w *worker) report(err error, attrs ...any) {
	w.errors.report(err, func() []any { return attrs })
}

// reportPacket logs that the handler failed on p, with p in one line.
func (w *worker) reportPacket(p *luabind.Packet) {
	w.errors.report(p.Err, func() []any {
		return []any{
			"port", w.ports[p.Port].facts.Name,
			"packet", string(w.state.AppendSummary(nil, p.Buf[p.From:p.To])),
			"verdict", w.onError,
		}
	})
}
