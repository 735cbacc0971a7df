// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// A contender is one way of handling the packets of a scenario.
type contender struct {
	name string
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

// reference is the contender that the others are compared with.
const reference = "C AF_XDP"

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
	return contender{reference, func(l *lab, at places) (device, error) {
		args := append([]string{mode}, ports...)
		c, err := startChild(l.dut, at.dutCPU, filepath.Join(at.c(), "build", "xsk_bench"), args...)
		if err != nil {
			return nil, err
		}
		return process{c, func(c *child) (totals, error) { return parseCounters(c.stdout.Bytes()) }}, nil
	}}
}

// pvlua is the real program with a script, which is a path below the root.
func pvlua(script []string, ports ...string) contender {
	return contender{"pvlua", func(l *lab, at places) (device, error) {
		if _, err := os.Stat(at.pvlua); errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("there is no %s: run make build", at.pvlua)
		}
		args := append(append([]string{}, ports...), at.script(script...))
		c, err := startChild(l.dut, at.dutCPU, at.pvlua, args...)
		if err != nil {
			return nil, err
		}
		return process{c, func(c *child) (totals, error) {
			return parseTotals(c.stdout.String()+"\n"+c.stderr.String(), ports...)
		}}, nil
	}}
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
// test. If it forwards, packets leave by the other port.
func xdp(program string, ports int, forwards bool) contender {
	return contender{"C XDP in the kernel", func(l *lab, at places) (device, error) {
		var k kernel
		err := onThread(l.dut, noCPU, func() error {
			for i := range ports {
				out := 0
				if forwards {
					out = l.d[1-i]
				}
				o, err := attachObject(at.c(), program, l.d[i], out)
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
