// SPDX-License-Identifier: GPL-3.0-or-later

// Package probe asks a host on the same link for answers and measures how long they
// take: ARP, ICMP echo, UDP echo, and the same over IPv6. It is what `pvlua demo`
// measures echo.lua with, and a client for tests. The kernel's own stack sends the
// echoes, so that it is a real client that has to be satisfied; the two protocols by
// which a stack finds its neighbours are spoken here, frame by frame.
package probe

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Kind is a protocol to probe with.
type Kind uint8

// The kinds in the order that a table shows them in.
const (
	ARP   Kind = iota // ARP requests (RFC 826)
	ICMP              // ICMP echo (RFC 792)
	UDP               // the echo service at UDP port 7 (RFC 862)
	ND                // neighbour solicitations (RFC 4861 section 7.2)
	ICMP6             // ICMPv6 echo (RFC 4443 section 4)
	UDP6              // the echo service over IPv6

	numKinds
)

var kindNames = [numKinds]string{"ARP", "ICMP echo", "UDP port 7", "ND solicitation", "ICMPv6 echo", "UDP over IPv6"}

func (k Kind) String() string {
	if k >= numKinds {
		return fmt.Sprintf("probe kind %d", uint8(k))
	}
	return kindNames[k]
}

// IPv6 says whether the kind needs IPv6 addresses.
func (k Kind) IPv6() bool { return k >= ND }

// Config says whom to ask and how often. Its zero values, where they have a meaning,
// are named with each field.
type Config struct {
	// Link is the name of the interface to send from. Required.
	Link string
	// From is the source address; the zero Addr means the first one of Link that
	// suits To.
	From netip.Addr
	// To is who is asked. Required, and of the family of the kind.
	To netip.Addr
	// Count is the number of probes, at most 65535; 0 means 100.
	Count int
	// Interval is the time from one probe to the next; 0 means a millisecond. ARP and
	// ND wait for the answer besides, since nothing in it tells which question it is to.
	Interval time.Duration
	// Timeout is how long an answer may take to count; 0 means a second.
	Timeout time.Duration
	// Payload is the number of bytes that an echo carries, 12 to 65000; 0 means 56, as
	// ping has it. ARP and ND carry none.
	Payload int
}

const (
	minPayload = cookieLen + 4
	maxPayload = 65000
)

// complete returns c with the defaults put in, or what is wrong with it.
func (c Config) complete(k Kind) (Config, error) {
	orDefault(&c.Count, 100)
	orDefault(&c.Interval, time.Millisecond)
	orDefault(&c.Timeout, time.Second)
	orDefault(&c.Payload, 56)
	switch {
	case k >= numKinds:
		return c, fmt.Errorf("there is no %v", k)
	case c.Link == "":
		return c, fmt.Errorf("%v: no link to send from is named", k)
	case !c.To.IsValid() || c.To.Is4() == k.IPv6() || c.To.Is4In6():
		return c, fmt.Errorf("%v: %v is no address for it", k, c.To)
	case c.From.IsValid() && c.From.Is4() != c.To.Is4():
		return c, fmt.Errorf("%v: %v cannot be asked from %v", k, c.To, c.From)
	case c.Count < 1 || c.Count > 65535:
		return c, fmt.Errorf("%v: %d probes: 1 to 65535 are possible", k, c.Count)
	case c.Interval < 0 || c.Timeout < 0:
		return c, fmt.Errorf("%v: a negative time", k)
	case c.Payload < minPayload || c.Payload > maxPayload:
		return c, fmt.Errorf("%v: a payload of %d bytes: %d to %d are possible", k, c.Payload, minPayload, maxPayload)
	}
	return c, nil
}

func orDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// Result is what came of the probes of one kind.
type Result struct {
	Kind     Kind
	Name     string // what a table calls it; empty: as the Kind
	Sent     int
	Answered int             // rightly and in time
	Wrong    int             // messages in answer to a probe that were wrong: altered, or surplus
	Fault    string          // what was wrong with the latest of those, or why probes could not be sent
	RTTs     []time.Duration // of the answered probes, in the order of the answers
}

// OK says whether every probe was answered, once and rightly.
func (r *Result) OK() bool { return r.Sent > 0 && r.Answered == r.Sent && r.Wrong == 0 }

// Median returns the median round-trip time; 0 if nothing was answered.
func (r *Result) Median() time.Duration {
	n := len(r.RTTs)
	if n == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(r.RTTs))
	return (s[(n-1)/2] + s[n/2]) / 2
}

// P99 returns the 99th percentile of the round-trip times by nearest rank: the
// least of them that at least 99 % do not exceed; 0 if nothing was answered.
func (r *Result) P99() time.Duration {
	n := len(r.RTTs)
	if n == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(r.RTTs))
	return s[(n*99+99)/100-1]
}

// Run sends the probes of one kind and waits for their answers, or until ctx is done.
// It works in the network namespace of the calling thread: call it inside
// netns.NS.Do to probe from elsewhere. Unanswered probes are no error; an error says
// that probing was not possible or was cut short, and the Result holds what came before.
// It needs CAP_NET_RAW, except for UDP.
func Run(ctx context.Context, k Kind, c Config) (Result, error) {
	c, err := c.complete(k)
	if err != nil {
		return Result{Kind: k}, fmt.Errorf("probe: %w", err)
	}
	p, err := open(k, c)
	if err != nil {
		return Result{Kind: k}, fmt.Errorf("probe: %v of %v from %s: %w", k, c.To, c.Link, err)
	}
	defer p.close()
	r, err := newSession(k, c, p).run(ctx)
	if err != nil {
		err = fmt.Errorf("probe: %v of %v from %s: %w", k, c.To, c.Link, err)
	}
	return r, err
}

// open opens the prober of a kind.
func open(k Kind, c Config) (prober, error) {
	l, err := findLink(&c)
	if err != nil {
		return nil, err
	}
	switch k {
	case ARP:
		return openARP(c, l)
	case ND:
		return openND(c, l)
	case UDP, UDP6:
		return openUDP(c, l)
	default:
		return openEcho(c, l)
	}
}
