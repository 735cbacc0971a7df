// SPDX-License-Identifier: GPL-3.0-or-later

package main

// checkTransmit looks at how frames leave: whether the faster of two ways is
// there.
func checkTransmit(f *doctorFacts) []finding {
	const topic = "transmit"
	l := &f.link
	switch {
	case l.kind != "veth" || !l.redirectKnown || f.generic():
		return nil
	case l.redirect:
		return []finding{ok(topic, "many frames at once leave by the injector")}
	}
	slow := note(topic, "the other end of %s has neither an XDP program nor GRO, so it takes no redirected frames:\n"+
		"many at once leave by AF_XDP's ring, which takes two or three times as long", f.name)
	if f.peer == nil {
		return []finding{slow.cure("ethtool -K PEER gro on    (there, with its name for PEER)")}
	}
	return []finding{slow.cure("%s", f.sudo(f.peer.prefix+"ethtool -K "+f.peer.name+" gro on"))}
}
