// SPDX-License-Identifier: GPL-3.0-or-later

package irtest

import (
	"math/rand/v2"
	"slices"

	"pvlua/internal/pkttest"
)

// Packets are packets of all shapes.
var packets = pkttest.All()

// Packet gives a packet: one of a real protocol, on most occasions with
// something changed in it, cut short or made longer.
func Packet(rng *rand.Rand) []byte {
	b := slices.Clone(packets[rng.IntN(len(packets))].Frame)
	if rng.IntN(3) == 0 {
		return b
	}
	for range 1 + rng.IntN(3) {
		switch rng.IntN(5) {
		case 0, 1: // a byte of the headers
			b[rng.IntN(min(len(b), 64))] = byte(rng.IntN(256))
		case 2:
			i := rng.IntN(min(len(b), 80))
			b[i] ^= 1 << rng.IntN(8)
		case 3:
			b = b[:min(len(b), 14+rng.IntN(len(b)))]
		case 4:
			b = append(b, make([]byte, rng.IntN(20))...)
		}
	}
	return b
}
