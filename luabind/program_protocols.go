// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import "pvlua/packet"

// Protocols lists the headers that the script has declared.
func (p *Program) Protocols() []*packet.Protocol { return p.s.protocols.All() }
