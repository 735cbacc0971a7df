// SPDX-License-Identifier: GPL-3.0-or-later

package labtest

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"pvlua/netns"
)

// Star is a network of namespaces around one in the middle. Its spokes reach each
// other when something in M moves packets between its links.
type Star struct {
	M      *Side    // without addresses; its Link and Link2 are the first of Links
	Links  []string // of M, one to each of Spokes: port1, port2, ...
	Spokes []*Side  // veth1 with 10.0.0.1/24, 2001:db8::1/64 and so on
}

// NewStar makes a Star with n spokes, from 2 to 200.
func NewStar(t testing.TB, n int, o Options) *Star {
	t.Helper()
	var pairs []netns.Pair
	s := &Star{}
	for i := range n {
		v4 := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), 24)
		v6 := netip.MustParsePrefix(fmt.Sprintf("2001:db8::%x/64", i+1))
		s.Links = append(s.Links, fmt.Sprintf("port%d", i+1))
		pairs = append(pairs, netns.Pair{
			A: netns.End{Namespace: fmt.Sprintf("s%d", i+1), Link: fmt.Sprintf("veth%d", i+1), Addrs: o.addrs(v4, v6), GRO: o.GRO},
			B: netns.End{Namespace: "m", Link: s.Links[i]},
		})
	}
	name := raise(t, o, slices.Clone(pairs)) // which changes the names of namespaces
	for _, p := range pairs {
		s.Spokes = append(s.Spokes, openSide(t, name, p.A, ""))
	}
	s.M = openSide(t, name, pairs[0].B, s.Links[1])
	return s
}
