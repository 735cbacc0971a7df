// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vishvananda/netlink"
)

const (
	latencyTime  = time.Second
	probePause   = time.Millisecond // between two probes: time enough to fall asleep
	latencyBound = 1.1
	// compileTime is more than enough for a script to get into the kernel.
	compileTime = 300 * time.Millisecond

	farAddress, dutAddress = "10.0.0.4/24", "10.0.0.5/24"
)

// latency is the section of round trips: a UDP echo by scripts/echo.lua against
// the ping reply of the kernel's own stack at the same address of the same veth.
func latency(f features) section {
	title := fmt.Sprintf("round trip of 56 bytes, a probe every %v: UDP echo by scripts/echo.lua against the kernel's own ping reply on the same veth", probePause)
	return section{name: "latency", title: title, needs: privilege, run: func(b *bench) ([]row, error) {
		l, err := newLab(1)
		if err != nil {
			return nil, err
		}
		defer l.close()
		err = errors.Join(address(l.farLinks, farName(0), farAddress), address(l.links, dutName(0), dutAddress),
			// Or else UDP comes without the checksum that the answer needs (P17), and
			// the kernel's part of a handler has no way back (P23).
			l.farTool.Change(farName(0), map[string]bool{"tx-checksum-ip-generic": false, "rx-gro": true}))
		if err != nil {
			return nil, err
		}
		r, span := &rig{lab: l, at: b.at}, latencyTime
		if b.short {
			span /= 5
		}
		pings := func(spin bool) func(context.Context) ([]float64, error) {
			return func(ctx context.Context) ([]float64, error) { return r.roundTrips(ctx, ping, spin, span) }
		}
		contenders := echoContenders(f)
		sleeping, polling := contenders[0], contenders[1]
		kernel := pvlua("pvlua", nil, []string{"scripts", "echo.lua"}, dutName(0))
		kernel.skip = f.lack("engine")
		// The kernel answers on the processor that a packet arrives on, and so does
		// pvlua asleep there. To poll it needs one of its own.
		here := b.at
		here.dutCPU = here.farCPU
		echoes := func(c contender, at places, spin bool) func(context.Context) ([]float64, error) {
			r := &rig{lab: l, at: at}
			return func(ctx context.Context) ([]float64, error) { return r.echoRoundTrips(ctx, c, spin, span) }
		}
		const first, awake = "ping", "ping, waited for awake"
		cases := []struct {
			entry
			of   int // position of what it is compared with
			goal goal
		}{
			{entry{what: first, run: pings(false)}, 0, goal{}},
			{entry{what: awake, run: pings(true)}, 1, goal{}},
			{entry{what: "ping, answered on the other processor", run: func(ctx context.Context) (_ []float64, err error) {
				if err := l.steer(dutName(0), b.at.dutCPU); err != nil {
					return nil, err
				}
				defer func() { err = errors.Join(err, l.steer(dutName(0), noCPU)) }()
				return r.roundTrips(ctx, ping, false, span)
			}}, 0, goal{}},
			{entry{what: "UDP echo by pvlua", skip: kernel.skip, run: echoes(kernel, here, false)}, 0, goal{atMost, latencyBound}},
			{entry{what: "UDP echo by pvlua --engine lua", run: echoes(sleeping, here, false)}, 0, goal{}},
			{entry{what: "UDP echo by " + polling.name + " --engine lua", skip: polling.skip, run: echoes(polling, b.at, false)}, 0, goal{}},
			{entry{what: "UDP echo by " + polling.name + " --engine lua, waited for awake", skip: polling.skip, run: echoes(polling, b.at, true)}, 1, goal{below, 1}},
		}
		var entries []entry
		for _, c := range cases {
			entries = append(entries, c.entry)
		}
		outcomes, err := takeTurns(b.ctx, "latency", b.rounds, entries, b.say)
		if err != nil {
			return nil, err
		}
		var rows []row
		for i, c := range cases {
			for kind, name := range []string{"median", "p99"} {
				o := outcomes[i]
				row := row{name: "latency", what: c.what + ", " + name, figures: o.of(kind), format: "%.1f", unit: "µs",
					goal: c.goal, skip: c.skip, err: o.err}
				if i != c.of {
					row.ratios, row.of = ratios(o.of(kind), outcomes[c.of].of(kind)), cases[c.of].what
				}
				rows = append(rows, row)
			}
		}
		return rows, nil
	}}
}

// address gives a link an address with its prefix length.
func address(h *netlink.Handle, name, prefix string) error {
	link, err := h.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find %s: %w", name, err)
	}
	addr, err := netlink.ParseAddr(prefix)
	if err != nil {
		return err
	}
	if err := h.AddrAdd(link, addr); err != nil {
		return fmt.Errorf("give %s the address %s: %w", name, prefix, err)
	}
	return nil
}

// echoRoundTrips are those of a UDP echo that a contender answers.
func (r *rig) echoRoundTrips(ctx context.Context, c contender, spin bool, span time.Duration) (values []float64, err error) {
	dev, err := c.start(r.lab, r.at)
	if err != nil {
		return nil, err
	}
	defer func() {
		_, stopErr := dev.stop()
		err = withWords(errors.Join(err, stopErr), dev)
	}()
	if err := r.await(ctx, dev, "attach itself", func() (bool, error) { return r.attached(0) }); err != nil {
		return nil, err
	}
	if err := sleep(ctx, compileTime); err != nil {
		return nil, err
	}
	return r.roundTrips(ctx, echo, spin, span)
}

// roundTrips sends probes for span, from the generator's processor, and gives the
// median and the 99th percentile of their round trips in microseconds.
func (r *rig) roundTrips(ctx context.Context, kind probeKind, spin bool, span time.Duration) (values []float64, err error) {
	err = onThread(r.far, r.at.farCPU, func() error {
		p, err := newProbe(kind, spin, dutAddress)
		if err != nil {
			return err
		}
		defer p.close()
		trips, err := p.run(ctx, span)
		if err != nil {
			return err
		}
		values = []float64{percentile(trips, 50), percentile(trips, 99)}
		return nil
	})
	return values, err
}
