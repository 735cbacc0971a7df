// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"pvlua/inject"
	"pvlua/xsk"
)

// trialFacts tell what came of attaching to the interface for a moment.
type trialFacts struct {
	skipped  string // why it was not tried
	done     bool   // it works
	err      error  // why not even the last step of the ladder worked
	attach   xsk.AttachMode
	zeroCopy bool
	steps    []error // why each higher step did not work
	flaps    int     // how often the link lost or found its carrier meanwhile
	flapped  time.Duration
}

// how names the mode as pvlua's log does.
func (t *trialFacts) how() string {
	if t.zeroCopy {
		return t.attach.String() + " zero-copy"
	}
	return t.attach.String() + " copy"
}

// run attaches as pvlua would, down the same ladder, opens a socket on queue 0,
// and takes all of it away again. The socket is never registered with the
// program: all packets go on to the kernel's stack.
func (t *trialFacts) run(f *doctorFacts) {
	before, _ := carrierChanges(f.link.index)
	start := time.Now()
	if t.err = t.try(f); t.err == nil {
		t.done = true
	}
	// A card that resets itself needs a moment to lose its carrier, and long to
	// find it again (P41).
	time.Sleep(20 * time.Millisecond)
	after, up := carrierChanges(f.link.index)
	for f.link.carrier && !up && time.Since(start) < 10*time.Second {
		time.Sleep(20 * time.Millisecond)
		after, up = carrierChanges(f.link.index)
	}
	t.flaps, t.flapped = after-before, time.Since(start)
}

func (t *trialFacts) try(f *doctorFacts) error {
	config := xsk.ProgramConfig{
		Ifindex: f.link.index, Name: f.name, Queues: f.link.queues, Mode: f.mode,
		Reinjected: inject.NewMark(), // so that it is the very program that pvlua loads
		Log:        slog.New((*stepHandler)(t)),
	}
	program, err := xsk.Attach(config)
	if err != nil {
		return err
	}
	t.attach = program.Mode()
	ladder := f.mode.BindLadder(t.attach)
	for i, bind := range ladder {
		if t.zeroCopy, err = bindOnce(f, bind); err == nil {
			break
		}
		if i == len(ladder)-1 || !errors.Is(err, xsk.ErrNoZeroCopy) {
			break
		}
		t.steps = append(t.steps, err)
	}
	return errors.Join(err, program.Close())
}

// bindOnce opens a socket on queue 0 and closes it again.
func bindOnce(f *doctorFacts, bind xsk.BindMode) (zeroCopy bool, err error) {
	umem, err := xsk.NewUMEM(f.frames)
	if err != nil {
		return false, err
	}
	socket, err := umem.Open(xsk.SocketConfig{Ifindex: f.link.index, Name: f.name, Bind: bind})
	if err == nil {
		zeroCopy = socket.ZeroCopy()
	}
	return zeroCopy, errors.Join(err, umem.Close())
}

// stepHandler keeps the reasons of the steps down that Attach logs.
type stepHandler trialFacts

func (h *stepHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo
}

func (h *stepHandler) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if err, ok := a.Value.Any().(error); ok {
			h.steps = append(h.steps, err)
		}
		return true
	})
	return nil
}

func (h *stepHandler) WithAttrs([]slog.Attr) slog.Handler { return h }

func (h *stepHandler) WithGroup(string) slog.Handler { return h }

// carrierChanges asks how often a link has lost or found its carrier
// (IFLA_CARRIER_CHANGES of linux/if_link.h), and whether it has one.
func carrierChanges(index int) (changes int, up bool) {
	req := nl.NewNetlinkRequest(unix.RTM_GETLINK, 0)
	msg := nl.NewIfInfomsg(unix.AF_UNSPEC)
	msg.Index = int32(index)
	req.AddData(msg)
	answers, err := req.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWLINK)
	if err != nil || len(answers) == 0 {
		return 0, false
	}
	info := nl.DeserializeIfInfomsg(answers[0])
	attrs, _ := nl.ParseRouteAttr(answers[0][info.Len():])
	for _, a := range attrs {
		if a.Attr.Type == unix.IFLA_CARRIER_CHANGES && len(a.Value) >= 4 {
			changes = int(nl.NativeEndian().Uint32(a.Value))
		}
	}
	return changes, info.Flags&unix.IFF_LOWER_UP != 0
}

// virtual are drivers without a card that could lose its link.
var virtual = []string{"veth", "tun", "bridge", "dummy", "virtio_net", "bonding", "802.1Q VLAN Support", "macvlan", "vmxnet3", "hv_netvsc"}

// checkTrial tells what came of the trial: the mode (P25), and why no better one (P21).
func checkTrial(f *doctorFacts) []finding {
	const topic = "trial"
	t := &f.trial
	if t.skipped != "" {
		found := []finding{note(topic, "%s", t.skipped)}
		if f.link.ethernet && !slices.Contains(virtual, f.link.driver) {
			found = append(found, note(topic, "some cards lose their link for seconds when XDP is attached")) // P41
		}
		return found
	}
	if t.err != nil {
		why, hint := explain(t.err)
		if f.mode == xsk.ModeZeroCopy && errors.Is(t.err, xsk.ErrNoZeroCopy) {
			hint = "pvlua --mode native ...    (copies where the driver cannot do without)"
		}
		found := fail(topic, "it was tried, and failed: %s", why)
		if hint != "" {
			found = found.cure("%s", hint)
		}
		return []finding{found}
	}
	var found []finding
	for _, step := range t.steps {
		if errors.Is(step, xsk.ErrNoZeroCopy) && errors.Is(step, unix.EOPNOTSUPP) {
			found = append(found, note(topic, "the driver has no zero-copy: packets are copied into the frames"))
			continue
		}
		why, hint := explain(step)
		down := warn(topic, "%s", why)
		if hint != "" {
			down = down.cure("%s", hint)
		}
		found = append(found, down)
	}
	found = append(found, ok(topic, "%s (attached for a moment, a socket opened on queue 0, all taken away again)", t.how()))
	if t.flaps > 0 {
		found = append(found, warn(topic, "the link of %s was lost meanwhile, and was back after %.1f s: so it will be\nwhenever pvlua starts or ends", f.name, t.flapped.Seconds()).
			cure("pvlua --mode generic ...    (slower, but it leaves the card alone)"))
	}
	return found
}

// explain divides an error of package xsk into what failed and what to do.
func explain(err error) (why, hint string) {
	var x *xsk.Error
	if !errors.As(err, &x) {
		return err.Error(), ""
	}
	bare := *x
	bare.Hint = ""
	return bare.Error(), x.Hint
}
