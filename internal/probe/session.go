// SPDX-License-Identifier: GPL-3.0-or-later

package probe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// prober sends probes of one kind and recognises their answers. Its methods do not block.
type prober interface {
	fd() int
	send(seq int) error
	// receive takes one message. err is EAGAIN when there is none. Otherwise ok says
	// whether it is an answer to a probe of ours: to probe seq, or, where seq is
	// anyProbe, to the one that is unanswered; and fault what is wrong with it, if anything.
	receive() (a answer, ok bool, err error)
	close()
}

type answer struct {
	seq   int
	fault string // empty: right
}

// anyProbe is the seq of answers that do not tell which probe they are to.
const anyProbe = -1

// session is one run of a prober.
type session struct {
	cfg      Config
	p        prober
	lockstep bool // one probe at a time
	res      Result
	sentAt   []time.Time // by seq
	state    []state     // by seq
	oldest   int         // the lowest seq that is waiting, or the number sent
}

type state uint8

const (
	waiting state = iota
	answered
	given // up: the time is over
)

func newSession(k Kind, c Config, p prober) *session {
	return &session{cfg: c, p: p, lockstep: k == ARP || k == ND, res: Result{Kind: k}}
}

// slice is how long one wait may take, so that the end of the context is noticed.
const slice = 20 * time.Millisecond

func (s *session) run(ctx context.Context) (Result, error) {
	next := time.Now()
	for {
		if err := ctx.Err(); err != nil {
			return s.res, err
		}
		now := time.Now()
		s.giveUp(now)
		if s.res.Sent < s.cfg.Count && s.maySend() && !now.Before(next) {
			if err := s.send(); err != nil {
				return s.res, err
			}
			if next = next.Add(s.cfg.Interval); next.Before(now) {
				next = now // never hurry to make up for lost time
			}
		}
		if s.res.Sent == s.cfg.Count && s.oldest == s.res.Sent {
			return s.res, nil
		}
		until := now.Add(slice)
		if s.oldest < s.res.Sent {
			until = earlier(until, s.sentAt[s.oldest].Add(s.cfg.Timeout))
		}
		if s.res.Sent < s.cfg.Count && s.maySend() {
			until = earlier(until, next)
		}
		if err := waitReadable(s.p.fd(), time.Until(until)); err != nil {
			return s.res, err
		}
		if err := s.drain(); err != nil {
			return s.res, err
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func (s *session) maySend() bool { return !s.lockstep || s.oldest == s.res.Sent }

func (s *session) send() error {
	seq := s.res.Sent
	s.sentAt = append(s.sentAt, time.Now())
	s.state = append(s.state, waiting)
	s.res.Sent++
	err := s.p.send(seq)
	if reportsEarlier(err) {
		s.res.Fault = err.Error()
		err = s.p.send(seq) // the first call delivered an error that was pending
	}
	if reportsEarlier(err) || errors.Is(err, unix.ENOBUFS) || errors.Is(err, unix.EAGAIN) {
		s.res.Fault = err.Error() // a lost probe, as on any link
		return nil
	}
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	return nil
}

// reportsEarlier says whether an error of a connected socket tells the fate of an
// earlier packet: nobody at the port, or no such neighbour (ip(7), udp(7)).
func reportsEarlier(err error) bool {
	return errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.EHOSTUNREACH)
}

func (s *session) drain() error {
	for {
		a, ok, err := s.p.receive()
		now := time.Now()
		switch {
		case errors.Is(err, unix.EAGAIN):
			return nil
		case errors.Is(err, unix.EINTR):
			continue
		case reportsEarlier(err):
			s.res.Fault = err.Error()
			continue
		case err != nil:
			return fmt.Errorf("receive: %w", err)
		}
		if ok {
			s.take(a, now)
		}
	}
}

// take books one answer.
func (s *session) take(a answer, now time.Time) {
	if a.seq == anyProbe {
		if s.oldest == s.res.Sent {
			return // to a question of the kernel's own
		}
		a.seq = s.oldest
	}
	switch {
	case a.fault != "":
		s.wrong(a.fault)
	case a.seq >= s.res.Sent:
		s.wrong(fmt.Sprintf("answer to probe %d, which was not sent", a.seq))
	case s.state[a.seq] == answered:
		s.wrong(fmt.Sprintf("probe %d answered twice", a.seq))
	default:
		rtt := now.Sub(s.sentAt[a.seq])
		if s.state[a.seq] == given || rtt > s.cfg.Timeout {
			s.res.Fault = fmt.Sprintf("answer after %v", rtt.Round(time.Microsecond))
			return // too late, which is as good as none
		}
		s.state[a.seq] = answered
		s.res.Answered++
		s.res.RTTs = append(s.res.RTTs, rtt)
		s.giveUp(now)
	}
}

func (s *session) wrong(fault string) { s.res.Wrong++; s.res.Fault = fault }

// giveUp moves oldest past the probes that are answered or out of time.
func (s *session) giveUp(now time.Time) {
	for ; s.oldest < s.res.Sent; s.oldest++ {
		if s.state[s.oldest] != waiting {
			continue
		}
		if now.Sub(s.sentAt[s.oldest]) <= s.cfg.Timeout {
			return
		}
		s.state[s.oldest] = given
	}
}

// waitReadable waits until there is something to receive, an error included, or d is over.
func waitReadable(fd int, d time.Duration) error {
	ts := unix.NsecToTimespec(int64(max(d, 0)))
	_, err := unix.Ppoll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, &ts, nil)
	if err != nil && err != unix.EINTR {
		return err
	}
	return nil
}
