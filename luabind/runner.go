// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

// Runner handles packets in place of on_packet, as a compiled handler does.
type Runner interface {
	// Run deals with a packet as Handle would, and reports true; or it leaves
	// the packet and all else as it was, and reports false.
	Run(p *Packet) (done bool)
}

// SetRunner has Handle give each packet that came in on a port to r first, and
// only those that r leaves to on_packet. The packets keep their order. r is
// used on the goroutine of the State, until the script replaces on_packet, which
// r is not made of then; nil ends it.
func (s *State) SetRunner(port int, r Runner) {
	if s.runners == nil {
		s.runners = make([]Runner, len(s.ports))
	}
	s.runners[port] = r
}

// run gives a packet to the runner of its port.
func (s *State) run(p *Packet) (done bool) {
	if uint(p.Port) >= uint(len(s.runners)) || s.runners[p.Port] == nil {
		return false
	}
	return s.runners[p.Port].Run(p)
}
