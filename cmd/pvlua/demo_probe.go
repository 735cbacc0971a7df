// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"pvlua/internal/probe"
)

// passName is the line of the table for what the script leaves to the kernel.
const passName = "TCP, by PASS"

// probe asks for everything that echo.lua answers, and for something that it
// leaves to the kernel. Unanswered probes are in the results; an error says that
// probing was not possible.
func (d *demo) probe(ctx context.Context) ([]probe.Result, error) {
	// Nothing here takes long unless nothing works, and then it need not be waited for.
	limit := 2*time.Second + time.Duration(d.count)*5*time.Millisecond
	var results []probe.Result
	for _, kind := range []probe.Kind{probe.ARP, probe.ICMP, probe.UDP, probe.ND, probe.ICMP6, probe.UDP6} {
		to := d.stage.ip()
		if kind.IPv6() {
			to = d.stage.ip6()
		}
		bounded, cancel := context.WithTimeout(ctx, limit)
		r, err := probe.Run(bounded, kind, probe.Config{Link: d.stage.near.Link, To: to, Count: d.count, Timeout: time.Second / 2})
		cancel()
		if err != nil && (ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded)) {
			return nil, err
		}
		results = append(results, r)
	}
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r, err := d.stage.connect(bounded, d.count)
	return append(results, r), errors.Join(err, ctx.Err())
}

// connect serves TCP in the namespace with the kernel's own stack, and connects to
// that from here, count times: these packets echo.lua passes.
func (s *stage) connect(ctx context.Context, count int) (probe.Result, error) {
	r := probe.Result{Name: passName}
	var listener net.Listener
	err := s.ns.Do(func() (err error) {
		listener, err = net.Listen("tcp", netip.AddrPortFrom(s.ip(), 0).String())
		return err
	})
	if err != nil {
		return r, fmt.Errorf("serving TCP in %v: %w", s.ns, err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		serveEcho(listener)
	}()
	defer func() {
		listener.Close()
		<-served
	}()
	dialer := net.Dialer{
		Timeout:   time.Second / 2,
		LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(s.near.Addrs[0].Addr(), 0)),
		Control:   bindTo(s.near.Link), // whatever other routes there are
	}
	for r.Sent < count && ctx.Err() == nil {
		r.Sent++
		began := time.Now()
		if err := echoOnce(ctx, &dialer, listener.Addr().String()); err != nil {
			r.Fault = err.Error()
			continue
		}
		r.Answered++
		r.RTTs = append(r.RTTs, time.Since(began))
	}
	return r, nil
}

// serveEcho answers one message of each connection, one after the other.
func serveEcho(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return // closed
		}
		conn.SetDeadline(time.Now().Add(time.Second / 2))
		var b [4]byte
		if _, err := io.ReadFull(conn, b[:]); err == nil {
			conn.Write(b[:])
		}
		conn.Close()
	}
}

// echoOnce connects, sends a message, and wants it back.
func echoOnce(ctx context.Context, dialer *net.Dialer, to string) error {
	conn, err := dialer.DialContext(ctx, "tcp", to)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Second / 2))
	want := [4]byte{'p', 'a', 's', 's'}
	if _, err := conn.Write(want[:]); err != nil {
		return err
	}
	var got [4]byte
	if _, err := io.ReadFull(conn, got[:]); err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("sent %q, got %q back", want, got)
	}
	return nil
}

// bindTo makes a dialer's sockets use one link alone.
func bindTo(link string) func(string, string, syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		var bound error
		if err := c.Control(func(fd uintptr) { bound = unix.BindToDevice(int(fd), link) }); err != nil {
			return err
		}
		return bound
	}
}
