// SPDX-License-Identifier: GPL-3.0-or-later

package difftest

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"pvlua/luabind"
	"pvlua/luabind/handlertest"
	"pvlua/luabpf"
	"pvlua/luabpf/bpf"
	"pvlua/luabpf/ir"
	"pvlua/luabpf/kmap"
	"pvlua/luabpf/lower"
	"pvlua/state"
)

// ErrNotCompiled is that of a script that stays in user space as a whole, since
// it can't be compiled or is too large for the kernel.
var ErrNotCompiled = errors.New("not compiled")

// Change is what a test does to a function before an engine gets it: faults, to
// see whether they are found. Nil does nothing.
type Change func(*ir.Func)

// Engines are those that need no privilege: the intermediate form as it is first
// made, and shortened, both run plainly; and the virtual machine.
func Engines(change Change) []Engine {
	return []Engine{
		{Name: "plain", Runners: each(func(s *luabind.State, store *state.Store, ports []*luabind.Port, in int) (luabind.Runner, error) {
			f, err := lowered(s, ports, in, lower.Lower)
			if err != nil {
				return nil, err
			}
			return newPlain(f, store, change)
		})},
		{Name: "shortened", Runners: each(func(s *luabind.State, store *state.Store, ports []*luabind.Port, in int) (luabind.Runner, error) {
			f, err := lowered(s, ports, in, luabpf.Compile)
			if err != nil {
				return nil, err
			}
			return newPlain(f, store, change)
		})},
		{Name: "vm", Runners: each(func(s *luabind.State, store *state.Store, ports []*luabind.Port, in int) (luabind.Runner, error) {
			f, err := lowered(s, ports, in, luabpf.Compile)
			if err != nil {
				return nil, err
			}
			if change != nil {
				change(f)
			}
			return luabpf.Runner(f, store, new(handlertest.Host).Now)
		})},
	}
}

// Kernel is the engine that runs handlers by BPF_PROG_RUN. It needs privilege.
func Kernel(change Change) Engine { return kernelBy(change, bpf.Load) }

func kernelBy(change Change, load func(*ir.Func, bpf.Options) (*ebpf.Program, error)) Engine {
	return Engine{Name: "kernel", Runners: func(s *luabind.State, store *state.Store, ports []*luabind.Port, in []int) (all []luabind.Runner, close func(), err error) {
		maps := kmap.New(store)
		close = func() {
			for _, r := range all {
				r.(*kernel).Close()
			}
			maps.Close()
		}
		for _, port := range in {
			f, err := lowered(s, ports, port, luabpf.Compile)
			if err == nil {
				if change != nil {
					change(f)
				}
				var k *kernel
				if k, err = newKernel(f, maps, len(ports), load); err == nil {
					all = append(all, k)
					continue
				}
			}
			close()
			// Some kernels say EFAULT when their verifier finds a fault of its own.
			if large := (*bpf.TooLargeError)(nil); errors.As(err, &large) || errors.Is(err, unix.EFAULT) {
				err = fmt.Errorf("%w: %w", ErrNotCompiled, err)
			}
			return nil, nil, err
		}
		return all, close, nil
	}}
}

// each makes a runner for each port that packets come in on.
func each(one func(s *luabind.State, store *state.Store, ports []*luabind.Port, in int) (luabind.Runner, error)) func(*luabind.State, *state.Store, []*luabind.Port, []int) ([]luabind.Runner, func(), error) {
	return func(s *luabind.State, store *state.Store, ports []*luabind.Port, in []int) (all []luabind.Runner, close func(), err error) {
		for _, port := range in {
			r, err := one(s, store, ports, port)
			if err != nil {
				return nil, nil, err
			}
			all = append(all, r)
		}
		return all, func() {}, nil
	}
}

// lowered compiles the handler of a script for a port, by the function given.
func lowered(s *luabind.State, ports []*luabind.Port, in int, with func(*luabind.Program, lower.Options) (*lower.Result, error)) (*ir.Func, error) {
	p, err := s.Program()
	if err != nil {
		return nil, err
	}
	o := lower.Options{In: in}
	for _, port := range ports {
		o.Ports, o.CanSend = append(o.Ports, *port), append(o.CanSend, true)
	}
	r, err := with(p, o)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotCompiled, err)
	}
	if err := ir.Verify(r.Func); err != nil {
		return nil, err
	}
	return r.Func, nil
}

// newPlain makes a Runner by ir.Run.
func newPlain(f *ir.Func, store *state.Store, change Change) (*plain, error) {
	if change != nil {
		change(f)
	}
	env, err := luabpf.Env(f, store, new(handlertest.Host).Now)
	return &plain{f, env}, err
}
