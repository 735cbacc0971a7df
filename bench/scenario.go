// SPDX-License-Identifier: GPL-3.0-or-later

package main

import "slices"

// A scenario is what is done with the packets, and who does it.
type scenario struct {
	name, title string
	far         farEnd
	ports       int // how many ports of the device under test take part
	sources     int // how many of them the generator sends to, in turn
	contenders  []contender
	inline      bool   // whether all contenders work within the generator's calls
	reference   string // the contender that the others are compared with
	goal        goal   // for the first contender

	// through is the number of packets that the device under test has dealt with
	// so far, counted in the kernel outside of it.
	through func(*rig) (uint64, error)
}

// scenarios in the order of the table, for a pvlua with these features.
func scenarios(f features) []scenario {
	var (
		drop    = []string{"bench", "lua", "drop.lua"}
		reflect = []string{"bench", "lua", "handlers", "reflect.lua"}
		forward = []string{"scripts", "forward.lua"}

		c = xskBench("l2fwd", dutName(0))
		// bounce sends by a redirect, which reaches any far end that has NAPI.
		// XDP_TX reaches a veth only if an XDP program is there.
		bounce = xdp("xdp_bounce", 1, toItself)
		moves  = []contender{
			pvlua("pvlua", f.inUserSpace("auto"), forward, dutName(0), dutName(1)),
			ring(f, forward, dutName(0), dutName(1)),
			xskBench("forward", dutName(0), dutName(1)),
		}
		sends = []contender{pvlua("pvlua", f.inUserSpace("auto"), reflect, dutName(0)), ring(f, reflect, dutName(0)), c}
	)
	bounce.name += ", by a redirect"
	return []scenario{{
		name: "drop", title: "receive a packet and drop it", ports: 1, sources: 1, through: (*rig).received,
		reference: cAFXDP, goal: goal{atLeast, 0.8},
		contenders: []contender{
			pvlua("pvlua", f.inUserSpace("auto"), drop, dutName(0)),
			xskBench("rxdrop", dutName(0)),
			xdp("xdp_drop", 1, nil),
		},
	}, {
		name: "reflect", title: "swap the MAC addresses of a packet and send it back; the far end drops it in XDP",
		ports: 1, sources: 1, through: (*rig).returned,
		reference: cAFXDP, goal: goal{atLeast, 3},
		contenders: with(sends, xdp("xdp_tx", 1, nil)),
	}, {
		name: "reflect-gro", title: "the same; a plain stack takes it, on a veth with GRO", far: napiStack,
		ports: 1, sources: 1, through: (*rig).returned,
		reference: cAFXDP, goal: goal{atLeast, 2},
		contenders: with(sends, xdp("xdp_bounce", 1, toItself)),
	}, {
		name: "reflect-stack", title: "the same; a plain stack takes it, on a veth as it comes, which takes no redirected packets", far: stack,
		ports: 1, sources: 1, through: (*rig).returned,
		reference:  cAFXDP,
		contenders: with(sends, contender{name: cKernel, skip: "a veth without GRO or an XDP program takes no redirected packets (P23)"}),
	}, {
		name: "forward", title: "receive on one port and send on the other", ports: 2, sources: 1, through: (*rig).returned,
		reference: cAFXDP, goal: goal{atLeast, 1.5},
		contenders: with(moves, xdp("xdp_redirect", 1, toTheOther)),
	}, {
		name: "both", title: "the same, both ways at once", ports: 2, sources: 2, through: (*rig).returned,
		reference:  cAFXDP,
		contenders: with(moves, xdp("xdp_redirect", 2, toTheOther)),
	}, {
		name: "kernel-reflect", title: "reflect, the script compiled to XDP; packets a second of the processor that sends them, since all happens there", ports: 1, sources: 1, through: (*rig).returned,
		inline: true, reference: cKernel, goal: goal{atLeast, 0.95},
		contenders: []contender{inKernel(f, reflect, dutName(0)), xdp("xdp_tx", 1, nil), bounce},
	}, {
		name: "kernel-forward", title: "forward, likewise", ports: 2, sources: 1, through: (*rig).returned,
		inline: true, reference: cKernel, goal: goal{atLeast, 0.95},
		contenders: []contender{inKernel(f, forward, dutName(0), dutName(1)), xdp("xdp_redirect", 1, toTheOther)},
	}}
}

// with gives a list of contenders with more of them.
func with(list []contender, more ...contender) []contender { return slices.Concat(list, more) }
