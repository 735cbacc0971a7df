// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pvlua/luabind"
	"pvlua/luabpf"
	"pvlua/luabpf/ir"
	"pvlua/xsk"
)

// engaged is what the supervisor knows of the engines.
type engaged struct {
	side *kernelSide
	// As the programs in place were compiled for:
	canSend, bounces []bool
	facts            []luabind.Port
	said             []string // by port, the last thing that the log said
	sweep            *time.Ticker
}

// sweepInterval is how often full maps of the kernel are looked at for entries
// that have aged out.
const sweepInterval = time.Second

// due tells when to sweep: never, where nothing ages.
func (e *engaged) due() <-chan time.Time {
	if e.sweep == nil {
		return nil
	}
	return e.sweep.C
}

// engage compiles the handler, as the workers have it now, and puts it in place.
// It returns an error only if the user wants nothing else: --engine kernel.
// It is called on the supervisor's thread.
func (r *Runtime) engage() error {
	if why := r.cfg.luaOnly(); why != "" {
		for _, p := range r.ports {
			r.say(p, "the handler runs in Lua", "reason", why)
		}
		return nil
	}
	facts, canSend, bounces := r.sendable()
	var unfinished []bool
	for _, p := range r.ports {
		unfinished = append(unfinished, p.program != nil && r.unfinished(p))
	}
	var each [][]compiled
	for _, w := range r.workers {
		// Compiling takes some milliseconds, in which the worker's packets wait.
		if !w.mail.call(func() { each = append(each, compile(w.state, facts, canSend, unfinished)) }) {
			return nil // it has ended
		}
	}
	r.engines.facts, r.engines.canSend, r.engines.bounces = facts, canSend, bounces
	return r.putInPlace(agree(each))
}

// sendable gives the facts of all ports, which of them frames can be sent out of by
// the kernel, and which of those XDP_TX works on.
func (r *Runtime) sendable() (facts []luabind.Port, canSend, bounces []bool) {
	for _, p := range r.ports {
		facts = append(facts, p.facts.Port)
		sends := p.program != nil && p.facts.Up && kernelSends(p)
		canSend = append(canSend, sends)
		bounces = append(bounces, sends && (p.program.Mode() == xsk.Generic || p.facts.driver != "veth" || peerHasXDP(p.facts.Ifindex)))
	}
	return facts, canSend, bounces
}

// kernelSends reports whether an XDP program can send frames out of a port. In
// generic mode the kernel sends them as the stack does; where it does not say,
// user space sends.
func kernelSends(p *port) bool {
	if p.program.Mode() == xsk.Generic {
		return true
	}
	ok, err := Redirectable(p.facts.Ifindex)
	return ok && err == nil
}

// reengage compiles anew if what was compiled into the programs has changed:
// addresses, or which ports the kernel can send out of.
func (r *Runtime) reengage() error {
	if r.cfg.luaOnly() != "" {
		return nil
	}
	facts, canSend, bounces := r.sendable()
	if slices.Equal(canSend, r.engines.canSend) && slices.Equal(bounces, r.engines.bounces) && slices.EqualFunc(facts, r.engines.facts, samePort) {
		return nil
	}
	return r.engage()
}

// putInPlace installs what was compiled, for each port.
func (r *Runtime) putInPlace(all []compiled) error {
	e := &r.engines
	for i, p := range r.ports {
		if p.program == nil {
			continue
		}
		c := &all[i]
		if !r.placeInUserSpace(i, c.user) {
			c.user = nil
		}
		if err := r.placeInKernel(p, c); err != nil {
			if r.cfg.Engine == EngineKernel {
				return err
			}
			if err := e.side.remove(p); err != nil {
				return err
			}
			r.say(p, userSpace(c), "reason", err)
		}
	}
	if e.sweep == nil && e.side.registry.Ages() {
		e.sweep = time.NewTicker(sweepInterval)
	}
	return nil
}

// userSpace says how the handler runs in user space.
func userSpace(c *compiled) string {
	if c.user != nil {
		return "the handler runs in user space, compiled"
	}
	return "the handler runs in Lua"
}

// placeInKernel has the kernel run the handler for packets of p, as far as it
// compiles. The error says why it does not.
func (r *Runtime) placeInKernel(p *port, c *compiled) error {
	switch {
	case c.why != nil:
		return c.why
	case r.cfg.Engine == EngineKernel:
		if c.user != nil && luabpf.Exits(c.kernel) {
			return r.errCantSend()
		}
		if err := wholly(c.kernel, r.cfg.Script); err != nil {
			return err
		}
	case !luabpf.Decides(c.kernel):
		return errNothingToDecide
	}
	began := time.Now()
	if err := r.engines.side.install(p, r.ports, c.kernel, r.mark[:], !r.engines.bounces[p.facts.Index]); err != nil {
		return err
	}
	lines := exitLines(c.kernel)
	switch {
	case len(lines) == 0:
		r.say(p, "the handler runs in the kernel", "loading", time.Since(began).Round(time.Microsecond))
	case !r.engines.canSend[p.facts.Index]:
		r.say(p, "the handler runs in the kernel, but for what it sends: the device takes no frames from there (a veth does if its peer has an XDP program, or GRO: ethtool -K PEER gro on)")
	default:
		r.say(p, "the handler runs in the kernel, but for what it leaves to user space",
			"lines", lines, "explained-by", "pvlua check "+r.cfg.Script)
	}
	return nil
}

// errCantSend says why a handler that compiles wholly does not run wholly in the
// kernel: a device takes no frames from there.
func (r *Runtime) errCantSend() error {
	var names []string
	for i, p := range r.ports {
		if !r.engines.canSend[i] {
			names = append(names, p.facts.Name)
		}
	}
	return fmt.Errorf("the engine kernel can't run all of the handler: packets can't go out of %s from the kernel (a veth takes them if its peer has an XDP program, or GRO: ethtool -K PEER gro on; --engine auto has user space send them)",
		strings.Join(names, " and "))
}

// placeInUserSpace has the workers run the compiled handler instead of Lua for
// what comes to user space from port i; f is nil where only Lua can. It reports
// whether they do: they don't where it is too large.
func (r *Runtime) placeInUserSpace(i int, f *ir.Func) bool {
	ok := f != nil
	for _, w := range r.workers {
		w.mail.call(func() {
			w.state.SetRunner(i, nil)
			if f == nil {
				return
			}
			p, err := luabpf.Runner(f, r.store, time.Now)
			if err != nil {
				r.log.Debug("the handler runs in Lua in user space", "port", r.ports[i].facts.Name, "reason", err)
				ok = false
				return
			}
			w.state.SetRunner(i, p)
		})
	}
	return ok
}

// say logs something about a port's engine, once until it is another thing.
func (r *Runtime) say(p *port, what string, attrs ...any) {
	said := fmt.Sprint(what, attrs)
	if len(attrs) > 0 && attrs[0] == "loading" {
		said = what
	}
	if r.engines.said[p.facts.Index] == said {
		return
	}
	r.engines.said[p.facts.Index] = said
	r.log.Info(what, append([]any{"port", p.facts.Name}, attrs...)...)
}
