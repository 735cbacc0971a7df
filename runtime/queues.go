// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import "pvlua/xsk"

// How queues become workers.
//
// There are as many workers as the port with the fewest queues has, so that
// each worker has a queue of every port and can send on it without asking
// another one. A worker serves every queue whose number is its own modulo the
// number of workers. So a flow, whose packets a network card gives to one queue
// (receive side scaling), is handled by one worker, in order, and leaves by one
// queue in that order.

// workersFor returns how many workers there are for ports with so many queues.
func workersFor(queues []int) int {
	n := queues[0]
	for _, q := range queues {
		n = min(n, q)
	}
	return n
}

// queuesOf returns which of a port's queues a worker serves.
func queuesOf(worker, workers, queues int) []int {
	var mine []int
	for q := worker; q < queues; q += workers {
		mine = append(mine, q)
	}
	return mine
}

// mostSockets returns how many sockets the worker has that has most, on ports
// with so many queues.
func mostSockets(workers int, queues []int) int {
	sockets := 0
	for _, q := range queues {
		sockets += len(queuesOf(0, workers, q))
	}
	return sockets
}

// queuesAreShifted reports whether packets come in on other queues of a port
// than they were sent to. A veth whose peer does not have native XDP leaves the
// number of its transmit queue in the skb, where 0 means to a receiver that none
// is recorded, and n that it was queue n-1 (veth_xmit in drivers/net/veth.c,
// skb_get_rx_queue in include/linux/skbuff.h).
func (p *port) queuesAreShifted() bool {
	return p.queues > 1 && p.facts.driver == "veth" && p.program.Mode() == xsk.Generic
}
