// SPDX-License-Identifier: GPL-3.0-or-later

package difftest

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// What is left of a script and packets is what matters.
func TestShrink(t *testing.T) {
	found := 0
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 2))
		root := script(rng)
		has := func(n *node, packets []Packet) bool {
			text := n.String()
			_, handler, ok := strings.Cut(text, "function on_packet")
			return ok && strings.Contains(handler, "set_u16") && len(packets) > 0 && packets[0].Port == 1
		}
		packets := Packets(rng, 20)
		packets[0].Port = 1
		if !has(root, packets) {
			continue
		}
		found++
		small, few := shrink(root, packets, has)
		if text := small.String(); strings.Count(text, "\n") > 3 || len(text) > 60 || len(few) != 1 {
			t.Errorf("%d packets and\n%s", len(few), text)
		}
	}
	if found < 10 {
		t.Errorf("%d scripts to shrink", found)
	}
}
