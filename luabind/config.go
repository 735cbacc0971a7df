// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"io"
	"log/slog"
	"time"

	"pvlua/state"
)

// DefaultQuota is how many instructions one callback may run when
// Config.Quota is 0: enough for tens of milliseconds of work, far more than a
// packet can take.
const DefaultQuota = 10_000_000

// Config says what a State is made of. Script and Host are required.
type Config struct {
	// Script is the path of the script, as errors and tracebacks name it.
	// Modules that it requires are looked for in its folder.
	Script string
	// Source is the text of the script; nil reads the file Script.
	Source []byte
	// Sources, if not nil, remembers the text of the script and of its modules
	// for other states, and which warnings have been logged.
	Sources *Sources
	// Args become pv.args.
	Args []string
	// Worker is the index of the worker that the State belongs to, from 0, and
	// Workers how many there are; 0 is 1.
	Worker, Workers int
	// Store has the counters and maps; nil is a new one.
	Store *state.Store
	// Ports become pv.ports, in this order; each has the Index of its place.
	Ports []*Port
	// Host is the outside: transmission and time.
	Host Host
	// Log takes what pv.log writes, and warnings about the script; nil
	// discards it.
	Log *slog.Logger
	// Stdout takes what print writes, one Write per line; nil discards it.
	Stdout io.Writer
	// Quota is how many instructions one callback may run; 0 is DefaultQuota.
	Quota int
	// Plain has gopher-lua run all of the handler. It makes no difference but to
	// speed; it is there so that tests can see that.
	Plain bool
}

// Port is what a script can know of a network interface.
type Port struct {
	Index   int        // place in Config.Ports, from 0
	Name    string     // "veth1"
	MAC     uint64     // first byte highest; 0 if there is none
	IP      []uint32   // IPv4 addresses in host order
	IP6     [][16]byte // IPv6 addresses
	MTU     int        // longest packet without Ethernet header in bytes; 0 if unknown
	Queues  int        // receive queues that are in use
	Ifindex int        // the kernel's number of the interface
	Up      bool       // whether it can carry packets now
}

// Host is what a State needs from the program around it; if it can, it is an
// ExitHost and a SocketHost as well. Its methods are
// called on the goroutine that runs the State and must not call the State.
type Host interface {
	// Send queues a copy of frame for transmission on a port, given by its
	// Index. It reports false when there is no room; the caller counts it.
	Send(port int, frame []byte) bool
	// Now is the time for timers and pv.now. It never goes back.
	Now() time.Time
}

// Verdict is what becomes of a packet.
type Verdict uint8

// The verdicts. The first three are the kernel's numbers XDP_DROP, XDP_PASS
// and XDP_TX (linux/bpf.h). Zero is no verdict: the handler failed.
const (
	Drop     Verdict = 1 // gone
	Pass     Verdict = 2 // the kernel's own stack gets it
	TX       Verdict = 3 // back out of the port it came in on
	Redirect Verdict = 4 // out of the port that Packet.Out says
)

// String gives the verdict as --dump shows it.
func (v Verdict) String() string {
	switch v {
	case Drop:
		return "drop"
	case Pass:
		return "pass"
	case TX:
		return "tx"
	case Redirect:
		return "port"
	}
	return "none"
}

// Packet is one packet on its way through Handle.
type Packet struct {
	// Buf[From:To] is the packet, which the handler may change. The rest of
	// Buf is room around it, within which the handler may move From and To;
	// what it writes there does not matter to anybody else.
	Buf      []byte
	From, To int
	// Port is the Index of the port that it came in on.
	Port int

	// Verdict is the handler's answer, and Out the Index of the port for
	// Redirect. When the handler failed, Err says how, a *ScriptError, and
	// Verdict is 0.
	Verdict Verdict
	Out     int
	Err     error
}
