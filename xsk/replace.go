// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"os"

	"github.com/cilium/ebpf"
)

// Sockets is the map (XSKMAP) through which a program in place of the redirect
// program reaches the sockets. It is p's.
func (p *Program) Sockets() *ebpf.Map { return p.xsks }

// Replace puts another XDP program in place of the one that is attached, in one
// step: each packet is seen by the one or the other (BPF_LINK_UPDATE). nil
// brings the redirect program back. The program stays the caller's, who may
// close it: as long as it is attached the kernel keeps it.
func (p *Program) Replace(prog *ebpf.Program) error {
	const op = "replace XDP program"
	if p.link == nil {
		return opError(op, p.name, noQueue, nil, os.ErrClosed, "")
	}
	if prog == nil {
		prog = p.prog
	}
	if err := p.link.Update(prog); err != nil {
		return opError(op, p.name, noQueue, nil, err, "")
	}
	return nil
}
