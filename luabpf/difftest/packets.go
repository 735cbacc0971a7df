// SPDX-License-Identifier: GPL-3.0-or-later

package difftest

import (
	"math/rand/v2"

	"pvlua/luabpf/irtest"
)

// Packets makes n packets that come in on the ports.
func Packets(rng *rand.Rand, n int) []Packet {
	list := make([]Packet, n)
	for i := range list {
		list[i].Frame = irtest.Packet(rng)
		if rng.IntN(8) == 0 {
			list[i].Port = 1
		}
	}
	return list
}
