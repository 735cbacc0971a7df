// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"errors"
	"fmt"
	"slices"

	"pvlua/luabind"
	"pvlua/luabpf"
	"pvlua/luabpf/ir"
	"pvlua/luabpf/lower"
)

// An Engine says where the handler runs. The zero value is EngineAuto.
type Engine uint8

const (
	EngineAuto   Engine = iota // what compiles: in the kernel; the rest, and all where that does not work: in Lua
	EngineLua                  // all in Lua: nothing is compiled
	EngineKernel               // all in the kernel but for rare packets; otherwise New or Run fails
)

var engineNames = [...]string{"auto", "lua", "kernel"}

// String returns the name that ParseEngine reads.
func (e Engine) String() string {
	if int(e) < len(engineNames) {
		return engineNames[e]
	}
	return fmt.Sprintf("Engine(%d)", uint8(e))
}

// ParseEngine reads auto, lua or kernel.
func ParseEngine(s string) (Engine, error) {
	for i, name := range engineNames {
		if s == name {
			return Engine(i), nil
		}
	}
	return EngineAuto, fmt.Errorf("unknown engine %q: use auto, lua or kernel", s)
}

// compiled is a script's handler, made for packets that come in on one port.
type compiled struct {
	kernel *ir.Func // for the kernel; nil: it does not compile,
	why    error    // and why not
	user   *ir.Func // for user space, where every port can be sent to; nil: it is not worth it
}

// compile compiles a script's handler for every port. The state must be at rest.
// unfinished says on which ports packets may come with unfinished checksums.
func compile(s *luabind.State, facts []luabind.Port, canSend, unfinished []bool) []compiled {
	all := make([]compiled, len(facts))
	program, err := s.Program()
	if err != nil {
		for i := range all {
			all[i].why = err
		}
		return all
	}
	everywhere := make([]bool, len(facts))
	for i := range everywhere {
		everywhere[i] = true
	}
	for i := range all {
		c := &all[i]
		if res, err := luabpf.Compile(program, lower.Options{In: i, Ports: facts, CanSend: canSend, Partial: unfinished[i]}); err != nil {
			c.why = err
		} else {
			c.kernel = res.Func
		}
		res, err := luabpf.Compile(program, lower.Options{In: i, Ports: facts, CanSend: everywhere})
		if err == nil && !luabpf.Exits(res.Func) {
			c.user = res.Func
		}
	}
	return all
}

// errWorkersDiffer is why a script whose workers are not alike stays in Lua.
var errWorkersDiffer = errors.New("the handler is not the same on each worker: pv.worker, or what was made of it when the script was loaded, decides what it does")

// agree gives what all workers have in common: the program that a port's packets
// run is the same for all its queues.
func agree(each [][]compiled) []compiled {
	all := each[0]
	for _, other := range each[1:] {
		for i := range all {
			c, d := &all[i], &other[i]
			if c.kernel != nil && (d.kernel == nil || c.kernel.String() != d.kernel.String()) {
				c.kernel, c.why = nil, errWorkersDiffer
			}
			if c.user != nil && (d.user == nil || c.user.String() != d.user.String()) {
				c.user = nil
			}
		}
	}
	return all
}

// errNothingToDecide is why a handler that leaves the kernel at once is not put
// there.
var errNothingToDecide = errors.New("every packet would leave the kernel: nothing that it could decide comes first")

// exitLines lists the lines at which packets leave the kernel for what only Lua
// can do.
func exitLines(f *ir.Func) (lines []int) {
	for _, s := range f.Sites {
		if !s.OnlyRare() && !slices.Contains(lines, s.Line) {
			lines = append(lines, s.Line)
		}
	}
	slices.Sort(lines)
	return lines
}

// checkWholly returns an error if a handler, of a script that may not have been
// started, does not run wholly in the kernel though it is to.
func (r *Runtime) checkWholly(s *luabind.State) error {
	if r.cfg.Engine != EngineKernel {
		return nil
	}
	if why := r.cfg.luaOnly(); why != "" {
		return fmt.Errorf("the engine kernel can't be used with it: %s", why)
	}
	var facts []luabind.Port
	canSend, unfinished := make([]bool, len(r.ports)), make([]bool, len(r.ports))
	for i, p := range r.ports {
		facts, canSend[i] = append(facts, p.facts.Port), true
	}
	for _, c := range compile(s, facts, canSend, unfinished) {
		if c.why != nil {
			return fmt.Errorf("the engine kernel can't run the handler: %w", c.why)
		}
		if err := wholly(c.kernel, r.cfg.Script); err != nil {
			return err
		}
	}
	return nil
}

// wholly returns an error that names the exits of a handler, nil if it has none
// but for rare packets: those on which it fails, or that have numbers or a form
// that the kernel's part does not take.
func wholly(f *ir.Func, script string) error {
	var errs []error
	for _, s := range f.Sites {
		if !s.OnlyRare() {
			errs = append(errs, fmt.Errorf("%s:%d: %s", script, s.Line, s.Reason))
		}
	}
	if errs == nil {
		return nil
	}
	if more := len(errs) - 5; more > 0 {
		errs = append(errs[:5], fmt.Errorf("and %d more", more))
	}
	return fmt.Errorf("the engine kernel can't run all of the handler (--engine auto leaves the rest to Lua; pvlua check %s explains):\n%w", script, errors.Join(errs...))
}

// luaOnly reports why nothing is to be compiled, "" if it may be.
func (c Config) luaOnly() string {
	switch {
	case c.Engine == EngineLua:
		return "--engine lua"
	case c.Dump != nil:
		return "--dump shows every packet"
	case c.Capture.File != "":
		return "--capture records every packet"
	}
	return ""
}
