// SPDX-License-Identifier: GPL-3.0-or-later

package difftest

import (
	"math/rand/v2"

	"pvlua/luabpf/irtest"
)

// Packets makes n packets that come in on one of the ports, or, once in a while,
// on either.
func Packets(rng *rand.Rand, n int) []Packet {
	list := make([]Packet, n)
	port, either := rng.IntN(2), rng.IntN(8) == 0
	for i := range list {
		list[i] = Packet{irtest.Packet(rng), port}
		if either {
			list[i].Port = rng.IntN(2)
		}
	}
	return list
}
