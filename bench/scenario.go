// SPDX-License-Identifier: GPL-3.0-or-later

package main

// A scenario is what is done with the packets, and who does it.
type scenario struct {
	name, title string
	ports       int // how many ports of the device under test take part
	sources     int // how many of them the generator sends to, in turn
	contenders  []contender

	// through is the number of packets that the device under test has dealt with
	// so far, counted in the kernel outside of it.
	through func(*rig) (uint64, error)
}

// scenarios in the order of the table.
func scenarios() []scenario {
	return []scenario{{
		name: "drop", title: "receive a packet and drop it", ports: 1, sources: 1, through: (*rig).received,
		contenders: []contender{
			pvlua([]string{"bench", "lua", "drop.lua"}, dutName(0)),
			xskBench("rxdrop", dutName(0)),
			xdp("xdp_drop", 1, false),
		},
	}, {
		name: "reflect", title: "swap the MAC addresses of a packet and send it back", ports: 1, sources: 1, through: (*rig).returned,
		contenders: []contender{
			pvlua([]string{"bench", "lua", "reflect.lua"}, dutName(0)),
			xskBench("l2fwd", dutName(0)),
			xdp("xdp_tx", 1, false),
		},
	}, {
		name: "forward", title: "receive on one port and send on the other", ports: 2, sources: 1, through: (*rig).returned,
		contenders: []contender{
			pvlua([]string{"scripts", "forward.lua"}, dutName(0), dutName(1)),
			xskBench("forward", dutName(0), dutName(1)),
			xdp("xdp_redirect", 1, true),
		},
	}, {
		name: "both", title: "the same, both ways at once", ports: 2, sources: 2, through: (*rig).returned,
		contenders: []contender{
			pvlua([]string{"scripts", "forward.lua"}, dutName(0), dutName(1)),
			xskBench("forward", dutName(0), dutName(1)),
			xdp("xdp_redirect", 2, true),
		},
	}}
}

// rotate puts element n first, the ones before it last.
func rotate[T any](s []T, n int) []T {
	n %= len(s)
	return append(append(make([]T, 0, len(s)), s[n:]...), s[:n]...)
}
