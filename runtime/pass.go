// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

// pass hands a packet that came in on port p to the kernel's own stack, which
// gets it at the end of the turn. The bytes are copied; the caller keeps the
// frame. Packets are counted when the stack took them.
func (w *worker) pass(p *workerPort, packet []byte) {
	if p.stack == nil {
		p.count.PassLost++
		return
	}
	if p.stack.Full() {
		w.flushStack(p)
	}
	if p.stack.Push(packet) != nil { // too short or too long for the stack
		p.count.PassLost++
	}
}

// flushStack hands the stack the packets passed on port p since the last time.
func (w *worker) flushStack(p *workerPort) {
	if p.stack == nil {
		return
	}
	passed, refused, err := p.stack.Flush()
	p.count.Pass += uint64(passed)
	p.count.PassLost += uint64(refused)
	if err != nil {
		w.report(err, "port", p.facts.Name)
	}
}
