// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"path/filepath"
	"slices"
	"time"
)

// A contender is one way of handling the packets of a scenario.
type contender struct {
	name string
	skip string // why it can't take part; "" if it can
	// start brings it up as the device under test. The caller stops it.
	start func(*lab, places) (device, error)
}

// A device is a contender at work.
type device interface {
	// running is nil while it works; then the error says how it ended.
	running() error
	// stop ends it and returns its own counters, nil if it keeps none.
	stop() (totals, error)
	// said is what it complained of, to be asked for once it has been stopped.
	said() string
}

// places says where things are: on which processors, in which files.
type places struct {
	farCPU, dutCPU int
	pvlua          string // the binary
	root           string // of the source tree
}

func (p places) c() string                 { return filepath.Join(p.root, "bench", "c") }
func (p places) script(s ...string) string { return filepath.Join(append([]string{p.root}, s...)...) }

// The names of contenders that others are compared with.
const (
	cAFXDP  = "C AF_XDP"
	cKernel = "C XDP in the kernel"
)

// stopTime is how long a contender may take to end after SIGINT.
const stopTime = 5 * time.Second

// process is a device that is a child process.
type process struct {
	*child
	counters func(*child) (totals, error)
}

func (p process) stop() (totals, error) {
	if err := p.child.stop(stopTime); err != nil {
		return nil, err
	}
	return p.counters(p.child)
}

// xskBench is the C program on libxdp's rings in one of its modes.
func xskBench(mode string, ports ...string) contender {
	return contender{name: cAFXDP, start: func(l *lab, at places) (device, error) {
		args := append([]string{mode}, ports...)
		c, err := startChild(l.dut, at.dutCPU, filepath.Join(at.c(), "build", "xsk_bench"), args...)
		if err != nil {
			return nil, err
		}
		return process{c, func(c *child) (totals, error) { return parseCounters(c.stdout.Bytes()) }}, nil
	}}
}

// pvlua is the real program with some flags and a script, which is a path below
// the root.
func pvlua(name string, flags, script []string, ports ...string) contender {
	return contender{name: name, start: func(l *lab, at places) (device, error) {
		args := slices.Concat(flags, ports, []string{at.script(script...)})
		c, err := startChild(l.dut, at.dutCPU, at.pvlua, args...)
		if err != nil {
			return nil, err
		}
		return process{c, func(c *child) (totals, error) {
			return parseTotals(c.stdout.String()+"\n"+c.stderr.String(), ports...)
		}}, nil
	}}
}

// ring is pvlua when it sends by AF_XDP's transmit ring only.
func ring(f features, script []string, ports ...string) contender {
	c := pvlua("pvlua --tx ring", f.inUserSpace("ring"), script, ports...)
	c.skip = f.lack("tx")
	return c
}

// inKernel is pvlua with a script that it has compiled to XDP. What it counts
// itself is not what reached a socket.
func inKernel(f features, script []string, ports ...string) contender {
	user := pvlua("pvlua --engine kernel", []string{"--engine=kernel"}, script, ports...)
	c := contender{name: user.name, skip: f.lack("engine")}
	c.start = func(l *lab, at places) (device, error) {
		dev, err := user.start(l, at)
		if err != nil {
			return nil, err
		}
		p := dev.(process)
		p.counters = func(*child) (totals, error) { return nil, nil }
		return p, nil
	}
	return c
}

// kernel is a device that is an XDP program in the ports' driver.
type kernel []*object

func (kernel) running() error { return nil }
func (kernel) said() string   { return "" }

func (k kernel) stop() (totals, error) {
	for _, o := range k {
		o.close()
	}
	return nil, nil
}

// xdp is a C program for XDP, attached to the first ports of the device under
// test. If out is not nil it tells of a port by which interface its packets
// leave.
func xdp(program string, ports int, out func(l *lab, port int) int) contender {
	return contender{name: cKernel, start: func(l *lab, at places) (device, error) {
		var k kernel
		err := onThread(l.dut, noCPU, func() error {
			for i := range ports {
				ifindex := 0
				if out != nil {
					ifindex = out(l, i)
				}
				o, err := attachObject(at.c(), program, l.d[i], ifindex)
				if err != nil {
					return err
				}
				k = append(k, o)
			}
			return nil
		})
		if err != nil {
			k.stop()
			return nil, err
		}
		return k, nil
	}}
}

func toItself(l *lab, port int) int   { return l.d[port] }
func toTheOther(l *lab, port int) int { return l.d[1-port] }
