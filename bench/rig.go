// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"cmp"
	"context"
	"fmt"
	"time"
)

const (
	startTime = 10 * time.Second       // a contender may take to attach itself, and again to its first packet
	pollTime  = 2 * time.Millisecond   // between two looks
	drainTime = 100 * time.Millisecond // after the last packet was sent

	// ringSize is the largest receive ring of a contender: as many packets may
	// be left on it when the contender is stopped.
	ringSize = 2048
)

// A farEnd is what takes the packets at the far end.
type farEnd int

const (
	sinks farEnd = iota // an XDP program counts and drops them
	// napiStack is the kernel's own stack, with GRO: that gives a veth the NAPI
	// without which its peer can't redirect packets to it (P23).
	napiStack
	stack // the kernel's own stack, on a veth as it comes
)

// A rig is a lab with a far end that takes packets.
type rig struct {
	*lab
	at    places
	sinks []*object // on g0, g1, if that is what takes them
}

// newRig makes the lab, with so many queues at each end of its links, the far end
// being sinks. The caller closes the rig.
func newRig(at places, queues int) (*rig, error) {
	l, err := newLab(queues)
	if err != nil {
		return nil, err
	}
	r := &rig{lab: l, at: at}
	if err := r.arrange(sinks); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// arrange makes the far end one of that kind.
func (r *rig) arrange(end farEnd) error {
	r.closeSinks()
	for i := range pairs {
		if err := r.farTool.Change(farName(i), map[string]bool{"rx-gro": end == napiStack}); err != nil {
			return fmt.Errorf("set GRO of %s: %w", farName(i), err)
		}
	}
	if end != sinks {
		return nil
	}
	return onThread(r.far, noCPU, func() error {
		for _, ifindex := range r.g {
			sink, err := attachObject(r.at.c(), "xdp_drop", ifindex, 0)
			if err != nil {
				return err
			}
			r.sinks = append(r.sinks, sink)
		}
		return nil
	})
}

func (r *rig) closeSinks() {
	for _, s := range r.sinks {
		s.close()
	}
	r.sinks = nil
}

func (r *rig) close() {
	r.closeSinks()
	r.lab.close()
}

// received counts packets that reached the first port's contender: that were put
// on its ring or, if it is in the kernel, dropped by it.
func (r *rig) received() (uint64, error) { return r.delivered(0) }

// returned counts packets that came back to the far end, by whichever port.
func (r *rig) returned() (sum uint64, err error) {
	for i := range pairs {
		count := func() (uint64, error) { return r.arrived(i) }
		if r.sinks != nil {
			count = r.sinks[i].packets
		}
		n, err := count()
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// A load is what the generator sends and for how long.
type load struct {
	size, flows int
	rate        int   // packets a second; 0 for as many as it can
	cpus        []int // that send, each its part of the rate; nil for the far end's
	warmUp      time.Duration
	time        time.Duration
}

// A sample is what was measured of one contender in one round, in thousands of
// packets a second: what it dealt with of what the generator sent. inline is
// what it dealt with in a second of the generator's processor time, where all of
// its work is done within the generator's calls.
type sample struct {
	through, offered, inline float64
}

// measure runs one contender once under load and stops it. If ctx ends, so does
// the measurement, with ctx's error.
func (r *rig) measure(ctx context.Context, s scenario, c contender, l load) (sample, error) {
	before, err := r.deliveredAll(s)
	if err != nil {
		return sample{}, err
	}
	dev, err := c.start(r.lab, r.at)
	if err != nil {
		return sample{}, err
	}
	m, err := r.load(ctx, s, dev, l)
	ended := dev.running()
	own, stopErr := dev.stop()
	if err = cmp.Or(err, ended, stopErr); err == nil {
		var after uint64
		if after, err = r.deliveredAll(s); err == nil {
			err = compare(own, after-before, r.queues)
		}
	}
	return m, withWords(err, dev)
}

// withWords adds to an error what the device, which was stopped, complained of.
func withWords(err error, dev device) error {
	if said := dev.said(); err != nil && said != "" {
		return fmt.Errorf("%w; it said:\n%s", err, said)
	}
	return err
}

// await looks until done says so, the device ends, or its time is over.
func (r *rig) await(ctx context.Context, dev device, what string, done func() (bool, error)) error {
	for deadline := time.Now().Add(startTime); ; {
		if ok, err := done(); ok || err != nil {
			return err
		}
		if err := dev.running(); err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("it did not %s within %v", what, startTime)
		}
		if err := sleep(ctx, pollTime); err != nil {
			return err
		}
	}
}

func (r *rig) allAttached(s scenario) (bool, error) {
	for i := range s.sources {
		if ok, err := r.attached(i); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (r *rig) deliveredAll(s scenario) (sum uint64, err error) {
	for i := range s.ports {
		n, err := r.delivered(i)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// compare holds a contender's own count of what it received against the
// kernel's count of what it put on the contender's rings, one for each queue of
// a port. Without own counters there is nothing to compare.
func compare(own totals, delivered uint64, queues int) error {
	if own == nil {
		return nil
	}
	rx := own.sum("rx")
	if rx > delivered || delivered-rx > uint64(len(own)*queues*ringSize) {
		return fmt.Errorf("it counted %d packets received, but the kernel gave it %d", rx, delivered)
	}
	return nil
}

// sleep waits for d, or returns ctx's error if ctx ends first.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
