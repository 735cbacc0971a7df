// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"slices"
	"strings"

	"pvlua/xsk"
)

// An offload makes an interface hand over something other than the frame that
// was on the wire.
type offload struct {
	feature string // the kernel's name (net/ethtool/common.c)
	flag    string // what ethtool -K calls it
	generic bool   // it does harm in generic mode only
	harm    string // continues "... is on: "
}

// receiveOffloads matter at the interface itself.
var receiveOffloads = []offload{
	{"rx-vlan-hw-parse", "rxvlan", false, "VLAN tags are taken off before a script sees them"}, // P19
	{"rx-vlan-stag-hw-parse", "rx-vlan-stag-hw-parse", false, "802.1ad tags are taken off before a script sees them"},
	{"rx-lro", "lro", false, "the card merges frames into ones that are too long"}, // P18
	{"rx-gro-hw", "rx-gro-hw", true, "the card merges frames into ones that are too long"},
	{"rx-gro", "gro", true, "the kernel merges frames into ones that are too long"},
}

// sendOffloads matter at the peer of a veth: what its stack leaves to hardware
// is never done.
var sendOffloads = []offload{
	{"tx-vlan-hw-insert", "txvlan", false, "VLAN tags travel beside the frame, where no script sees them"}, // P19
	{"tx-tcp-segmentation", "tso", true, "it sends frames of up to 64 KiB, which are too long"},            // P18: native mode turns these off
	{"tx-tcp6-segmentation", "tso", true, "it sends frames of up to 64 KiB, which are too long"},
	{"tx-udp-segmentation", "gso", true, "it sends frames of up to 64 KiB, which are too long"},
	{"tx-generic-segmentation", "gso", true, "it sends frames of up to 64 KiB, which are too long"},
}

// generic tells whether pvlua would run in generic mode here, as far as is known.
func (f *doctorFacts) generic() bool {
	if f.trial.done {
		return f.trial.attach == xsk.Generic
	}
	return f.mode == xsk.ModeGeneric
}

// harmful returns those of the offloads that are on and do harm, sorted into
// the flags that turn them off and the harms, each once.
func (f *doctorFacts) harmful(offloads []offload, features map[string]bool) (flags, harms []string) {
	for _, o := range offloads {
		if !features[o.feature] || o.generic && !f.generic() {
			continue
		}
		if !slices.Contains(flags, o.flag) {
			flags = append(flags, o.flag)
		}
		if !slices.Contains(harms, o.harm) {
			harms = append(harms, o.harm)
		}
	}
	return flags, harms
}

// turnOff is the command that turns offloads off.
func turnOff(name string, flags []string) string {
	return "ethtool -K " + name + " " + strings.Join(flags, " off ") + " off"
}

// checkOffloads looks at what the interface does to frames that arrive.
func checkOffloads(f *doctorFacts) []finding {
	const topic = "offloads"
	l := &f.link
	if l.features == nil || !l.ethernet {
		return nil
	}
	offloads := receiveOffloads
	if l.kind == "veth" {
		// A veth takes no tags off: what hides them is at its peer.
		offloads = slices.DeleteFunc(slices.Clone(offloads), func(o offload) bool { return strings.HasPrefix(o.feature, "rx-vlan") })
	}
	flags, harms := f.harmful(offloads, l.features)
	if len(flags) == 0 {
		return []finding{ok(topic, "none that spoils frames at %s", l.name)}
	}
	return []finding{warn(topic, "at %s: %s", l.name, strings.Join(harms, "; ")).
		cure("%s", f.here(turnOff(l.name, flags)))}
}

// checkPeer looks at the other end of a veth, whose stack sends what arrives here.
func checkPeer(f *doctorFacts) []finding {
	const topic = "peer"
	if f.link.kind != "veth" {
		return nil
	}
	p := f.peer
	if p == nil {
		return []finding{note(topic, "the other end of %s cannot be seen from here; its offloads can hide VLAN tags and,\nin generic mode, send frames that are too long", f.name).
			cure("ethtool -K PEER txvlan off tso off gso off    (there, with its name for PEER)")}
	}
	flags, harms := f.harmful(sendOffloads, p.features)
	var found []finding
	if len(flags) > 0 {
		found = append(found, warn(topic, "at %s: %s", p, strings.Join(harms, "; ")).
			cure("%s", f.sudo(p.prefix+turnOff(p.name, flags))))
	}
	if p.features["tx-checksum-ip-generic"] {
		// P17. Not harmful: the runtime completes such checksums.
		found = append(found, note(topic, "%s leaves checksums undone, which pvlua then does; this makes the sender do them", p).
			cure("%s", f.sudo(p.prefix+turnOff(p.name, []string{"tx"}))))
	}
	if len(found) == 0 {
		found = append(found, ok(topic, "%s has no offload on that spoils frames", p))
	}
	return found
}
