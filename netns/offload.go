// SPDX-License-Identifier: GPL-3.0-or-later

package netns

import (
	"fmt"
	"slices"

	"github.com/safchain/ethtool"
)

// spoilers are the device features, by the kernel's names (netdev_features_strings in
// net/ethtool/common.c), that make a veth hand over something other than the frame
// that would be on a wire. A kernel that lacks one of them is none the worse.
var spoilers = []string{
	// The L4 checksum holds no more than the pseudo-header's sum (P17).
	"tx-checksum-ip-generic", "tx-checksum-ipv4", "tx-checksum-ipv6", "tx-checksum-sctp", "rx-checksum",
	// Super-frames of many segments (P18).
	"tx-tcp-segmentation", "tx-tcp-ecn-segmentation", "tx-tcp-mangleid-segmentation", "tx-tcp-accecn-segmentation",
	"tx-tcp6-segmentation", "tx-udp-segmentation", "tx-sctp-segmentation",
	"tx-generic-segmentation", "tx-gso-list", "tx-gso-robust", "tx-gso-partial",
	// Frames merged on receipt (P18).
	gro, "rx-gro-list", "rx-udp-gro-forwarding", "rx-gro-hw", "rx-lro",
	// The VLAN tag travels beside the frame, not in it (P19).
	"tx-vlan-hw-insert", "rx-vlan-hw-parse", "tx-vlan-stag-hw-insert", "rx-vlan-stag-hw-parse",
}

const gro = "rx-gro"

// unwanted lists the spoilers that have no place on an end.
func unwanted(e End) []string {
	if e.GRO {
		return slices.DeleteFunc(slices.Clone(spoilers), func(s string) bool { return s == gro })
	}
	return spoilers
}

// spoilersOn returns those of the names that are on at the link.
func spoilersOn(et *ethtool.Ethtool, link string, names []string) ([]string, error) {
	state, err := et.Features(link)
	if err != nil {
		return nil, fmt.Errorf("read the offloads of %s: %w", link, err)
	}
	var on []string
	for _, s := range names {
		if state[s] {
			on = append(on, s)
		}
	}
	return on, nil
}

// turnOn turns a feature on.
func turnOn(et *ethtool.Ethtool, link, name string) error {
	if err := et.Change(link, map[string]bool{name: true}); err != nil {
		return fmt.Errorf("turn on %s at %s: %w", name, link, err)
	}
	return nil
}

// turnOff turns them off, and says which could not be.
func turnOff(et *ethtool.Ethtool, link string, names []string) error {
	on, err := spoilersOn(et, link, names)
	if err != nil || len(on) == 0 {
		return err
	}
	change := make(map[string]bool, len(on))
	for _, s := range on {
		change[s] = false
	}
	if err := et.Change(link, change); err != nil {
		return fmt.Errorf("turn off %v at %s: %w", on, link, err)
	}
	// The kernel answers a request that it did not fulfil with success.
	if on, err = spoilersOn(et, link, names); err != nil || len(on) == 0 {
		return err
	}
	return fmt.Errorf("offloads at %s stay on though turned off: %v", link, on)
}
