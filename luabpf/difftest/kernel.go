// SPDX-License-Identifier: GPL-3.0-or-later

package difftest

import (
	"bytes"
	"fmt"

	"github.com/cilium/ebpf"

	"pvlua/luabind"
	"pvlua/luabpf/bpf"
	"pvlua/luabpf/ir"
	"pvlua/luabpf/kmap"
)

// kernel is a Runner by BPF_PROG_RUN.
type kernel struct {
	prog  *ebpf.Program
	stats *ebpf.Map
	ports []uint64 // how many packets it has redirected to each
	out   []byte
}

// newKernel loads the program of a function by load, which is bpf.Load but in
// tests.
func newKernel(f *ir.Func, maps *kmap.Registry, ports int, load func(*ir.Func, bpf.Options) (*ebpf.Program, error)) (_ *kernel, err error) {
	k := &kernel{ports: make([]uint64, ports), out: make([]byte, 4096)}
	defer func() {
		if err != nil {
			k.Close()
		}
	}()
	k.stats, err = ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: bpf.StatsLen(f)})
	if err != nil {
		return nil, err
	}
	o := bpf.Options{Stats: k.stats}
	if err := maps.Bind(f, &o); err != nil {
		return nil, err
	}
	k.prog, err = load(f, o)
	return k, err
}

// Close releases the program.
func (k *kernel) Close() error {
	k.prog.Close()
	return k.stats.Close()
}

// redirected gives the port that the last packet was redirected to: the one for
// which there is another number than before.
func (k *kernel) redirected() (port int, err error) {
	port = -1
	for i := range k.ports {
		var each []uint64
		if err := k.stats.Lookup(bpf.RedirectIndex(i), &each); err != nil {
			return 0, err
		}
		sum := uint64(0)
		for _, n := range each {
			sum += n
		}
		if sum != k.ports[i] {
			k.ports[i], port = sum, i
		}
	}
	return port, nil
}

// minFrame is the length of an Ethernet header in bytes: XDP programs get no
// shorter packets.
const minFrame = 14

// Run implements luabind.Runner.
func (k *kernel) Run(p *luabind.Packet) (done bool) {
	in := p.Buf[p.From:p.To]
	if len(in) < minFrame {
		return false
	}
	o := ebpf.RunOptions{Data: in, DataOut: k.out, Repeat: 1}
	verdict, err := k.prog.Run(&o)
	switch {
	case err != nil:
		p.Err = err
	case verdict == 0 && !bytes.Equal(in, o.DataOut):
		p.Err = fmt.Errorf("a packet that exits was changed to %x", o.DataOut)
	case verdict == 0:
		return false
	default:
		p.To = p.From + copy(p.Buf[p.From:], o.DataOut)
		if p.Verdict = luabind.Verdict(verdict); p.Verdict == luabind.Redirect {
			p.Out, p.Err = k.redirected()
		}
	}
	return true
}
