// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"

	"pvlua/internal/pkttest"
	"pvlua/luabind"
)

// growthBound is how much more a packet may cost with 1,000 of something than
// with one: memory that is not in the cache, not a walk along a list.
const growthBound = 2.5

// growth is the section of what a packet costs with more and more rules, ports
// and timers.
func growth() section {
	return section{name: "growth", title: "the cost of a packet with more and more rules, ports and timers (one of them due each batch)", run: func(b *bench) ([]row, error) {
		kinds := []func(n int) subject{
			func(n int) subject { return firewallSubject(fmt.Sprint("rules: ", n), n, goal{}) }, portsSubject, timersSubject,
		}
		var rows []row
		for _, kind := range kinds {
			var subjects []subject
			for _, n := range []int{1, 10, 100, 1000} {
				subjects = append(subjects, kind(n))
			}
			costs, err := b.measureHandlers("growth", subjects)
			if err != nil {
				return nil, err
			}
			for i, c := range costs {
				r := c.row("growth", subjects[i])
				if r.ratios, r.of = nil, ""; i > 0 {
					r.ratios, r.of = ratios(c.ns, costs[0].ns), subjects[0].what
				}
				rows = append(rows, r)
			}
			rows[len(rows)-1].goal = goal{atMost, growthBound}
		}
		return rows, nil
	}}
}

// firewallSubject is bench/lua/firewall.lua with n flows blocked, to which half of
// the packets belong, in random order.
func firewallSubject(what string, n int, g goal) subject {
	packets := make([]pathPacket, 4*pathPackets)
	random := rand.New(rand.NewPCG(3, 4))
	for i := range packets {
		flow := random.IntN(n)
		if n == 1 {
			flow = 0
		}
		o := pkttest.Options{Src: addr4(10, 1, flow), Dst: addr4(10, 2, flow), SrcPort: uint16(1024 + flow), DstPort: 53}
		verdict := luabind.Drop
		if i%2 == 0 {
			o.DstPort, verdict = 54, luabind.Pass
		}
		packets[i] = pathPacket{frame: firewallFrame(flow, o), verdict: verdict}
	}
	random.Shuffle(len(packets), func(i, j int) { packets[i], packets[j] = packets[j], packets[i] })
	return subject{what: what, script: []string{"bench", "lua", "firewall.lua"}, args: []string{strconv.Itoa(n)},
		ports: []*luabind.Port{echoPort()}, packets: packets, goal: g}
}

// firewallFrame is a packet of the protocol that the script has for that flow.
func firewallFrame(flow int, o pkttest.Options) []byte {
	if flow%2 == 0 {
		return pkttest.UDP(o)
	}
	return pkttest.TCPData(o)
}

// addr4 is the n-th address from a.b.0.0 on.
func addr4(a, b byte, n int) netip.Addr {
	bytes := [4]byte{a, b}
	binary.BigEndian.PutUint16(bytes[2:], uint16(n))
	return netip.AddrFrom4(bytes)
}

// portsSubject is a patch panel of n ports.
func portsSubject(n int) subject {
	s := subject{what: fmt.Sprint("ports: ", n), script: []string{"bench", "lua", "ports.lua"}}
	for i := range n {
		port := *echoPort()
		port.Index, port.Name, port.Ifindex = i, fmt.Sprint("veth", i), i+1
		s.ports = append(s.ports, &port)
	}
	frame := pkttest.UDP(pkttest.Options{})
	for i := range 16 * handlerBatch {
		s.packets = append(s.packets, pathPacket{frame: frame, verdict: luabind.Redirect, port: i * 7 % n})
	}
	return s
}

// timersSubject drops packets beside n timers.
func timersSubject(n int) subject {
	return subject{what: fmt.Sprint("timers: ", n), script: []string{"bench", "lua", "timers.lua"}, args: []string{strconv.Itoa(n)},
		ports: []*luabind.Port{echoPort()}, timers: true,
		packets: slices.Repeat([]pathPacket{{frame: pkttest.UDP(pkttest.Options{}), verdict: luabind.Drop}}, pathPackets)}
}
