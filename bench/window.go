// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"time"
)

// load puts a device to work as soon as it is up, and returns when it has had
// the time to deal with all that was sent.
func (r *rig) load(ctx context.Context, s scenario, dev device, l load) (sample, error) {
	err := r.await(ctx, dev, "attach itself", func() (bool, error) { return r.allAttached(s) })
	if err != nil {
		return sample{}, err
	}
	m, err := r.window(ctx, s, dev, l)
	if err != nil {
		return sample{}, err
	}
	return m, sleep(ctx, drainTime)
}

// window sends to a device that is up. It measures after packets have come
// through for the time of warming up.
func (r *rig) window(ctx context.Context, s scenario, dev device, l load) (m sample, err error) {
	gen, stop, err := r.generate(ctx, s, l)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, stop()) }()

	first, err := s.through(r)
	if err != nil {
		return m, err
	}
	err = r.await(ctx, dev, "let a packet through", func() (bool, error) {
		n, err := s.through(r)
		return n > first, err
	})
	if err != nil {
		return m, err
	}
	if err := sleep(ctx, l.warmUp); err != nil {
		return m, err
	}
	a, err := r.look(s, gen)
	if err != nil {
		return m, err
	}
	if err := sleep(ctx, l.time); err != nil {
		return m, err
	}
	b, err := r.look(s, gen)
	if err != nil {
		return m, err
	}
	if b.through == a.through {
		return m, errors.New("no packet came through while it was measured")
	}
	ms := b.at.Sub(a.at).Seconds() * 1e3
	used := (b.used - a.used).Seconds() * 1e3
	return sample{
		through: float64(b.through-a.through) / ms,
		offered: float64(b.sent-a.sent) / ms,
		inline:  float64(b.through-a.through) / used,
	}, nil
}

// A reading is the counters at one time.
type reading struct {
	at            time.Time
	used          time.Duration
	through, sent uint64
}

func (r *rig) look(s scenario, g *generator) (x reading, err error) {
	x.at = time.Now()
	if x.through, err = s.through(r); err != nil {
		return x, err
	}
	if x.used, err = g.used(); err != nil {
		return x, err
	}
	x.sent, err = g.count()
	return x, err
}

// generate starts a generator on the load's processors, for the ports that the
// scenario's packets come in on, until stop is called.
func (r *rig) generate(ctx context.Context, s scenario, l load) (g *generator, stop func() error, err error) {
	err = onThread(r.far, noCPU, func() (err error) {
		g, err = newGenerator(r.g[:s.sources], l.size, l.flows)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	cpus := l.cpus
	if cpus == nil {
		cpus = []int{r.at.farCPU}
	}
	sending, cancel := context.WithCancel(ctx)
	ended := make(chan error, len(cpus))
	for _, cpu := range cpus {
		go func() {
			ended <- onThread(r.far, cpu, func() error { return g.run(sending, l.rate/len(cpus)) })
		}()
	}
	return g, func() (err error) {
		cancel()
		for range cpus {
			err = errors.Join(err, <-ended)
		}
		g.close()
		return err
	}, nil
}
